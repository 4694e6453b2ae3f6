"""The fix that a finding names first, carried out by the engine, heals; where none can, it says what a person does."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnosis_worlds import broken, causes_in
from healing import NOT_SHOWN, Hands, healed, told

from mcp_tools.sandbox.faults import all_faults

BROKEN_SECONDS = 150

UNHEALED: dict[str, str] = {
    "dependency-refused": "what is to stand behind the Service was never deployed",
    "job-sidecar": "a Job's pods cannot be changed",
    "config-missing": "nobody knows what stood in the ConfigMap",
    "secret-missing": "nobody knows what stood in the Secret",
    "secret-key": "nobody knows the value",
    "root-image": "which user an image has is known to who built it",
    "volume-zone": "a volume's place cannot be changed",
    "node-pods": "how many pods a kubelet takes is its own configuration",
    "statefulset-stuck": "which tags a registry has is not known to the cluster",
    "ingress-tls": "nobody knows the certificate",
    "gateway-route": "there is no Gateway at all",
    "volume-mode": "neither a claim nor a volume can be changed",
    "volume-size": "neither a claim nor a volume can be changed",
    "claim-lost": "the data is gone",
    "volume-resize": "the storage driver is missing",
    "hpa-metrics-api": "metrics-server has to be installed",
    "job-backoff": "a Job that failed is not tried any more",
    "job-deadline": "a Job that failed is not tried any more",
    "node-lost": "a machine",
    "node-not-ready": "a machine",
    "node-shutdown": "a machine",
    "disk-pressure": "a machine",
    "memory-pressure": "a machine",
    "version-skew": "a machine",
    "certificate-expired": "a certificate comes from its authority",
}
"""Faults that no change of objects heals, each with the reason: the finding has to say what a person does."""


@pytest.mark.parametrize("name", [name for name in all_faults() if name not in {*UNHEALED, *NOT_SHOWN}])
def test_the_first_fix_heals(name: str, tmp_path: Path) -> None:
    world = broken(name, BROKEN_SECONDS)
    first, *others = causes_in(world)
    assert first.finding.fixes, f"{first.finding.cause}: no fix"
    left = healed(world, tmp_path / "journal.db", first.finding.fixes[0])
    assert left <= told(others), f"left after {first.finding.fixes[0].sentence!r}"


@pytest.mark.parametrize("name", UNHEALED)
def test_where_no_change_heals_the_finding_says_what_a_person_has_to_do(name: str) -> None:
    first = causes_in(broken(name, BROKEN_SECONDS))[0].finding
    assert (first.fixes, bool(first.advice)) == ((), True), "a fault that heals has to be taken off the list"


def test_the_right_that_is_missing_is_given_and_no_other(tmp_path: Path) -> None:
    world = broken("rbac", BROKEN_SECONDS)
    fix = causes_in(world)[0].finding.fixes[0]
    healed(world, tmp_path / "journal.db", fix)
    hands = Hands(world, tmp_path / "journal.db")
    who = {"resource": "configmaps", "namespace": "todo-app", "who": "serviceaccount/watcher"}
    may = {verb: hands.call("check_access", {"verb": verb, **who}).data["allowed"] for verb in ("list", "delete")}
    assert may == {"list": True, "delete": False}


def test_the_lists_hold_faults_only() -> None:
    assert not {*UNHEALED, *NOT_SHOWN} - set(all_faults())
