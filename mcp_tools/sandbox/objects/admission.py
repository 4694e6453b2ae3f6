"""What the API server adds or refuses beyond defaults and validation, where it has to know the rest of the cluster."""

from __future__ import annotations

import ipaddress
import uuid
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.objects import certificates, podupdates
from mcp_tools.sandbox.objects import devicevalidation as devices
from mcp_tools.sandbox.objects.errors import Refused, failure, forbidden, invalid, invalid_value, not_found
from mcp_tools.sandbox.objects.names import generate
from mcp_tools.sandbox.objects.schema import DecodeError, conform
from mcp_tools.sandbox.objects.validation import JOB_UID
from mcp_tools.sandbox.policy import admissionpolicies, limits, podsecurity, priorities, quota, signers, webhooks
from mcp_tools.sandbox.policy.writes import Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcp_tools.sandbox.objects.deletion import DeleteOptions
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry, WriteOptions

Object = dict[str, Any]

NODE_PORTS = range(30000, 32768)
PROTECTED_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})
ATTRIBUTES_PROTECTION = "kubernetes.io/vac-protection"
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
_CLUSTER_ADDRESSES = ipaddress.ip_network("10.96.0.0/16")
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  where kubelets mount it


def admit_create(registry: Registry, kind: Kind, obj: Object, options: WriteOptions) -> None:
    """Complete a new object in place, before validation.

    Raises:
        Refused: 403 or 404, the namespace does not take it.
    """
    namespace = obj["metadata"].get("namespace", "")
    if namespace:
        space = registry.store.get(registry.kinds.named("Namespace"), "", namespace)
        if space is None:
            raise not_found(registry.kinds.named("Namespace"), namespace)
        if space["metadata"].get("deletionTimestamp"):
            raise _terminating(kind, obj, space)
    completer = _CREATE.get(kind.qualified)
    if completer:
        completer(registry, obj)
    if kind.qualified == certificates.KIND:
        certificates.begin(obj, options.user)
    elif kind.group == "resource.k8s.io":
        devices.drop_gated(kind.name, obj)
    _mutate(Write(registry, kind, "CREATE", obj, None, options))


def _mutate(write: Write) -> None:
    """Let the mutating webhooks change an object, in place."""
    found = webhooks.mutate(write)
    if found is None or write.obj is None:
        return
    shape = write.registry.shape(write.registry.kinds.stored(write.kind))
    try:
        fitting = conform(shape, found, []) if not write.kind.custom else found
    except DecodeError as error:
        raise failure(f"a webhook made of the object what is none: {error}") from error
    write.obj.clear()
    write.obj.update(fitting)
    write.registry.complete(write.kind, write.obj)


def admit_valid(registry: Registry, kind: Kind, obj: Object, old: Object | None, options: WriteOptions) -> list[str]:
    """The policies that look at an object once it is valid.

    Returns:
        Warnings for the client.

    Raises:
        Refused: 403 or 500.
    """
    warnings = []
    if old is None:
        limits.check(registry, kind, obj)
    if old is None or kind.qualified != "Pod":
        warnings = podsecurity.check(registry, kind, obj)
    signers.check_subject(kind, obj)
    write = Write(registry, kind, "CREATE" if old is None else "UPDATE", obj, old, options)
    warnings = [*warnings, *admissionpolicies.check(write)]
    webhooks.validate(write)
    if old is None or kind.qualified in {"Service", "PersistentVolumeClaim"}:
        quota.check(registry, kind, obj, old)
    return warnings


def admit_below(registry: Registry, kind: Kind, obj: Object, old: Object, options: WriteOptions) -> None:
    """The policies that look at what a client changes through a subresource.

    Raises:
        Refused: By a policy or a webhook.
    """
    signers.check_right(registry, kind, obj, old, options)
    write = Write(registry, kind, "UPDATE", obj, old, options)
    options.warnings.extend(admissionpolicies.check(write))
    webhooks.validate(write)


def allocate(registry: Registry, kind: Kind, obj: Object) -> None:
    """Give a new and valid object what there is only once: addresses and ports of Services, in place.

    Raises:
        Refused: 422, what it asks for is taken or out of range.
    """
    if kind.qualified == "Service":
        _service(registry, obj)


def allocate_more(registry: Registry, kind: Kind, obj: Object) -> None:
    """Give an updated object what it needs of it by now, in place.

    Raises:
        Refused: 422, what it asks for is taken or out of range.
    """
    if kind.qualified == "Service":
        _allocate_node_ports(registry, obj, list(registry.store.all_of(registry.kinds.named("Service"))))


def admit_update(registry: Registry, kind: Kind, obj: Object, old: Object, options: WriteOptions) -> None:
    """Complete an updated object in place: carry over what an update may leave out, and let webhooks change it."""
    _carry_over(kind, obj, old)
    _mutate(Write(registry, kind, "UPDATE", obj, old, options))


def _carry_over(kind: Kind, obj: Object, old: Object) -> None:
    if kind.qualified == "Service":
        _keep_addresses(obj, old)
    elif kind.qualified == "Pod":
        _tolerate_lost_nodes(obj["spec"])
    elif kind.qualified == "HorizontalPodAutoscaler.autoscaling":
        _without_tolerance(obj)
    elif kind.group == "resource.k8s.io":
        devices.drop_gated(kind.name, obj)
    elif kind.qualified == "Job.batch":
        for field in ("selector", "template"):
            if field not in obj.get("spec", {}):
                obj["spec"][field] = old["spec"].get(field)


def admit_delete(registry: Registry, kind: Kind, obj: Object, options: DeleteOptions) -> None:
    """Refuse to delete what a cluster cannot do without.

    Raises:
        Refused: 403.
    """
    name = obj["metadata"]["name"]
    if kind.qualified == "Namespace" and name in PROTECTED_NAMESPACES:
        raise forbidden(kind, name, "this namespace may not be deleted")
    if options.write is not None:
        write = Write(registry, kind, "DELETE", None, obj, options.write)
        webhooks.mutate(write)
        options.write.warnings.extend(admissionpolicies.check(write))
        webhooks.validate(write)


def _terminating(kind: Kind, obj: Object, space: Object) -> Refused:
    namespace = space["metadata"]["name"]
    name = obj["metadata"].get("name", "")
    refusal = forbidden(
        kind, name, f"unable to create new content in namespace {namespace} because it is being terminated"
    )
    message = f"namespace {namespace} is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
    refusal.details = {**(refusal.details or {}), "causes": [cause]}
    return refusal


def _pod(registry: Registry, obj: Object) -> None:
    spec = obj["spec"]
    limits.fill(registry, obj)
    if not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = "default"
    spec["serviceAccount"] = spec["serviceAccountName"]
    account = _account(registry, obj)
    priorities.resolve(registry, registry.kinds.named("Pod"), obj)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    _tolerate_lost_nodes(spec)
    if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
        _mount_token(registry, obj)
    obj["status"] = {"phase": "Pending", "qosClass": podupdates.quality_of(spec), **(obj.get("status") or {})}
    if spec.get("schedulingGates"):
        message = "Scheduling is blocked due to non-empty scheduling gates"
        gated = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": message}
        obj["status"]["conditions"] = [{**gated, "lastProbeTime": None, "lastTransitionTime": None}]


def _tolerate_lost_nodes(spec: Object) -> None:
    """For five minutes, unless the pod says otherwise."""
    tolerations = list(spec.get("tolerations") or ())
    for condition in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{condition}"
        if not any(
            item.get("key") in {key, None} and item.get("effect", "NoExecute") == "NoExecute" for item in tolerations
        ):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    spec["tolerations"] = tolerations


def _account(registry: Registry, pod: Object) -> Object:
    namespace, name = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
    found = registry.store.get(registry.kinds.named("ServiceAccount"), namespace, name)
    if found is None and name != "default":  # that one comes a moment after its namespace
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden(registry.kinds.named("Pod"), pod["metadata"].get("name", ""), why)
    return found or {}


def _mount_token(registry: Registry, obj: Object) -> None:
    spec = obj["spec"]
    name = generate("kube-api-access-", registry.random)
    mounted = False
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        mounts = container.setdefault("volumeMounts", [])
        if not any(mount.get("mountPath") == _TOKEN_PATH for mount in mounts):
            mounts.append({"name": name, "readOnly": True, "mountPath": _TOKEN_PATH})
            mounted = True
    if not mounted:
        return
    sources: list[Object] = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {
            "downwardAPI": {
                "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
            }
        },
    ]
    spec.setdefault("volumes", []).append({"name": name, "projected": {"sources": sources, "defaultMode": 0o644}})


def _service(registry: Registry, obj: Object) -> None:
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        obj["status"] = {"loadBalancer": {}}
        return
    services = list(registry.store.all_of(registry.kinds.named("Service")))
    if not spec.get("clusterIP"):
        taken = {service["spec"].get("clusterIP") for service in services}
        while (address := f"10.96.{registry.random.randrange(256)}.{registry.random.randrange(1, 255)}") in taken:
            pass
        spec["clusterIP"] = address
    elif spec["clusterIP"] != "None" and ipaddress.ip_address(spec["clusterIP"]) not in _CLUSTER_ADDRESSES:
        given = spec["clusterIP"]
        words = (
            f"failed to allocate IP {given}: the provided IP ({given}) is not in the valid range. The range of valid"
        )
        cause = invalid_value("spec.clusterIPs", [given], f"{words} IPs is {_CLUSTER_ADDRESSES}")
        raise invalid("Service", obj["metadata"]["name"], [cause])
    spec["clusterIPs"] = [spec["clusterIP"]]
    # A headless Service without a selector may be filled with addresses of both families.
    open_ended = spec["clusterIP"] == "None" and not spec.get("selector")
    spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if open_ended else ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if open_ended else "SingleStack")
    _allocate_node_ports(registry, obj, services)
    obj["status"] = {"loadBalancer": {}}


def _allocate_node_ports(registry: Registry, obj: Object, services: list[Object]) -> None:
    spec = obj["spec"]
    if spec.get("type") not in {"NodePort", "LoadBalancer"}:
        return
    name = obj["metadata"].get("name", "")
    taken = {
        port.get("nodePort")
        for service in services
        if (service["metadata"]["namespace"], service["metadata"]["name"]) != (obj["metadata"]["namespace"], name)
        for port in service["spec"].get("ports") or ()
    }
    for index, port in enumerate(spec.get("ports") or ()):
        wanted = port.get("nodePort")
        field = f"spec.ports[{index}].nodePort"
        if not wanted:
            while (wanted := registry.random.choice(NODE_PORTS)) in taken:
                pass
            port["nodePort"] = wanted
        elif wanted not in NODE_PORTS:
            words = (
                f"provided port is not in the valid range. The range of valid ports is {NODE_PORTS[0]}-{NODE_PORTS[-1]}"
            )
            raise invalid("Service", name, [invalid_value(field, wanted, words)])
        elif wanted in taken:
            raise invalid("Service", name, [invalid_value(field, wanted, "provided port is already allocated")])
        taken.add(wanted)


def _keep_addresses(obj: Object, old: Object) -> None:
    spec, before = obj["spec"], old["spec"]
    if spec.get("type") != "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if not spec.get(field) and before.get(field):
                spec[field] = before[field]
    ports = {(port.get("port"), port.get("protocol")): port for port in before.get("ports") or ()}
    if spec.get("type") in {"NodePort", "LoadBalancer"}:
        for port in spec.get("ports") or ():
            known = ports.get((port.get("port"), port.get("protocol")), {}).get("nodePort")
            if not port.get("nodePort") and known:
                port["nodePort"] = known
    elif before.get("type") in {"NodePort", "LoadBalancer"}:
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)
        spec.pop("externalTrafficPolicy", None)


def _namespace(_: Registry, obj: Object) -> None:
    obj["spec"] = {**(obj.get("spec") or {}), "finalizers": ["kubernetes"]}
    obj["status"] = {"phase": "Active"}


def _job(_: Registry, obj: Object) -> None:
    spec, meta = obj["spec"], obj["metadata"]
    if spec.get("manualSelector"):
        return
    uid = meta["uid"]
    labels = {
        JOB_UID: uid,
        "batch.kubernetes.io/job-name": meta["name"],
        "controller-uid": uid,
        "job-name": meta["name"],
    }
    template_meta = spec["template"]["metadata"]
    template_meta["labels"] = {**(template_meta.get("labels") or {}), **labels}
    meta["labels"] = {**(meta.get("labels") or {}), **labels} if not meta.get("labels") else meta["labels"]
    selector = spec.get("selector") or {}
    spec["selector"] = {**selector, "matchLabels": {JOB_UID: uid, **(selector.get("matchLabels") or {})}}


def _empty_status(status: Object) -> Callable[[Registry, Object], None]:
    def fill(_: Registry, obj: Object) -> None:
        obj["status"] = dict(status)

    return fill


def _limit_range(registry: Registry, obj: Object) -> None:
    """Of all kinds, this one is given a name where it has none."""
    if not obj["metadata"].get("name"):
        obj["metadata"]["name"] = str(uuid.UUID(int=registry.random.getrandbits(128), version=4))


def _claim(registry: Registry, obj: Object) -> None:
    meta = obj["metadata"]
    meta["finalizers"] = list(dict.fromkeys([*(meta.get("finalizers") or ()), CLAIM_PROTECTION]))
    obj["status"] = {"phase": "Pending"}
    default = default_class(registry.store.all_of(registry.kinds.named("StorageClass")))
    if "storageClassName" not in obj["spec"] and default:
        obj["spec"]["storageClassName"] = default


def default_class(classes: Iterable[Object]) -> str:
    """The name of the class that claims without one get; empty where none is the default."""
    for storage in classes:
        annotations = storage["metadata"].get("annotations") or {}
        if annotations.get("storageclass.kubernetes.io/is-default-class") == "true":
            return str(storage["metadata"]["name"])
    return ""


def _custom_resource(registry: Registry, obj: Object) -> None:
    now = rfc3339(registry.clock.now())
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}
        for kind, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    ]
    spec = obj["spec"]
    versions = [version["name"] for version in spec.get("versions") or () if version.get("storage")]
    obj["status"] = {"conditions": conditions, "acceptedNames": spec["names"], "storedVersions": versions}


def _without_tolerance(obj: Object) -> None:
    """It is behind a feature gate that is closed."""
    for rules in (obj["spec"].get("behavior") or {}).values():
        rules.pop("tolerance", None)


def _autoscaler(_: Registry, obj: Object) -> None:
    _without_tolerance(obj)


def _attributes_class(_: Registry, obj: Object) -> None:
    meta = obj["metadata"]
    meta["finalizers"] = list(dict.fromkeys([*(meta.get("finalizers") or ()), ATTRIBUTES_PROTECTION]))


def _quota(_: Registry, obj: Object) -> None:
    obj["status"] = {}


_CREATE: dict[str, Callable[[Registry, Object], None]] = {
    "Pod": _pod,
    "Namespace": _namespace,
    "Job.batch": _job,
    "PersistentVolumeClaim": _claim,
    "CustomResourceDefinition.apiextensions.k8s.io": _custom_resource,
    "ResourceQuota": _quota,
    "HorizontalPodAutoscaler.autoscaling": _autoscaler,
    "LimitRange": _limit_range,
    "VolumeAttributesClass.storage.k8s.io": _attributes_class,
    "ReplicaSet.apps": _empty_status({"replicas": 0}),
    "StatefulSet.apps": _empty_status({"replicas": 0, "availableReplicas": 0}),
    "Ingress.networking.k8s.io": _empty_status({"loadBalancer": {}}),
}
