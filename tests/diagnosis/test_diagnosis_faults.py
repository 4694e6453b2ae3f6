"""The score: every fault of the sandbox, and whether its cause is named first; nothing in worlds that are well."""

from __future__ import annotations

import pytest
from diagnosis_worlds import broken, causes_in, names

from mcp_tools.sandbox.faults import all_faults
from mcp_tools.sandbox.world import boot

MISSED: dict[str, str] = {
    "ingress-address": "no Ingress of the sandbox ever gets an address, so that its absence says nothing there",
}
"""Faults whose cause is not named first, each with the reason; one that is found has to be taken off."""

SECONDS = {"preempted": 10}
"""Of the world's time, where minutes of it would take long."""


@pytest.mark.parametrize("name", all_faults())
def test_the_cause_of_a_fault_is_named_first(name: str) -> None:
    fault = all_faults()[name]
    causes = causes_in(broken(name, SECONDS.get(name, 150)))
    found = bool(causes) and names(causes[0], fault)
    told = [f"{cause.finding.mode}: {cause.finding.cause} ({cause.finding.object})" for cause in causes]
    assert found is (name not in MISSED), f"true: {fault.cause}; told: {told}"


def test_the_list_of_missed_faults_holds_faults_only() -> None:
    assert not set(MISSED) - set(all_faults())


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_found_in_a_world_that_is_well(seed: int) -> None:
    world = boot(seed=seed)
    assert [cause.finding.cause for cause in causes_in(world)] == []
    world.clock.advance(3600)
    assert [cause.finding.cause for cause in causes_in(world)] == []
