"""Thousands of lines in a dozen, and the first thing that went wrong."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tools.diagnosis.logs.digest import TOLD, digest
from mcp_tools.diagnosis.logs.lines import read_line
from mcp_tools.diagnosis.logs.templates import MOST, Miner, mask


def busy(number: int) -> list[str]:
    chance = random.Random(1)
    lines = []
    for index in range(number):
        time = f"2026-11-24T22:{index // 60 % 60:02d}:{index % 60:02d}.123Z"
        said = (
            f'10.0.0.{chance.randrange(255)}:{chance.randrange(60000)} - "GET /api/tasks/{index}" 200 OK',
            f"INFO connection {chance.getrandbits(64):016x} closed after {chance.randrange(999)}ms",
            f"WARNING retry {index} of job {chance.randrange(99)} in 2.5s",
        )
        lines.append(f"{time} {said[index % 3]}")
    return lines


def test_ten_thousand_lines_become_a_few_with_counts_and_times() -> None:
    found = digest(busy(9_000))
    assert [(entry.text, entry.count) for entry in found.entries] == [
        ("WARNING retry <number> of job <number> in <duration>", 3000),
        ('<address> - "GET /api/tasks/<n>" <number> OK', 3000),
        ("INFO connection <id> closed after <duration>", 3000),
    ]
    assert found.entries[1].first == "2026-11-24T22:00:00.123Z"


def test_the_first_error_is_the_first_after_the_last_good_time() -> None:
    lines = [
        "2026-11-24T21:00:00Z ERROR old trouble",
        "2026-11-24T22:00:00Z INFO ready",
        "2026-11-24T22:05:00Z INFO 0 errors so far",
        "2026-11-24T22:06:00Z connect ECONNREFUSED 10.0.0.1:5432",
        "2026-11-24T22:07:00Z ERROR everything fails",
    ]
    found = digest(lines, "2026-11-24T22:00:00Z").first_error
    assert found is not None
    assert (found.text, found.first) == ("connect ECONNREFUSED 10.0.0.1:5432", "2026-11-24T22:06:00Z")


def test_a_trace_that_comes_again_is_told_once_with_its_count() -> None:
    trace = ["Traceback (most recent call last):", '  File "/app/main.py", line 3, in f', "ValueError: bad id {}"]
    lines = [line.format(number) for number in range(5) for line in (*trace, "INFO next request")]
    found = digest(lines)
    assert found.entries[0].count == 5
    assert found.entries[0].text == "ValueError: bad id 4 (/app/main.py:3)"
    assert [entry.count for entry in found.entries] == [5, 5]


@pytest.mark.parametrize(
    ("raw", "level", "text"),
    [
        ('{"level":50,"time":1,"msg":"query failed"}', "error", "query failed"),
        ('{"severity":"WARNING","message":"slow"}', "warning", "slow"),
        ('{"msg":"", "err":{"type":"TypeError","message":"x is undefined"}}', "error", "TypeError: x is undefined"),
        ("time=2026 level=error msg=oops", "error", "time=2026 level=error msg=oops"),
        ("E1124 22:00:00.000000 1 main.go:3] lost", "error", "E1124 22:00:00.000000 1 main.go:3] lost"),
        ("2026-11-24 22:00:00.123 UTC [1] FATAL:  password authentication failed", "fatal", None),
        ("INFO:     Application startup complete.", "info", None),
        ("[error] 7#7: no live upstreams", "error", None),
        ("finished with 0 errors", "", None),
        ("plain words", "", None),
    ],
)
def test_a_line_tells_its_level_in_whatever_format(raw: str, level: str, text: str | None) -> None:
    line = read_line(raw)
    assert line.level == level
    assert text is None or line.text == text


def test_a_stack_within_a_json_line_is_folded_too() -> None:
    stack = "Error: boom\n    at run (/app/src/run.js:8:2)\n    at node:internal/x:1:1"
    found = digest([json.dumps({"level": "error", "msg": "unhandled", "stack": stack})])
    assert found.entries[0].text == "Error: boom (/app/src/run.js:8)"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="ab <>*1=:{}\"' \t\n\x00é", max_size=60), max_size=60))
def test_any_lines_give_a_bounded_digest(lines: list[str]) -> None:
    found = digest(lines)
    assert len(found.entries) <= TOLD
    assert sum(entry.count for entry in found.entries) <= len(lines)


def test_templates_are_bounded_when_no_two_lines_are_alike() -> None:
    miner = Miner()
    chance = random.Random(2)
    lines = [" ".join("".join(chance.choices("abcdefgh", k=6)) for _ in range(8)) for _ in range(3000)]
    for position, line in enumerate(lines):
        miner.add(mask(line), line, position)
    templates = miner.templates()
    assert len(templates) <= MOST
    assert sum(template.count for template in templates) + miner.unsorted == len(lines)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["INFO ready", "ERROR no table", "INFO stopping", "INFO stopped"], "ERROR no table"),
        (
            [
                "Traceback (most recent call last):",
                '  File "/app/a.py", line 3, in f',
                "KeyError: 'X'",
                "ERROR: Exiting.",
            ],
            "KeyError: 'X' (/app/a.py:3)",
        ),
        (["ERROR long ago", *["INFO well"] * 20, "done", "  of it", ""], "done"),
        ([" ", ""], ""),
    ],
)
def test_the_last_words_are_those_that_tell_what_ended_the_program(lines: list[str], words: str) -> None:
    assert digest(lines).last_words == words
