"""Ingresses and routes that no request can follow to a pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import Kind
from mcp_tools.diagnosis.containers import delete, fact, patch
from mcp_tools.diagnosis.model import Finding, Fix, Found, Mode, Ref, detector
from mcp_tools.diagnosis.names import near
from mcp_tools.diagnosis.network.services import backends_of, service_port

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

SURE = 0.9
LIKELY = 0.7
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
GATEWAY = "gateway.networking.k8s.io"


@detector(
    "Ingresses against the classes, Services, ports and Secrets that they name, and against each other",
    Mode("ingress-class", (71,), "The Ingress is of a class that is not there"),
    Mode("ingress-backend", (72,), "The Ingress leads to a Service that is not there"),
    Mode("ingress-port", (73,), "The Ingress leads to a port that the Service does not have"),
    Mode("ingress-tls", (74,), "The Ingress's certificate is not there"),
    Mode("ingress-conflict", (75,), "Two Ingresses claim the same host and path"),
    Mode("ingress-address", (76,), "No controller takes up the Ingress"),
)
def ingresses(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each Ingress that does not lead to a pod."""
    conflicts = _conflicts(snapshot)
    for ingress in snapshot.all("Ingress"):
        found = [*_class(snapshot, ingress), *_backends(snapshot, ingress), *_tls(snapshot, ingress)]
        found += conflicts.get(ingress.ref, [])
        yield from found or _address(snapshot, looks, ingress)


def _class_name(ingress: Resource) -> str:
    annotated = (ingress.meta.get("annotations") or {}).get(CLASS_ANNOTATION)
    return str(ingress.spec.get("ingressClassName") or annotated or "")


def _class(snapshot: Snapshot, ingress: Resource) -> Iterator[Finding]:
    # The old annotation may name a class that no object stands for.
    name = ingress.spec.get("ingressClassName")
    if not name or not snapshot.missing("IngressClass", "", name):
        return
    there = sorted(item.name for item in snapshot.all("IngressClass"))
    cause = f"{ingress.ref} is of class {name}, and there is no such class"
    evidence = (fact(ingress, "spec.ingressClassName", name), fact(ingress, "classes", ", ".join(there) or "none"))
    fixes = tuple(patch(ingress, f"Use class {one}", {"spec.ingressClassName": one}) for one in there[:3])
    yield Finding("ingress-class", cause, ingress.ref, "spec.ingressClassName", (ingress.ref,), evidence, fixes)


def _backends(snapshot: Snapshot, ingress: Resource) -> Iterator[Finding]:
    for field, backend in backends_of(ingress.spec):
        path = field if field.endswith("service") else f"{field}.service"
        name, wanted = str(backend.get("name")), backend.get("port") or {}
        service = snapshot.get("Service", ingress.namespace, name)
        if service is None:
            if snapshot.missing("Service", ingress.namespace, name):
                cause = f"{ingress.ref} leads to Service {name}, and there is no such Service"
                evidence = (fact(ingress, f"{path}.name", name),)
                fixes = _other_service(snapshot, ingress, path, name, wanted)
                advice = f"Make the Service {name}, or let the Ingress lead to another one."
                at = f"{path}.name"
                yield Finding("ingress-backend", cause, ingress.ref, at, (ingress.ref,), evidence, fixes, advice=advice)
            continue
        port = wanted.get("number") or wanted.get("name") or 0
        ports = service.spec.get("ports") or ()
        if service_port({"ports": ports}, port) is None and service.spec.get("type") != "ExternalName":
            offered = ", ".join(str(item["port"]) for item in ports)
            cause = f"{ingress.ref} leads to port {port} of {service.ref}, which has {offered or 'none'}"
            facts = (fact(ingress, f"{path}.port", port), fact(service, "spec.ports", offered))
            numbers = [item["port"] for item in ports] if len(ports) == 1 else []
            fixes = tuple(
                patch(ingress, f"Lead to port {number}", {f"{path}.port": {"number": number}}) for number in numbers
            )
            yield Finding("ingress-port", cause, ingress.ref, f"{path}.port", (ingress.ref,), facts, fixes)


def _other_service(
    snapshot: Snapshot, ingress: Resource, path: str, name: str, wanted: dict[str, Any]
) -> tuple[Fix, ...]:
    """The Service of nearly the same name, else the only one that has the port."""
    port = wanted.get("number") or wanted.get("name") or 0
    able = {
        item.name: item
        for item in snapshot.all("Service", ingress.namespace)
        if service_port({"ports": item.spec.get("ports") or ()}, port) is not None
    }
    found = near(name, able) or (next(iter(able)) if len(able) == 1 else "")
    if not found:
        return ()
    why = "which alone has" if len(able) == 1 else "which has"
    return (patch(ingress, f"Lead to the Service {found}, {why} port {port}", {f"{path}.name": found}),)


def _tls(snapshot: Snapshot, ingress: Resource) -> Iterator[Finding]:
    for index, item in enumerate(ingress.spec.get("tls") or ()):
        name, field = item.get("secretName"), f"spec.tls[{index}].secretName"
        if not name:
            continue
        secret = snapshot.get("Secret", ingress.namespace, name)
        if secret is None and snapshot.missing("Secret", ingress.namespace, name):
            cause = f"{ingress.ref} takes its certificate from Secret {name}, which does not exist"
            evidence = (fact(ingress, field, name),)
            there = [item.name for item in snapshot.all("Secret", ingress.namespace) if _is_certificate(item)]
            meant = near(name, there)
            fixes = (patch(ingress, f"Take the certificate from Secret {meant}", {field: meant}),) if meant else ()
            advice = f"Put the certificate and its key into a Secret {name} of type kubernetes.io/tls."
            yield Finding("ingress-tls", cause, ingress.ref, field, (ingress.ref,), evidence, fixes, advice=advice)
        elif secret is not None and not {"tls.crt", "tls.key"} <= set(secret.body.get("data") or {}):
            cause = f"Secret {name}, from which {ingress.ref} takes its certificate, has no tls.crt and tls.key"
            evidence = (fact(secret, "data", ", ".join(secret.body.get("data") or {}) or "empty"),)
            advice = f"Put the certificate as tls.crt and its key as tls.key into the Secret {name}."
            yield Finding("ingress-tls", cause, ingress.ref, field, (ingress.ref,), evidence, advice=advice)


def _is_certificate(secret: Resource) -> bool:
    return {"tls.crt", "tls.key"} <= set(secret.body.get("data") or {})


def _conflicts(snapshot: Snapshot) -> dict[Ref, list[Finding]]:
    """The younger one of two loses, as controllers decide it."""
    first: dict[tuple[str, str, str, str], Resource] = {}
    found: dict[Ref, list[Finding]] = {}
    for ingress in sorted(snapshot.all("Ingress"), key=lambda item: (item.created, item.namespace, item.name)):
        for index, rule in enumerate(ingress.spec.get("rules") or ()):
            for item in (rule.get("http") or {}).get("paths") or ():
                host, path = rule.get("host") or "", item.get("path") or "/"
                key = (_class_name(ingress), host, path, item.get("pathType", ""))
                other = first.setdefault(key, ingress)
                if other is ingress or ingress.ref in found:
                    continue
                field = f"spec.rules[{index}].host"
                cause = f"{ingress.ref} and {other.ref} both claim {host or 'every host'}{path}; the older one wins"
                evidence = (fact(ingress, field, host), fact(other, "spec.rules", host))
                paths = [one for rule in ingress.spec["rules"] for one in (rule.get("http") or {}).get("paths") or ()]
                fixes = (delete(ingress, f"Delete {ingress.ref}, which gets no request"),) if len(paths) == 1 else ()
                advice = f"Give {ingress.ref} another host or path where it is wanted."
                found[ingress.ref] = [
                    Finding(
                        "ingress-conflict",
                        cause,
                        ingress.ref,
                        field,
                        (ingress.ref,),
                        evidence,
                        fixes,
                        confidence=SURE,
                        advice=advice,
                    )
                ]
    return found


def _address(snapshot: Snapshot, looks: Looks, ingress: Resource) -> Iterator[Finding]:
    if _has_address(ingress):
        return
    name = _class_name(ingress)
    served = {_class_name(item) for item in snapshot.all("Ingress") if _has_address(item)}
    # Where no Ingress at all has an address, the controllers of this cluster publish none.
    if name in served or not served:
        return
    if not name and not any(
        (item.meta.get("annotations") or {}).get(DEFAULT_CLASS) == "true" for item in snapshot.all("IngressClass")
    ):
        if snapshot.sees("IngressClass"):
            cause = f"{ingress.ref} names no class, and the cluster has no default one"
            evidence = (fact(ingress, "spec.ingressClassName", "not set"),)
            there = sorted(item.name for item in snapshot.all("IngressClass"))
            fixes = tuple(patch(ingress, f"Use class {one}", {"spec.ingressClassName": one}) for one in there[:3])
            at, advice = "spec.ingressClassName", "" if there else "Install an ingress controller."
            yield Finding("ingress-class", cause, ingress.ref, at, (ingress.ref,), evidence, fixes, advice=advice)
        return
    kept = snapshot.get("IngressClass", "", name)
    controller = str((kept.spec if kept else {}).get("controller") or name).rsplit("/", 1)[-1].lower()
    workloads = [*looks.listed("deployments", None), *looks.listed("daemonsets", None)]
    if "deployments of other namespaces" in looks.unseen or any(_runs(item, controller) for item in workloads):
        return
    cause = f"Nobody takes up {ingress.ref}: no controller of class {name} runs"
    evidence = (fact(ingress, "status.loadBalancer", "empty"),)
    ref = Ref("IngressClass", "", name)
    advice = f"Install or start the ingress controller of class {name}."
    yield Finding("ingress-address", cause, ref, "", (ingress.ref,), evidence, confidence=LIKELY, advice=advice)


def _has_address(ingress: Resource) -> bool:
    return bool((ingress.status.get("loadBalancer") or {}).get("ingress"))


def _runs(item: Resource, controller: str) -> bool:
    text = " ".join([item.name, *item.labels.values()]).lower()
    able = item.status.get("readyReplicas") or item.status.get("numberReady")
    return bool(able) and controller.removeprefix("ingress-") in text


@detector(
    "HTTPRoutes against the Gateways and Services that they name",
    Mode("gateway-route", (82,), "The route belongs to a Gateway that is not there"),
    Mode("gateway-backend", (82,), "The route leads to a Service that is not there"),
)
def routes(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each route that hangs in the air; only where the cluster knows routes at all."""
    if snapshot.get("CustomResourceDefinition", "", f"httproutes.{GATEWAY}") is None:
        return
    space = snapshot.namespace or None
    # Gateways are shared: a route of one namespace often belongs to a Gateway of another.
    gateways = {item.ref for item in looks.listed(_kind("Gateway"), None)}
    blind = "gateways of other namespaces" in looks.unseen
    for route in looks.listed(_kind("HTTPRoute"), space):
        for index, parent in enumerate(route.spec.get("parentRefs") or ()):
            ref = Ref("Gateway", parent.get("namespace") or route.namespace, parent["name"])
            if parent.get("kind", "Gateway") == "Gateway" and ref not in gateways and not blind:
                field = f"spec.parentRefs[{index}].name"
                cause = f"{route.ref} belongs to Gateway {ref.name}, and there is no such Gateway in {ref.namespace}"
                evidence = (fact(route, field, ref.name),)
                meant = near(ref.name, [item.name for item in gateways if item.namespace == ref.namespace])
                fixes = (patch(route, f"Belong to Gateway {meant}", {field: meant}),) if meant else ()
                advice = f"Make the Gateway {ref.name} in {ref.namespace}, or name one that is there."
                yield Finding("gateway-route", cause, route.ref, field, (route.ref,), evidence, fixes, advice=advice)
        for place, rule in enumerate(route.spec.get("rules") or ()):
            for index, backend in enumerate(rule.get("backendRefs") or ()):
                where = backend.get("namespace") or route.namespace
                if backend.get("kind", "Service") == "Service" and snapshot.missing("Service", where, backend["name"]):
                    field = f"spec.rules[{place}].backendRefs[{index}].name"
                    cause = f"{route.ref} leads to Service {backend['name']}, and there is no such Service"
                    evidence = (fact(route, field, backend["name"]),)
                    meant = near(backend["name"], [item.name for item in snapshot.all("Service", where)])
                    fixes = (patch(route, f"Lead to the Service {meant}", {field: meant}),) if meant else ()
                    advice = f"Make the Service {backend['name']}, or lead to another one."
                    yield Finding(
                        "gateway-backend", cause, route.ref, field, (route.ref,), evidence, fixes, advice=advice
                    )


def _kind(name: str) -> Kind:
    return Kind(GATEWAY, "v1", name, f"{name.lower()}s", (), namespaced=True)
