"""What control loops come to: rollouts with every surge, and why pods find no node."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

from differences import differences, normal

from fidelity.bodies import TEMPLATE, base
from fidelity.happenings import happenings
from fidelity.model import Tally

if TYPE_CHECKING:
    from sandbox_helpers import Client

_SURGES = (0, 1, "25%", "50%", 2)
_UNAVAILABLE = (0, 1, "25%", "50%", 3)
_REPLICAS = 3
_PATIENCE = 90


def rollouts(clients: tuple[Client, Client], namespace: str, *, every: int = 1) -> Tally:
    """A rollout to an image that cannot run, under each pair of bounds: where it stands still.

    Nothing of the new or the old is deleted beyond the bounds, so the standing picture shows them. `every` leaves pairs
    out, to be quicker.
    """
    names = {}
    for surge, unavailable in product(_SURGES, _UNAVAILABLE):
        if (surge, unavailable) == (0, 0):
            continue
        name = f"r-{surge}-{unavailable}".replace("%", "p")
        names[name] = (surge, unavailable)
    # Some at a time: a node holds 110 pods.
    chosen = list(names)[::every]
    tally = Tally()
    for some in (chosen[at : at + 8] for at in range(0, len(chosen), 8)):
        pictures = [_rolled(client, namespace, {name: names[name] for name in some}) for client in clients]
        for name in some:
            tally.requests += 1
            if found := differences(pictures[0][name], pictures[1][name]):
                tally.differing.append((f"rollout {name}", found))
    return tally


def _rolled(client: Client, namespace: str, bounds: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    path = base("Deployment")[0].replace("{ns}", namespace)
    for name, (surge, unavailable) in bounds.items():
        labels = {"app": name}
        template = {**TEMPLATE, "metadata": {"labels": labels}}
        spec = {
            "replicas": _REPLICAS,
            "selector": {"matchLabels": labels},
            "template": template,
            "progressDeadlineSeconds": 4,
            "strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}},
        }
        client("POST", path, {"metadata": {"name": name}, "spec": spec})
    ready = {name: _settle(client, f"{path}/{name}", "availableReplicas", _REPLICAS) for name in bounds}
    assert all(ready.values()), ready
    bad = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "busybox:none-such"}]}}}}
    for name in bounds:
        client("PATCH", f"{path}/{name}", bad, media="application/strategic-merge-patch+json")
    pictures = {name: _stuck(client, f"{path}/{name}") for name in bounds}
    for name in bounds:
        client("DELETE", f"{path}/{name}")
    return pictures


def _settle(client: Client, path: str, field: str, value: int) -> bool:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if client("GET", path).body.get("status", {}).get(field) == value:
            return True
        time.sleep(0.2)
    return False


def _stuck(client: Client, path: str) -> Any:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        status = client("GET", path).body["status"]
        found = {entry["type"]: (entry["status"], entry["reason"]) for entry in status.get("conditions", ())}
        if found.get("Progressing", ("", ""))[1] == "ProgressDeadlineExceeded":
            counts = {key: value for key, value in status.items() if key.endswith("eplicas")}
            return {"conditions": found, **counts}
        time.sleep(0.2)
    return {"conditions": "it never stood still"}


_NUMBERS = (
    (re.compile(r"\b\d+/\d+ nodes"), "N nodes"),
    (re.compile(r"\b\d+ (?=node\(s\)|Insufficient|Preemption|No preemption|Too many)"), "N "),
)
_TERM = {"labelSelector": {"matchLabels": {"app": "nobody"}}, "topologyKey": "kubernetes.io/hostname"}


def _needs() -> dict[str, dict[str, Any]]:
    """What no node offers, alone and in pairs."""
    selectors: dict[str, dict[str, Any]] = {
        "selector": {"nodeSelector": {"e.com/disk": "ssd"}},
        "near": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_TERM]}}},
        "node": {
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "e.com/zone", "operator": "In", "values": ["a", "b"]}]}
                        ]
                    }
                }
            }
        },
        "name": {"nodeSelector": {"kubernetes.io/hostname": "none-such"}},
        "spread": {
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "e.com/x", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
            ]
        },
        "gate": {"schedulingGates": [{"name": "e.com/wait"}]},
        "claim": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "none"}}]},
        "os": {"nodeSelector": {"kubernetes.io/os": "windows"}},
        "arch": {"nodeSelector": {"kubernetes.io/arch": "s390x"}},
        "nothing": {},
    }
    sizes: dict[str, dict[str, str]] = {
        "": {},
        "cpu": {"cpu": "900"},
        "memory": {"memory": "90Ti"},
        "disk": {"ephemeral-storage": "90Ti"},
        "gpu": {"e.com/gpu": "1"},
        "both": {"cpu": "900", "memory": "90Ti"},
    }
    found = {}
    for (word, spec), (size, requests) in product(selectors.items(), sizes.items()):
        if word == "nothing" and not size:
            continue
        resources: dict[str, Any] = {"requests": requests, "limits": requests if size == "gpu" else {}}
        found[f"{word}-{size}".strip("-")] = {**spec, "resources": resources}
    return found


def scheduling(clients: tuple[Client, Client], namespace: str) -> Tally:
    """The words of the PodScheduled condition, and the reason of the event."""
    needs = _needs()
    for client in clients:
        for name, spec in needs.items():
            path, body = base("Pod")
            body["metadata"] = {"name": name}
            resources = {key: value for key, value in spec["resources"].items() if value}
            plain = {key: value for key, value in spec.items() if key != "resources"}
            container = {**body["spec"]["containers"][0], "resources": resources}
            body["spec"] = {"containers": [container], "terminationGracePeriodSeconds": 0, **plain}
            answer = client("POST", path.replace("{ns}", namespace), body)
            assert answer.status == 201, answer.body
    tally = Tally()
    for name in needs:
        tally.requests += 1
        if found := differences(*(_why_not(client, namespace, name) for client in clients)):
            tally.differing.append((f"pod {name}", found))
    return tally


def _why_not(client: Client, namespace: str, name: str) -> Any:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        status = client("GET", f"/api/v1/namespaces/{namespace}/pods/{name}").body["status"]
        found = next((entry for entry in status.get("conditions", ()) if entry["type"] == "PodScheduled"), {})
        if "message" in found:
            text = str(normal(found["message"], namespace))
            for pattern, word in _NUMBERS:
                text = pattern.sub(word, text)
            return {"status": found["status"], "reason": found.get("reason"), "message": text}
        time.sleep(0.1)
    return {"status": "never said"}


Look = Callable[["tuple[Client, Client]", str], Tally]
AREAS: dict[str, Look] = {
    "rollouts: surge and unavailable": rollouts,
    "scheduling: messages": scheduling,
    "events: reasons": happenings,
}
