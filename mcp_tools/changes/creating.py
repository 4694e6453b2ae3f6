"""New objects from a few words: what `kubectl create`, `run` and `expose` make, with what is there looked up."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.applying import want
from mcp_tools.changes.operations import Wanted
from mcp_tools.cluster.kinds import find_kind
from mcp_tools.cluster.resolve import WORKLOADS, Found, find_object
from mcp_tools.errors import Conflict, Forbidden, NotFound, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

Body = dict[str, Any]
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
HTTP = 80
ENFORCE = "pod-security.kubernetes.io/enforce"
# The users that the official images make for themselves; they start as root where nobody says otherwise.
RUNS_AS = {"redis": 999, "memcached": 11211, "nginx": 101, "postgres": 70, "rabbitmq": 100, "nats": 1000}


@dataclass(frozen=True, slots=True)
class Creation:
    """What is to be made. Which fields count depends on the kind; those that do not are refused.

    Attributes:
        target: The workload that a Service, NetworkPolicy, autoscaler or budget is for; the Service of an Ingress;
            the Role of a RoleBinding.
        port, target_port: A container's port; a Service's port and the one it leads to; the port that is let in.
        data: Entries of a ConfigMap or Secret (plain text); the limits of a ResourceQuota.
        rules: Of a Role: verbs and resources, as `get,list pods,services`.
        subjects: Of a RoleBinding: `serviceaccount/NAME`, `user/NAME` or `group/NAME`; of a NetworkPolicy: the
            workloads that are let in.
        type: Of a Service: ClusterIP, NodePort or LoadBalancer.
        size: Of a PersistentVolumeClaim.
    """

    kind: str
    name: str
    namespace: str | None = None
    image: str | None = None
    replicas: int | None = None
    port: int | None = None
    target_port: int | None = None
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    host: str | None = None
    path: str | None = None
    schedule: str | None = None
    type: str | None = None
    size: str | None = None
    rules: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


def create(connection: Connection, asked: Creation) -> Wanted:
    """Make an object that is not there yet.

    Raises:
        UsageError: The kind is none of these, the name is none, or something it needs was not given.
        Conflict: There is one of that name already.
        NotFound: What it is for is not there.
    """
    kind = find_kind(connection, asked.kind)
    maker = MAKERS.get(kind.plural)
    if maker is None:
        raise UsageError(
            f"A {kind.name} cannot be made from a few words.", "Apply it as a manifest; `explain` shows its fields."
        )
    if not NAME.fullmatch(asked.name):
        raise UsageError(
            f"{asked.name!r} is no name of an object.", "Use lower-case letters, digits and -, such as my-web."
        )
    _check(asked, kind.plural, kind.name)
    where = (asked.namespace or connection.namespace) if kind.namespaced else None
    metadata = {"name": asked.name, **({"namespace": where} if where else {})}
    body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **maker(connection, asked)}
    wanted = want(connection, body, where or "")
    if wanted.found.object:
        raise Conflict(f"There is {wanted.found} already.", "Change it, or choose another name.")
    return Wanted(
        "create",
        f"Create {wanted.found}{_said(asked)}",
        wanted.found,
        verb=wanted.verb,
        body=body,
        arguments={"kind": kind.name},
    )


def _said(asked: Creation) -> str:
    parts = [f"image {asked.image}"] if asked.image else []
    parts += [f"for {asked.target}"] if asked.target else []
    parts += [f"port {asked.port}"] if asked.port else []
    parts += [f"host {asked.host}"] if asked.host else []
    return f" ({', '.join(parts)})" if parts else ""


def _check(asked: Creation, plural: str, name: str) -> None:
    needed, able = NEEDS[plural], {*NEEDS[plural], *TAKES.get(plural, ())}
    for attribute in needed:
        if not getattr(asked, attribute):
            raise UsageError(f"A {name} needs {_WORDS.get(attribute, attribute)}.", f"Say {EXAMPLES[plural]}.")
    given = {
        attribute
        for attribute in Creation.__dataclass_fields__
        if attribute not in {"kind", "name", "namespace"} and getattr(asked, attribute) not in (None, (), {})
    }
    odd = sorted(given - able)
    if odd:
        raise UsageError(
            f"A {name} takes no {', '.join(odd)}.", f"It takes {', '.join(sorted(able)) or 'a name only'}."
        )


_WORDS = {
    "image": "an image",
    "target": "to know what it is for",
    "port": "a port",
    "schedule": "a schedule",
    "rules": "rules",
    "subjects": "to know for whom",
    "size": "a size",
    "data": "limits",
    "host": "a host",
}


def _labels(name: str) -> Body:
    return {"app": name}


def _pod_spec(connection: Connection, asked: Creation, **more: Any) -> Body:
    """One container, with what the namespace's Pod Security asks for."""
    container = _container(asked)
    if not _restricted(connection, asked.namespace or connection.namespace):
        return {**more, "containers": [container]}
    container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    repository = (asked.image or "").rpartition("/")[2].partition(":")[0].partition("@")[0]
    user = {"runAsUser": RUNS_AS[repository]} if repository in RUNS_AS else {}
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user}
    return {**more, "securityContext": context, "containers": [container]}


def _restricted(connection: Connection, namespace: str) -> bool:
    try:
        found = connection.get_object(f"/api/v1/namespaces/{namespace}")
    except (NotFound, Forbidden):
        return False
    return bool((found["metadata"].get("labels") or {}).get(ENFORCE) == "restricted")


def _container(asked: Creation) -> Body:
    made: Body = {"name": asked.name, "image": asked.image}
    if asked.command:
        made["command"] = list(asked.command)
    if asked.port:
        made["ports"] = [{"containerPort": asked.port}]
    if asked.env:
        made["env"] = [{"name": name, "value": value} for name, value in asked.env.items()]
    return made


def _deployment(connection: Connection, asked: Creation) -> Body:
    return {
        "spec": {
            "replicas": 1 if asked.replicas is None else asked.replicas,
            "selector": {"matchLabels": _labels(asked.name)},
            "template": {"metadata": {"labels": _labels(asked.name)}, "spec": _pod_spec(connection, asked)},
        }
    }


def _pod(connection: Connection, asked: Creation) -> Body:
    return {"spec": _pod_spec(connection, asked)}


def _job(connection: Connection, asked: Creation) -> Body:
    return {"spec": {"template": {"spec": _pod_spec(connection, asked, restartPolicy="Never")}}}


def _cronjob(connection: Connection, asked: Creation) -> Body:
    return {"spec": {"schedule": asked.schedule, "jobTemplate": _job(connection, asked)}}


def _service(connection: Connection, asked: Creation) -> Body:
    workload = _workload(connection, asked.target or "", asked.namespace)
    ports = _ports(workload)
    port = asked.port or _only_port(workload)
    leads_to = asked.target_port or (ports[0] if len(ports) == 1 else port)
    spec: Body = {"selector": _selector(workload), "ports": [{"port": port, "targetPort": leads_to}]}
    return {"spec": {**spec, **({"type": asked.type} if asked.type else {})}}


def _ingress(connection: Connection, asked: Creation) -> Body:
    service = find_object(connection, _as("services", asked.target or ""), asked.namespace, ("services",))
    ports = [int(port["port"]) for port in service.object["spec"].get("ports") or []]
    if not asked.port and len(ports) != 1:
        raise UsageError(f"{service} has {len(ports)} ports.", "Say which one.")
    backend = {"service": {"name": service.name, "port": {"number": asked.port or ports[0]}}}
    path = {"path": asked.path or "/", "pathType": "Prefix", "backend": backend}
    return {"spec": {"rules": [{"host": asked.host, "http": {"paths": [path]}}]}}


def _configmap(_: Connection, asked: Creation) -> Body:
    return {"data": dict(asked.data)}


def _secret(_: Connection, asked: Creation) -> Body:
    # Not stringData: what is written would not be what is read back, and could not be verified.
    data = {key: base64.b64encode(value.encode()).decode() for key, value in asked.data.items()}
    return {"type": "Opaque", "data": data}


def _role(connection: Connection, asked: Creation) -> Body:
    rules = []
    for rule in asked.rules:
        verbs, _, resources = rule.partition(" ")
        for resource in resources.split(","):
            word, slash, subresource = resource.strip().partition("/")
            kind = find_kind(connection, word)
            rules.append(
                {
                    "apiGroups": [kind.group],
                    "resources": [f"{kind.plural}{slash}{subresource}"],
                    "verbs": verbs.split(","),
                }
            )
    return {"rules": rules}


def _binding(connection: Connection, asked: Creation) -> Body:
    word, slash, name = (asked.target or "").partition("/")
    kind = find_kind(connection, word if slash else "role")
    subjects = []
    for subject in asked.subjects:
        what, _, who = subject.partition("/")
        space, colon, account = who.partition(":")
        match what:
            case "serviceaccount" | "sa":
                where = space if colon else asked.namespace or connection.namespace
                subjects.append({"kind": "ServiceAccount", "name": account or space, "namespace": where})
            case "user" | "group":
                subjects.append({"kind": what.capitalize(), "name": who, "apiGroup": kind.group})
            case _:
                raise UsageError(f"{subject!r} is nobody.", "Say serviceaccount/NAME, user/NAME or group/NAME.")
    return {
        "roleRef": {"apiGroup": kind.group, "kind": kind.name, "name": name if slash else word},
        "subjects": subjects,
    }


def _policy(connection: Connection, asked: Creation) -> Body:
    target = _workload(connection, asked.target or "", asked.namespace)
    sources = [_workload(connection, word, asked.namespace) for word in asked.subjects]
    rule: Body = {"from": [{"podSelector": {"matchLabels": _selector(source)}} for source in sources]}
    if asked.port:
        rule["ports"] = [{"port": asked.port, "protocol": "TCP"}]
    selector = {"matchLabels": _selector(target)}
    return {"spec": {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": [rule] if sources else []}}


def _budget(connection: Connection, asked: Creation) -> Body:
    workload = _workload(connection, asked.target or "", asked.namespace)
    return {"spec": {"minAvailable": asked.replicas, "selector": {"matchLabels": _selector(workload)}}}


def _quota(_: Connection, asked: Creation) -> Body:
    return {"spec": {"hard": dict(asked.data)}}


def _claim(_: Connection, asked: Creation) -> Body:
    return {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": asked.size}}}}


def _bare(_: Connection, __: Creation) -> Body:
    return {}


MAKERS: dict[str, Callable[[Connection, Creation], Body]] = {
    "deployments": _deployment,
    "pods": _pod,
    "jobs": _job,
    "cronjobs": _cronjob,
    "services": _service,
    "ingresses": _ingress,
    "configmaps": _configmap,
    "secrets": _secret,
    "roles": _role,
    "clusterroles": _role,
    "rolebindings": _binding,
    "clusterrolebindings": _binding,
    "networkpolicies": _policy,
    "poddisruptionbudgets": _budget,
    "resourcequotas": _quota,
    "persistentvolumeclaims": _claim,
    "namespaces": _bare,
    "serviceaccounts": _bare,
}
NEEDS: dict[str, tuple[str, ...]] = {
    "deployments": ("image",),
    "pods": ("image",),
    "jobs": ("image",),
    "cronjobs": ("image", "schedule"),
    "services": ("target",),
    "ingresses": ("target", "host"),
    "configmaps": (),
    "secrets": (),
    "roles": ("rules",),
    "clusterroles": ("rules",),
    "rolebindings": ("target", "subjects"),
    "clusterrolebindings": ("target", "subjects"),
    "networkpolicies": ("target",),
    "poddisruptionbudgets": ("target", "replicas"),
    "resourcequotas": ("data",),
    "persistentvolumeclaims": ("size",),
    "namespaces": (),
    "serviceaccounts": (),
}
TAKES: dict[str, tuple[str, ...]] = {
    "deployments": ("replicas", "port", "command", "env"),
    "pods": ("port", "command", "env"),
    "jobs": ("command", "env"),
    "cronjobs": ("command", "env"),
    "services": ("port", "target_port", "type"),
    "ingresses": ("port", "path"),
    "configmaps": ("data",),
    "secrets": ("data",),
    "networkpolicies": ("subjects", "port"),
}
EXAMPLES = {
    "deployments": "`create deployment web with image nginx:1.27`",
    "pods": "`create pod probe with image busybox:latest`",
    "jobs": "`create job hello with image busybox:latest running echo hello`",
    "cronjobs": '`create cronjob tick with image busybox:latest schedule "*/5 * * * *" running date`',
    "services": "`expose deployment/web on port 80`",
    "ingresses": "`create ingress web for service web on host web.local`",
    "roles": "`create role reader to get,list pods`",
    "clusterroles": "`create clusterrole reader to get,list nodes`",
    "rolebindings": "`bind role reader to serviceaccount/default`",
    "clusterrolebindings": "`bind clusterrole reader to serviceaccount/default`",
    "networkpolicies": "`allow frontend to reach backend on port 8000`",
    "poddisruptionbudgets": "`create pdb web for web with 1 available`",
    "resourcequotas": "`create quota small with pods=10 cpu=4`",
    "persistentvolumeclaims": "`create pvc data of 1Gi`",
}


def _as(plural: str, target: str) -> str:
    return target if "/" in target else f"{plural}/{target}"


def _workload(connection: Connection, target: str, namespace: str | None) -> Found:
    found = find_object(connection, target, namespace, WORKLOADS)
    if found.kind.plural not in WORKLOADS:
        raise UsageError(f"{found} has no pods of its own.", f"Name one of {', '.join(WORKLOADS)}.")
    return found


def _selector(workload: Found) -> dict[str, str]:
    labels: dict[str, str] = workload.object["spec"]["selector"].get("matchLabels") or {}
    if not labels:
        raise UsageError(f"The pods of {workload} are not chosen by labels alone.", "Apply it as a manifest.")
    return labels


def _ports(workload: Found) -> list[int]:
    containers = workload.object["spec"]["template"]["spec"]["containers"]
    return [int(port["containerPort"]) for container in containers for port in container.get("ports") or []]


def _only_port(workload: Found) -> int:
    ports = _ports(workload)
    if len(ports) != 1:
        said = f"{len(ports)} ports" if ports else "no port"
        raise UsageError(f"{workload} declares {said}.", f"Say which, as `expose {workload.name} on port {HTTP}`.")
    return ports[0]
