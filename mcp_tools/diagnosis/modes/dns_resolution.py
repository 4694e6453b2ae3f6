"""Names that do not resolve: the name server is down, another one is asked, or it is asked for a wrong name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import fact, patch, target_of, template_path, together
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, detector
from mcp_tools.diagnosis.names import near
from mcp_tools.diagnosis.network.calls import calls_in
from mcp_tools.reads.answer import listed

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.network.calls import Call
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

SURE = 0.9
SYSTEM = "kube-system"


@detector(
    "the name server's Deployment in kube-system",
    Mode("dns-down", (79,), "The cluster's name server does not run"),
)
def name_server(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding where nobody answers for names."""
    for item in looks.listed("deployments", SYSTEM):
        if item.name not in {"coredns", "kube-dns"} and item.labels.get("k8s-app") != "kube-dns":
            continue
        if item.status.get("readyReplicas"):
            continue
        wanted = item.spec.get("replicas", 1)
        field = "" if wanted else "spec.replicas"
        why = "it is scaled to 0" if not wanted else "none of its pods is ready"
        cause = f"The cluster's name server does not run ({item.ref} in {SYSTEM}): {why}, so no name resolves"
        evidence = (fact(item, "spec.replicas", wanted), fact(item, "status.readyReplicas", 0))
        place = {"target": f"deployment/{item.name}", "namespace": SYSTEM}
        fixes = () if wanted else (_scale(place),)
        advice = "Look at the pods of the name server: why is none of them ready?" if wanted else ""
        yield Finding("dns-down", cause, item.ref, field, _callers(snapshot), evidence, fixes, advice=advice)


def _scale(place: dict[str, str]) -> Fix:
    return Fix("Run two name servers", "scale", {**place, "replicas": 2})


def _callers(snapshot: Snapshot) -> tuple[Ref, ...]:
    roots = {call.root.ref: call.root for call in calls_in(snapshot)}
    return tuple(pod.ref for root in roots.values() for pod in snapshot.pods_of(root))


@detector(
    "the DNS policy of pods whose environment names Services",
    Mode("dns-policy", (80,), "The pods do not ask the cluster's name server"),
)
def policies(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each workload that uses names of the cluster and asks somebody else for them."""
    told: set[Ref] = set()
    for call in calls_in(snapshot):
        template = call.root.template
        policy = template.get("dnsPolicy", "ClusterFirst")
        on_node = policy == "ClusterFirst" and template.get("hostNetwork")
        if call.root.ref in told or not (policy == "Default" or on_node) or _is_address(call.host):
            continue
        told.add(call.root.ref)
        field = f"{template_path(call.root)}.dnsPolicy"
        cause = f"{call.root.ref} asks its node for names and not the cluster, so {call.host} does not resolve"
        evidence = (fact(call.root, field, policy), fact(call.root, f"variable {call.source.name}", call.host))
        wanted = "ClusterFirstWithHostNet" if template.get("hostNetwork") else "ClusterFirst"
        fix = patch(call.root, f"Set the DNS policy to {wanted}", {field: wanted})
        pods = tuple(pod.ref for pod in snapshot.pods_of(call.root))
        yield Finding("dns-policy", cause, call.root.ref, field, pods, evidence, (fix,))


@detector(
    "the host names in the environment of containers against the Services",
    Mode("dns-name", (80,), "A variable names a Service that does not exist"),
)
def names(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each variable that names a Service which is not there, of containers that run nevertheless."""
    told: set[tuple[Ref, str]] = set()
    for call in calls_in(snapshot):
        key = (call.source.object, call.source.field)
        if key in told or _is_address(call.host) or _restarted(snapshot, call.root):
            continue
        if not _missing(snapshot, looks, call.service):
            continue
        told.add(key)
        there = [item for item in snapshot.all("Service") if item.name == call.service.name]
        where = f"{call.service.name} in namespace {call.service.namespace}"
        cause = f"{call.root.ref} is to call {call.host} ({call.source.name}), and there is no Service {where}"
        evidence = (Evidence(call.source.object, call.source.field, call.source.value or ""),)
        if there:
            cause += f"; there is one in {call.root.namespace}"
        pods = tuple(pod.ref for pod in snapshot.pods_of(call.root))
        fixes = _renamed(snapshot, call, there)
        advice = f"Make the Service {where}, or write the name of another one into {call.source.name}."
        at = call.source.field
        yield Finding("dns-name", cause, call.source.object, at, pods, evidence, fixes, confidence=SURE, advice=advice)


def _renamed(snapshot: Snapshot, call: Call, there: list[Resource]) -> tuple[Fix, ...]:
    """The variable with the Service that was meant, and a restart of those who read it only once."""
    value, held = call.source.value, snapshot.at(call.source.object)
    meant = there[0] if there else None
    if meant is None:
        own = {item.name: item for item in snapshot.all("Service", call.root.namespace)}
        meant = own.get(near(call.service.name, own))
    if meant is None or held is None or not value:
        return ()
    host = meant.name if meant.namespace == call.root.namespace else f"{meant.name}.{meant.namespace}"
    new = value.replace(call.host, host)
    sentence = f"Set {call.source.name} to {new}"
    if held.ref == call.root.ref:
        return (patch(held, sentence, {f"{call.source.field}.value": new}),)
    if held.ref.kind != "ConfigMap":
        return ()
    roots = {one.root.ref: one.root for one in calls_in(snapshot) if one.source.object == held.ref}
    steps = [patch(held, sentence, {call.source.field: new})]
    steps += [Fix("", "rollout", {**target_of(root), "action": "restart"}) for root in roots.values()]
    return (together(f"{sentence} in {held.ref} and restart {listed([str(ref) for ref in roots], 3)}", steps),)


def _missing(snapshot: Snapshot, looks: Looks, service: Ref) -> bool:
    if snapshot.at(service) is not None:
        return False
    if snapshot.missing("Service", service.namespace, service.name):
        return True
    if snapshot.missing("Namespace", "", service.namespace):
        return True
    if service.namespace == snapshot.namespace or not snapshot.namespace:
        return False
    there = looks.listed("services", service.namespace)
    blind = f"services of {service.namespace}" in looks.unseen
    return not blind and all(item.name != service.name for item in there)


def _restarted(snapshot: Snapshot, root: Resource) -> bool:
    """A container that ends because of a name says so in its log, which proves more."""
    return any(_ends(pod) for pod in snapshot.pods_of(root))


def _ends(pod: Resource) -> bool:
    return any(item.get("restartCount") for item in pod.status.get("containerStatuses") or ())


def _is_address(host: str) -> bool:
    return host.replace(".", "").isdecimal() or ":" in host
