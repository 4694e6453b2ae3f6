"""`python -m benchmarks.sizing --trace` reads what others publish, and says what is wrong with a file that is none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.sizing_csv import Point, Reading, read
from benchmarks.sizing_replay import judge, main

if TYPE_CHECKING:
    from mcp_tools.usage.store import UsageStore

HOURS = 24 * 14
START = 1_800_000_000


def written(place: Path, *lines: str) -> Path:
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


def fortnight(place: Path) -> Path:
    """A sample an hour: for a week between 1 and 2 of 4 cores, then one of 4 in each second hour."""
    used = [25 + number % 26 if number < HOURS / 2 else 100 - 99 * (number % 2) for number in range(HOURS)]
    return written(
        place,
        "when;\tcores;\tCPU [%];\tmemory [KiB]",
        *(f"{START + 3600 * n};\t4;\t{cpu};\t{2**20 if n % 24 else 0}" for n, cpu in enumerate(used)),
    )


def test_the_request_is_what_the_first_week_asks_for_and_is_judged_by_the_second(
    tmp_path: Path, store: UsageStore
) -> None:
    points = read(fortnight(tmp_path / "a.csv"), Reading("percent", "CPU [%]", cores="cores"))
    assert (points[0], len(points)) == (Point(START, 1.0), HOURS)
    verdict = judge(store, "a", points, cpu=True, learn=7, after=7)
    assert verdict is not None
    assert (verdict.peak, verdict.percentiles[0]) == (2.0, pytest.approx(1.9, abs=0.05))
    assert verdict.request == pytest.approx(verdict.percentiles[0] * 1.15, rel=0.1)
    assert abs(verdict.error) < 0.1
    assert verdict.lower < verdict.request < verdict.upper
    assert (verdict.above_request, verdict.above_limit) == (0.5, 0.0)


def test_the_days_of_memory_count_by_their_peaks_even_when_a_day_begins_with_none(
    tmp_path: Path, store: UsageStore
) -> None:
    points = read(fortnight(tmp_path / "a.csv"), Reading("KiB", "memory [KiB]"))
    verdict = judge(store, "a", points, cpu=False, learn=7, after=7)
    assert verdict is not None
    assert verdict.percentiles == (2.0**30,) * 3
    assert abs(verdict.error) < 0.05
    assert verdict.above_request == 0.0


def test_times_are_read_as_others_write_them(tmp_path: Path) -> None:
    forms = {
        "2027-01-15 08:00:00": "",
        "2027-01-15T09:00:00+01:00": "",
        "1800000000": "",
        "1800000000000": "",
        "2027.01.15-08:00:00:000": "%Y.%m.%d-%H:%M:%S:%f",
    }
    for text, form in forms.items():
        path = written(tmp_path / "a.csv", "time,use", f"{text},250", f"{text},300")
        assert read(path, Reading("millicores", time_format=form)) == [Point(START, 0.25)], text


@pytest.mark.parametrize(
    ("lines", "options", "told"),
    [
        ((), (), "has the columns none"),
        (("time,use",), (), "no samples"),
        (("time,use", "1800000000,1"), ("--column", "cpu"), "no column 'cpu'. It has 'time', 'use'"),
        (("time,use,of", "1800000000,1,2"), (), "has the columns 'time', 'use', 'of'. Say with --column"),
        (("time,use", "1800000000,1", "1800000060,much"), (), "line 3 has 'much' where an amount was expected"),
        (("time,use", "1800000000,nan"), (), "line 2 has 'nan' where an amount was expected"),
        (("time,use", "yesterday,1"), (), "line 2 has 'yesterday' where a time was expected"),
        (("time,use", "1800000060,1", "1800000000,1"), (), "line 3 is of a time before that of the line above"),
        (("time,use", "1800000000,1,1"), (), "line 2 has 3 columns instead of 2"),
    ],
)
def test_a_file_that_is_no_trace_ends_it_with_what_is_wrong(
    tmp_path: Path, lines: tuple[str, ...], options: tuple[str, ...], told: str
) -> None:
    path = written(tmp_path / "a.csv", *lines)
    ended = CliRunner().invoke(main, ["--trace", str(path), "--unit", "cores", *options])
    assert (ended.exit_code, ended.output.splitlines()[1:]) == (2, [])
    assert f"{path}" in ended.output
    assert told in ended.output


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["--trace", str(tmp_path / "none.csv"), "--unit", "cores"])
    assert ended.exit_code == 2
    assert "cannot be read" in ended.output
