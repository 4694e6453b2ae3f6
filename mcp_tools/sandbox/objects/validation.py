"""What the API server refuses, for the main kinds (kubernetes/pkg/apis/*/validation); causes in its own words."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import furthervalidation, names
from mcp_tools.sandbox.objects import networkvalidation as network
from mcp_tools.sandbox.objects import policyvalidation as policies
from mcp_tools.sandbox.objects import storagevalidation as storage
from mcp_tools.sandbox.objects.autoscalervalidation import check_autoscaler
from mcp_tools.sandbox.objects.definitionvalidation import check_definition
from mcp_tools.sandbox.objects.errors import (
    Cause,
    forbidden_field,
    invalid,
    invalid_value,
    not_supported,
    required,
    show,
)
from mcp_tools.sandbox.objects.podupdates import EPHEMERAL
from mcp_tools.sandbox.objects.podupdates import check_update as check_pod_update
from mcp_tools.sandbox.objects.podvalidation import check_pod_spec
from mcp_tools.sandbox.objects.policyvalidation import NOT_NEGATIVE, check_share
from mcp_tools.sandbox.objects.selectors import label_selector
from mcp_tools.sandbox.objects.selectorvalidation import check_selector
from mcp_tools.sandbox.policy import admissionpolicies

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.objects.kinds import Kind

Spec = dict[str, Any]
IMMUTABLE = "field is immutable"
JOB_UID = "batch.kubernetes.io/controller-uid"


def check(kind: Kind, obj: dict[str, Any], old: dict[str, Any] | None, subresource: str = "") -> None:
    """Refuse an object that is not valid.

    Args:
        kind: Of the object.
        obj: With its defaults.
        old: What it would replace; `None` for a creation.
        subresource: By which it is replaced; empty for the object itself.

    Raises:
        Refused: 422, with every cause.
    """
    causes = _metadata(kind, obj, old)
    if old is None and kind.qualified == "StatefulSet.apps" and obj["spec"].get("serviceName"):
        causes += names.check_label_name("spec.serviceName", obj["spec"]["serviceName"])
    if old is None and kind.qualified == "Pod" and obj["spec"].get(EPHEMERAL):
        causes.append(forbidden_field(f"spec.{EPHEMERAL}", "cannot be set on create"))
    checker = _CHECKS.get(kind.qualified)
    if checker:
        causes += checker(obj) * (2 if old is not None and not subresource and _twice(kind, obj, old) else 1)
    causes += furthervalidation.check(kind, obj, old, subresource)
    if kind.custom:
        causes += kind.custom.check(obj, old)
    if old is not None:
        causes += _update(kind, obj, old, subresource)
    if causes:
        raise invalid(kind.qualified, obj["metadata"].get("name", ""), causes)


def _metadata(kind: Kind, obj: dict[str, Any], old: dict[str, Any] | None) -> list[Cause]:
    meta = obj["metadata"]
    name = meta.get("name", "")
    causes: list[Cause] = []
    labelled, finalized = (1, 1) if old is None else _CHECKED.get(kind.name, (3, 1))
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    elif old is None:
        causes += names.name_check_for(kind.name)("metadata.name", name)
    labels = meta.get("labels") or {}
    if kind.qualified == "Job.batch":  # those of its template are copied to it, and looked at there
        copied = ((obj["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {}
        labels = {key: value for key, value in labels.items() if key not in copied}
    causes += names.check_labels("metadata.labels", labels) * labelled
    causes += names.check_annotations("metadata.annotations", meta.get("annotations") or {}) * labelled
    for owner in meta.get("ownerReferences") or ():
        causes += [
            invalid_value(f"metadata.ownerReferences.{field}", owner.get(field, ""), "must not be empty")
            for field in ("apiVersion", "kind", "name", "uid")
            if not owner.get(field)
        ] * labelled
    for index, name in enumerate(meta.get("finalizers") or ()):
        standard = "/" in name or name in {"orphan", "foregroundDeletion", "kubernetes"}
        if not standard and (old is not None or kind.name != "PodDisruptionBudget"):
            words = "name is neither a standard finalizer name nor is it fully qualified"
            causes += [invalid_value(f"metadata.finalizers[{index}]", name, words)] * finalized
    if old is not None and meta.get("deletionTimestamp") and old["metadata"].get("deletionTimestamp"):
        added = set(meta.get("finalizers") or ()) - set(old["metadata"].get("finalizers") or ())
        if added:
            causes += [
                forbidden_field(
                    "metadata.finalizers",
                    "no new finalizers can be added if the object is being deleted, found new finalizers "
                    "[]string{" + ", ".join(show(name) for name in sorted(added)) + "}",
                )
            ] * (1 if kind.custom or kind.name in {"LimitRange", "PodDisruptionBudget"} else 2)
    return causes


def _twice(kind: Kind, obj: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether the API server looks at the whole of an updated object twice, and says everything twice."""
    if kind.qualified == "Pod":
        return not check_pod_update("", obj["spec"], old["spec"])
    return kind.qualified == "PersistentVolumeClaim"


# How many times the API server looks at labels (annotations, owners) and at finalizers on an update, and says so.
_CHECKED = {
    **dict.fromkeys(("Pod", "ConfigMap", "Secret", "ServiceAccount", "Ingress", "NetworkPolicy"), (4, 2)),
    **dict.fromkeys(("PersistentVolumeClaim", "Role", "RoleBinding"), (5, 3)),
    "PodDisruptionBudget": (1, 1),
}


def check_scale(qualified_name: str, replicas: Any) -> None:
    """Refuse a `Scale` with a negative count."""
    if not isinstance(replicas, int) or replicas < 0:
        cause = invalid_value("spec.replicas", replicas, NOT_NEGATIVE)
        raise invalid("Scale.autoscaling", qualified_name, [cause])


def _not_negative(spec: Spec, *fields: str) -> list[Cause]:
    return [invalid_value(f"spec.{field}", spec[field], NOT_NEGATIVE) for field in fields if spec.get(field, 0) < 0]


def _workload(spec: Spec, kind: str = "deployment") -> list[Cause]:
    causes: list[Cause] = []
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector is None:
        causes += [] if kind == "daemonset" else [required("spec.selector")]
    else:
        causes += check_selector("spec.selector", selector)
        if causes and kind != "daemonset":
            shown = f"Invalid value: {_shown(selector)}"
            words = shown if kind == "statefulset" else f"{shown}: invalid label selector"
            causes.append(Cause("FieldValueInvalid", words, "spec.selector"))
        if not (selector.get("matchLabels") or selector.get("matchExpressions")):
            causes.append(invalid_value("spec.selector", selector, f"empty selector is invalid for {kind}"))
    if (not causes or selector is None) and not label_selector(selector)(labels):
        causes.append(
            invalid_value(
                "spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`"
            )
        )
    causes += names.check_labels("spec.template.labels", labels) * (2 if kind == "statefulset" else 1)
    deadline = (template.get("spec") or {}).get("activeDeadlineSeconds")
    if deadline is not None:
        shown = {"statefulset": "StatefulSet", "daemonset": "DaemonSet"}.get(kind, "ReplicaSet")
        words = f"activeDeadlineSeconds in {shown} is not Supported"
        causes.append(forbidden_field("spec.template.spec.activeDeadlineSeconds", words))
    return causes + check_pod_spec("spec.template.spec", template.get("spec") or {}, ("Always",))


def _deployment(obj: dict[str, Any]) -> list[Cause]:
    spec = obj["spec"]
    causes = _not_negative(spec, "replicas")
    causes += _workload(spec)
    causes += _strategy(spec)
    causes += _not_negative(spec, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    deadline, ready = spec.get("progressDeadlineSeconds", 600), spec.get("minReadySeconds", 0)
    if deadline <= ready:
        causes.append(invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return causes


def _strategy(spec: Spec) -> list[Cause]:
    strategy = spec.get("strategy") or {}
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate") or {}
    if kind not in {"Recreate", "RollingUpdate"}:
        bounds = (
            {"MaxUnavailable": rolling.get("maxUnavailable"), "MaxSurge": rolling.get("maxSurge")} if rolling else None
        )
        inner = (
            show(bounds)
            if bounds is None
            else f'{{"MaxUnavailable":{show(bounds["MaxUnavailable"])},"MaxSurge":{show(bounds["MaxSurge"])}}}'
        )
        shown = f'{{"Type":{show(kind)},"RollingUpdate":{inner}}}'
        words = f'Unsupported value: {shown}: supported values: "Recreate", "RollingUpdate"'
        return [Cause("FieldValueNotSupported", words, "spec.strategy")]
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden_field("spec.strategy.rollingUpdate", why)] if rolling else []
    causes: list[Cause] = []
    for field in ("maxUnavailable", "maxSurge"):
        causes += _bound(f"spec.strategy.rollingUpdate.{field}", rolling.get(field))
    if not causes and all(str(rolling.get(field)).rstrip("%") == "0" for field in ("maxUnavailable", "maxSurge")):
        where = "spec.strategy.rollingUpdate.maxUnavailable"
        causes.append(invalid_value(where, rolling.get("maxUnavailable"), "may not be 0 when `maxSurge` is 0"))
    return causes


def _bound(field: str, value: Any) -> list[Cause]:
    if isinstance(value, str) and value.endswith("%") and field.endswith("maxSurge"):
        value = value if not value[:-1].isdecimal() or int(value[:-1]) <= 100 else "100%"  # noqa: PLR2004
    return check_share(field, value)


def _replica_set(obj: dict[str, Any]) -> list[Cause]:
    return _not_negative(obj["spec"], "replicas", "minReadySeconds") + _workload(obj["spec"])


def _stateful_set(obj: dict[str, Any]) -> list[Cause]:
    spec = obj["spec"]
    causes = _not_negative(spec, "replicas", "minReadySeconds") + _workload(_with_claims(spec), "statefulset")
    policy = spec.get("podManagementPolicy")
    if policy not in {"OrderedReady", "Parallel"}:
        causes.append(invalid_value("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") not in {"RollingUpdate", "OnDelete"}:
        shown = f'{{"Type":{show(strategy.get("type"))},"RollingUpdate":{_rolling(strategy)}}}'
        words = "must be 'RollingUpdate' or 'OnDelete'"
        causes.append(Cause("FieldValueInvalid", f"Invalid value: {shown}: {words}", "spec.updateStrategy"))
    elif strategy["type"] == "OnDelete" and strategy.get("rollingUpdate") is not None:
        words = f"Invalid value: {_rolling(strategy)}: only allowed for updateStrategy 'RollingUpdate'"
        causes.append(Cause("FieldValueInvalid", words, "spec.updateStrategy.rollingUpdate"))
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    if partition < 0:
        causes.append(invalid_value("spec.updateStrategy.rollingUpdate.partition", partition, NOT_NEGATIVE))
    for field, choice in (spec.get("persistentVolumeClaimRetentionPolicy") or {}).items():
        if choice not in {"Retain", "Delete"}:
            where = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
            causes.append(not_supported(where, choice, ("Retain", "Delete")))
    return causes


def _rolling(strategy: Spec) -> str:
    """As the API server holds it inside."""
    rolling = strategy.get("rollingUpdate")
    if rolling is None:
        return "null"
    return f'{{"Partition":{show(rolling.get("partition"))},"MaxUnavailable":{show(rolling.get("maxUnavailable"))}}}'


def _shown(selector: Spec) -> str:
    """A label selector in the order in which the API server prints it."""
    parts = (f'"{key}":{show(selector[key])}' for key in ("matchLabels", "matchExpressions") if selector.get(key))
    return "{" + ",".join(parts) + "}"


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
    spec = obj["spec"]
    causes = _workload(spec, "daemonset") + _not_negative(spec, "minReadySeconds")
    way = (spec.get("updateStrategy") or {}).get("type")
    if way not in {"RollingUpdate", "OnDelete"}:
        shown = f'{{"Type":{show(way)},"RollingUpdate":null}}'
        words = f'Unsupported value: {shown}: supported values: "RollingUpdate", "OnDelete"'
        return [*causes, Cause("FieldValueNotSupported", words, "spec.updateStrategy")]
    rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
    most, surge = str(rolling.get("maxUnavailable", 1)), rolling.get("maxSurge", 0)
    where = "spec.updateStrategy.rollingUpdate"
    if most.rstrip("%") != "0" and str(surge).rstrip("%") != "0":
        causes.append(invalid_value(f"{where}.maxSurge", surge, "may not be set when maxUnavailable is non-zero"))
    elif rolling and most.rstrip("%") == "0" and str(surge).rstrip("%") == "0":
        words = "cannot be 0 when maxSurge is 0"
        causes.append(required(f"{where}.maxUnavailable", words))
    return causes


def _job(obj: dict[str, Any]) -> list[Cause]:
    causes = _job_spec("spec", obj["spec"])
    spec, meta = obj["spec"], obj["metadata"]
    if meta.get("resourceVersion"):
        return causes
    selector = spec.get("selector")
    if selector is None:
        causes.append(required("spec.selector"))
    elif not spec.get("manualSelector") and selector != {"matchLabels": {JOB_UID: meta.get("uid")}}:
        causes.append(invalid_value("spec.selector", selector, "`selector` not auto-generated"))
    labels = (spec["template"].get("metadata") or {}).get("labels")
    if selector is None or not label_selector(selector)(labels or {}):
        words = "`selector` does not match template `labels`"
        causes.append(invalid_value("spec.template.metadata.labels", labels, words))
    return causes


def _job_spec(field: str, spec: Spec) -> list[Cause]:
    numbers = ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished")
    causes = [
        invalid_value(f"{field}.{number}", spec[number], NOT_NEGATIVE) for number in numbers if spec.get(number, 0) < 0
    ]
    mode = spec.get("completionMode", "NonIndexed")
    if mode not in {"NonIndexed", "Indexed"}:
        causes.append(not_supported(f"{field}.completionMode", mode, ("NonIndexed", "Indexed")))
    elif mode == "Indexed" and spec.get("completions") is None:
        causes.append(required(f"{field}.completions", "when completion mode is Indexed"))
    template = spec.get("template") or {}
    causes += names.check_labels(f"{field}.template.labels", (template.get("metadata") or {}).get("labels") or {})
    return causes + _job_template(f"{field}.template.spec", template)


def _job_template(field: str, template: Spec) -> list[Cause]:
    pod = template.get("spec") or {}
    causes = check_pod_spec(field, pod, None)
    policy = pod.get("restartPolicy")
    if policy in {None, "", "Always"}:
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
    zone = spec.get("timeZone")
    if zone and zone not in zoneinfo.available_timezones():
        causes.append(invalid_value("spec.timeZone", zone, f"unknown time zone {zone}"))
    limits = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    causes += _not_negative(spec, *limits)
    if spec.get("concurrencyPolicy") not in {"Allow", "Forbid", "Replace"}:
        choices = ("Allow", "Forbid", "Replace")
        causes.append(not_supported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), choices))
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    causes += _job_spec("spec.jobTemplate.spec", job)
    if job.get("selector"):
        words = "`selector` will be auto-generated"
        causes.append(invalid_value("spec.jobTemplate.spec.selector", job["selector"], words))
    if job.get("manualSelector"):
        causes.append(not_supported("spec.jobTemplate.spec.manualSelector", job["manualSelector"], ("nil", "false")))
    return causes


def _pod(obj: dict[str, Any]) -> list[Cause]:
    causes = check_pod_spec("spec", obj["spec"], None)
    words = "must not have leading or trailing whitespace"
    return causes + [
        invalid_value(f"spec.{section}[{index}].image", container["image"], words)
        for section in ("containers", "initContainers")
        for index, container in enumerate(obj["spec"].get(section) or ())
        if container.get("image", "") != container.get("image", "").strip()
    ]


def _update(kind: Kind, obj: dict[str, Any], old: dict[str, Any], subresource: str) -> list[Cause]:
    new_spec, old_spec = obj.get("spec") or {}, old.get("spec") or {}
    causes = [
        Cause("FieldValueInvalid", f"Invalid value: {_shown(new_spec[field])}: {IMMUTABLE}", f"spec.{field}")
        if field == "selector" and new_spec.get(field)
        else invalid_value(f"spec.{field}", new_spec.get(field), IMMUTABLE)
        for field in _IMMUTABLE.get(kind.qualified, ())
        if new_spec.get(field) != old_spec.get(field)
    ]
    if kind.qualified == "Pod":
        causes += check_pod_update(subresource, new_spec, old_spec)
    if kind.qualified == "Service" and new_spec.get("type") != "ExternalName":
        causes += network.check_service_update(new_spec, old_spec)
    if kind.name == "PersistentVolumeClaim":
        causes += storage.check_claim_update(new_spec, old_spec, old.get("status") or {})
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
}
_CHECKS: dict[str, Callable[[dict[str, Any]], list[Cause]]] = {
    "Deployment.apps": _deployment,
    "ReplicaSet.apps": _replica_set,
    "StatefulSet.apps": _stateful_set,
    "DaemonSet.apps": _daemon_set,
    "Job.batch": _job,
    "CronJob.batch": _cron_job,
    "Pod": _pod,
    "Service": network.check_service,
    "ConfigMap": storage.check_data,
    "Secret": storage.check_secret,
    "PersistentVolumeClaim": storage.check_claim,
    "Ingress.networking.k8s.io": network.check_ingress,
    "NetworkPolicy.networking.k8s.io": network.check_network_policy,
    "ResourceQuota": policies.check_quota,
    "LimitRange": policies.check_limits,
    "PodDisruptionBudget.policy": policies.check_budget,
    "HorizontalPodAutoscaler.autoscaling": check_autoscaler,
    "Role.rbac.authorization.k8s.io": policies.check_role,
    "ClusterRole.rbac.authorization.k8s.io": policies.check_role,
    "RoleBinding.rbac.authorization.k8s.io": policies.check_binding,
    "ClusterRoleBinding.rbac.authorization.k8s.io": policies.check_binding,
    "CustomResourceDefinition.apiextensions.k8s.io": check_definition,
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io": admissionpolicies.check_policy,
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": admissionpolicies.check_policy_binding,
}
