"""`shipmate ask "status"` without a model, from the start of the process to its end, on a sandbox that runs."""

from __future__ import annotations

import shutil

from benchmarks.harness import SHIPMATE, Figure, Place, medians
from mcp_tools.sandbox import lifecycle

WHAT = "deployments,statefulsets,daemonsets,services,pods"


def measure(place: Place) -> list[Figure]:
    sandbox = lifecycle.ensure_running(place.sandbox_state)

    def ask() -> float:
        return place.run(SHIPMATE, "ask", "status", "--sandbox", "--model", "offline")

    kubectl = shutil.which("kubectl")
    if kubectl is None:
        (ours,) = medians(ask)
        return [Figure('shipmate ask "status"', ours, "ms", 400)]
    program = kubectl

    def get() -> float:
        return place.run(program, "--kubeconfig", str(sandbox.kubeconfig), "get", WHAT)

    ours, theirs = medians(ask, get)
    return [Figure('shipmate ask "status"', ours, "ms", 400, baseline=theirs, baseline_name="kubectl get of the same")]
