"""A checkout of the todo stack: nothing to say of it as it is, and of each damage the cause."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from assistant.cli.diagnose import diagnose
from mcp_tools.diagnosis.layers.report import findings_in
from mcp_tools.diagnosis.layers.sources import Sources, read_sources
from mcp_tools.diagnosis.layers.variables import required_variables
from mcp_tools.stack.images import NOT_BUILT_FROM

STACK = Path(__file__).parents[2]
BUILT = {f"todo-{name}": frozenset({"1.0.0"}) for name in ("backend", "frontend", "mcp-server")}
BACKEND = "manifests/04-backend-deployment.yaml"
CONFIG = "manifests/01-config.yaml"
DAMAGE = {
    # The file, what stands in it, what is to stand there; the mode, the object and the field that are to be told.
    "exposed": (
        "apps/backend/Dockerfile",
        "EXPOSE 8000",
        "EXPOSE 8001",
        ("layers-port", "backend", "spec.template.spec.containers[0].ports[0].containerPort"),
    ),
    "probed": (
        BACKEND,
        "port: http",
        "port: 8080",
        ("probe-port", "backend", "spec.template.spec.containers[0].startupProbe.httpGet.port"),
    ),
    "served": (
        "manifests/05-backend-service.yaml",
        "targetPort: http",
        "targetPort: 80",
        ("service-target-port", "backend", "spec.ports[0].targetPort"),
    ),
    "selected": (
        "manifests/05-backend-service.yaml",
        "selector:\n    app.kubernetes.io/name: backend",
        "selector:\n    app.kubernetes.io/name: back-end",
        ("service-selector", "backend", "spec.selector"),
    ),
    "called": (
        CONFIG,
        "MCP_SERVER_URL: http://mcp-server:8001",
        "MCP_SERVER_URL: http://mcp-server:8010",
        ("service-port", "mcp-server", "spec.ports[0].port"),
    ),
    "misnamed": (
        CONFIG,
        "MCP_SERVER_URL: http://mcp-server:8001",
        "MCP_SERVER_URL: http://mcp-sever:8001",
        ("dns-name", "backend-config", "data.MCP_SERVER_URL"),
    ),
    "localhost": (
        CONFIG,
        "MCP_SERVER_URL: http://mcp-server:8001",
        "MCP_SERVER_URL: http://localhost:8001",
        ("loopback", "backend-config", "data.MCP_SERVER_URL"),
    ),
    "unset": (
        CONFIG,
        "BETTER_AUTH_URL:",
        "BETTER_AUTH_ADDRESS:",
        ("env-missing", "backend", "spec.template.spec.containers[0].env"),
    ),
    "unbuilt": (
        BACKEND,
        "image: todo-backend:1.0.0",
        "image: todo-backend:1.0.1",
        ("layers-tag", "backend", "spec.template.spec.containers[0].image"),
    ),
    "unread": (
        "helm/todo-app/values-prod.yaml",
        None,
        "\nautoscalling: { enabled: true }\n",
        ("layers-value", "helm/todo-app/values-prod.yaml", "autoscalling.enabled"),
    ),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("apps", "helm", "manifests"):
        shutil.copytree(STACK / name, tmp_path / name, ignore=lambda _, names: NOT_BUILT_FROM & set(names))
    return tmp_path


def told(checkout: Path) -> set[tuple[str, str, str]]:
    found = findings_in(read_sources(checkout), BUILT)
    return {(finding.mode, finding.object.name, finding.field) for finding in found}


def test_the_layers_of_the_stack_agree(checkout: Path) -> None:
    sources = read_sources(checkout)
    assert [finding.cause for finding in findings_in(sources, BUILT)] == []
    assert (len(sources.dockerfiles), len(sources.charts)) == (3, 1)
    assert {"Deployment", "Service", "ConfigMap", "Ingress"} <= {item["kind"] for _, item in sources.manifests}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damage_is_told_with_the_place_to_repair(checkout: Path, name: str) -> None:
    file, old, new, wanted = DAMAGE[name]
    path = checkout / file
    text = path.read_text("utf-8")
    if old is not None:
        assert old in text
    path.write_text(text + new if old is None else re.sub(re.escape(old), new, text, count=1), "utf-8")
    assert wanted in told(checkout)


def test_images_that_cannot_be_seen_are_said_to_be_unseen(checkout: Path) -> None:
    sources = read_sources(checkout)
    assert findings_in(sources, None) == []
    assert any("Docker" in text for text in sources.unseen)


def test_the_command_ends_with_1_and_says_what_to_do(checkout: Path) -> None:
    path = checkout / "apps/backend/Dockerfile"
    path.write_text(path.read_text("utf-8").replace("EXPOSE 8000", "EXPOSE 8001"), "utf-8")
    found = CliRunner().invoke(diagnose, ["--path", str(checkout)])
    assert found.exit_code == 1
    assert "apps/backend/Dockerfile" in found.output
    assert "port to 8001" in " ".join(found.output.split())


def test_what_is_no_manifest_and_no_yaml_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [", "utf-8")
    (tmp_path / "b.yaml").write_text("- 1\n---\nkind: 3\n---\nkind: X\napiVersion: v1\nmetadata: {}\n", "utf-8")
    (tmp_path / "Dockerfile").write_text("EXPOSE $PORT 80/tcp\n", "utf-8")
    sources = read_sources(tmp_path)
    assert findings_in(sources, BUILT) == []
    assert sources.manifests == []
    assert sources.unseen == {"a.yaml (no YAML)": None}


REQUIRED = {
    "settings.ts": 'const url = process.env.DATABASE_URL!;\nif (!process.env.SECRET) {\n  throw new Error("x");\n}',
    "lib.js": "const key = requireEnv('API_KEY');\n// process.env.COMMENTED!\nconst port = process.env.PORT || 3000",
    "main.go": 'url := os.Getenv("DATABASE_URL")\nif url == "" {\n\tlog.Fatal("no")\n}\nmode := os.Getenv("MODE")',
    "config.go": 'type C struct {\n\tKey string `env:"API_KEY,required"`\n\tMode string `env:"MODE"`\n}',
    "looked.go": 'key, ok := os.LookupEnv("API_KEY")\nif !ok {\n\tpanic("no")\n}',
    "application.yml": "spring.datasource.url: ${DATABASE_URL}\nserver.port: ${PORT:8080}",
    "Main.java": 'var key = Objects.requireNonNull(System.getenv("API_KEY"));\nSystem.getenv("MODE");',
    "main.rs": 'let url = env::var("DATABASE_URL").expect("no");\nlet mode = env::var("MODE").unwrap_or_default();',
    "app.rb": "url = ENV.fetch('DATABASE_URL')\nport = ENV.fetch('PORT', 3000)\nmode = ENV.fetch('MODE') { 'a' }",
}


@pytest.mark.parametrize("file", REQUIRED)
def test_only_what_code_cannot_do_without_is_required(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text(REQUIRED[file], "utf-8")
    named = required_variables(Sources(tmp_path), tmp_path)
    assert set(named) <= {"DATABASE_URL", "SECRET", "API_KEY"}
    assert named == {name: f"{file}:{_line_of(name, REQUIRED[file])}" for name in named} != {}


def _line_of(name: str, text: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if name in line)
