"""Probes: what the kubelet reports of them, against the ports and paths that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.containers import (
    View,
    fact,
    go_back,
    grouped,
    is_ready,
    patch,
    pods,
    reported,
    template_path,
    troubled,
    views_of,
)
from mcp_tools.diagnosis.model import Finding, Fix, Found, Mode, detector

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

SURE = 0.9
LIKELY = 0.8


def _port(probe: dict[str, Any]) -> object:
    action = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}
    return action.get("port")


def _declared(view: View, port: object) -> bool:
    offered = view.spec.get("ports") or ()
    return not offered or any(port in {item.get("containerPort"), item.get("name")} for item in offered)


def _failures(snapshot: Snapshot, view: View, title: str) -> list[Resource]:
    """What a probe reports, the most frequent first: a program that starts refuses a few connections in any case."""
    found = view.events(snapshot, "Unhealthy")
    own = [event for event in found if str(event.body.get("message")).startswith(f"{title} probe")]
    return sorted(own, key=_times, reverse=True)


def _times(event: Resource) -> int:
    return int((event.body.get("series") or {}).get("count") or event.body.get("count") or 1)


def killed_by_probe(snapshot: Snapshot, view: View) -> Finding | None:
    """Why the kubelet ended this container, where a probe told it to."""
    kills = view.events(snapshot, "Killing")
    kill = next((event for event in kills if "probe, will be restarted" in str(event.body.get("message"))), None)
    if kill is None:
        return None
    kind = "startup" if "startup probe" in str(kill.body.get("message")) else "liveness"
    probe = view.spec.get(f"{kind}Probe") or {}
    failures = _failures(snapshot, view, kind.title())
    said = str(failures[0].body.get("message")) if failures else ""
    evidence = tuple(reported(event) for event in (kill, *failures[:1]))
    path, port = (probe.get("httpGet") or {}).get("path", "/"), _port(probe)
    field = f"{kind}Probe"
    if "statuscode: 404" in said:
        cause = f"The {kind} probe of container {view.name} asks for {path}, which the program does not have"
        mode, field = "liveness-loop", f"{kind}Probe.httpGet.path"
    elif "connection refused" in said and not _declared(view, port):
        cause = f"The {kind} probe of container {view.name} asks port {port}, on which the program does not listen"
        mode, field = "liveness-loop", f"{kind}Probe.httpGet.port"
    elif kind == "startup" and "connection refused" in said:
        budget = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) + probe.get("initialDelaySeconds", 0)
        cause = f"Container {view.name} takes longer to start than the {budget} s that its startup probe allows"
        mode, field = "startup-budget", "startupProbe.failureThreshold"
    else:
        cause = f"Container {view.name} does not answer its {kind} probe and is killed for it"
        mode, field = "liveness-kill", "image"
    evidence = (*evidence, fact(view.root, view.field(f"{kind}Probe"), probe))
    sure = LIKELY if mode == "startup-budget" else SURE
    fixes = go_back(snapshot, view.root)
    return Finding(mode, cause, view.root.ref, view.field(field), (view.pod.ref,), evidence, fixes, confidence=sure)


@detector(
    "containers that run and are not ready, with the kubelet's word on their probes",
    Mode("liveness-kill", (14,), "The program stops to answer and its liveness probe ends it"),
    Mode("readiness-fails", (25,), "The program answers its readiness probe with an error"),
    Mode("probe-port", (26,), "A probe asks a port on which the program does not listen"),
    Mode("probe-path", (27,), "A probe asks for a path that the program does not have"),
    Mode("liveness-loop", (28,), "A liveness probe ends a healthy program again and again"),
    Mode("startup-budget", (29,), "The program takes longer to start than its startup probe allows"),
)
def unready(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each container that runs and does not pass its readiness probe."""
    views = (
        view
        for pod in troubled(snapshot)
        if not is_ready(pod)
        for view in views_of(snapshot, pod)
        if view.running is not None and not view.status.get("ready") and view.spec.get("readinessProbe")
    )
    for group in grouped(views):
        view = group[0]
        failures = _failures(snapshot, view, "Readiness")
        if not failures:
            continue
        probe = view.spec["readinessProbe"]
        said = str(failures[0].body.get("message"))
        port, path = _port(probe), (probe.get("httpGet") or {}).get("path", "/")
        if "statuscode: 404" in said:
            mode, field = "probe-path", "readinessProbe.httpGet.path"
            cause = f"The readiness probe of container {view.name} asks for {path}, which the program does not have"
        elif "connection refused" in said and not _declared(view, port):
            mode, field = "probe-port", "readinessProbe.httpGet.port"
            cause = f"The readiness probe of container {view.name} asks port {port}, on which no program listens"
        else:
            mode, field = "readiness-fails", "image"
            short = said.removeprefix("Readiness probe failed: ")
            cause = f"Container {view.name} runs and does not pass its readiness probe: {short[:160]}"
        evidence = (reported(failures[0]), fact(view.root, view.field("readinessProbe"), probe))
        fixes = (*go_back(snapshot, view.root), *(_right_port(view, field) if mode == "probe-port" else ()))
        advice = _ADVICE.get(mode, "")
        at = view.field(field)
        yield Finding(mode, cause, view.root.ref, at, pods(group), evidence, fixes, confidence=SURE, advice=advice)


_ADVICE = {
    "probe-path": "Ask for a path that the program has.",
    "readiness-fails": "Look at the program's log: why does it call itself not ready?",
}


def _right_port(view: View, field: str) -> tuple[Fix, ...]:
    """The only port that the container offers."""
    ports = [item["containerPort"] for item in view.spec.get("ports") or ()]
    if len(ports) != 1 or view.root.ref.kind == "Pod" or "httpGet" not in (view.spec.get("readinessProbe") or {}):
        return ()
    return (patch(view.root, f"Let the probe ask port {ports[0]}", {view.field(field): ports[0]}),)


@detector(
    "the readiness gates of a pod against its conditions",
    Mode("readiness-gate", (30,), "A readiness gate that nobody opens"),
)
def gates(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each workload whose pods wait behind a readiness gate."""
    seen = set()
    for pod in troubled(snapshot):
        if is_ready(pod) or pod.conditions.get("ContainersReady", {}).get("status") != "True":
            continue
        shut = [
            gate["conditionType"]
            for gate in pod.spec.get("readinessGates") or ()
            if pod.conditions.get(gate["conditionType"], {}).get("status") != "True"
        ]
        root = snapshot.root(pod)
        if not shut or root.ref in seen:
            continue
        seen.add(root.ref)
        affected = tuple(item.ref for item in snapshot.pods_of(root) if not is_ready(item))
        cause = f"The pods of {root.ref} wait for the readiness gate {shut[0]}, which nobody sets"
        evidence = (fact(pod, "status.conditions", f"{shut[0]} is not True while ContainersReady is"),)
        field = f"{template_path(root)}.readinessGates"
        yield Finding("readiness-gate", cause, root.ref, field, affected, evidence, go_back(snapshot, root))
