"""A patch is written as any other change: shown first, refused when the file moved on, taken back when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_tools.changes.journal import Journal
from mcp_tools.changes.model import Decision, Outcome, Plan
from mcp_tools.changes.outside import Outside
from mcp_tools.changes.policy import Policy
from mcp_tools.docker.building.measuring import own_caches
from mcp_tools.docker.dockerfile.advising import improve, look_at
from mcp_tools.docker.dockerfile.writing import writing

BAD = b"FROM busybox:1.37\r\nCOPY . /www\n# \xff\nUSER 10001\nCMD httpd -f -h /www\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "node_modules").mkdir(parents=True)
    (root / "node_modules" / "a.js").write_text("1")
    (root / "Dockerfile").write_bytes(BAD)
    (root / "Dockerfile").chmod(0o640)
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(Journal(tmp_path / "journal.db"), Policy())


def test_it_is_shown_line_by_line_and_written_byte_for_byte(shop: Path, outside: Outside) -> None:
    look = look_at(shop)
    after = improve(look).after
    plans: list[Plan] = []

    def approve(plan: Plan) -> Decision:
        plans.append(plan)
        return Decision.APPROVED

    change = outside.run(
        writing(look, shop, after, action="optimise_dockerfile", why="(shell-form)"), approve, lambda _: None
    )
    assert change.outcome is Outcome.VERIFIED
    (step,) = plans[0].steps
    assert [(one.path, one.new) for one in step.changes] == [
        ((".dockerignore",), "**/node_modules\n"),
        (("Dockerfile", "line 5"), 'CMD ["httpd", "-f", "-h", "/www"]'),
    ]
    assert (shop / "Dockerfile").read_bytes() == BAD.replace(
        b"CMD httpd -f -h /www", b'CMD ["httpd", "-f", "-h", "/www"]'
    )
    assert (shop / "Dockerfile").stat().st_mode & 0o777 == 0o640
    assert (shop / ".dockerignore").read_text() == "**/node_modules\n"
    assert sorted(path.name for path in shop.iterdir()) == [".dockerignore", "Dockerfile", "node_modules"]


def test_a_file_that_moved_on_is_left_alone_with_all_others(shop: Path, outside: Outside) -> None:
    look = look_at(shop)
    after = improve(look).after
    work = writing(
        look, shop, {".dockerignore": after[".dockerignore"], "Dockerfile": after["Dockerfile"]}, action="x", why=""
    )

    def approve(_: Plan) -> Decision:
        (shop / "Dockerfile").write_bytes(b"FROM scratch\n")
        return Decision.APPROVED

    change = outside.run(work, approve, lambda _: None)
    assert change.outcome is Outcome.ROLLED_BACK
    assert "was changed since" in (change.reason or "")
    assert (shop / "Dockerfile").read_bytes() == b"FROM scratch\n"
    assert not (shop / ".dockerignore").exists()


def test_a_measured_build_has_cache_mounts_that_no_other_build_filled() -> None:
    text = (
        "FROM x\nRUN --mount=type=cache,target=/cache/npm --mount=type=cache,id=b,target=/c "
        "--mount=type=secret,id=s npm ci\n"
    )
    assert own_caches(text, "t1") == (
        "FROM x\nRUN --mount=type=cache,target=/cache/npm,id=t1-cache-npm --mount=type=cache,id=t1-b,target=/c "
        "--mount=type=secret,id=s npm ci\n"
    )
