"""What the API server refuses, for the main kinds (kubernetes/pkg/apis/*/validation); causes in its own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    forbidden_field,
    invalid,
    invalid_value,
    not_supported,
    required,
)
from mcp_tools.sandbox.objects.podvalidation import check_pod_spec, check_port
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.objects.kinds import Kind

Spec = dict[str, Any]
NOT_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PERCENT = re.compile(r"[0-9]+%")
_PERCENT_WORDS = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def check(kind: Kind, obj: dict[str, Any], old: dict[str, Any] | None) -> None:
    """Refuse an object that is not valid.

    Args:
        kind: Of the object.
        obj: With its defaults.
        old: What it would replace; `None` for a creation.

    Raises:
        Refused: 422, with every cause.
    """
    causes = _metadata(kind, obj, old)
    checker = _CHECKS.get(kind.qualified)
    if checker:
        causes += checker(obj)
    if kind.custom:
        causes += kind.custom.check(obj)
    if old is not None:
        causes += _update(kind, obj, old)
    if causes:
        raise invalid(kind.qualified, obj["metadata"].get("name", ""), causes)


def _metadata(kind: Kind, obj: dict[str, Any], old: dict[str, Any] | None) -> list[Cause]:
    meta = obj["metadata"]
    name = meta.get("name", "")
    causes: list[Cause] = []
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    elif old is None:
        causes += names.name_check_for(kind.name)("metadata.name", name)
    causes += names.check_labels("metadata.labels", meta.get("labels") or {})
    causes += names.check_annotations("metadata.annotations", meta.get("annotations") or {})
    for index, owner in enumerate(meta.get("ownerReferences") or ()):
        causes += [
            invalid_value(f"metadata.ownerReferences[{index}].{field}", owner.get(field, ""), "must not be empty")
            for field in ("apiVersion", "kind", "name", "uid")
            if not owner.get(field)
        ]
    if old is not None and meta.get("deletionTimestamp") and old["metadata"].get("deletionTimestamp"):
        added = set(meta.get("finalizers") or ()) - set(old["metadata"].get("finalizers") or ())
        if added:
            causes.append(
                forbidden_field(
                    "metadata.finalizers",
                    "no new finalizers can be added if the object is being deleted, found new finalizers "
                    + str(sorted(added)).replace("'", '"').replace(", ", " "),
                )
            )
    return causes


def check_scale(qualified_name: str, replicas: Any) -> None:
    """Refuse a `Scale` with a negative count."""
    if not isinstance(replicas, int) or replicas < 0:
        cause = invalid_value("spec.replicas", replicas, NOT_NEGATIVE)
        raise invalid("Scale.autoscaling", qualified_name, [cause])


def _not_negative(spec: Spec, *fields: str) -> list[Cause]:
    return [invalid_value(f"spec.{field}", spec[field], NOT_NEGATIVE) for field in fields if spec.get(field, 0) < 0]


def _workload(spec: Spec) -> list[Cause]:
    causes: list[Cause] = []
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector is None:
        causes.append(required("spec.selector"))
    else:
        causes += _selector("spec.selector", selector)
        if not (selector.get("matchLabels") or selector.get("matchExpressions")):
            causes.append(invalid_value("spec.selector", selector, "empty selector is invalid for deployment"))
    if (not causes or selector is None) and not label_selector(selector)(labels):
        causes.append(
            invalid_value(
                "spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`"
            )
        )
    causes += names.check_labels("spec.template.labels", labels)
    return causes + check_pod_spec("spec.template.spec", template.get("spec") or {}, ("Always",))


def _selector(field: str, selector: Spec) -> list[Cause]:
    causes = names.check_labels(f"{field}.matchLabels", selector.get("matchLabels") or {})
    for index, rule in enumerate(selector.get("matchExpressions") or ()):
        where = f"{field}.matchExpressions[{index}]"
        match rule.get("operator"):
            case "In" | "NotIn" if not rule.get("values"):
                causes.append(required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
            case "Exists" | "DoesNotExist" if rule.get("values"):
                causes.append(
                    forbidden_field(
                        f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                    )
                )
            case "In" | "NotIn" | "Exists" | "DoesNotExist":
                pass
            case other:
                causes.append(invalid_value(f"{where}.operator", other or "", "not a valid selector operator"))
    return causes


def _deployment(obj: dict[str, Any]) -> list[Cause]:
    spec = obj["spec"]
    causes = _not_negative(spec, "replicas")
    causes += _workload(spec)
    causes += _strategy(spec)
    causes += _not_negative(spec, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    deadline, ready = spec.get("progressDeadlineSeconds", 600), spec.get("minReadySeconds", 0)
    if 0 <= deadline <= ready:
        causes.append(invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return causes


def _strategy(spec: Spec) -> list[Cause]:
    strategy = spec.get("strategy") or {}
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate") or {}
    if kind not in {"Recreate", "RollingUpdate"}:
        return [not_supported("spec.strategy.type", kind, ("Recreate", "RollingUpdate"))]
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden_field("spec.strategy.rollingUpdate", why)] if rolling else []
    causes: list[Cause] = []
    for field in ("maxUnavailable", "maxSurge"):
        causes += _int_or_percent(f"spec.strategy.rollingUpdate.{field}", rolling.get(field))
    if not causes and all(str(rolling.get(field)).rstrip("%") == "0" for field in ("maxUnavailable", "maxSurge")):
        where = "spec.strategy.rollingUpdate.maxUnavailable"
        causes.append(invalid_value(where, rolling.get("maxUnavailable"), "may not be 0 when `maxSurge` is 0"))
    return causes


def _int_or_percent(field: str, value: Any) -> list[Cause]:
    if isinstance(value, str):
        if not _PERCENT.fullmatch(value):
            return [invalid_value(field, value, _PERCENT_WORDS)]
        if field.endswith("maxUnavailable") and int(value[:-1]) > 100:  # noqa: PLR2004
            return [invalid_value(field, value, "must not be greater than 100%")]
        return []
    return [invalid_value(field, value, NOT_NEGATIVE)] if isinstance(value, int) and value < 0 else []


def _replica_set(obj: dict[str, Any]) -> list[Cause]:
    return _not_negative(obj["spec"], "replicas", "minReadySeconds") + _workload(obj["spec"])


def _stateful_set(obj: dict[str, Any]) -> list[Cause]:
    spec = obj["spec"]
    causes = _not_negative(spec, "replicas", "minReadySeconds") + _workload(_with_claims(spec))
    policy = spec.get("podManagementPolicy")
    if policy not in {"OrderedReady", "Parallel"}:
        causes.append(invalid_value("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    return causes


def _with_claims(spec: Spec) -> Spec:
    """A StatefulSet's spec whose pods have the volumes that its claims will be."""
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    claims = [
        {"name": name, "persistentVolumeClaim": {"claimName": name}}
        for claim in spec.get("volumeClaimTemplates") or ()
        if (name := (claim.get("metadata") or {}).get("name"))
    ]
    volumes = [*(pod.get("volumes") or ()), *claims]
    return {**spec, "template": {**template, "spec": {**pod, "volumes": volumes}}}


def _daemon_set(obj: dict[str, Any]) -> list[Cause]:
    return _workload(obj["spec"]) + _not_negative(obj["spec"], "minReadySeconds")


def _job(obj: dict[str, Any]) -> list[Cause]:
    spec = obj["spec"]
    causes = _not_negative(spec, "parallelism", "completions", "backoffLimit", "activeDeadlineSeconds")
    return causes + _job_template("spec.template.spec", spec.get("template") or {})


def _job_template(field: str, template: Spec) -> list[Cause]:
    pod = template.get("spec") or {}
    causes = check_pod_spec(field, pod, None)
    policy = pod.get("restartPolicy")
    if not policy:
        causes.append(required(f"{field}.restartPolicy", 'valid values: "OnFailure", "Never"'))
    elif policy not in {"OnFailure", "Never"}:
        causes.append(not_supported(f"{field}.restartPolicy", policy, ("OnFailure", "Never")))
    return causes


def _cron_job(obj: dict[str, Any]) -> list[Cause]:
    from mcp_tools.sandbox.controllers.schedule import BadSchedule, Schedule

    spec = obj["spec"]
    causes: list[Cause] = []
    text = spec.get("schedule") or ""
    if not text:
        causes.append(required("spec.schedule"))
    else:
        try:
            Schedule.parse(text)
        except BadSchedule as error:
            causes.append(invalid_value("spec.schedule", text, str(error)))
    if spec.get("concurrencyPolicy") not in {"Allow", "Forbid", "Replace"}:
        choices = ("Allow", "Forbid", "Replace")
        causes.append(not_supported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), choices))
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    return causes + _job_template("spec.jobTemplate.spec.template.spec", job.get("template") or {})


def _pod(obj: dict[str, Any]) -> list[Cause]:
    return check_pod_spec("spec", obj["spec"], ("Always", "OnFailure", "Never"))


def _service(obj: dict[str, Any]) -> list[Cause]:
    spec = obj["spec"]
    kind = spec.get("type")
    if kind not in _SERVICE_TYPES:
        return [not_supported("spec.type", kind, _SERVICE_TYPES)]
    ports = spec.get("ports") or []
    if kind == "ExternalName":
        return [] if spec.get("externalName") else [required("spec.externalName")]
    if not ports and spec.get("clusterIP") != "None":
        return [required("spec.ports")]
    causes: list[Cause] = []
    for index, port in enumerate(ports):
        where = f"spec.ports[{index}]"
        if not port.get("name") and len(ports) > 1:
            causes.append(required(f"{where}.name"))
        elif port.get("name"):
            causes += names.check_label_name(f"{where}.name", port["name"])
        causes += check_port(f"{where}.port", port.get("port", 0))
        if isinstance(port.get("targetPort"), int):
            causes += check_port(f"{where}.targetPort", port["targetPort"])
    return causes


def _config_map(obj: dict[str, Any]) -> list[Cause]:
    causes: list[Cause] = []
    for field in ("data", "binaryData"):
        for key in obj.get(field) or {}:
            causes += names.check_config_key(f"{field}[{key}]", key)
    return causes


def _ingress(obj: dict[str, Any]) -> list[Cause]:
    spec = obj.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        return [invalid_value("spec", None, "either `defaultBackend` or `rules` must be specified")]
    causes: list[Cause] = []
    for index, rule in enumerate(spec.get("rules") or ()):
        for number, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            where = f"spec.rules[{index}].http.paths[{number}]"
            if not path.get("pathType"):
                causes.append(required(f"{where}.pathType", "pathType must be specified"))
            elif path["pathType"] not in {"Exact", "Prefix", "ImplementationSpecific"}:
                choices = ("Exact", "ImplementationSpecific", "Prefix")
                causes.append(not_supported(f"{where}.pathType", path["pathType"], choices))
    return causes


def _definition(obj: dict[str, Any]) -> list[Cause]:
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    causes: list[Cause] = []
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    if name and name != wanted:
        causes.append(invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    if spec.get("scope") not in {"Cluster", "Namespaced"}:
        causes.append(not_supported("spec.scope", spec.get("scope", ""), ("Cluster", "Namespaced")))
    versions = spec.get("versions") or []
    stored = sum(bool(version.get("storage")) for version in versions)
    if stored != 1:
        words = "must have exactly one version marked as storage version"
        causes.append(invalid_value("spec.versions", versions, words))
    for index, version in enumerate(versions):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        where = f"spec.versions[{index}].schema.openAPIV3Schema"
        if schema is None:
            causes.append(required(where, "schemas are required"))
        elif schema.get("type") != "object":
            causes.append(invalid_value(f"{where}.type", schema.get("type", ""), "must be object at the root"))
    return causes


def _update(kind: Kind, obj: dict[str, Any], old: dict[str, Any]) -> list[Cause]:
    new_spec, old_spec = obj.get("spec") or {}, old.get("spec") or {}
    causes = [
        invalid_value(f"spec.{field}", new_spec.get(field), IMMUTABLE)
        for field in _IMMUTABLE.get(kind.qualified, ())
        if new_spec.get(field) != old_spec.get(field)
    ]
    if kind.name == "Pod" and _frozen(new_spec) != _frozen(old_spec):
        causes.append(forbidden_field("spec", _POD_FROZEN))
    if kind.name == "StatefulSet" and _but(new_spec, _SET_FREE) != _but(old_spec, _SET_FREE):
        causes.append(forbidden_field("spec", _SET_FROZEN))
    if kind.name in {"ConfigMap", "Secret"} and old.get("immutable"):
        causes += [
            forbidden_field(field, "field is immutable when `immutable` is set")
            for field in ("data", "binaryData", "immutable")
            if obj.get(field) != old.get(field)
        ]
    return causes


def _but(spec: Spec, free: frozenset[str]) -> Spec:
    return {key: value for key, value in spec.items() if key not in free}


def _frozen(spec: Spec) -> Spec:
    fixed = _but(spec, frozenset({"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"}))
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [_but(container, frozenset({"image"})) for container in fixed[field]]
    return fixed


_POD_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_SET_FREE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
_SET_FROZEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_IMMUTABLE = {
    "Deployment.apps": ("selector",),
    "ReplicaSet.apps": ("selector",),
    "DaemonSet.apps": ("selector",),
    "Job.batch": ("selector", "completions", "template"),
    "Service": ("clusterIP",),
}
_CHECKS: dict[str, Callable[[dict[str, Any]], list[Cause]]] = {
    "Deployment.apps": _deployment,
    "ReplicaSet.apps": _replica_set,
    "StatefulSet.apps": _stateful_set,
    "DaemonSet.apps": _daemon_set,
    "Job.batch": _job,
    "CronJob.batch": _cron_job,
    "Pod": _pod,
    "Service": _service,
    "ConfigMap": _config_map,
    "Secret": _config_map,
    "Ingress.networking.k8s.io": _ingress,
    "CustomResourceDefinition.apiextensions.k8s.io": _definition,
}
