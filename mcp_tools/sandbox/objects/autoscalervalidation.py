"""What the API server refuses in HorizontalPodAutoscalers (kubernetes/pkg/apis/autoscaling/validation)."""

from __future__ import annotations

from typing import Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import Cause, forbidden_field, invalid_value, not_supported, required

Spec = dict[str, Any]
_TYPES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_SOURCES = ("object", "external", "pods", "resource", "containerResource")
_MOST_SECONDS, _MOST_PERIOD = 3600, 1800


def check_autoscaler(obj: Spec) -> list[Cause]:
    """A HorizontalPodAutoscaler of `autoscaling/v2`."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    causes: list[Cause] = []
    if least < 1:
        causes.append(invalid_value("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        causes.append(invalid_value("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        causes.append(invalid_value("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    causes += _reference("spec.scaleTargetRef", spec.get("scaleTargetRef") or {}, grouped=True)
    metrics = spec.get("metrics") or ()
    for index, metric in enumerate(metrics):
        causes += _metric(f"spec.metrics[{index}]", metric)
    if least == 0 and not any(metric.get("type") in {"Object", "External"} for metric in metrics):
        words = "must specify at least one Object or External metric to support scaling to zero replicas"
        causes.append(forbidden_field("spec.metrics", words))
    for way in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(way)
        if rules is not None:
            causes += _rules(f"spec.behavior.{way}", rules)
    return causes


def _reference(field: str, target: Spec, *, grouped: bool) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("kind", "name"):
        value = target.get(name)
        causes += names.check_path_segment(f"{field}.{name}", value) if value else [required(f"{field}.{name}")]
    version = target.get("apiVersion", "")
    if version.count("/") > 1:
        causes.append(invalid_value(f"{field}.apiVersion", version, f"unexpected GroupVersion string: {version}"))
    elif grouped and "/" not in version and target.get("kind") != "ReplicationController":
        causes.append(invalid_value(f"{field}.apiVersion", version, "apiVersion must specify API group"))
    return causes


def _metric(field: str, metric: Spec) -> list[Cause]:
    kind = metric.get("type", "")
    if kind not in _TYPES:
        return [not_supported(f"{field}.type", kind, _TYPES)] * 2
    expected = kind[0].lower() + kind[1:]
    present = [source for source in _SOURCES if metric.get(source) is not None]
    causes = _source(f"{field}.{present[0]}", present[0], metric[present[0]]) if present else []
    if expected not in present:
        words = "must populate information for the given metric source"
        causes.append(required(f"{field}.{expected}", words))
    if len(present) != 1:
        words = "must populate the given metric source only"
        causes += [forbidden_field(f"{field}.{source}", words) for source in present if source != expected]
    return causes


def _source(field: str, source: str, said: Spec) -> list[Cause]:
    target = said.get("target") or {}
    causes: list[Cause] = []
    if source == "object":
        causes += _reference(f"{field}.describedObject", said.get("describedObject") or {}, grouped=False)
    if source in {"resource", "containerResource"}:
        if not said.get("name"):
            causes.append(required(f"{field}.name", "must specify a resource name"))
        if source == "containerResource" and not said.get("container"):
            causes.append(required(f"{field}.container", "must specify a container"))
    else:
        name = (said.get("metric") or {}).get("name")
        where = f"{field}.metric.name"
        causes += names.check_path_segment(where, name) if name else [required(where, "must specify a metric name")]
    return [*causes, *_target(f"{field}.target", target), *_amounts(f"{field}.target", source, target)]


def _target(field: str, target: Spec) -> list[Cause]:
    causes: list[Cause] = []
    kind = target.get("type", "")
    if not kind:
        causes.append(required(f"{field}.type", "must specify a metric target type"))
    if kind not in {"Utilization", "Value", "AverageValue"}:
        causes.append(invalid_value(f"{field}.type", kind, "must be either Utilization, Value, or AverageValue"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        causes.append(invalid_value(f"{field}.averageUtilization", share, "must be greater than 0"))
    return causes + [
        invalid_value(f"{field}.{name}", target[name], "must be positive")
        for name in ("value", "averageValue")
        if name in target and quantity.parse(target[name]) <= 0
    ]


def _amounts(field: str, source: str, target: Spec) -> list[Cause]:
    """Which of its amounts a target must have."""
    average = target.get("averageValue")
    if source == "pods":
        if average is None or quantity.parse(average) <= 0:
            return [required(f"{field}.averageValue", "must specify a positive target averageValue")]
        return []
    if source in {"resource", "containerResource"}:
        share = target.get("averageUtilization")
        if share is None and average is None:
            words = "must set either a target raw value or a target utilization"
            return [required(f"{field}.averageUtilization", words)]
        if share is not None and average is not None:
            return [
                forbidden_field(f"{field}.averageValue", "may not set both a target raw value and a target utilization")
            ]
        return []
    if target.get("value") is None and average is None:
        per_pod = "must set either a target value for metric or a per-pod target"
        words = per_pod if source == "external" else "must set either a target value or averageValue"
        return [required(f"{field}.averageValue", words)]
    if source == "external" and target.get("value") is not None and average is not None:
        words = "may not set both a target value for metric and a per-pod target"
        return [forbidden_field(f"{field}.value", words)]
    return []


def _rules(field: str, rules: Spec) -> list[Cause]:
    causes: list[Cause] = []
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        words = "must be greater than or equal to zero"
        causes.append(invalid_value(f"{field}.stabilizationWindowSeconds", window, words))
    if window is not None and window > _MOST_SECONDS:
        words = f"must be less than or equal to {_MOST_SECONDS}"
        causes.append(invalid_value(f"{field}.stabilizationWindowSeconds", window, words))
    policies = ("Disabled", "Max", "Min")
    if rules.get("selectPolicy") is not None and rules["selectPolicy"] not in policies:
        causes.append(not_supported(f"{field}.selectPolicy", rules["selectPolicy"], policies))
    if not rules.get("policies"):
        causes.append(required(f"{field}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(rules.get("policies") or ()):
        where = f"{field}.policies[{index}]"
        if policy.get("type") not in {"Pods", "Percent"}:
            causes.append(not_supported(f"{where}.type", policy.get("type", ""), ("Percent", "Pods")))
        causes += [
            invalid_value(f"{where}.{name}", policy.get(name, 0), "must be greater than zero")
            for name in ("value", "periodSeconds")
            if policy.get(name, 0) <= 0
        ]
        if policy.get("periodSeconds", 0) > _MOST_PERIOD:
            words = f"must be less than or equal to {_MOST_PERIOD}"
            causes.append(invalid_value(f"{where}.periodSeconds", policy["periodSeconds"], words))
    return causes
