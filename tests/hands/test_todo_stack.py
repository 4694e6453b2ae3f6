"""The todo stack as a whole: looked at first, deployed as one change, taken back on failure, taken down."""

from __future__ import annotations

import base64
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hands_helpers import Kube, Person, there
from helm_helpers import helm_on
from needs import missing

from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.errors import NotAllowed, NotFound, UsageError
from mcp_tools.stack import images, programs
from mcp_tools.stack.images import way_to
from mcp_tools.stack.locate import MARKS, chart_dir, database_manifest
from mcp_tools.stack.preflight import NotReady
from mcp_tools.stack.settings import StackSettings
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from mcp_tools.sandbox import lifecycle

SIGNING = "a-secret-that-is-long-enough-0123456789"
NEON = "postgresql://me:pass-word-9@ep-cool.neon.tech/todo?sslmode=require"


@pytest.fixture
def name(kube: Kube) -> Iterator[str]:
    """A namespace for a stack that is not there yet."""
    with place_on(kube) as name:
        yield name


@contextmanager
def place_on(kube: Kube) -> Iterator[str]:
    name = f"stack-{uuid.uuid4().hex[:6]}"
    try:
        yield name
    finally:
        if there(kube, f"/api/v1/namespaces/{name}"):
            kube.delete(f"/api/v1/namespaces/{name}")


def checkout(root: Path, backend: str = "", frontend: str = "") -> Path:
    """Sources as far as they are looked for, with the two `.env` files as given."""
    for mark in MARKS:
        (root / mark).parent.mkdir(parents=True, exist_ok=True)
        (root / mark).write_text("FROM scratch\n")
    (root / "apps/backend/.env").write_text(backend)
    (root / "apps/frontend/.env").write_text(frontend)
    return root


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes a checkout the working directory."""

    def make(backend: str = "", frontend: str = "") -> Path:
        root = checkout(tmp_path / "checkout", backend, frontend)
        monkeypatch.chdir(root)
        return root

    return make


@dataclass
class Deployed:
    """A stack that Shipmate deployed, with the box and the journal that did it."""

    box: Toolbox
    name: str
    person: Person
    first: dict[str, Any]


@pytest.fixture(scope="module")
def deployed(
    sandbox: lifecycle.SandboxInfo, kube: Kube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    person, place = Person(), tmp_path_factory.mktemp("deployed")
    target = Target(kubeconfig=str(sandbox.kubeconfig))
    box = Toolbox(target, approver=person.approve, reporter=person.hear, journal=place / "journal.db")
    with place_on(kube) as name, pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout(place / "checkout"))
        first = stack(box, "deploy", name)
        yield Deployed(box, name, person, first)
    box.close()


def secret_of(kube: Kube, namespace: str) -> dict[str, str]:
    data = kube.get(f"/api/v1/namespaces/{namespace}/secrets/backend-secrets")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def images_of(kube: Kube, namespace: str) -> set[str]:
    found = kube.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    return {item["spec"]["template"]["spec"]["containers"][0]["image"] for item in found}


def stack(box: Toolbox, action: str, namespace: str, **more: Any) -> dict[str, Any]:
    return box.call("todo_stack", {"action": action, "namespace": namespace, **more}).data


def test_from_nothing_to_an_address(deployed: Deployed, kube: Kube) -> None:
    assert deployed.first["status"] == "verified", deployed.first["reason"]
    said = [progress.message for progress in deployed.person.progress]
    order = [said.index(f"applying {part} in namespace {deployed.name}") for part in (
        "secret/backend-secrets", "statefulset/postgres", "deployment/mcp-server", "deployment/backend",
        "deployment/frontend", "ingress/todo-ingress",
    )]  # fmt: skip
    assert order == sorted(order)
    assert any("trying the stack" in message for message in said)
    held = secret_of(kube, deployed.name)
    assert held["DATABASE_URL"] == f"postgresql://todo:{held['POSTGRES_PASSWORD']}@postgres:5432/todo"
    state = stack(deployed.box, "status", deployed.name)
    assert state["ready"], state
    assert {part["name"] for part in state["parts"]} == {"postgres", "mcp-server", "backend", "frontend"}
    assert stack(deployed.box, "deploy", deployed.name)["status"] == "unchanged"
    assert secret_of(kube, deployed.name) == held


def test_secrets_come_from_the_env_files_and_are_seen_nowhere_else(
    make_box: Callable[..., Toolbox],
    kube: Kube,
    person: Person,
    name: str,
    sources: Callable[..., Path],
    tmp_path: Path,
) -> None:
    sources(f"DATABASE_URL={NEON}\nGEMINI_API_KEY='key-of-mine-77'\nLOG_LEVEL=INFO\n", f"BETTER_AUTH_SECRET={SIGNING}")
    box = make_box()
    done = stack(box, "deploy", name, environment="prod")
    assert done["status"] == "verified", done["reason"]
    assert secret_of(kube, name) == {
        "DATABASE_URL": NEON, "BETTER_AUTH_SECRET": SIGNING, "GEMINI_API_KEY": "key-of-mine-77"
    }  # fmt: skip
    assert not there(kube, f"/apis/apps/v1/namespaces/{name}/statefulsets/postgres")
    box.close()
    journal = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    seen = repr(person.progress) + repr([plan.warnings for plan in person.plans]) + repr(done)
    for value in (NEON, "pass-word-9", SIGNING, "key-of-mine-77"):
        assert value not in seen
        assert value.encode() not in journal
        assert base64.b64encode(value.encode()) not in journal


@pytest.mark.parametrize(
    ("backend", "frontend", "told"),
    [
        ("", "", ["DATABASE_URL is missing: set it in apps/backend/.env", "BETTER_AUTH_SECRET is missing"]),
        ("DATABASE_URL=postgresql://todo@localhost/todo", f"BETTER_AUTH_SECRET={SIGNING}", ["leads to localhost"]),
        (f"DATABASE_URL={NEON}", "BETTER_AUTH_SECRET=short", ["shorter than 32"]),
        ("DATABASE_URL=mysql://x", f"BETTER_AUTH_SECRET={SIGNING}", ["no postgresql:// address"]),
    ],
)
def test_what_is_missing_is_named_before_anything_is_done(
    box: Toolbox, kube: Kube, person: Person, name: str, sources: Callable[..., Path],
    backend: str, frontend: str, told: list[str],
) -> None:  # fmt: skip
    sources(backend, frontend)
    with pytest.raises(NotReady) as error:
        stack(box, "deploy", name, environment="prod")
    assert all(part in error.value.message for part in told), error.value.message
    assert "short" not in error.value.message.replace("shorter", "")
    assert not person.plans
    assert not there(kube, f"/api/v1/namespaces/{name}")


def test_two_files_that_disagree_are_not_chosen_between(box: Toolbox, name: str, sources: Callable[..., Path]) -> None:
    sources(f"DATABASE_URL={NEON}", "DATABASE_URL=postgresql://other@db.example.com/todo")
    with pytest.raises(UsageError, match=r"different things of DATABASE_URL") as error:
        stack(box, "deploy", name)
    assert "pass-word-9" not in str(error.value)


def test_a_version_that_does_not_come_up_is_taken_back_with_its_cause(deployed: Deployed, kube: Kube) -> None:
    before = images_of(kube, deployed.name)
    failed = stack(deployed.box, "deploy", deployed.name, version="9.9.9")
    assert failed["status"] == "rolled_back"
    assert "9.9.9" in failed["reason"].partition("the cause: ")[2], failed["reason"]
    assert images_of(kube, deployed.name) == before
    assert stack(deployed.box, "status", deployed.name)["ready"]


def test_an_upgrade_goes_back_and_a_first_deployment_does_not(deployed: Deployed, kube: Kube) -> None:
    with pytest.raises(NotFound, match="no version before"):
        stack(deployed.box, "rollback", deployed.name)
    config = f"/api/v1/namespaces/{deployed.name}/configmaps/backend-config"
    before = kube.get(config)["data"]
    upgraded = stack(deployed.box, "deploy", deployed.name, url="http://tasks.example.com")
    assert upgraded["status"] == "verified"
    assert kube.get(config)["data"]["BETTER_AUTH_URL"] == "http://tasks.example.com"
    assert stack(deployed.box, "rollback", deployed.name)["status"] == "verified"
    assert kube.get(config)["data"] == before


def test_going_back_leaves_a_secret_whose_earlier_value_is_kept_nowhere_and_says_so(
    box: Toolbox, kube: Kube, person: Person, name: str, sources: Callable[..., Path]
) -> None:
    sources()
    config = f"/api/v1/namespaces/{name}/configmaps/backend-config"
    assert stack(box, "deploy", name)["status"] == "verified"
    before = kube.get(config)["data"]
    sources("GEMINI_API_KEY=key-of-mine-77")
    assert stack(box, "deploy", name, url="http://tasks.example.com", version="1.0.1")["status"] == "verified"
    person.plans.clear()
    person.progress.clear()
    assert stack(box, "rollback", name)["status"] == "verified"
    assert any("secret/backend-secrets" in note and "stays as it is" in note for note in person.plans[0].warnings)
    assert any("trying the stack" in progress.message for progress in person.progress)
    assert kube.get(config)["data"] == before
    assert images_of(kube, name) == {f"todo-{program}:1.0.0" for program in images.PROGRAMS}
    assert secret_of(kube, name)["GEMINI_API_KEY"] == "key-of-mine-77"
    with pytest.raises(NotFound, match="no version before"):
        stack(box, "rollback", name)


def test_over_http_no_env_file_of_the_server_is_read_and_nothing_is_built(
    make_box: Callable[..., Toolbox], kube: Kube, name: str, sources: Callable[..., Path]
) -> None:
    sources("GEMINI_API_KEY=key-of-mine-77", f"BETTER_AUTH_SECRET={SIGNING}")
    box = make_box()
    box.local_files = False
    with pytest.raises(NotAllowed, match="Over HTTP nothing is built"):
        stack(box, "upgrade", name)
    for how in ("compose", None):
        with pytest.raises(UsageError, match="for its own user only"):
            stack(box, "deploy", name, how=how, minikube=how is None)
    with pytest.raises(NotReady, match=r"DATABASE_URL is missing.*over HTTP no \.env file is read"):
        stack(box, "deploy", name, environment="prod")
    assert stack(box, "deploy", name)["status"] == "verified"
    held = secret_of(kube, name)
    assert "GEMINI_API_KEY" not in held
    assert held["BETTER_AUTH_SECRET"] != SIGNING


def test_a_no_builds_nothing_and_changes_nothing(
    box: Toolbox, kube: Kube, person: Person, name: str, sources: Callable[..., Path]
) -> None:
    sources()
    person.decision = Decision.DECLINED
    assert stack(box, "deploy", name)["status"] == "declined"
    assert not there(kube, f"/api/v1/namespaces/{name}")


def test_taking_it_down_says_that_the_data_goes(deployed: Deployed, kube: Kube) -> None:
    deployed.person.plans.clear()
    deployed.person.decision = Decision.DECLINED
    assert stack(deployed.box, "destroy", deployed.name)["status"] == "declined"
    assert any("tasks in the database" in warning for warning in deployed.person.plans[0].warnings)
    deployed.person.decision = Decision.APPROVED
    assert stack(deployed.box, "destroy", deployed.name)["status"] == "verified"
    with pytest.raises(NotFound, match="not deployed"):
        stack(deployed.box, "status", deployed.name)


def test_a_namespace_that_is_not_the_stacks_own_is_not_taken_down(box: Toolbox, space: str) -> None:
    with pytest.raises(UsageError, match="not made for the todo stack"):
        stack(box, "destroy", space)


def test_as_a_release_of_the_chart_it_stays_one(
    box: Toolbox, kube: Kube, name: str, sources: Callable[..., Path]
) -> None:
    if shutil.which("helm") is None:
        missing("no helm on the PATH: install it")
    sources()
    done = stack(box, "deploy", name, how="helm")
    assert done["status"] == "verified", done["reason"]
    assert there(kube, f"/api/v1/namespaces/{name}/secrets/sh.helm.release.v1.todo.v1")
    assert stack(box, "deploy", name, url="http://tasks.example.com")["status"] == "verified"
    assert there(kube, f"/api/v1/namespaces/{name}/secrets/sh.helm.release.v1.todo.v2")
    with pytest.raises(NotReady, match="as a Helm release"):
        stack(box, "deploy", name, how="manifests")
    assert stack(box, "rollback", name)["status"] == "verified"
    config = kube.get(f"/api/v1/namespaces/{name}/configmaps/backend-config")["data"]
    assert config["BETTER_AUTH_URL"] == "http://todo.local"


def test_a_release_for_staging_stays_one_and_is_reached_where_something_leads_to_it(
    box: Toolbox, kube: Kube, name: str, sources: Callable[..., Path]
) -> None:
    if shutil.which("helm") is None:
        missing("no helm on the PATH: install it")
    sources(f"DATABASE_URL={NEON}", f"BETTER_AUTH_SECRET={SIGNING}")
    done = stack(box, "deploy", name, how="helm", environment="staging")
    assert done["status"] == "verified", done["reason"]
    scaler = f"/apis/autoscaling/v2/namespaces/{name}/horizontalpodautoscalers/backend"
    assert there(kube, scaler)
    assert kube.get(f"/api/v1/namespaces/{name}/services/frontend")["spec"]["type"] == "ClusterIP"
    url = stack(box, "status", name)["url"]
    ingress = f"/apis/networking.k8s.io/v1/namespaces/{name}/ingresses/todo-ingress"
    assert url == "http://todo.local" if there(kube, ingress) else url == "http://localhost:3000"
    # Its name is not said again.
    assert stack(box, "deploy", name)["status"] == "unchanged"
    assert stack(box, "deploy", name, version="1.0.1")["status"] == "verified"
    assert there(kube, scaler)


def test_a_release_goes_back_to_its_earlier_revision_also_where_only_a_secret_changed(
    box: Toolbox, kube: Kube, person: Person, name: str, sources: Callable[..., Path], sandbox: lifecycle.SandboxInfo
) -> None:
    if shutil.which("helm") is None:
        missing("no helm on the PATH: install it")

    def mark() -> str:
        pods = kube.get(f"/apis/apps/v1/namespaces/{name}/deployments/backend")["spec"]["template"]
        return str(pods["metadata"]["annotations"]["checksum/secret"])

    sources()
    assert stack(box, "deploy", name, how="helm")["status"] == "verified"
    first = mark()
    sources("GEMINI_API_KEY=key-of-mine-77")
    done = stack(box, "deploy", name)
    assert done["status"] == "verified", done["reason"]
    assert mark() != first, "pods that run must read the new value"
    assert stack(box, "deploy", name)["status"] == "unchanged"
    person.plans.clear()
    assert stack(box, "rollback", name)["status"] == "verified"
    assert mark() == first
    assert any("secret/backend-secrets" in note and "stays as it is" in note for note in person.plans[0].warnings)
    with pytest.raises(NotFound, match="no version before"):
        stack(box, "rollback", name)
    # What others did with Helm is in no journal of ours.
    helm = helm_on(str(sandbox.kubeconfig), name)
    helm("upgrade", "todo", str(chart_dir()), "--reuse-values", "--set=config.LOG_LEVEL=DEBUG")
    config = f"/api/v1/namespaces/{name}/configmaps/backend-config"
    assert kube.get(config)["data"]["LOG_LEVEL"] == "DEBUG"
    assert stack(box, "rollback", name)["status"] == "verified"
    assert kube.get(config)["data"].get("LOG_LEVEL") != "DEBUG"


def node(labels: dict[str, str] | None = None, provider: str = "") -> dict[str, Any]:
    return {"metadata": {"labels": labels or {}}, "spec": {"providerID": provider}}


@pytest.mark.parametrize(
    ("context", "nodes", "settings", "command"),
    [
        (
            "minikube", [node({"minikube.k8s.io/name": "dev"})], {},
            ["minikube", "--profile", "dev", "image", "load", "a", "b"],
        ),
        (
            "kind-east", [node({}, "kind://docker/east/x")], {},
            ["kind", "load", "docker-image", "--name", "east", "a", "b"],
        ),
        ("far", [node()], {"load_command": ["bring", "--all", "{images}"]}, ["bring", "--all", "a", "b"]),
    ],
)  # fmt: skip
def test_images_come_to_each_kind_of_cluster_in_its_own_way(
    context: str, nodes: list[Any], settings: dict[str, Any], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(images, "run", lambda words, tell, stop, **_: asked.append(list(words)))
    way = way_to(context, nodes, StackSettings(**settings), "dev")
    assert way is not None
    way.bring(["a", "b"], lambda *_: None, threading.Event())
    assert asked == [command]


def test_a_registry_takes_the_place_of_loading_and_an_unknown_cluster_has_no_way() -> None:
    settings = StackSettings(registries={"prod": "ghcr.io/me"})
    way = way_to("minikube", [node({"minikube.k8s.io/name": "dev"})], settings, "prod")
    assert way is not None
    assert way.command[:2] == ("docker", "push")
    assert images.names({"backend": "1.1.0"}, "ghcr.io/me") == {"backend": "ghcr.io/me/todo-backend:1.1.0"}
    assert way_to("far", [node()], StackSettings(), "dev") is None


def test_a_tag_follows_from_the_sources(sources: Callable[..., Path]) -> None:
    context = sources() / "apps/backend"
    before = images.tag_of(context, "1.0.0")
    (context / ".env").write_text("DATABASE_URL=elsewhere")
    (context / "tests").mkdir()
    (context / "tests" / "test_it.py").write_text("")
    assert images.tag_of(context, "1.0.0") == before
    (context / "main.py").write_text("print()")
    assert images.tag_of(context, "1.0.0") != before


@pytest.mark.cluster
@pytest.mark.timeout(400)
def test_on_a_real_cluster_it_is_used_and_a_broken_version_is_taken_back(
    real: Kube, person: Person, tmp_path: Path
) -> None:
    for image in (*(f"todo-{program}:1.0.0" for program in images.PROGRAMS), images.DATABASE_IMAGE, "busybox:latest"):
        if programs.output("docker", "image", "inspect", image) is None:
            missing(f"no image {image} in a Docker engine: run `docker compose build`")
    brought = StackSettings(load_command=["true", "{images}"])
    box = Toolbox(Target(), approver=person.approve, reporter=person.hear, journal=tmp_path / "j.db", stack=brought)
    with place_on(real) as name:
        try:
            done = stack(box, "deploy", name)
            assert done["status"] == "verified", done["reason"]
            assert stack(box, "status", name)["answers"]
            for program in images.PROGRAMS:
                assert programs.output("docker", "tag", "busybox:latest", f"todo-{program}:broken") is not None
            failed = stack(box, "deploy", name, version="broken")
            assert failed["status"] == "rolled_back", failed
            assert "mcp-server" in failed["reason"].partition("the cause: ")[2], failed["reason"]
            after = stack(box, "status", name)
            assert after["ready"], after
            assert after["answers"], after
        finally:
            box.close()


@pytest.mark.cluster
@pytest.mark.timeout(400)
def test_for_production_it_serves_also_where_no_load_balancer_is_given(
    real: Kube, person: Person, sources: Callable[..., Path], tmp_path: Path
) -> None:
    for image in (*(f"todo-{program}:1.0.0" for program in images.PROGRAMS), images.DATABASE_IMAGE):
        if programs.output("docker", "image", "inspect", image) is None:
            missing(f"no image {image} in a Docker engine: run `docker compose build`")
    if shutil.which("helm") is None:
        missing("no helm on the PATH: install it")
    brought = StackSettings(load_command=["true", "{images}"])
    box = Toolbox(Target(), approver=person.approve, reporter=person.hear, journal=tmp_path / "j.db", stack=brought)
    with place_on(real) as elsewhere, place_on(real) as name:
        sources(f"DATABASE_URL={database_in(real, elsewhere)}", f"BETTER_AUTH_SECRET={SIGNING}")
        try:
            done = stack(box, "deploy", name, how="helm", environment="prod")
            assert done["status"] == "verified", done["reason"]
            assert any("asks for a load balancer" in note for note in person.plans[0].warnings)
            service = real.get(f"/api/v1/namespaces/{name}/services/frontend")
            assert service["spec"]["type"] == "LoadBalancer"
            waits = not service["status"]["loadBalancer"].get("ingress")
            told = box.call("todo_stack", {"action": "status", "namespace": name})
            assert told.data["ready"]
            assert ("waits for a load balancer" in told.summary) == (waits and not told.data["answers"])
        finally:
            box.close()


def database_in(kube: Kube, space: str) -> str:
    """A PostgreSQL that pods of other namespaces reach, in a namespace that is made; its address."""
    kube.make("/api/v1/namespaces", {"metadata": {"name": space}})
    for document in yaml.safe_load_all(database_manifest().read_text()):
        if document["kind"] == "NetworkPolicy":
            continue
        group = "/apis/apps/v1" if document["kind"] == "StatefulSet" else "/api/v1"
        kube.make(f"{group}/namespaces/{space}/{document['kind'].lower()}s", document)
    secret = {"metadata": {"name": "backend-secrets"}, "stringData": {"POSTGRES_PASSWORD": SIGNING}}
    kube.make(f"/api/v1/namespaces/{space}/secrets", secret)
    return f"postgresql://todo:{SIGNING}@postgres.{space}:5432/todo"
