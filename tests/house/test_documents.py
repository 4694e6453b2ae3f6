"""What the documents say is so."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from assistant.agents.definition import AgentDefinition, Limits
from assistant.agents.settings import AgentsSettings, Price
from assistant.cli.main import COMMANDS
from assistant.settings import Config, ProviderConfig
from mcp_tools.changes.policy import AutoApproval, Policy
from mcp_tools.monitoring.settings import AlertSettings
from mcp_tools.stack.settings import StackSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(path for folder in ("docs", "runbooks", "prompts", ".claude") for path in (ROOT / folder).rglob("*.md")),
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


@pytest.mark.parametrize(
    "page", ["TOOLS.md", "CONFIGURATION.md", "failure-modes.md", "alerts.md", "images/architecture.svg"]
)
def test_a_page_that_follows_from_the_code_is_what_the_code_says(page: str) -> None:
    generator = ROOT / "docs" / "generators" / f"{Path(page).stem.lower().replace('-', '_')}.py"
    made = subprocess.run([sys.executable, str(generator)], capture_output=True, encoding="utf-8", check=True)
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == made.stdout, "run `make docs`"


def test_every_setting_is_described() -> None:
    agents = (AgentsSettings, Price, AgentDefinition, Limits)
    models = (Config, ProviderConfig, Policy, AutoApproval, StackSettings, AlertSettings, *agents)
    fields = {f"{model.__name__}.{name}": info for model in models for name, info in model.model_fields.items()}
    assert [name for name, info in fields.items() if not info.description] == []


def test_the_page_on_agents_has_every_field_of_one() -> None:
    page = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    told = {name: f"| {info.description} |" for name, info in AgentDefinition.model_fields.items()}
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}
    assert [name for name, words in told.items() if not rows.get(name, "").endswith(words)] == []


def test_the_picture_shows_the_session_and_loads_nothing() -> None:
    picture = (ROOT / "docs" / "images" / "session.svg").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:https?:)?//[\w./-]+", picture)) == {"http://www.w3.org/2000/svg"}
    shown = html.unescape(re.sub(r"<[^>]+>", " ", picture)).replace("\xa0", " ")
    requests = re.search(r"^REQUESTS = \((.*)\)$", (ROOT / "docs/generators/session.py").read_text(), re.MULTILINE)
    assert requests
    for said in (*re.findall(r'"([^"]+)"', requests[1]), "Apply this?", "Done and verified"):
        assert said in shown


def test_the_picture_of_the_architecture_shows_every_package_and_nothing_else() -> None:
    picture = ET.parse(ROOT / "docs" / "images" / "architecture.svg")
    shown = {name for part in picture.iter() if "." in (name := part.get("id", ""))}
    found = {path.parent for package in ("assistant", "mcp_tools") for path in (ROOT / package).rglob("*/__init__.py")}
    packages = {str(path.relative_to(ROOT)).replace("/", ".") for path in found}
    modules = {name for name in shown if (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()}
    assert packages - {"assistant", "mcp_tools"} - shown == set()
    assert shown - packages - modules == set()
    assert [part.text for part in picture.iter() if part.get("href") or "http" in (part.text or "")] == []


def test_the_page_on_architecture_names_every_folder() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = [path.parent for package in ("assistant", "mcp_tools") for path in (ROOT / package).glob("*/__init__.py")]
    assert [path.name for path in folders if f"`{path.parent.name}/{path.name}`" not in page] == []
