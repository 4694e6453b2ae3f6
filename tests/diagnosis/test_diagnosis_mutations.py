"""Faults at random places of four stacks: the cause is named first, nothing else is, and nothing in healthy worlds."""

from __future__ import annotations

import json

import pytest
from diagnosis_stacks import STACKS, healthy
from diagnosis_worlds import InMemory, causes_in, injector
from mutation import treated

from mcp_tools.diagnosis.report import report
from mcp_tools.sandbox.faults import all_faults

SEEDS = range(1000, 1020)
BYTES_A_TOKEN = 4
MANY = (
    "volume-size",
    "job-backoff",
    "cronjob-suspended",
    "hpa-target",
    "hpa-requests",
    "pdb-matches-none",
    "rbac",
    "finalizer",
    "statefulset-stuck",
    "low-port",
)
"""Faults that stand beside any stack."""


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_of_a_random_world_is_named_a_true_one_first_and_its_fix_heals(seed: int) -> None:
    found = treated(seed)
    assert found.faults
    assert (found.first, found.missed, found.false) == (True, (), ()), str(found)
    assert [fix for fix in found.shown if fix.trouble] == [], str(found)


@pytest.mark.parametrize("stack", [name for name in STACKS if name != "todo"])
def test_nothing_is_found_in_a_stack_that_is_well(stack: str) -> None:
    world = healthy(stack, 5)
    assert [cause.finding.cause for cause in causes_in(world)] == []
    world.clock.advance(1800)
    assert [cause.finding.cause for cause in causes_in(world)] == []


def test_an_answer_for_a_model_is_short_whatever_is_broken() -> None:
    world = healthy("queue", 5)
    box = injector(world)
    box.namespace = "queue"
    for name in MANY:
        all_faults()[name].inject(box)
    box.delete("ConfigMap", "queue-config")
    for name in ("orders", "worker"):
        box.patch("Deployment", name, {"spec": {"template": {"metadata": {"annotations": {"again": "yes"}}}}})
    world.clock.advance(150)
    answer = report(InMemory(world), "queue")
    told = json.dumps({"summary": answer.summary, "data": answer.data})
    assert len(answer.data["findings"]) + len(answer.data["others"]) + answer.data["more"] >= len(MANY)
    assert len(told.encode()) / BYTES_A_TOKEN <= 1500
