"""What the documents say is so."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli.main import COMMANDS
from assistant.settings import Config, ProviderConfig
from mcp_tools.changes.policy import AutoApproval, Policy
from mcp_tools.monitoring.settings import AlertSettings
from mcp_tools.stack.settings import StackSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(path for folder in ("docs", "prompts", ".claude") for path in (ROOT / folder).rglob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^\W*make (\w+)", code, re.MULTILINE)) <= targets
    assert set(re.findall(r"\bshipmate ([a-z]\w*)", code)) <= set(COMMANDS)


@pytest.mark.parametrize("page", ["TOOLS", "CONFIGURATION", "failure-modes", "alerts"])
def test_a_page_that_follows_from_the_code_is_what_the_code_says(page: str) -> None:
    generator = ROOT / "docs" / "generators" / f"{page.lower().replace('-', '_')}.py"
    made = subprocess.run([sys.executable, str(generator)], capture_output=True, encoding="utf-8", check=True)
    assert (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") == made.stdout, "run `make docs`"


def test_every_setting_is_described() -> None:
    models = (Config, ProviderConfig, Policy, AutoApproval, StackSettings, AlertSettings)
    fields = {f"{model.__name__}.{name}": info for model in models for name, info in model.model_fields.items()}
    assert [name for name, info in fields.items() if not info.description] == []


def test_the_picture_shows_the_session_and_loads_nothing() -> None:
    picture = (ROOT / "docs" / "images" / "session.svg").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:https?:)?//[\w./-]+", picture)) == {"http://www.w3.org/2000/svg"}
    shown = html.unescape(re.sub(r"<[^>]+>", " ", picture)).replace("\xa0", " ")
    requests = re.search(r"^REQUESTS = \((.*)\)$", (ROOT / "docs/generators/picture.py").read_text(), re.MULTILINE)
    assert requests
    for said in (*re.findall(r'"([^"]+)"', requests[1]), "Apply this?", "Done and verified"):
        assert said in shown


def test_the_page_on_architecture_names_every_folder() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = [path.parent for package in ("assistant", "mcp_tools") for path in (ROOT / package).glob("*/__init__.py")]
    assert [path.name for path in folders if f"`{path.parent.name}/{path.name}`" not in page] == []
