"""What the documents tell a reader to type is typed, on a sandbox."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from typist import BY_CI, ENDLESS, failures, make_the_world, named, program, said
from written import PAGES, ROOT, blocks, sentences

from assistant.offline.model import ToolCall
from assistant.offline.planner import plan

if TYPE_CHECKING:
    from pathlib import Path

    from reader import Reader


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.runs for b in blocks(page))], ids=named)
def test_the_commands_of_a_page_do_what_they_say(reader: Reader, page: Path) -> None:
    failed = failures(reader, [block for block in blocks(page) if block.runs])
    assert not failed, "\n\n".join(map(str, failed))


def test_every_sentence_is_understood_and_can_be_done(reader: Reader) -> None:
    make_the_world(reader)
    ends = said(reader, programs={""})
    assert len(ends) > 60
    failed = [f"{page}: {end}" for page, end in ends if end.code]
    assert not failed, "\n\n".join(failed)


def test_every_sentence_that_needs_a_program_is_at_least_read_as_a_call() -> None:
    found = {sentence for page in PAGES for sentence in sentences(page)}
    assert [one for one in found if (program(one) or ENDLESS.match(one)) and not isinstance(plan(one), ToolCall)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=named)
def test_every_block_is_a_script_and_what_is_not_run_says_why(page: Path) -> None:
    for block in blocks(page):
        checked = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert block.runs or len(block.why.split()) > 1 or block.why == "helm", block


def test_few_blocks_are_not_run() -> None:
    found = [block for page in PAGES for block in blocks(page)]
    assert len(found) > 40
    assert sum(block.how == "syntax only" for block in found) / len(found) < 0.3


def test_the_steps_of_ci_are_steps_of_ci() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [command for command in BY_CI if command not in text] == []
