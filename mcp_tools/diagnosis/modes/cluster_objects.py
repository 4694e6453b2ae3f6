"""What belongs to the whole cluster: APIs, certificates, rights, and what cannot be deleted."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.certificates import end_of_certificate
from mcp_tools.diagnosis.clues import clue_of
from mcp_tools.diagnosis.containers import (
    configure,
    delete,
    fact,
    go_back,
    is_over,
    patch,
    pods,
    seconds_between,
    together,
    troubled,
    views_of,
)
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, detector

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

DELETING_SECONDS = 60.0
SURE = 0.9
LIKELY = 0.75
HELD_KINDS = (
    "ConfigMap",
    "Secret",
    "Service",
    "Deployment",
    "StatefulSet",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "Ingress",
    "Job",
)


@detector(
    "objects that were deleted a while ago and are still there, with their finalizers",
    Mode("finalizer", (109,), "An object cannot go: nobody removes its finalizer"),
    Mode("crd-terminating", (112,), "A custom resource definition cannot go"),
)
def finalizers(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each object that is held by a finalizer; what a namespace holds is told with it."""
    ending = {item.name for item in snapshot.all("Namespace") if item.deleting}
    for item in (found for kind in HELD_KINDS for found in snapshot.all(kind)):
        if item.meta.get("finalizers") and _late(snapshot, item) and item.namespace not in ending:
            held = ", ".join(item.meta["finalizers"])
            cause = f"{item.ref} was deleted and cannot go: nobody removes its finalizer {held}"
            yield Finding(
                "finalizer",
                cause,
                item.ref,
                "metadata.finalizers",
                (),
                _deleted(item),
                _freed([item]),
                since=item.deleting,
            )
    for item in snapshot.all("Namespace"):
        if item.deleting and _late(snapshot, item):
            said = [one.get("message", "") for one in item.conditions.values() if one.get("status") == "True"]
            inside = [
                found for kind in HELD_KINDS for found in snapshot.all(kind, item.name) if found.meta.get("finalizers")
            ]
            what = (
                f"{inside[0].ref} in it is held by a finalizer"
                if inside
                else "; ".join(said[:2]) or "something in it stays"
            )
            cause = f"Namespace {item.name} was deleted and cannot go: {what}"
            evidence = (*_deleted(item), *(fact(item, "status.conditions", text) for text in said[:1]))
            refs = tuple(found.ref for found in inside)
            yield Finding(
                "finalizer",
                cause,
                item.ref,
                "spec.finalizers",
                refs,
                evidence,
                _freed(inside),
                since=item.deleting,
                advice="" if inside else "Find what stays in it by its conditions, and let its controller finish.",
            )
    for item in snapshot.all("CustomResourceDefinition"):
        if item.deleting and _late(snapshot, item):
            cause = f"The definition {item.name} was deleted and cannot go: one of its objects is held by a finalizer"
            field = "metadata.deletionTimestamp"
            held_by = [found for found in looks.customs(item.name) if found.meta.get("finalizers")]
            yield Finding(
                "crd-terminating",
                cause,
                item.ref,
                field,
                tuple(found.ref for found in held_by),
                _deleted(item),
                _freed(held_by),
                since=item.deleting,
                advice="" if held_by else "Let the controller of its objects finish, or remove their finalizers.",
            )


def _freed(items: list[Resource]) -> tuple[Fix, ...]:
    """Their finalizers taken away, which leaves out what these stand for."""
    if not items:
        return ()
    marks = sorted({mark for item in items for mark in item.meta["finalizers"]})
    sentence = f"Remove the finalizer {', '.join(marks)} once what it stands for is done: nobody else does it"
    return (together(sentence, [patch(item, sentence, {"metadata.finalizers": None}) for item in items[:20]]),)


def _late(snapshot: Snapshot, item: Resource) -> bool:
    return bool(item.deleting) and seconds_between(item.deleting, snapshot.now) > DELETING_SECONDS


def _deleted(item: Resource) -> tuple[Evidence, ...]:
    held = ", ".join(item.meta.get("finalizers") or ())
    return (fact(item, "metadata.finalizers", f"{held}; deleted", item.deleting),)


@detector(
    "the Available condition of APIs that other servers serve",
    Mode("api-service", (110,), "An API whose server does not answer"),
)
def apis(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each aggregated API that is not available."""
    for item in snapshot.all("APIService"):
        condition = item.conditions.get("Available", {})
        if condition.get("status") == "False":
            service = item.spec.get("service") or {}
            behind = Ref("Service", service.get("namespace", ""), service.get("name", ""))
            cause = f"The API {item.name} is not available: {condition.get('message')}"
            since = str(condition.get("lastTransitionTime") or "")
            evidence = (fact(item, "status.conditions[Available].message", condition.get("message"), since),)
            gone = snapshot.missing("Service", behind.namespace, behind.name)
            sentence = f"Delete {item.ref}, behind which there is no server"
            yield Finding(
                "api-service",
                cause,
                item.ref,
                "spec.service",
                (),
                evidence,
                (delete(item, sentence),) if gone else (),
                since=since,
                blames=(behind,),
                advice=f"Install or repair the server {behind.namespace}/{behind.name} where the API is wanted.",
            )


@detector(
    "the certificates of Secrets that Ingresses use",
    Mode("certificate-expired", (111,), "A certificate has expired"),
)
def certificates(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each certificate in use that has expired."""
    for ingress in snapshot.all("Ingress"):
        for entry in ingress.spec.get("tls") or ():
            secret = snapshot.get("Secret", ingress.namespace, entry.get("secretName") or "")
            end = end_of_certificate(secret) if secret else None
            if secret and end and end < dt.datetime.fromisoformat(snapshot.now):
                cause = f"The certificate in the Secret {secret.name} has expired on {end:%Y-%m-%d}"
                evidence = (fact(secret, "data[tls.crt]", f"not valid after {end.isoformat()}"),)
                yield Finding(
                    "certificate-expired",
                    cause,
                    secret.ref,
                    "data[tls.crt]",
                    (ingress.ref,),
                    evidence,
                    since=end.isoformat(),
                    advice=f"Have the certificate renewed and put it into the Secret {secret.name}.",
                )


@detector(
    "the refusals that a pod's log tells, against the roles bound to its account",
    Mode("rbac", (108,), "A program may not do what it has to"),
)
def rights(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each workload whose log says that the API server refused it something."""
    seen = set()
    for pod in troubled(snapshot):
        for view in views_of(snapshot, pod):
            if not view.ended or view.root.ref in seen:
                continue
            clue = clue_of(looks.last_words(pod, view.name))
            if clue is None or clue.kind != "rbac":
                continue
            seen.add(view.root.ref)
            groups = dict(clue.match)
            namespace, _, account = clue.about.partition(":")
            role = _role_of(snapshot, namespace, account)
            what = f"{groups.get('verb')} {groups.get('resource')}"
            holder = f"its {role}" if role else "no Role"
            cause = f"The account {account} of {view.root.ref} may not {what}: {holder} allows it"
            if role:
                cause = f"The account {account} of {view.root.ref} may not {what}: {role} does not allow it"
            at = role or Ref("ServiceAccount", namespace, account)
            evidence = (fact(pod, f"log of container {view.name}", clue.line),)
            affected = pods([item for item in views_of(snapshot, pod) if not is_over(pod)])
            field = "rules" if role else ""
            refused = _Refusal(
                namespace, account, groups.get("verb", ""), groups.get("resource", ""), _group(clue.line)
            )
            fixes = _allowed(snapshot.at(role) if role else None, refused)
            sure = SURE if role else LIKELY
            yield Finding("rbac", cause, at, field, affected, evidence, fixes, confidence=sure)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What an account may not do; `group` is empty for the core API."""

    namespace: str
    account: str
    verb: str
    resource: str
    group: str


def _group(line: str) -> str:
    found = re.search(r'in API group \\?"([\w.-]*)\\?"', line)
    return found[1] if found else ""


def _allowed(role: Resource | None, refused: _Refusal) -> tuple[Fix, ...]:
    """The one right that is missing: in the account's own Role, or in one that is made for it."""
    what = f"{refused.verb} {refused.resource}"
    if role is not None and role.ref.kind == "Role":
        rule = {"apiGroups": [refused.group], "resources": [refused.resource], "verbs": [refused.verb]}
        return (patch(role, f"Let {role.ref} allow to {what}", {"rules": [*(role.body.get("rules") or ()), rule]}),)
    name = f"{refused.account}-{refused.resource.replace('/', '-')}"
    place = {"name": name, "namespace": refused.namespace}
    resource = f"{refused.resource}.{refused.group}" if refused.group else refused.resource
    made = Fix("", "create_resource", {"kind": "role", **place, "rules": [f"{refused.verb} {resource}"]})
    holder = {"target": f"role/{name}", "subjects": [f"serviceaccount/{refused.account}"]}
    bound = Fix("", "create_resource", {"kind": "rolebinding", **place, **holder})
    return (together(f"Create a Role that lets {refused.account} {what} in {refused.namespace}", [made, bound]),)


def _role_of(snapshot: Snapshot, namespace: str, account: str) -> Ref | None:
    for binding in snapshot.all("RoleBinding", namespace):
        for subject in binding.body.get("subjects") or ():
            if subject.get("kind") == "ServiceAccount" and subject.get("name") == account:
                role = binding.body.get("roleRef") or {}
                place = namespace if role.get("kind") == "Role" else ""
                return Ref(role.get("kind", ""), place, role.get("name", ""))
    return None


@detector(
    "what containers use, against their CPU limits",
    Mode("cpu-throttled", (113,), "A container always uses all CPU that it may"),
)
def throttled(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each workload all of whose pods are at their CPU limit."""
    from mcp_tools import quantity

    high: dict[tuple[Ref, str], list[Resource]] = {}
    calm: set[tuple[Ref, str]] = set()
    usage = looks.usage(snapshot.namespace or None)
    for (namespace, name, container), used in usage.items():
        pod = snapshot.get("Pod", namespace, name)
        spec = next(
            (one for one in (pod.spec.get("containers") or () if pod else ()) if one["name"] == container), None
        )
        limit = ((spec or {}).get("resources") or {}).get("limits", {}).get("cpu") if spec else None
        if pod is None or not limit:
            continue
        key = (snapshot.root(pod).ref, container)
        if quantity.millis(used.get("cpu", "0")) >= NEAR_LIMIT * quantity.millis(limit):
            high.setdefault(key, []).append(pod)
        else:
            calm.add(key)
    for (ref, container), found in high.items():
        if (ref, container) in calm:
            continue
        cpu = usage[found[0].namespace, found[0].name, container].get("cpu")
        cause = f"Container {container} of {ref} uses all CPU that its limit allows, and is slowed down"
        evidence = (fact(found[0], f"usage of container {container}", f"cpu {cpu}"),)
        affected = tuple(pod.ref for pod in found)
        field = "spec.template.spec.containers[0].image"
        scalers = tuple(
            item.ref
            for item in snapshot.all("HorizontalPodAutoscaler", ref.namespace)
            if (item.spec.get("scaleTargetRef") or {}).get("name") == ref.name
        )
        root = snapshot.at(ref)
        fixes = (*go_back(snapshot, root), *_more_cpu(root, container)) if root else ()
        yield Finding("cpu-throttled", cause, ref, field, affected, evidence, fixes, confidence=LIKELY, blames=scalers)


def _more_cpu(root: Resource, container: str) -> tuple[Fix, ...]:
    from mcp_tools import quantity

    for one in root.template.get("containers") or ():
        limit = ((one.get("resources") or {}).get("limits") or {}).get("cpu")
        if one["name"] == container and limit:
            double = f"{2 * quantity.millis(limit)}m"
            return (
                configure(root, container, f"Raise the CPU limit of {container} to {double}", limits={"cpu": double}),
            )
    return ()


NEAR_LIMIT = 0.95
