"""Pods that may not be made: quotas, limit ranges, accounts, Pod Security and webhooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import configure, fact, go_back, patch, reported, target_of, template_path
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, detector
from mcp_tools.diagnosis.snapshot import event_time

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

MAKERS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job")
_QUOTA = re.compile(r"exceeded quota: ([\w.-]+)")
_UNSTATED = re.compile(r"failed quota: ([\w.-]+): must specify ([\w.,/-]+)")
_LIMIT = re.compile(
    r"(?:maximum|minimum) .* (?:usage|limit|request)|limit to request ratio|max limit|per (?:Container|Pod)"
)
_ABOVE = re.compile(r"maximum (cpu|memory) usage per Container is ([\w.]+), but limit is ([\w.]+)")
_ACCOUNT = re.compile(r'serviceaccount "([\w.-]+)" not found|error looking up service account [\w.-]+/([\w.-]+)')
_WEBHOOK = re.compile(r'failed calling webhook "([\w.-]+)"')
_DENIED = re.compile(r'admission webhook "([\w.-]+)" denied the request')


@detector(
    "the ReplicaFailure condition and FailedCreate events of what makes pods",
    Mode("pod-security", (41,), "The namespace's Pod Security level does not admit the pod"),
    Mode("quota-exceeded", (55,), "A quota leaves no room"),
    Mode("quota-unstated", (55,), "A quota wants requests or limits to be stated"),
    Mode("limit-range", (56,), "A limit range does not admit the pod's size"),
    Mode("service-account", (57,), "The ServiceAccount does not exist"),
    Mode("webhook", (58,), "An admission webhook does not answer, or says no"),
    Mode("not-created", (), "The pods cannot be made"),
)
def refused_pods(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each workload whose pods the API server refuses."""
    for maker in (item for kind in MAKERS for item in snapshot.all(kind)):
        wanted = maker.spec.get("replicas", maker.spec.get("parallelism", 1))
        condition = maker.conditions.get("ReplicaFailure", {})
        message = str(condition.get("message") or "") if condition.get("status") == "True" else ""
        # A Deployment's old ReplicaSet keeps its events: what wants no pods is refused none.
        event = next(iter(snapshot.events(maker, "FailedCreate")), None) if wanted and _lacks(maker) else None
        if not message and event is not None and not _made_since(snapshot, maker, event):
            message = str(event.body.get("message"))
        if message:
            yield _finding(snapshot, maker, message, event)


def _lacks(maker: Resource) -> bool:
    status = maker.status
    if maker.ref.kind == "DaemonSet":
        return bool(status.get("currentNumberScheduled", 0) < status.get("desiredNumberScheduled", 0))
    if maker.ref.kind == "Job":
        return not status.get("active") and not status.get("succeeded") and not status.get("failed")
    return bool(int(status.get("replicas") or 0) < int(maker.spec.get("replicas", 1)))


def _made_since(snapshot: Snapshot, maker: Resource, event: Resource) -> bool:
    made = snapshot.events(maker, "SuccessfulCreate")
    return bool(made) and event_time(made[0]) > event_time(event)


def _finding(snapshot: Snapshot, maker: Resource, message: str, event: Resource | None) -> Finding:
    root = snapshot.root(maker)
    place, path = root.namespace, template_path(root)
    evidence: tuple[Evidence, ...] = (fact(maker, "status.conditions[ReplicaFailure].message", message),)
    if event is not None:
        evidence = (reported(event),)
    fixes = go_back(snapshot, root)
    affected = (maker.ref, root.ref)
    if found := _UNSTATED.search(message):
        cause = f"The quota {found[1]} wants {found[2]} to be stated, and {root.ref} does not"
        field = f"{path}.containers[0].resources"
        fixes = (*fixes, *_stated(root, found[2].split(",")))
        return Finding("quota-unstated", cause, root.ref, field, affected, evidence, fixes)
    if found := _QUOTA.search(message):
        limited = re.search(r"limited: ([\w./=,-]+)", message)
        cause = f"The quota {found[1]} leaves no room for more pods of {root.ref}" + (
            f" ({limited[1]})" if limited else ""
        )
        ref = Ref("ResourceQuota", place, found[1])
        fixes = (_fewer(root),) if root.ref.kind in {"Deployment", "StatefulSet"} else fixes
        return Finding("quota-exceeded", cause, ref, "spec.hard", affected, evidence, fixes)
    if found := _ACCOUNT.search(message):
        name = found[1] or found[2]
        cause = f"The ServiceAccount {name} that {root.ref} uses does not exist"
        made = {"kind": "serviceaccount", "name": name, "namespace": place}
        fixes = (*fixes, Fix(f"Create the ServiceAccount {name}", "create_resource", made))
        return Finding("service-account", cause, Ref("ServiceAccount", place, name), "", affected, evidence, fixes)
    if "violates PodSecurity" in message:
        cause = f"The namespace does not admit the pods of {root.ref}: {message[message.index('violates') :][:220]}"
        advice = "Set what the message names in the securityContext of the pods, or run them in another namespace."
        field = f"{path}.containers[0].securityContext"
        return Finding("pod-security", cause, root.ref, field, affected, evidence, fixes, advice=advice)
    if found := _WEBHOOK.search(message) or _DENIED.search(message):
        return _webhook(snapshot, found[1], message, affected, evidence)
    if _LIMIT.search(message):
        ranges = snapshot.all("LimitRange", place)
        if ranges:
            cause = f"The LimitRange {ranges[0].name} does not admit the pods of {root.ref}: {_tail(message)}"
            fixes = (*fixes, *_within(root, ranges[0], message))
            return Finding("limit-range", cause, ranges[0].ref, "spec.limits", affected, evidence, fixes)
    cause = f"The pods of {root.ref} cannot be made: {_tail(message)}"
    return Finding("not-created", cause, root.ref, "", affected, evidence, fixes)


USUAL = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
"""For a container of which nothing is known; the watch of the change shows whether it is enough."""


def _stated(root: Resource, wanted: list[str]) -> Iterator[Fix]:
    """What a quota wants to be stated, for the first container that does not state it: `limits.memory`, `cpu`."""
    names = [name if "." in name else f"requests.{name}" for name in wanted]
    for container in root.template.get("containers") or ():
        given: dict[str, dict[str, str]] = {}
        for section, _, resource in (name.partition(".") for name in names):
            there = ((container.get("resources") or {}).get(section)) or {}
            if resource in USUAL.get(section, {}) and resource not in there:
                given.setdefault(section, {})[resource] = USUAL[section][resource]
        if given:
            said = ", ".join(f"{section} {key} {value}" for section, one in given.items() for key, value in one.items())
            yield configure(root, container["name"], f"Give container {container['name']} {said}", **given)
            return


def _within(root: Resource, limits: Resource, message: str) -> Iterator[Fix]:
    found = _ABOVE.search(message)
    if not found:
        return
    resource, most, has = found.groups()
    for container in root.template.get("containers") or ():
        if ((container.get("resources") or {}).get("limits") or {}).get(resource) == has:
            sentence = f"Lower the {resource} limit of {container['name']} to {most}"
            yield configure(root, container["name"], sentence, limits={resource: most})
    for index, entry in enumerate(limits.spec.get("limits") or ()):
        if (entry.get("max") or {}).get(resource) == most:
            sentence = f"Let {limits.ref} admit containers with {has} of {resource}"
            yield patch(limits, sentence, {f"spec.limits[{index}].max.{resource}": has})


def _fewer(root: Resource) -> Fix:
    replicas = int(root.status.get("replicas") or root.status.get("readyReplicas") or 0)
    return Fix(
        f"Scale {root.ref} to {replicas}, as many as the quota admits",
        "scale",
        {**target_of(root), "replicas": replicas},
    )


def _webhook(
    snapshot: Snapshot, hook: str, message: str, affected: tuple[Ref, ...], evidence: tuple[Evidence, ...]
) -> Finding:
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for item in snapshot.all(kind):
            for index, one in enumerate(item.body.get("webhooks") or ()):
                if one.get("name") == hook:
                    service = (one.get("clientConfig") or {}).get("service") or {}
                    said = "says no" if "denied the request" in message else "does not answer"
                    cause = f"The admission webhook {hook} {said}: {_tail(message)}"
                    field = f"webhooks[{index}].clientConfig.service"
                    behind = Ref("Service", service.get("namespace", ""), service.get("name", ""))
                    more = (Evidence(item.ref, field, f"{behind.namespace}/{behind.name}"),)
                    return Finding(
                        "webhook",
                        cause,
                        item.ref,
                        field,
                        affected,
                        (*evidence, *more),
                        () if said == "says no" else (_ignored(item, index),),
                        blames=(behind,),
                        advice="Change what it objects to, which its message names." if said == "says no" else "",
                    )
    cause = f"The admission webhook {hook} refuses pods: {_tail(message)}"
    unknown = Ref("ValidatingWebhookConfiguration", "", hook)
    advice = "Ask who runs the webhook: its configuration cannot be seen."
    return Finding("webhook", cause, unknown, "", affected, evidence, confidence=0.8, advice=advice)


def _ignored(item: Resource, index: int) -> Fix:
    sentence = f"Let requests pass while the webhook of {item.name} does not answer (failurePolicy Ignore)"
    return patch(item, sentence, {f"webhooks[{index}].failurePolicy": "Ignore"})


def _tail(message: str) -> str:
    return re.sub(r"^.*?(?:is forbidden: |Error creating: )", "", message)[:200]
