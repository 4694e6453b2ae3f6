"""What the API server refuses in FlowSchemas and PriorityLevelConfigurations (kubernetes/pkg/apis/flowcontrol)."""

from __future__ import annotations

import math
from typing import Any

from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)

Spec = dict[str, Any]
EXEMPT = "exempt"
_PRECEDENCE_MAX, _QUEUES_MAX, _HASH_BITS, _WHOLE = 10_000, 10_000_000, 60, 100
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_NAMESPACE_WORDS = "each member of this list must be '*' or a DNS-1123 label; "


def check_flow_schema(obj: Spec) -> list[Cause]:
    """A FlowSchema."""
    spec, name = obj.get("spec") or {}, obj["metadata"].get("name", "")
    precedence, where = spec.get("matchingPrecedence", 0), "spec.matchingPrecedence"
    causes: list[Cause] = []
    if precedence <= 0:
        causes.append(invalid_value(where, precedence, "must be a positive value"))
    if precedence > _PRECEDENCE_MAX:
        causes.append(invalid_value(where, precedence, f"must not be greater than {_PRECEDENCE_MAX}"))
    if precedence == 1 and name != EXEMPT:
        words = "only the schema named 'exempt' may have matchingPrecedence 1"
        causes.append(invalid_value(where, precedence, words))
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in {"ByNamespace", "ByUser"}:
        shown = {"Type": method.get("type", "")}
        causes.append(not_supported("spec.distinguisherMethod.type", shown, ("ByNamespace", "ByUser")))
    level = (spec.get("priorityLevelConfiguration") or {}).get("name", "")
    where = "spec.priorityLevelConfiguration.name"
    causes += names.check_subdomain(where, level) if level else [required(where, "must reference a priority level")]
    for index, rule in enumerate(spec.get("rules") or ()):
        causes += _rule(f"spec.rules[{index}]", rule)
    return causes + _conditions(obj)


def _conditions(obj: Spec) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, item in enumerate((obj.get("status") or {}).get("conditions") or ()):
        where, kind = f"status.conditions[{index}].type", item.get("type", "")
        if kind in seen:
            causes.append(duplicate(where, kind))
        seen.add(kind)
        if not kind:
            causes.append(required(where))
    return causes


def _rule(field: str, rule: Spec) -> list[Cause]:
    causes: list[Cause] = []
    if not rule.get("subjects"):
        causes.append(required(f"{field}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(rule.get("subjects") or ()):
        causes += _subject(f"{field}.subjects[{index}]", subject)
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        causes.append(required(field, "at least one of resourceRules and nonResourceRules has to be non-empty"))
    for index, item in enumerate(rule.get("resourceRules") or ()):
        causes += _resources(f"{field}.resourceRules[{index}]", item)
    for index, item in enumerate(rule.get("nonResourceRules") or ()):
        causes += _paths(f"{field}.nonResourceRules[{index}]", item)
    return causes


def _subject(field: str, subject: Spec) -> list[Cause]:
    kind = subject.get("kind", "")
    if kind not in _SUBJECTS:
        return [not_supported(f"{field}.kind", kind, tuple(_SUBJECTS))]
    mine = _SUBJECTS[kind]
    causes: list[Cause] = []
    said = subject.get(mine)
    if said is None:
        causes.append(required(f"{field}.{mine}", f"{mine} is required when subject kind is '{kind}'"))
    else:
        if not said.get("name"):
            causes.append(required(f"{field}.{mine}.name"))
        elif kind == "ServiceAccount" and said["name"] != "*":
            causes += names.check_subdomain(f"{field}.{mine}.name", said["name"])
        if kind == "ServiceAccount":
            where, namespace = f"{field}.{mine}.namespace", said.get("namespace", "")
            words = "must specify namespace for service account"
            causes += names.check_label_name(where, namespace) if namespace else [required(where, words)]
    for other in ("serviceAccount", "user", "group"):
        if other != mine and subject.get(other) is not None:
            title = other[0].upper() + other[1:]
            words = f"{other} is forbidden when subject kind is not '{title}'"
            causes.append(forbidden_field(f"{field}.{other}", words))
    return causes


def _verbs(field: str, rule: Spec) -> list[Cause]:
    verbs = rule.get("verbs") or []
    if not verbs:
        return [required(f"{field}.verbs", "verbs must contain at least one value")]
    if "*" in verbs:
        return _alone(f"{field}.verbs", verbs, "verbs")
    return [not_supported(f"{field}.verbs", verbs, _VERBS)] if set(verbs) - set(_VERBS) else []


def _alone(field: str, values: list[str], what: str) -> list[Cause]:
    """`*` stands for all of them, and therefore alone."""
    words = f"if '*' is present, must not specify other {what}"
    return [invalid_value(field, values, words)] if "*" in values and len(values) > 1 else []


def _resources(field: str, rule: Spec) -> list[Cause]:
    causes = _verbs(field, rule)
    for name, one, what in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        values = rule.get(name) or []
        words = f"resource rules must supply at least one {one}"
        causes += _alone(f"{field}.{name}", values, what) if values else [required(f"{field}.{name}", words)]
    spaces = rule.get("namespaces") or []
    if not spaces and not rule.get("clusterScope"):
        words = "resource rules that are not cluster scoped must supply at least one namespace"
        causes.append(required(f"{field}.namespaces", words))
    elif "*" in spaces:
        causes += _alone(f"{field}.namespaces", spaces, "namespaces")
    else:
        for index, space in enumerate(spaces):
            where = f"{field}.namespaces[{index}]"
            for cause in names.check_label_name(where, space):
                words = cause.message.partition(": ")[2].partition(": ")[2]
                causes.append(invalid_value(where, space, _NAMESPACE_WORDS + words))
    return causes


def _paths(field: str, rule: Spec) -> list[Cause]:
    causes = _verbs(field, rule)
    urls, where = rule.get("nonResourceURLs") or [], f"{field}.nonResourceURLs"
    if not urls:
        return [*causes, required(where, "nonResourceURLs must contain at least one value")]
    if "*" in urls:
        return causes + _alone(where, urls, "non-resource URLs")
    for index, url in enumerate(urls):
        if words := _path_fault(url):
            causes.append(invalid_value(f"{where}[{index}]", url, words))
    return causes


def _path_fault(url: str) -> str:
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    if url.count("*") > 1 or ("*" in url and not url.endswith("/*")):
        return "wildcard can only do suffix matching"
    return ""


def check_priority_level(obj: Spec) -> list[Cause]:
    """A PriorityLevelConfiguration."""
    spec, name = obj.get("spec") or {}, obj["metadata"].get("name", "")
    kind, exempt, limited = spec.get("type", ""), spec.get("exempt"), spec.get("limited")
    causes: list[Cause] = []
    if (name == EXEMPT) != (kind == "Exempt"):
        words = "must be 'Exempt' if and only if `name` is 'exempt'"
        causes.append(invalid_value("spec.type", kind, words))
    if kind == "Exempt":
        if limited is not None:
            causes.append(forbidden_field("spec.limited", "must be nil if the type is not Limited"))
        causes += _shares("spec.exempt", exempt or {})
    elif kind == "Limited":
        if exempt is not None:
            causes.append(forbidden_field("spec.exempt", "must be nil if the type is Limited"))
        if limited is None:
            causes.append(required("spec.limited", "must not be empty when type is Limited"))
        else:
            causes += _limited(limited)
    else:
        causes.append(not_supported("spec.type", kind, ("Exempt", "Limited")))
    return causes + _conditions(obj)


def _shares(field: str, said: Spec, between: list[Cause] | None = None) -> list[Cause]:
    causes: list[Cause] = []
    if said.get("nominalConcurrencyShares", 0) < 0:
        where = f"{field}.nominalConcurrencyShares"
        causes.append(invalid_value(where, said["nominalConcurrencyShares"], "must be a non-negative integer"))
    causes += between or []
    if not 0 <= said.get("lendablePercent", 0) <= _WHOLE:
        words = "must be between 0 and 100, inclusive"
        causes.append(invalid_value(f"{field}.lendablePercent", said["lendablePercent"], words))
    return causes


def _limited(said: Spec) -> list[Cause]:
    where = "spec.limited"
    causes = _shares(where, said, _response(f"{where}.limitResponse", said.get("limitResponse") or {}))
    if said.get("borrowingLimitPercent", 0) < 0:
        words = "if specified, must be a non-negative integer"
        causes.append(invalid_value(f"{where}.borrowingLimitPercent", said["borrowingLimitPercent"], words))
    return causes


def _response(field: str, said: Spec) -> list[Cause]:
    kind, queuing = said.get("type", ""), said.get("queuing")
    if kind == "Reject":
        words = "must be nil if limited.limitResponse.type is not Limited"
        return [forbidden_field(f"{field}.queuing", words)] if queuing is not None else []
    if kind != "Queue":
        return [not_supported(f"{field}.type", kind, ("Queue", "Reject"))]
    if queuing is None:
        return [required(f"{field}.queuing", "must not be empty if limited.limitResponse.type is Limited")]
    return _queuing(f"{field}.queuing", queuing)


def _queuing(field: str, said: Spec) -> list[Cause]:
    length, queues, hand = (said.get(name, 0) for name in ("queueLengthLimit", "queues", "handSize"))
    causes: list[Cause] = []
    if length <= 0:
        causes.append(invalid_value(f"{field}.queueLengthLimit", length, "must be positive"))
    if queues <= 0:
        causes.append(invalid_value(f"{field}.queues", queues, "must be positive"))
    elif queues > _QUEUES_MAX:
        causes.append(invalid_value(f"{field}.queues", queues, f"must not be greater than {_QUEUES_MAX}"))
    where = f"{field}.handSize"
    if hand <= 0:
        causes.append(invalid_value(where, hand, "must be positive"))
    elif hand > queues:
        causes.append(invalid_value(where, hand, f"should not be greater than queues ({queues})"))
    elif _entropy(queues, hand) > _HASH_BITS:
        start = f"required entropy bits of deckSize {queues} and handSize {hand}"
        causes.append(invalid_value(where, hand, f"{start} should not be greater than {_HASH_BITS}"))
    return causes


def _entropy(queues: int, hand: int) -> int:
    """The bits of a hash that dealing a hand takes (apiserver/pkg/util/shufflesharding, RequiredEntropyBits)."""
    return math.ceil(math.log2(queues) * hand)
