"""No secret is in the repository, now or before; what holds secrets is ignored, and described by an example."""

from __future__ import annotations

import base64
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector
from test_tracked_files import FORBIDDEN

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.parent for path in ROOT.glob("apps/*/Dockerfile"))
# Forms that say nothing by themselves: addresses and URLs of tests, and the first words of a key (sought as a whole).
LEFT_OUT = {"Basic Auth Credentials", "Public IP (ipv4)", "Private Key"}
OURS = re.compile("hunter22|real-user", re.IGNORECASE)
"""What tests write into the secrets that they make up."""


@cache
def forms() -> dict[str, list[re.Pattern[str]]]:
    """The forms of tokens and keys that detect-secrets knows, by what they are."""
    known = {
        name: list(detector().denylist)
        for name, detector in get_mapping_from_secret_type_to_class().items()
        if issubclass(detector, RegexBasedDetector) and name not in LEFT_OUT
    }
    return {
        **known,
        "private key": [FORBIDDEN["a private key"]],
        "key of a service": [FORBIDDEN["the key of a service"]],
    }


def found(text: str) -> list[str]:
    """The secrets in a text, by what they are and how they begin."""
    hits = [(name, hit.group()) for name, kinds in forms().items() for kind in kinds for hit in kind.finditer(text)]
    return sorted({f"{name}: {value[:12]}…" for name, value in hits if not OURS.search(_decoded(value))})


def _decoded(value: str) -> str:
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in re.findall(r"eyJ[\w-]+", value)]
    return value + b"".join(parts).decode("utf-8", "replace")


def git(*arguments: str) -> str:
    command = ["git", "-c", f"safe.directory={ROOT}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=True).stdout


def test_no_commit_holds_a_secret() -> None:
    history = git("log", "--patch", "--unified=0", "--no-renames", "--no-color", "--format=", "HEAD")
    added = "\n".join(line[1:] for line in history.split("\n") if line.startswith("+") and not line.startswith("+++ "))
    assert len(added) > 1_000_000
    assert found(added) == []


def test_ci_has_the_whole_history() -> None:
    assert "fetch-depth: 0" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "Q3EGRIVTYWPLM2XN",
        "ghp_" + "a8Gk2" * 7 + "x",
        "sk-proj-" + "Zk3" * 16,
        "glpat-" + "x7Yp" * 5,
        "-----BEGIN PRIVATE " + "KEY-----\n" + ("MIIEvQ" * 10 + "\n") * 4,
        "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJzb21lYm9keSJ9" + ".c2lnbmF0dXJl",
    ],
    ids=lambda secret: secret[:11],
)
def test_a_secret_would_be_found(secret: str) -> None:
    assert found(f"key = '{secret}'")


def test_no_settings_file_was_ever_committed() -> None:
    names = set(git("log", "--format=", "--name-only", "HEAD").split())
    assert [name for name in names if re.search(r"(^|/)\.env(\.(?!example$)|$)|\.pem$|kubeconfig$", name)] == []


@pytest.mark.parametrize(
    "name",
    [*(f"apps/{service.name}/.env" for service in SERVICES), ".env", ".env.local", "a.pem", "x.kubeconfig"],
)
def test_git_ignores_what_holds_secrets(name: str) -> None:
    assert git("check-ignore", name).strip() == name


@pytest.mark.parametrize("folder", [ROOT, *SERVICES], ids=lambda path: path.name)
def test_each_service_has_an_example_of_its_settings_without_a_secret_in_it(folder: Path) -> None:
    text = (folder / ".env.example").read_text(encoding="utf-8")
    settings = dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    assert settings
    assert {
        name: value for name, value in settings.items() if re.search("SECRET$|KEY$|PASSWORD$", name) and value
    } == {}


def test_there_are_three_services() -> None:
    assert [service.name for service in SERVICES] == ["backend", "frontend", "mcp-server"]
