"""`shipmate usage record` and `shipmate optimise` as somebody types them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from faces_helpers import User

MEASURE = ("usage", "record", "--for", "3s", "--every", "1s")


def test_what_was_recorded_becomes_a_table_a_patch_and_a_plan(user: User) -> None:
    config = user.home / ".config" / "shipmate"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[prices]\ncpu_core_hour = 0.03\ncurrency = "EUR"\n')
    recorded = user(*MEASURE)
    assert recorded.code == 0
    assert f"of namespace {user.namespace}" in recorded.out
    told = user("optimise")
    assert told.code == 0
    assert "backend" in told.out
    assert "Preliminary: measured for" in told.out
    assert "\x1b" not in told.out
    found = user("optimise", "backend", "--format", "json").json
    assert found["saving"]["currency"] == "EUR"
    wanted = found["containers"][0]["recommended"]
    patch = yaml.safe_load(user("optimise", "backend", "--format", "patch").out)
    assert patch["kind"] == "Deployment"
    resources = patch["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources["requests"]["memory"] == wanted["memory_request"]
    planned = user("optimise", "backend", "--apply", "--dry-run")
    assert planned.code == 0
    assert "Preliminary" in planned.err
    assert "resources" in planned.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("usage", "record", "--for", "soon"), "no length of time"),
        (("optimise", "--yes"), "Without --apply nothing is changed"),
        (("optimise", "--apply", "--format", "patch"), "takes no --format"),
        (("optimise", "nobody"), "no workload 'nobody'"),
        (("optimise", "--format", "values"), "of no Helm release"),
    ],
)
def test_what_makes_no_sense_is_told(user: User, words: tuple[str, ...], said: str) -> None:
    if words[-1] == "values":
        user(*MEASURE)
    ended = user(*words)
    assert ended.code == 2
    assert said in ended.err
