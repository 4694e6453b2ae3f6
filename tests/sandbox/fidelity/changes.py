"""Patches of all kinds on live objects, and server-side apply by several managers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from fidelity.bodies import base, changed, put
from fidelity.model import DRY, Area, Case, Step
from fidelity.writes import METADATA, choices_for

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
KINDS = ("Deployment", "Service", "ConfigMap", "StatefulSet", "Pod", "CronJob", "Ingress", "PersistentVolumeClaim")
_IDENTITY = {"metadata", "apiVersion", "kind"}
_POINTERS = (
    "/metadata/labels",
    "/metadata/labels/a",
    "/metadata/annotations/x~1y",
    "/spec/replicas",
    "/spec/template/spec/containers/0/image",
    "/spec/template/spec/containers/-",
    "/spec/template/spec/containers/7",
    "/spec/ports/0/port",
    "/data/a",
    "/data/zz",
    "/data",
    "/nope/nope",
    "/",
    "",
    "no-slash",
)
_VALUES: tuple[Any, ...] = ("text", 3, {"a": "b"}, None, True, [])


def made() -> tuple[Step, ...]:
    """One object a kind."""
    return tuple(Step("POST", path, body) for path, body in map(base, KINDS))


def _merging(random: Random, kind: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    wanted = [(path, value) for path, value in choices_for(kind) if "." in path and path not in _IDENTITY]
    for path, value in random.sample(wanted, k=random.randint(1, 2)):
        if any(part.isdecimal() for part in path.split(".")):
            continue
        try:
            put(body, path, {} if value is None else value)
            if value is None:
                *way, last = path.split(".")
                here: Any = body
                for part in way:
                    here = here[part]
                here[last] = None
        except (AttributeError, TypeError, KeyError):
            continue
    return body or {"metadata": {"labels": {"a": None}}}


def _strategic(random: Random, kind: str) -> dict[str, Any]:
    change: dict[str, Any] = random.choice(
        [
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "$patch": "delete"}]},
            {"env": [{"$patch": "replace"}, {"name": "Z", "value": "9"}]},
            {"image": "busybox:1.36"},
            {"image": None},
            {"ports": [{"containerPort": 80, "name": "http"}]},
            {"ports": [{"containerPort": 99999}]},
            {"resources": {"limits": {"cpu": "1"}}},
            {"resources": {"$patch": "replace", "requests": {"cpu": "100m"}}},
            {"command": ["true"]},
            {"$setElementOrder/env": [{"name": "B"}, {"name": "A"}], "env": [{"name": "B", "value": "2"}]},
            {"$retainKeys": ["name", "image"], "name": "app", "image": "busybox"},
            {"volumeMounts": [{"mountPath": "/v", "name": "v"}]},
            {"livenessProbe": {"tcpSocket": {"port": 80}}},
            {"$patch": "delete"},
        ]
    )
    containers = [{"name": random.choice(["app", "app", "app", "other"]), **change}]
    template = {"spec": {"containers": containers}}
    if kind == "Pod":
        return template
    if kind == "CronJob":
        return {"spec": {"jobTemplate": {"spec": {"template": template}}}}
    return {"spec": {"template": template}}


def _operations(random: Random) -> Any:
    operations = []
    for _ in range(random.randint(1, 2)):
        kind = random.choice(["add", "replace", "remove", "test", "move", "copy", "odd"])
        operation: dict[str, Any] = {"op": kind, "path": random.choice(_POINTERS)}
        if kind in {"add", "replace", "test", "odd"}:
            operation["value"] = random.choice(_VALUES)
        if kind in {"move", "copy"}:
            operation["from"] = random.choice(_POINTERS)
        operations.append(operation)
    return operations


def patches(random: Random, count: int) -> Iterator[Case]:
    """Dry runs, so that each meets the same object."""
    for _ in range(count):
        kind = random.choice(KINDS)
        path, _ = base(kind)
        media = random.choice((MERGE, MERGE, STRATEGIC, STRATEGIC, JSON_PATCH))
        if media == JSON_PATCH:
            body: Any = _operations(random)
        elif media == STRATEGIC and kind in {"Deployment", "StatefulSet", "Pod", "CronJob"} and random.random() < 0.7:
            body = _strategic(random, kind)
        else:
            body = _merging(random, kind)
        if random.random() < 0.1:
            body = {**body, "metadata": {"resourceVersion": "1"}} if isinstance(body, dict) else body
        name = random.choice(["x"] * 19 + ["none"])
        yield Case(f"patch {kind}", (Step("PATCH", f"{path}/{name}{DRY}", body, media),))


def updates(random: Random, count: int) -> Iterator[Case]:
    """PUT of the object as it was made, with one or two changes."""
    for _ in range(count):
        kind = random.choice(KINDS)
        path, body = base(kind)
        choices = [c for c in choices_for(kind) if c not in METADATA or random.random() < 0.2]
        done = changed(random, body, choices, 2)
        if random.random() < 0.1:
            body.setdefault("metadata", {})
            if isinstance(body["metadata"], dict):
                body["metadata"]["resourceVersion"] = random.choice(["1", "x", "{version}"])
        yield Case(f"update {kind} {'; '.join(done)[:150]}", (Step("PUT", f"{path}/x{DRY}", body),))


_MANAGERS = ("anna", "ben", "carla")


def _config(random: Random) -> dict[str, Any]:
    data = {key: random.choice("123") for key in random.sample("abcde", k=random.randint(0, 3))}
    labels = {key: random.choice("12") for key in random.sample("xyz", k=random.randint(0, 2))}
    meta = {"name": "{name}", **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **({"data": data} if data else {})}


def _workload(random: Random) -> dict[str, Any]:
    env = [{"name": key, "value": random.choice("12")} for key in random.sample("ABC", k=random.randint(0, 2))]
    container: dict[str, Any] = {"name": "app", "image": random.choice(["busybox:1", "busybox:2"])}
    if env:
        container["env"] = env
    if random.random() < 0.3:
        container["ports"] = [{"containerPort": random.choice([80, 81])}]
    if random.random() < 0.3:
        container["resources"] = {"limits": {"memory": random.choice(["64Mi", "128Mi"])}}
    containers = [container]
    if random.random() < 0.3:
        containers.append({"name": "side", "image": "busybox:1"})
    job = {"template": {"spec": {"containers": containers, "restartPolicy": "Never"}}}
    # No controller writes to it, so that what is compared does not depend on whose controller is the quicker.
    spec: dict[str, Any] = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}
    if random.random() < 0.3:
        spec["startingDeadlineSeconds"] = random.choice([100, 200])
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "{name}"}, "spec": spec}


def _named(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(item, name) for item in value]
    return value.replace("{name}", name) if isinstance(value, str) else value


def applies(random: Random, count: int) -> Iterator[Case]:
    """Several managers on one object: conflicts, force, fields let go, and a plain write between."""
    for index in range(max(1, count // 6)):
        kind, make = random.choice([("ConfigMap", _config), ("CronJob", _workload)])
        name = f"a{index}-{random.getrandbits(24):06x}"
        path = base(kind)[0] + f"/{name}"
        steps = []
        for number in range(5):
            body = _named(make(random), name)
            if number and random.random() < 0.15:
                steps.append(Step("PATCH", f"{path}?fieldManager=dora", {"metadata": {"labels": {"x": "9"}}}, MERGE))
                continue
            force = random.choice(["", "", "&force=true", "&force=false"])
            manager = random.choice(_MANAGERS)
            dry = "&dryRun=All" if number and random.random() < 0.15 else ""
            steps.append(Step("PATCH", f"{path}?fieldManager={manager}{force}{dry}", body, APPLY))
        steps.append(Step("GET", path))
        yield Case(f"apply {kind}", tuple(steps))


PATCHES = Area("patches: JSON, merge, strategic", patches, made(), share=3)
UPDATES = Area("updates", updates, made(), share=2)
APPLIES = Area("server-side apply by several managers", applies, share=3)
