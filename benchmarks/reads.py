"""Reads of a cluster of 5,000 pods on 500 nodes, each against kubectl on the same server: time, and tokens to read."""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.harness import Figure, Place, since, tokens
from mcp_tools.cluster.target import Target
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from pathlib import Path


RUNS = 3
MOST_MS, MOST_TOKENS, MOST_MIB = 1_000, 5_000, 400
ALL = {"all_namespaces": True}
# What is asked of us, and the nearest that kubectl offers: a search is a list of everything, to be looked through.
READS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("list pods of all namespaces", "list_resources", {"kind": "pods", **ALL}, "get pods -A"),
    (
        "list pods, sorted and with chosen fields",
        "list_resources",
        {"kind": "pods", **ALL, "sort_by": "-spec.nodeName", "columns": ["spec.nodeName", "status.podIP"]},
        "get pods -A --sort-by=.spec.nodeName -o custom-columns=N:.metadata.name,O:.spec.nodeName,I:.status.podIP",
    ),
    ("list nodes", "list_resources", {"kind": "nodes"}, "get nodes"),
    (
        "search",
        "list_resources",
        {"contains": "web-7"},
        "get deploy,sts,ds,cj,job,po,svc,ing,cm,secret,pvc,hpa,sa,netpol -A -o json",
    ),
    (
        "describe a deployment",
        "describe_resource",
        {"target": "web-7", "namespace": "crowd-2"},
        "describe deploy web-7 -n crowd-2",
    ),
    (
        "tree of a deployment",
        "describe_resource",
        {"target": "deploy/web-7", "namespace": "crowd-2", "owned": True},
        "get deploy,rs,po,endpointslices,controllerrevisions -n crowd-2 -o json",
    ),
    ("overview of all namespaces", "cluster_overview", ALL, "get deploy,sts,ds,svc,po -A"),
    ("events of all namespaces", "list_resources", {"kind": "events", **ALL}, "get events -A --sort-by=.lastTimestamp"),
    ("top pods of all namespaces", "list_resources", {"usage": True, **ALL}, "top pods -A --sort-by=cpu"),
    ("health of all namespaces", "cluster_overview", {"show": "health", **ALL}, "get pods -A -o json"),
    (
        "diagnosis of all namespaces",
        "diagnose",
        ALL,
        "get po,svc,ep,deploy,rs,sts,ds,job,cm,secret,pvc,ing,hpa,netpol,no,ev -A -o json",
    ),
)
LIMITS = {"diagnosis of all namespaces": (2_000, 1_500), "health of all namespaces": (1_500, 2_500)}
"""Of those that may take other milliseconds and tokens than the rest."""


def measure(place: Place) -> list[Figure]:
    state = place.home / "many"
    state.mkdir()
    command = [sys.executable, "-m", "benchmarks.reads_server", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            if server.stdout is None or server.stdout.readline().strip() != "ready":
                raise RuntimeError("the server of the crowd did not start")
            kubeconfig = state / "kubeconfig"
            target = Target(kubeconfig=str(kubeconfig), namespace="crowd-0")
            return _compare(Toolbox(target, journal=place.home / "journal.db"), kubeconfig)
        finally:
            server.terminate()


def _compare(toolbox: Toolbox, kubeconfig: Path) -> list[Figure]:
    figures = []
    try:
        for name, tool, given, words in READS:
            taken: list[tuple[float, float]] = []
            for _ in range(RUNS + 1):
                ours, read = _timed(lambda tool=tool, given=given: _told(toolbox, tool, given))
                theirs, printed = _timed(lambda words=words: _kubectl(kubeconfig, words))
                taken.append((ours, theirs))
            ours, theirs = (statistics.median(column) for column in zip(*taken[1:], strict=True))
            most_ms, most_tokens = LIMITS.get(name, (MOST_MS, MOST_TOKENS))
            figures.append(Figure(name, ours, "ms", most_ms, baseline=theirs, baseline_name=f"kubectl {words[:40]}"))
            figures.append(Figure(name, tokens(read), "tokens", most_tokens, baseline=tokens(printed)))
    finally:
        toolbox.close()
    # What this process ever had, the interpreter and all imports included.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*figures, Figure("memory of all these reads, at most", peak, "MiB", MOST_MIB)]


def _told(toolbox: Toolbox, tool: str, given: dict[str, Any]) -> str:
    return msgspec.json.encode(toolbox.call(tool, given).data).decode()


def _kubectl(kubeconfig: Path, words: str) -> str:
    command = shutil.which("kubectl")
    if command is None:
        sys.exit("This benchmark compares with kubectl, which is not on the PATH.")
    return subprocess.run(
        [command, f"--kubeconfig={kubeconfig}", *words.split()], capture_output=True, text=True, check=True
    ).stdout


def _timed(call: Callable[[], str]) -> tuple[float, str]:
    began = time.perf_counter()
    text = call()
    return since(began), text
