"""What a user types about images, on the real engine: why a build fails, what could be better, what is in an image."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assistant.cli.scan import scan
from assistant.events import Event, ToolReturned
from assistant.offline.brain import OfflineBrain
from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.errors import Conflict, NotAllowed, UsageError
from mcp_tools.toolbox import Toolbox

pytestmark = pytest.mark.cluster

BASE = "busybox:latest"
BROKEN = f"FROM {BASE}\nWORKDIR /srv\nCOPY start.sh ./\nRUN adduser -D -u 10001 app && ./start.sh\nCMD ./start.sh\n"


class Asked:
    """The planner in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._box = Toolbox(Target(), approver=lambda _: Decision.APPROVED, journal=folder / "journal.db")
        self._brain = OfflineBrain(self._box)
        self.close = self._box.close

    def __call__(self, sentence: str) -> dict[str, Any]:
        events: list[Event] = []
        self._brain.respond(sentence, events.append)
        return next(event.result.data for event in reversed(events) if isinstance(event, ToolReturned))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose image does not build: what it starts cannot be executed."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text(BROKEN)
    (folder / "start.sh").write_text("#!/bin/sh\nexec sleep 60\n")
    (folder / "start.sh").chmod(0o644)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def ask(shop: Path) -> Iterator[Asked]:
    asked = Asked(shop.parent)
    yield asked
    asked.close()


def test_why_a_build_fails_is_found_by_building_it(ask: Asked, shop: Path) -> None:
    told = ask("why did the build of shop fail?")
    assert (told["line"], bool(told["evidence"])) == (4, True)
    assert "start.sh" in told["cause"]
    assert (shop / "Dockerfile").read_text() == BROKEN


def test_a_patch_that_builds_is_written_and_undone(ask: Asked, shop: Path) -> None:
    ended = ask("fix the build of shop")
    assert ended["status"] == "verified", ended
    assert (shop / "Dockerfile").read_text() != BROKEN
    ask("undo")
    assert (shop / "Dockerfile").read_text() == BROKEN


def test_a_dockerfile_is_judged_line_by_line(ask: Asked) -> None:
    found = {one["code"]: one["line"] for one in ask("lint the dockerfile of shop")["findings"]}
    assert found["shell-form"] == 5
    assert "root-user" in found


def test_a_bill_of_materials_is_written_once(ask: Asked, shop: Path) -> None:
    ended = ask(f"sbom of {BASE} to bill.spdx.json")
    assert ended["status"] == "verified"
    assert json.loads((shop.parent / "bill.spdx.json").read_text())["spdxVersion"] == "SPDX-2.3"
    with pytest.raises(UsageError, match="is there already"):
        ask(f"sbom of {BASE} to bill.spdx.json")
    assert ask("undo")["status"] == "verified"
    assert not (shop.parent / "bill.spdx.json").exists()


def test_a_bill_of_materials_that_somebody_changed_is_not_taken_away(ask: Asked, shop: Path) -> None:
    ask(f"sbom of {BASE} to bill.cdx.json")
    bill = shop.parent / "bill.cdx.json"
    bill.write_text("mine")
    with pytest.raises(Conflict, match="was changed since it was written"):
        ask("undo")
    assert bill.read_text() == "mine"


def test_a_model_names_no_database_elsewhere(ask: Asked) -> None:
    for database in ("https://example.com/all.zip", "/etc/passwd.json"):
        with pytest.raises(NotAllowed):
            ask(f"scan image {BASE} using {database}")


def test_the_gate_of_the_command_knows_that_without_data_nothing_is_known() -> None:
    assert CliRunner().invoke(scan, [BASE]).exit_code == 0
    judged = CliRunner().invoke(scan, [BASE, "--fail-on", "high"])
    bill = json.loads(CliRunner().invoke(scan, [BASE, "--format", "cyclonedx"]).output)
    assert (judged.exit_code, bill["bomFormat"]) == (2, "CycloneDX")
