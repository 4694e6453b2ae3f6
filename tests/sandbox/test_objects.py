"""The small languages of Kubernetes: quantities, selectors, schedules, field sets, images, behaviours."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tools import quantity
from mcp_tools.sandbox.api.columns import human_duration
from mcp_tools.sandbox.containers import behaviours, catalogue
from mcp_tools.sandbox.controllers.schedule import BadSchedule, Schedule
from mcp_tools.sandbox.objects import fieldsets
from mcp_tools.sandbox.objects.kinds import KINDS
from mcp_tools.sandbox.objects.schema import shape_of


@pytest.mark.parametrize(
    ("text", "stored", "millis"),
    [
        ("100m", "100m", 100),
        ("0.1", "100m", 100),
        ("1000m", "1", 1000),
        ("0.5Gi", "512Mi", 512 * 2**20 * 1000),
        ("1024Mi", "1Gi", 2**30 * 1000),
        ("1e3", "1e3", 1_000_000),
        ("1500", "1500", 1_500_000),
        ("2000", "2k", 2_000_000),
        ("0", "0", 0),
        ("1n", "1n", 1),
    ],
)
def test_quantities(text: str, stored: str, millis: int) -> None:
    assert quantity.canonical(text) == stored
    assert quantity.millis(text) == millis


@pytest.mark.parametrize("text", ["", "abc", "1 Gi", "1Zi", "--1", "1e", "Gi", "٣"])
def test_no_quantities(text: str) -> None:
    with pytest.raises(quantity.BadQuantity):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("*/15 * * * *", "2026-01-01T10:07", "2026-01-01T10:15"),
        ("0 0 1 * *", "2026-01-31T10:00", "2026-02-01T00:00"),
        ("30 4 * * mon-fri", "2026-01-02T05:00", "2026-01-05T04:30"),
        ("0 0 13 * 5", "2026-01-01T00:00", "2026-01-02T00:00"),
        ("0 12 29 2 *", "2026-01-01T00:00", "2028-02-29T12:00"),
        ("@hourly", "2026-01-01T10:59", "2026-01-01T11:00"),
        ("0 0 * * 7", "2026-01-01T00:00", "2026-01-04T00:00"),
    ],
)
def test_schedules(text: str, after: str, expected: str) -> None:
    start, end = (dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC).timestamp() for moment in (after, expected))
    assert Schedule.parse(text).after(start) == end


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "a * * * *", "5-1 * * * *", "@sometimes", "*/0 * * * *"])
def test_no_schedules(text: str) -> None:
    with pytest.raises(BadSchedule):
        Schedule.parse(text)


@given(st.sets(st.lists(st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"']), min_size=1, max_size=4).map(tuple)))
def test_field_sets_survive_their_encoding(paths: set[tuple[str, ...]]) -> None:
    assert fieldsets.decode(fieldsets.encode(paths)) == paths


def test_every_kind_has_a_schema() -> None:
    assert [kind.gvk for kind in KINDS if shape_of(kind.gvk) is None] == []


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
    ],
)
def test_image_names(image: str, full: str) -> None:
    reference = catalogue.parse(image)
    assert reference is not None
    assert reference.full == full
    assert (catalogue.find(reference) is not None) is ("nginx" in image)


@pytest.mark.parametrize("image", ["UPPER", "a b", "nginx:", ":tag", "a//b", "nginx:a:b"])
def test_no_image_names(image: str) -> None:
    assert catalogue.parse(image) is None


@pytest.mark.parametrize(
    ("script", "opening", "end"),
    [
        ("echo hi; sleep 2; exit 3", ("hi",), (2.1, 3)),
        ("sleep infinity", (), None),
        ("false", (), (0.1, 1)),
        ("while true; do echo tick; sleep 5; done", ("tick",), None),
        ("./server --port 80", (), None),
    ],
)
def test_scripts(script: str, opening: tuple[str, ...], end: tuple[float, int] | None) -> None:
    found = behaviours.commanded(behaviours.Behaviour(), ["sh", "-c", script], [])
    assert found.opening == opening
    assert (None if found.end is None else (found.end.after, found.end.exit_code)) == end


def test_annotations() -> None:
    found = behaviours.annotated(behaviours.Behaviour(), "boot=3, crash=10s")
    assert found.end is not None
    assert (found.boot, found.end.after, found.end.exit_code) == (3.0, 10.0, 1)
    with pytest.raises(behaviours.BadBehaviour, match="dance"):
        behaviours.annotated(behaviours.Behaviour(), "dance")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "5s"),
        (119, "119s"),
        (125, "2m5s"),
        (600, "10m"),
        (10799, "179m"),
        (11000, "3h3m"),
        (90000, "25h"),
        (200000, "2d7h"),
        (800000, "9d"),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text
