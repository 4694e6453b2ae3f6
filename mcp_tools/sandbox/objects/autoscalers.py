"""HorizontalPodAutoscalers as `autoscaling/v1` has them (kubernetes/pkg/apis/autoscaling/v1/conversion.go).

The older version knows one metric, the CPU. Everything else of an object travels in annotations.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mcp_tools.sandbox.objects.schema import DecodeError, conform, parse

Object = dict[str, Any]

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR = (
    f"{_PREFIX}{name}" for name in ("metrics", "current-metrics", "conditions", "behavior")
)
_COUNTS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
_SOURCES = ("object", "pods", "resource", "containerResource", "external")
# By source: field of v1 and where v2 keeps it; {} stands for `target` or `current`.
_FIELDS: dict[str, dict[str, str]] = {
    "object": {
        "target": "describedObject",
        "metricName": "metric.name",
        "{}Value": "{}.value",
        "selector": "metric.selector",
        "averageValue": "{}.averageValue",
    },
    "pods": {"metricName": "metric.name", "{}AverageValue": "{}.averageValue", "selector": "metric.selector"},
    "resource": {
        "name": "name",
        "{}AverageUtilization": "{}.averageUtilization",
        "{}AverageValue": "{}.averageValue",
    },
    "containerResource": {
        "name": "name",
        "{}AverageUtilization": "{}.averageUtilization",
        "{}AverageValue": "{}.averageValue",
        "container": "container",
    },
    "external": {
        "metricName": "metric.name",
        "metricSelector": "metric.selector",
        "{}Value": "{}.value",
        "{}AverageValue": "{}.averageValue",
    },
}
_RULES = ("StabilizationWindowSeconds", "SelectPolicy", "Policies", "Tolerance")
_POLICY = ("Type", "Value", "PeriodSeconds")


def to_v1(obj: Object) -> Object:
    """An autoscaler of `autoscaling/v2` as one of `autoscaling/v1`; what was given is not changed."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    metrics, current = spec.get("metrics") or (), status.get("currentMetrics") or ()
    plain: Object = {key: spec[key] for key in ("scaleTargetRef", "minReplicas", "maxReplicas") if key in spec}
    share = next((found for found in map(_cpu_share, metrics) if found is not None), None)
    if share is not None:
        plain["targetCPUUtilizationPercentage"] = share
    notes: Object = {}
    if others := [_old(metric, "target") for metric in metrics if _cpu_share(metric) is None]:
        notes[_METRICS] = _json(others)
    if current:
        notes[_CURRENT] = _json([_old(metric, "current") for metric in current])
    if conditions := status.get("conditions"):
        order = ("type", "status", "lastTransitionTime", "reason", "message")
        notes[_CONDITIONS] = _json([{key: item[key] for key in order if key in item} for item in conditions])
    if spec.get("behavior"):
        notes[_BEHAVIOR] = _json({"ScaleUp": _rules(spec, "scaleUp"), "ScaleDown": _rules(spec, "scaleDown")})
    counts: Object = {"currentReplicas": 0, "desiredReplicas": 0}
    counts |= {key: status[key] for key in _COUNTS if key in status}
    used = next((found for found in map(_cpu_used, current) if found is not None), None)
    if used is not None:
        counts["currentCPUUtilizationPercentage"] = used
    found = {**obj, "apiVersion": "autoscaling/v1", "metadata": _annotated(obj["metadata"], notes)}
    return {**found, "spec": plain, **({"status": counts} if "status" in obj else {})}


def from_v1(obj: Object) -> Object:
    """An autoscaler of `autoscaling/v1` as one of `autoscaling/v2`; annotations that say nothing valid are dropped."""
    meta = obj.get("metadata") or {}
    notes = meta.get("annotations") or {}
    spec = dict(obj.get("spec") or {})
    share = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = _read(notes, _METRICS, "target", "MetricSpec")
    if share is not None:
        target = {"type": "Utilization", "averageUtilization": share}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    if metrics:
        spec["metrics"] = metrics
    if behavior := _behavior(notes.get(_BEHAVIOR, "")):
        spec["behavior"] = behavior
    found = {**obj, "apiVersion": "autoscaling/v2", "metadata": _annotated(meta, {}), "spec": spec}
    if "status" in obj:
        counts = obj["status"] or {}
        found["status"] = {key: counts[key] for key in _COUNTS if key in counts}
        if current := _read(notes, _CURRENT, "current", "MetricStatus"):
            found["status"]["currentMetrics"] = current
    return found


def _cpu(metric: Object) -> Object | None:
    resource = metric.get("resource") or {}
    return resource if metric.get("type") == "Resource" and resource.get("name") == "cpu" else None


def _cpu_share(metric: Object) -> int | None:
    return ((_cpu(metric) or {}).get("target") or {}).get("averageUtilization")


def _cpu_used(metric: Object) -> int | None:
    return ((_cpu(metric) or {}).get("current") or {}).get("averageUtilization")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _annotated(meta: Object, notes: Object) -> Object:
    """Metadata with these annotations of the conversion, and no others of it."""
    kept = {key: value for key, value in (meta.get("annotations") or {}).items() if key not in _ALL}
    rest = {key: value for key, value in meta.items() if key != "annotations"}
    return {**rest, "annotations": {**kept, **notes}} if kept or notes else rest


_ALL = {_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR}


def _old(metric: Object, what: str) -> Object:
    """One metric in v1's words; `what` is `target` or `current`."""
    found: Object = {"type": metric.get("type", "")}
    for source in _SOURCES:
        if isinstance(inner := metric.get(source), dict):
            found[source] = {}
            for old, new in _FIELDS[source].items():
                outer, _, field = new.format(what).partition(".")
                value = (inner.get(outer) or {}).get(field) if field else inner.get(outer)
                if value is not None:
                    found[source][old.format(what)] = value
    return found


def _new(metric: Object, what: str) -> Object:
    found: Object = {"type": metric.get("type", "")}
    for source in _SOURCES:
        if isinstance(inner := metric.get(source), dict):
            found[source] = {}
            for old, new in _FIELDS[source].items():
                outer, _, field = new.format(what).partition(".")
                value = inner.get(old.format(what))
                if value is None or (field == "value" and value == "0"):
                    continue
                if field:
                    found[source].setdefault(outer, {})[field] = value
                else:
                    found[source][outer] = value
            if what == "target":
                target = found[source].setdefault("target", {})
                target["type"] = _kind_of(source, target)
    return found


def _kind_of(source: str, target: Object) -> str:
    if source in {"resource", "containerResource"}:
        return "Utilization" if "averageUtilization" in target else "AverageValue"
    return "AverageValue" if source == "pods" or "averageValue" in target else "Value"


def _read(notes: Object, key: str, what: str, shape: str) -> list[Object]:
    try:
        found = msgspec.json.decode(notes.get(key, ""))
        return [conform(parse(shape), _new(metric, what), []) for metric in found]
    except (msgspec.DecodeError, DecodeError, TypeError, AttributeError):
        return []


def _rules(spec: Object, way: str) -> Object | None:
    """As Go prints its internal struct: every field, with a capital letter."""
    rules = spec["behavior"].get(way)
    if rules is None:
        return None
    found: Object = {name: rules.get(_small(name)) for name in _RULES}
    if found["Policies"] is not None:
        found["Policies"] = [{name: policy.get(_small(name)) for name in _POLICY} for policy in found["Policies"]]
    return found


def _behavior(text: str) -> Object | None:
    try:
        found = msgspec.json.decode(text) if text else None
        return conform(parse("HorizontalPodAutoscalerBehavior"), _lowered(found), []) if found else None
    except (msgspec.DecodeError, DecodeError):
        return None


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {_small(key): _lowered(item) for key, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]
