"""ConfigMaps, Secrets and claims that pods refer to, against those that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import (
    BATCH,
    fact,
    go_back,
    is_over,
    is_ready,
    patch,
    reported,
    seconds_between,
    target_of,
    template_path,
    troubled,
)
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, detector
from mcp_tools.diagnosis.names import near as nearest
from mcp_tools.diagnosis.references import Reference, references

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

NEAR = 0.85
LIKELY = 0.8
IDS = {"ConfigMap": "config-missing", "Secret": "secret-missing", "PersistentVolumeClaim": "claim-missing"}
_ENV_FROM = re.compile(r"(\w+)\[(\d+)\]\.envFrom")
SIGNS = ("Failed", "FailedMount", "FailedScheduling")
SETTLING_SECONDS = 5


@detector(
    "what pods that do not start refer to, against the ConfigMaps, Secrets and claims of their namespace",
    Mode("config-missing", (31,), "A ConfigMap that pods need does not exist"),
    Mode("secret-missing", (32,), "A Secret that pods need does not exist"),
    Mode("key-missing", (33,), "A ConfigMap or Secret lacks a key that pods need"),
    Mode("near-name", (34,), "A name with a typing error, or an object in another namespace"),
    Mode("claim-missing", (37,), "A volume claim that pods need does not exist"),
    Mode("mount-key", (90,), "A volume mounts a key that its ConfigMap or Secret does not have"),
)
def missing(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each object or key that pods wait for."""
    waiting: dict[tuple[Ref, Reference], list[Resource]] = {}
    for pod in troubled(snapshot):
        if is_ready(pod):
            continue
        root = snapshot.root(pod)
        for reference in references(pod.spec):
            if not reference.optional and _absent(snapshot, pod.namespace, reference):
                waiting.setdefault((root.ref, reference), []).append(pod)
    said: set[tuple[Ref, str, str, str]] = set()
    for (_, reference), pods in waiting.items():
        finding = _finding(snapshot, looks, reference, pods)
        key = (snapshot.root(pods[0]).ref, reference.kind, reference.name, reference.key)
        if key not in said:
            said.add(key)
            yield finding


def _absent(snapshot: Snapshot, namespace: str, reference: Reference) -> bool:
    if snapshot.missing(reference.kind, namespace, reference.name):
        return True
    held = snapshot.get(reference.kind, namespace, reference.name)
    if held is None or not reference.key:
        return False
    return reference.key not in {**(held.body.get("data") or {}), **(held.body.get("binaryData") or {})}


def _finding(snapshot: Snapshot, looks: Looks, reference: Reference, pods: list[Resource]) -> Finding:
    pod, root = pods[0], snapshot.root(pods[0])
    affected = tuple(item.ref for item in pods)
    field = f"{template_path(root)}.{reference.field}"
    wanted = Ref(reference.kind, pod.namespace, reference.name)
    evidence = (fact(root, field, f"{reference.kind} {reference.name} {reference.key}".strip()), *_signs(snapshot, pod))
    held = snapshot.at(wanted)
    if held is not None:
        return _key_missing(snapshot, root, reference, held, affected, evidence)
    if near := _near(snapshot, root, reference):
        cause = f"{root.ref} refers to the {reference.kind} {reference.name}; it is called {near}"
        fixes = (*go_back(snapshot, root), *_pointed(root, reference, near))
        return Finding("near-name", cause, root.ref, field, affected, evidence, fixes)
    others = [] if reference.kind == "PersistentVolumeClaim" else looks.elsewhere(_plural(reference), reference.name)
    if others:
        where = others[0].namespace
        what = f"The {reference.kind} {reference.name} that {root.ref} needs"
        cause = f"{what} is in the namespace {where}, not in {pod.namespace}"
        evidence = (*evidence, Evidence(others[0].ref, "metadata.namespace", where))
        at, advice = "metadata.namespace", f"Make it in {pod.namespace} too: pods see their own namespace only."
        return Finding("near-name", cause, wanted, at, affected, evidence, go_back(snapshot, root), advice=advice)
    cause = f"The {reference.kind} {reference.name} that {root.ref} needs does not exist"
    if reference.kind == "PersistentVolumeClaim":
        made = {"kind": "persistentvolumeclaim", "name": reference.name, "namespace": root.namespace, "size": "1Gi"}
        fixes = (*_before(snapshot, root, reference), Fix("Create the claim with 1Gi", "create_resource", made))
        return Finding("claim-missing", cause, root.ref, field, affected, evidence, fixes)
    advice = f"Make the {reference.kind} {reference.name} again, from its manifest or where its values are kept."
    fixes = _before(snapshot, root, reference)
    return Finding(IDS[reference.kind], cause, wanted, "", affected, evidence, fixes, advice=advice)


def _before(snapshot: Snapshot, root: Resource, reference: Reference) -> tuple[Fix, ...]:
    """The revision before, unless it needs the same: its pods live only as long as nobody restarts them."""
    needs = [
        any((one.kind, one.name) == (reference.kind, reference.name) for one in references(item.template))
        for item in snapshot.revisions(root)[1:]
    ]
    return () if all(needs) else go_back(snapshot, root)


def _pointed(root: Resource, reference: Reference, name: str) -> tuple[Fix, ...]:
    """The reference led to another object."""
    path, field = template_path(root), reference.field
    key = {"ConfigMap": "configMap", "Secret": "secret", "PersistentVolumeClaim": "persistentVolumeClaim"}[
        reference.kind
    ]
    word = {"Secret": "secretName", "PersistentVolumeClaim": "claimName"}.get(reference.kind, "name")
    if found := _ENV_FROM.fullmatch(field):
        held = root.template[found[1]][int(found[2])]["envFrom"]
        place = next(i for i, one in enumerate(held) if (one.get(f"{key}Ref") or {}).get("name") == reference.name)
        at = f"{path}.{field}[{place}].{key}Ref.name"
    elif ".env[" in field:
        at = f"{path}.{field}.valueFrom.{key}KeyRef.name"
    elif ".projected" in field:
        return ()
    else:
        at = f"{path}.{field.partition('.')[0]}.{key}.{word}"
    return (patch(root, f"Let {root.ref} use the {reference.kind} {name}", {at: name}),)


def _key_missing(  # noqa: PLR0917  all of what is known
    snapshot: Snapshot,
    root: Resource,
    reference: Reference,
    held: Resource,
    affected: tuple[Ref, ...],
    evidence: tuple[Evidence, ...],
) -> Finding:
    keys = sorted(held.body.get("data") or {})
    has = f"; it has {', '.join(keys[:6])}" if keys else "; it is empty"
    cause = f"The {reference.kind} {reference.name} has no key {reference.key} that {root.ref} needs{has}"
    if reference.live:
        field = f"{template_path(root)}.{reference.field}"
        return Finding("mount-key", cause, root.ref, field, affected, evidence, go_back(snapshot, root))
    meant = nearest(reference.key, keys)
    word = "configMapKeyRef" if reference.kind == "ConfigMap" else "secretKeyRef"
    field = f"{template_path(root)}.{reference.field}.valueFrom.{word}.key"
    fixes = (patch(root, f"Let {root.ref} use the key {meant}", {field: meant}),) if meant else ()
    advice = f"Put {reference.key} into the {reference.kind} {reference.name} again, with the value that it had."
    return Finding("key-missing", cause, held.ref, f"data.{reference.key}", affected, evidence, fixes, advice=advice)


def _near(snapshot: Snapshot, root: Resource, reference: Reference) -> str:
    """The object that was meant, unless an earlier revision used the same name: then that object was there."""
    revisions = snapshot.revisions(root)
    for revision in revisions:
        template = revision.template
        same = any((item.kind, item.name) == (reference.kind, reference.name) for item in references(template))
        if same and revision.status.get("readyReplicas"):
            return ""
    if len(revisions) > 1 and all(
        any((item.kind, item.name) == (reference.kind, reference.name) for item in references(revision.template))
        for revision in revisions
    ):
        return ""
    return nearest(reference.name, [item.name for item in snapshot.all(reference.kind, root.namespace)], NEAR)


def _plural(reference: Reference) -> str:
    return {"ConfigMap": "configmaps", "Secret": "secrets"}[reference.kind]


def _signs(snapshot: Snapshot, pod: Resource) -> Iterator[Evidence]:
    for event in snapshot.events(pod, *SIGNS)[:1]:
        yield reported(event)


@detector(
    "the time of the last change of a ConfigMap or Secret against the start of the containers that read it once",
    Mode("config-stale", (35,), "Pods still run with an older version of their ConfigMap or Secret"),
)
def stale(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each workload that was started before its configuration changed."""
    changed = {}
    for kind in ("ConfigMap", "Secret"):
        for item in snapshot.all(kind):
            times = _edit_times(item)
            if times and seconds_between(item.created, max(times.values())) > SETTLING_SECONDS:
                changed[item.ref] = times
    for root in snapshot.workloads if changed else ():
        if root.ref.kind in BATCH:
            continue
        pods = [pod for pod in snapshot.pods_of(root) if not is_over(pod)]
        for reference in references(root.template):
            ref = Ref(reference.kind, root.namespace, reference.name)
            late = [] if reference.live else [pod for pod in pods if _older(pod, reference, changed.get(ref, {}))]
            if late:
                yield _stale(root, reference, ref, late, max(changed[ref].values()))
                break


def _edit_times(item: Resource) -> dict[str, str]:
    """When the keys of an object were written last, by the manager that owns them; `*` where it owns all."""
    found: dict[str, str] = {}
    for entry in item.meta.get("managedFields") or ():
        for field in (entry.get("fieldsV1") or {}).get("f:data") or {}:
            if field.startswith("f:") and entry.get("time"):
                found[field[2:]] = max(found.get(field[2:], ""), str(entry["time"]))
    return found


def _older(pod: Resource, reference: Reference, times: dict[str, str]) -> bool:
    changed = times.get(reference.key, "") if reference.key else max(times.values(), default="")
    if not changed:
        return False
    for status in pod.status.get("containerStatuses") or ():
        started = ((status.get("state") or {}).get("running") or {}).get("startedAt")
        if status["name"] == reference.container and started:
            return seconds_between(str(started), changed) > SETTLING_SECONDS
    return False


def _stale(root: Resource, reference: Reference, ref: Ref, late: list[Resource], time: str) -> Finding:
    cause = f"The pods of {root.ref} were started before {ref} changed, and still run with its old content"
    evidence = (
        Evidence(ref, "metadata.managedFields", "last changed", time),
        fact(late[0], "status.containerStatuses", f"container {reference.container} was started before"),
    )
    fix = Fix(f"Restart {root.ref}", "rollout", {**target_of(root), "action": "restart"})
    pods = tuple(pod.ref for pod in late)
    return Finding(
        "config-stale", cause, root.ref, template_path(root), pods, evidence, (fix,), time, confidence=LIKELY
    )
