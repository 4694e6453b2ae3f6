"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli.main import COMMANDS
from assistant.settings import PROVIDERS, Config, ProviderConfig

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^\W*make (\w+)", code, re.MULTILINE)) <= targets
    assert set(re.findall(r"\bshipmate ([a-z]\w*)", code)) <= set(COMMANDS)


def test_the_page_of_tools_is_what_the_tools_say() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py")], capture_output=True, encoding="utf-8", check=True
    )
    assert (ROOT / "docs" / "tools.md").read_text(encoding="utf-8") == made.stdout, "run `make docs`"


def test_every_setting_and_provider_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    names = {*Config.model_fields, *ProviderConfig.model_fields, *PROVIDERS}
    names |= {provider.api_key_env for provider in PROVIDERS.values() if provider.api_key_env}
    assert {name for name in names if f"`{name}`" not in page} == set()
