"""What the API server refuses in quotas, limits, budgets, autoscalers and roles."""

from __future__ import annotations

import re
from typing import Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import Cause, forbidden_field, invalid_value, not_supported, required, show

Spec = dict[str, Any]
_COUNTED = {
    "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims",
    "services.nodeports", "services.loadbalancers",
}  # fmt: skip
_MEASURED = {
    f"{group}{name}" for group in ("", "requests.", "limits.") for name in ("cpu", "memory", "ephemeral-storage")
} | {"requests.storage", "storage"}
_SCOPES = {"Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"}
_LIMIT_TYPES = {"Pod", "Container", "PersistentVolumeClaim"}
_RBAC = "rbac.authorization.k8s.io"
_PERCENT = re.compile(r"[0-9]+%")
_PERCENT_WORDS = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)
NOT_NEGATIVE = "must be greater than or equal to 0"


def check_quota(obj: Spec) -> list[Cause]:
    """A ResourceQuota."""
    spec = obj.get("spec") or {}
    hard = spec.get("hard") or {}
    causes: list[Cause] = []
    for name, amount in sorted(hard.items()):
        where = f"spec.hard[{name}]"
        if "/" not in name and name not in _COUNTED | _MEASURED:
            causes += [
                invalid_value(where, name, "must be a standard resource type or fully qualified"),
                invalid_value(where, name, "must be a standard resource for quota"),
            ]
            continue
        value = quantity.parse(amount)
        if value < 0:
            causes.append(invalid_value(where, amount, NOT_NEGATIVE))
        if (name in _COUNTED or name.startswith("count/")) and value % 1:
            causes.append(invalid_value(where, quantity.canonical(amount), "must be an integer"))
    scopes = spec.get("scopes") or []
    if set(scopes) - _SCOPES:
        causes.append(invalid_value("spec.scopes", scopes, "unsupported scope"))
    elif "BestEffort" in scopes and set(hard) - {"pods"}:
        causes.append(invalid_value("spec.scopes", scopes, "unsupported scope applied to resource"))
    return causes


def check_limits(obj: Spec) -> list[Cause]:
    """A LimitRange."""
    causes: list[Cause] = []
    for index, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
        where, kind = f"spec.limits[{index}]", item.get("type", "")
        if kind not in _LIMIT_TYPES:
            causes += names.check_qualified_name(f"{where}.type", kind)
        if kind == "Pod":
            causes += [
                forbidden_field(f"{where}.{field}", "may not be specified when `type` is 'Pod'")
                for field in ("default", "defaultRequest")
                if item.get(field)
            ]
        if kind == "PersistentVolumeClaim" and not any(
            "storage" in (item.get(bound) or {}) for bound in ("min", "max")
        ):
            words = "either minimum or maximum storage value is required, but neither was provided"
            causes.append(required(f"{where}.limits", words))
        causes += _bounds(where, item)
    return causes


def _bounds(where: str, item: Spec) -> list[Cause]:
    """Each of minimum, default request, default and maximum must be no more than the next."""
    causes: list[Cause] = []
    fields = ("min", "defaultRequest", "default", "max")
    for name in sorted({name for field in fields for name in item.get(field) or {}}):
        amounts = {field: (item.get(field) or {}).get(name) for field in fields}
        for low, high, about, words in (
            ("min", "max", "min", "min value {} is greater than max value {}"),
            ("min", "defaultRequest", "defaultRequest", "min value {} is greater than default request value {}"),
            ("defaultRequest", "max", "defaultRequest", "default request value {} is greater than max value {}"),
            (
                "defaultRequest",
                "default",
                "defaultRequest",
                "default request value {} is greater than default limit value {}",
            ),
            ("min", "default", "default", "min value {} is greater than default value {}"),
            ("default", "max", "default", "default value {} is greater than max value {}"),
        ):
            less, more = amounts[low], amounts[high]
            if less is not None and more is not None and quantity.parse(less) > quantity.parse(more):
                # Under the default's name, with the minimum's value: so says the API server.
                shown = {("min", "default"): less, ("default", "max"): more}.get((low, high), amounts[about])
                causes.append(invalid_value(f"{where}.{about}[{name}]", shown, words.format(less, more)))
    return causes


def check_budget(obj: Spec) -> list[Cause]:
    """A PodDisruptionBudget."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    causes: list[Cause] = []
    policy = spec.get("unhealthyPodEvictionPolicy")
    if least is not None and most is not None:
        internal = {
            "MinAvailable": least,
            "Selector": spec.get("selector"),
            "MaxUnavailable": most,
            "UnhealthyPodEvictionPolicy": policy,
        }
        text = ",".join(f'"{key}":{show(value)}' for key, value in internal.items())
        words = "minAvailable and maxUnavailable cannot be both set"
        causes.append(Cause("FieldValueInvalid", f"Invalid value: {{{text}}}: {words}", "spec"))
    for field, value in (("minAvailable", least), ("maxUnavailable", most)):
        if value is not None:
            causes += check_share(f"spec.{field}", value)
    if policy not in {None, "AlwaysAllow", "IfHealthyBudget"}:
        choices = ("AlwaysAllow", "IfHealthyBudget")
        causes.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, choices))
    return causes


def check_share(field: str, value: Any) -> list[Cause]:
    """A number or a percentage of at most 100."""
    if isinstance(value, int):
        return [invalid_value(field, value, NOT_NEGATIVE)] if value < 0 else []
    if not _PERCENT.fullmatch(str(value)):
        return [invalid_value(field, value, _PERCENT_WORDS)]
    return [invalid_value(field, value, "must not be greater than 100%")] if int(value[:-1]) > 100 else []  # noqa: PLR2004


def check_role(obj: Spec) -> list[Cause]:
    """A Role or ClusterRole."""
    causes: list[Cause] = []
    namespaced = obj.get("kind") == "Role"
    for index, rule in enumerate(obj.get("rules") or ()):
        where = f"rules[{index}]"
        if not rule.get("verbs"):
            causes.append(required(f"{where}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            if namespaced:
                words = "namespaced rules cannot apply to non-resource URLs"
                causes.append(invalid_value(f"{where}.nonResourceURLs", rule["nonResourceURLs"], words))
            continue
        if not rule.get("apiGroups"):
            causes.append(required(f"{where}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            causes.append(required(f"{where}.resources", "resource rules must supply at least one resource"))
    return causes


def check_binding(obj: Spec) -> list[Cause]:
    """A RoleBinding or ClusterRoleBinding."""
    reference = obj.get("roleRef") or {}
    kinds = ("Role", "ClusterRole") if obj.get("kind") == "RoleBinding" else ("ClusterRole",)
    causes: list[Cause] = []
    if reference.get("apiGroup", _RBAC) not in {_RBAC, ""}:
        causes.append(not_supported("roleRef.apiGroup", reference["apiGroup"], (_RBAC,)))
    if reference.get("kind") not in kinds:
        causes.append(not_supported("roleRef.kind", reference.get("kind", ""), kinds))
    if not reference.get("name"):
        causes.append(required("roleRef.name"))
    for index, subject in enumerate(obj.get("subjects") or ()):
        causes += _subject(f"subjects[{index}]", subject)
    return causes


def _subject(field: str, subject: Spec) -> list[Cause]:
    causes: list[Cause] = []
    if not subject.get("name"):
        causes.append(required(f"{field}.name"))
    kind = subject.get("kind")
    if kind == "ServiceAccount":
        if not subject.get("namespace"):
            causes.append(required(f"{field}.namespace"))
    elif kind not in {"User", "Group"}:
        causes.append(not_supported(f"{field}.kind", kind or "", ("ServiceAccount", "User", "Group")))
    return causes
