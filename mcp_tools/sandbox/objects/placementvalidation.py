"""What the API server refuses in the parts of a pod spec that say where it may run."""

from __future__ import annotations

from typing import Any

from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import Cause, invalid_value, not_supported, required

Spec = dict[str, Any]
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def check_placement(field: str, spec: Spec) -> list[Cause]:
    """Affinity, tolerations and spread of a pod spec."""
    causes = _affinity(f"{field}.affinity", spec.get("affinity") or {})
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        causes += check_toleration(f"{field}.tolerations[{index}]", toleration)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        causes += _spread(f"{field}.topologySpreadConstraints[{index}]", constraint)
    return causes


def check_toleration(field: str, toleration: Spec) -> list[Cause]:
    """One toleration of a pod."""
    causes: list[Cause] = []
    key, value = toleration.get("key", ""), toleration.get("value", "")
    operator, effect = toleration.get("operator", ""), toleration.get("effect", "")
    if key:
        causes += names.check_qualified_name(f"{field}.key", key)
    elif operator != "Exists":
        words = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        causes.append(invalid_value(f"{field}.operator", operator, words))
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        words = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        causes.append(invalid_value(f"{field}.effect", effect, words))
    if operator == "Exists" and value:
        causes.append(invalid_value(f"{field}.operator", value, "value must be empty when `operator` is 'Exists'"))
    elif operator not in {"", "Equal", "Exists"}:
        causes.append(not_supported(f"{field}.operator", operator, ("Equal", "Exists")))
    if effect and effect not in _EFFECTS:
        causes.append(not_supported(f"{field}.effect", effect, _EFFECTS))
    return causes


def check_node_selector(field: str, selector: Spec) -> list[Cause]:
    """A selector of nodes has a term at least."""
    if selector.get("nodeSelectorTerms"):
        return []
    return [required(f"{field}.nodeSelectorTerms", "must have at least one node selector term")]


def _affinity(field: str, affinity: Spec) -> list[Cause]:
    causes: list[Cause] = []
    nodes = (affinity.get("nodeAffinity") or {}).get(_REQUIRED)
    if nodes is not None:
        causes += check_node_selector(f"{field}.nodeAffinity.{_REQUIRED}", nodes)
    for kind in ("podAffinity", "podAntiAffinity"):
        for index, term in enumerate((affinity.get(kind) or {}).get(_REQUIRED) or ()):
            if not term.get("topologyKey"):
                where = f"{field}.{kind}.{_REQUIRED}[{index}].topologyKey"
                causes += [required(where, "can not be empty"), *names.check_qualified_name(where, "")]
    return causes


def _spread(field: str, constraint: Spec) -> list[Cause]:
    causes: list[Cause] = []
    skew = constraint.get("maxSkew", 0)
    if skew <= 0:
        causes.append(invalid_value(f"{field}.maxSkew", skew, "must be greater than zero"))
    if not constraint.get("topologyKey"):
        causes.append(required(f"{field}.topologyKey", "can not be empty"))
    action = constraint.get("whenUnsatisfiable", "")
    if action not in {"DoNotSchedule", "ScheduleAnyway"}:
        causes.append(not_supported(f"{field}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway")))
    return causes
