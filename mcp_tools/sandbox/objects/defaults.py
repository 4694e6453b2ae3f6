"""Defaults that the API server fills in, kind by kind (kubernetes/pkg/apis/*/v1/defaults.go)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.objects.kinds import Kind

Spec = dict[str, Any]


def fill(kind: Kind, obj: dict[str, Any]) -> None:
    """Fill an object's defaults in place; the object must not be shared with the store."""
    filler = _FILLERS.get(kind.gvk) or _FILLERS.get(kind.qualified)
    if filler:
        filler(obj)


def fill_conditions(pod: dict[str, Any]) -> None:
    """Times of a pod's conditions that nobody gave are there as nulls, as Go writes them."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        condition.setdefault("lastProbeTime", None)
        condition.setdefault("lastTransitionTime", None)


def _deployment(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec["strategy"] = dict(spec.get("strategy") or {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = dict(strategy.get("rollingUpdate") or {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    _template(spec)


def _replica_set(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    if spec.get("template") or obj["kind"] == "ReplicaSet":
        _template(spec)


def _stateful_set(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("serviceName", "")
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("revisionHistoryLimit", 10)
    kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    spec["persistentVolumeClaimRetentionPolicy"] = {**kept, **(spec.get("persistentVolumeClaimRetentionPolicy") or {})}
    strategy = spec["updateStrategy"] = dict(spec.get("updateStrategy") or {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {"partition": 0, **(strategy.get("rollingUpdate") or {})}
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {"phase": "Pending"})
    _template(spec)


def _daemon_set(obj: dict[str, Any]) -> None:
    meta, spec = obj["metadata"], obj["spec"]
    meta["annotations"] = {"deprecated.daemonset.template.generation": "1", **(meta.get("annotations") or {})}
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec["updateStrategy"] = dict(spec.get("updateStrategy") or {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxUnavailable": 1, "maxSurge": 0, **(strategy.get("rollingUpdate") or {})}
    _template(spec)


def _job(obj: dict[str, Any]) -> None:
    _job_spec(obj["spec"])


def _job_spec(spec: Spec) -> None:
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    _template(spec, restart_policy=None)


def _cron_job(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    template = spec.setdefault("jobTemplate", {})
    template.setdefault("metadata", {})
    _template(template.setdefault("spec", {}), restart_policy=None)


def _template(spec: Spec, restart_policy: str | None = "Always") -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod = template.setdefault("spec", {})
    pod_spec(pod, restart_policy)


def _pod(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    pod_spec(spec, "Always")
    spec.setdefault("enableServiceLinks", True)
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        resources = container["resources"]
        limits = resources.get("limits") or {}
        if limits:
            resources["requests"] = {**limits, **(resources.get("requests") or {})}


def pod_spec(spec: Spec, restart_policy: str | None) -> None:
    """Fill a pod spec in place; `restart_policy` is the default, `None` where there is none (Jobs)."""
    if restart_policy:
        spec.setdefault("restartPolicy", restart_policy)
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    for section in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(section) or ():
            _container(container)
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _container(container: Spec) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})
    container.setdefault("imagePullPolicy", "Always" if _is_latest(container.get("image", "")) else "IfNotPresent")
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if port.get("hostPort") == 0:
            del port["hostPort"]
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _probe(container[name])
    for variable in container.get("env", ()):
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and hook.get("httpGet"):
            _http_get(hook["httpGet"])


def _is_latest(image: str) -> bool:
    if "@" in image:
        return False
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return tag in {"", "latest"}


def _probe(probe: Spec) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if probe.get("grpc"):
        probe["grpc"].setdefault("service", "")
    if probe.get("httpGet"):
        _http_get(probe["httpGet"])


def _http_get(action: Spec) -> None:
    action.setdefault("path", "/")
    action.setdefault("scheme", "HTTP")


def _volume(volume: Spec) -> None:
    sources = set(volume) - {"name"}
    if not sources:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(source), dict):
            volume[source].setdefault("defaultMode", 0o644)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")


def _service(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        port["targetPort"] = port.get("targetPort") or port.get("port", 0)
    if spec["type"] == "ExternalName":
        return
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def _namespace(obj: dict[str, Any]) -> None:
    meta = obj["metadata"]
    meta["labels"] = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": meta.get("name", "")}


def _secret(obj: dict[str, Any]) -> None:
    obj.setdefault("type", "Opaque")
    strings = obj.pop("stringData", None)
    if strings:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in strings.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def _claim(obj: dict[str, Any]) -> None:
    obj["spec"].setdefault("volumeMode", "Filesystem")


def _storage_class(obj: dict[str, Any]) -> None:
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def _older_autoscaler(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _autoscaler(obj: dict[str, Any]) -> None:
    _older_autoscaler(obj)
    if obj["spec"].get("behavior"):
        _pace(obj["spec"]["behavior"])


_GROW = [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]
_SHRINK = [{"type": "Percent", "value": 100, "periodSeconds": 15}]


def _pace(behavior: Spec) -> None:
    for way, policies in (("scaleUp", _GROW), ("scaleDown", _SHRINK)):
        rules = behavior[way] = dict(behavior.get(way) or {})
        if way == "scaleUp":
            rules.setdefault("stabilizationWindowSeconds", 0)
        rules.setdefault("selectPolicy", "Max")
        rules.setdefault("policies", policies)


def _network_policy(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for port in rule.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _role_binding(obj: dict[str, Any]) -> None:
    if obj.get("roleRef") and not obj["roleRef"].get("apiGroup"):
        obj["roleRef"]["apiGroup"] = "rbac.authorization.k8s.io"
    for subject in obj.get("subjects", ()):
        if subject.get("kind") in {"User", "Group"}:
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _role(obj: dict[str, Any]) -> None:
    obj.setdefault("rules", None)


def _limit_range(obj: dict[str, Any]) -> None:
    """A container's maximum is its default, a default the default request."""
    if not obj["spec"].get("limits"):
        obj["spec"]["limits"] = None
    for item in obj["spec"].get("limits") or ():
        if item.get("type") != "Container":
            continue
        limits = {**(item.get("max") or {}), **(item.get("default") or {})}
        requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
        item.update({key: value for key, value in (("default", limits), ("defaultRequest", requests)) if value})


def _priority_class(obj: dict[str, Any]) -> None:
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _webhooks(obj: dict[str, Any]) -> None:
    for webhook in obj.get("webhooks") or ():
        webhook.setdefault("failurePolicy", "Fail")
        webhook.setdefault("matchPolicy", "Equivalent")
        webhook.setdefault("namespaceSelector", {})
        webhook.setdefault("objectSelector", {})
        webhook.setdefault("timeoutSeconds", 10)
        if obj["kind"].startswith("Mutating"):
            webhook.setdefault("reinvocationPolicy", "Never")
        for rule in webhook.get("rules") or ():
            rule.setdefault("scope", "*")
        if service := (webhook.get("clientConfig") or {}).get("service"):
            service.setdefault("port", 443)


def _matched(said: dict[str, Any]) -> None:
    said.setdefault("matchPolicy", "Equivalent")
    said.setdefault("namespaceSelector", {})
    said.setdefault("objectSelector", {})
    for field in ("resourceRules", "excludeResourceRules"):
        for rule in said.get(field) or ():
            rule.setdefault("scope", "*")


def _admission_policy(obj: dict[str, Any]) -> None:
    obj["spec"].setdefault("failurePolicy", "Fail")
    if obj["spec"].get("matchConstraints") is not None:
        _matched(obj["spec"]["matchConstraints"])


def _admission_binding(obj: dict[str, Any]) -> None:
    if obj["spec"].get("matchResources") is not None:
        _matched(obj["spec"]["matchResources"])


def _custom_resource(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    names = spec.setdefault("names", {})
    names.setdefault("singular", str(names.get("kind", "")).lower())
    names.setdefault("listKind", f"{names.get('kind', '')}List")
    spec.setdefault("conversion", {"strategy": "None"})


def _flow_schema(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec["matchingPrecedence"] = spec.get("matchingPrecedence") or 1000
    for rule in spec.get("rules") or ():
        for resources in rule.get("resourceRules") or ():
            resources.setdefault("namespaces", None)


def _priority_level(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    if spec.get("exempt") is not None:
        spec["exempt"] = {"nominalConcurrencyShares": 0, "lendablePercent": 0, **spec["exempt"]}
    if spec.get("limited") is None:
        return
    limited = spec["limited"]
    limited.setdefault("nominalConcurrencyShares", 30)
    limited.setdefault("lendablePercent", 0)
    queuing = (limited.get("limitResponse") or {}).get("queuing")
    if queuing is not None:
        for field, number in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
            queuing[field] = queuing.get(field) or number


def _csi_node(obj: dict[str, Any]) -> None:
    obj["spec"]["drivers"] = obj["spec"].get("drivers") or None
    for driver in obj["spec"]["drivers"] or ():
        driver.setdefault("topologyKeys", None)


def _device_claim(obj: dict[str, Any]) -> None:
    _device_requests(obj["spec"])


def _device_claim_template(obj: dict[str, Any]) -> None:
    obj["spec"].setdefault("metadata", {})
    _device_requests(obj["spec"].setdefault("spec", {}))


def _resource_slice(obj: dict[str, Any]) -> None:
    obj["spec"].setdefault("devices", None)


def _address(obj: dict[str, Any]) -> None:
    parent = obj["spec"].get("parentRef") or {}
    if not parent.get("group"):
        parent.pop("group", None)


def _device_requests(spec: Spec) -> None:
    devices = spec.setdefault("devices", {})
    devices.setdefault("requests", None)
    for request in devices["requests"] or ():
        for wanted in (request.get("exactly"), *(request.get("firstAvailable") or ())):
            if wanted is None:
                continue
            wanted["allocationMode"] = wanted.get("allocationMode") or "ExactCount"
            if wanted["allocationMode"] == "ExactCount":
                wanted["count"] = wanted.get("count") or 1


_FILLERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "Deployment.apps": _deployment,
    "ReplicaSet.apps": _replica_set,
    "ReplicationController": _replica_set,
    "StatefulSet.apps": _stateful_set,
    "DaemonSet.apps": _daemon_set,
    "Job.batch": _job,
    "CronJob.batch": _cron_job,
    "Pod": _pod,
    "Service": _service,
    "Namespace": _namespace,
    "Secret": _secret,
    "PersistentVolumeClaim": _claim,
    "StorageClass.storage.k8s.io": _storage_class,
    "HorizontalPodAutoscaler.autoscaling": _autoscaler,
    "autoscaling/v1/HorizontalPodAutoscaler": _older_autoscaler,  # its pace comes when it is read from the store
    "NetworkPolicy.networking.k8s.io": _network_policy,
    "RoleBinding.rbac.authorization.k8s.io": _role_binding,
    "ClusterRoleBinding.rbac.authorization.k8s.io": _role_binding,
    "Role.rbac.authorization.k8s.io": _role,
    "ClusterRole.rbac.authorization.k8s.io": _role,
    "LimitRange": _limit_range,
    "PriorityClass.scheduling.k8s.io": _priority_class,
    "MutatingWebhookConfiguration.admissionregistration.k8s.io": _webhooks,
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io": _webhooks,
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io": _admission_policy,
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": _admission_binding,
    "CustomResourceDefinition.apiextensions.k8s.io": _custom_resource,
    "FlowSchema.flowcontrol.apiserver.k8s.io": _flow_schema,
    "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io": _priority_level,
    "CSINode.storage.k8s.io": _csi_node,
    "ResourceClaim.resource.k8s.io": _device_claim,
    "ResourceClaimTemplate.resource.k8s.io": _device_claim_template,
    "ResourceSlice.resource.k8s.io": _resource_slice,
    "IPAddress.networking.k8s.io": _address,
}
