"""`python -m benchmarks.reads_server FOLDER`: the sandbox's API over thousands of pods that stand still.

The controllers made one Deployment that runs and one that cannot; the rest are copies of it, and nothing moves any
more: what is measured is an API server, not what keeps a crowd of containers going.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path
from typing import Any

from mcp_tools.sandbox import server, world
from mcp_tools.sandbox.objects.store import clone

NODES, DEPLOYMENTS, REPLICAS, NAMESPACES = 500, 50, 100, 5
KINDS = ("Deployment", "ReplicaSet", "Pod", "Service", "EndpointSlice", "Event")
SETTLE_SECONDS = 120.0


def crowd(**given: Any) -> world.World:
    """A world of that many copies, whose clock stands still."""
    made = world_of_two(**given)
    put = made.store.put
    node_kind = made.kinds.named("Node")
    nodes = list(made.store.all_of(node_kind))
    for number in range(NODES - len(nodes)):
        put(node_kind, renamed(nodes[0], nodes[0]["metadata"]["name"], f"node-{number}"))
    for number in range(NAMESPACES):
        space_kind = made.kinds.named("Namespace")
        put(space_kind, renamed(next(made.store.all_of(space_kind)), "", f"crowd-{number}"))
    for number in range(DEPLOYMENTS):
        copy_deployment(made, "good" if number % 10 else "bad", f"web-{number}", f"crowd-{number % NAMESPACES}")
    made.clock.go_live = lambda _: None  # type: ignore[method-assign]
    return made


def world_of_two(**given: Any) -> world.World:
    """A world with one Deployment that runs and one whose image cannot be pulled, a pod each."""
    made = BOOT(**given)
    for name, image in (("good", "nginx:1.27"), ("bad", "nginx:no-such-tag")):
        labels = {"app": name}
        resources = {"requests": {"cpu": "20m", "memory": "32Mi"}}
        pod = {"containers": [{"name": "app", "image": image, "resources": resources}]}
        spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
        meta = {"name": name, "namespace": "default"}
        made.add({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
        service = {"selector": labels, "ports": [{"port": 80}]}
        made.add({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service})
    made.clock.advance(SETTLE_SECONDS)
    return made


def copy_deployment(made: world.World, name: str, new: str, space: str) -> None:
    """A Deployment with all that belongs to it, its pods as often as it is to have replicas."""
    for word in KINDS:
        kind = made.kinds.named(word)
        for obj in [item for item in made.store.all_of(kind, "default") if belongs(item, name)]:
            about_pod = word == "Pod" or (word == "Event" and obj["involvedObject"]["kind"] == "Pod")
            for number in range(REPLICAS if about_pod else 1):
                made.store.put(kind, copied(obj, name, new, space, number))


def belongs(obj: dict[str, Any], name: str) -> bool:
    """Whether an object is of the Deployment of that name."""
    own = (obj.get("involvedObject") or obj["metadata"])["name"]
    return bool(own == name or own.startswith(f"{name}-"))


def copied(obj: dict[str, Any], name: str, new: str, space: str, number: int) -> dict[str, Any]:
    """A copy under another name in another namespace; its owners and what it is about are the copies of theirs."""
    made: dict[str, Any] = clone(obj)
    meta = made["metadata"]
    per_pod = obj["kind"] == "Pod" or (obj["kind"] == "Event" and obj["involvedObject"]["kind"] == "Pod")
    ending = f"-{number:03}" if per_pod else ""
    meta |= {
        "name": meta["name"].replace(name, new, 1) + ending,
        "namespace": space,
        "uid": uid(meta["uid"], new, ending),
    }
    for owner in meta.get("ownerReferences") or []:
        owner |= {"name": owner["name"].replace(name, new, 1), "uid": uid(owner["uid"], new, "")}
    about = made.get("involvedObject")
    if about:
        about |= {
            "name": about["name"].replace(name, new, 1) + ending,
            "namespace": space,
            "uid": uid(about.get("uid", ""), new, ending),
        }
    labels = meta.get("labels") or {}
    if labels.get("app") == name:
        labels["app"] = new
    spec, status = made.get("spec") or {}, made.get("status") or {}
    for selector in (spec.get("selector"), (spec.get("selector") or {}).get("matchLabels")):
        if isinstance(selector, dict) and selector.get("app") == name:
            selector["app"] = new
    template = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if template:
        template["app"] = new
    if "replicas" in spec:
        spec["replicas"] = REPLICAS
        status |= {key: REPLICAS for key in status if key.lower().endswith("replicas")}
    if obj["kind"] == "Pod":
        spec["nodeName"] = f"node-{(number * 7 + len(new) * 31) % (NODES - 2)}"
    return made


def uid(old: str, *parts: str) -> str:
    """The copy's uid: the same for the same copy of the same object."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join((old, *parts))))


def renamed(obj: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """A copy of an object outside of namespaces."""
    made: dict[str, Any] = clone(obj)
    made["metadata"] |= {"name": new, "uid": uid(obj["metadata"]["uid"], old, new)}
    return made


BOOT = world.boot


if __name__ == "__main__":
    world.boot = crowd
    asyncio.run(server.serve(Path(sys.argv[1]), empty=True, ready=lambda _: print("ready", flush=True)))
