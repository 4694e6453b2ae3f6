"""A change as the sentence that asks for it, so that a suggestion can be typed back."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from assistant.offline.model import Relative, Step, ToolCall


def phrase(step: Step) -> str:
    """The sentence for a change; empty for what is none."""
    if isinstance(step, Relative):
        return _relative(step)
    if not isinstance(step, ToolCall):
        return ""
    given = step.arguments
    where = f" -n {given['namespace']}" if given.get("namespace") else ""
    match step.name:
        case "scale" if "cpu_percent" in given:
            return ""
        case "scale" if "min" in given:
            return f"autoscale {given['target']} between {given['min']} and {given['max']}{where}"
        case "configure_workload" if set(given) - {"target", "namespace", "container", "image"}:
            return _resources(given, given["target"], where)
        case "configure_workload" if "container" in given:
            return f"set image {given['target']} {given['container']}={given['image']}{where}"
        case "rollout" if given["action"] == "serve":
            return ""
        case "rollout" if given["action"] == "restart":
            return f"restart {given['target']}{where}"
        case "rollout" if "revision" in given:
            return f"rollout {given['action']} {given['target']} to revision {given['revision']}{where}"
        case "patch_resource":
            return _patch(given, given["target"], where)
        case "undo_change" if not given:
            return "undo"
    pattern = _PATTERNS.get(step.name)
    return pattern.format(**given) + where if pattern else ""


_PATTERNS = {
    "scale": "scale {target} to {replicas}",
    "configure_workload": "set image of {target} to {image}",
    "rollout": "rollout {action} {target}",
    "delete_resource": "delete {target}",
    "node_maintenance": "{action} {node}",
    "undo_change": "undo {change_id}",
    "apply_plan": "apply plan {plan_id}",
}


def _resources(arguments: Mapping[str, Any], target: str, place: str) -> str:
    if arguments.get("measured"):
        return f"optimise the resources of {target}{place}"
    if set(arguments) - {"target", "namespace", "container", "requests", "limits"}:
        return ""
    parts = [f"-c {arguments['container']}"] if arguments.get("container") else []
    parts += [
        f"--{section}=" + ",".join(f"{name}={amount}" for name, amount in arguments[section].items())
        for section in ("requests", "limits")
        if arguments.get(section)
    ]
    return f"kubectl set resources {target} {' '.join(parts)}{place}"


def _patch(arguments: Mapping[str, Any], target: str, place: str) -> str:
    """As a merge patch, which knows neither elements of lists nor objects that replace others."""
    fields = arguments.get("fields") or {}
    if not fields or set(arguments) - {"target", "namespace", "fields"}:
        return ""
    body: dict[str, Any] = {}
    for path, value in fields.items():
        if "[" in path or isinstance(value, dict | list):
            return ""
        *parents, last = path.split(".")
        held = body
        for key in parents:
            held = held.setdefault(key, {})
        held[last] = value
    return f"kubectl patch {target}{place} -p {shlex.quote(json.dumps(body))}"


def _relative(step: Relative) -> str:
    where = f" -n {step.namespace}" if step.namespace else ""
    way = {1: " up", -1: " down"}.get(step.direction, "")
    before = f" from {step.was}" if step.was is not None else ""
    if step.to is not None:
        return f"scale{way} {step.target}{before} to {step.to}{where}"
    if step.factor != 1.0:
        return f"{ {2.0: 'double', 3.0: 'triple', 0.5: 'halve'}[step.factor] } {step.target}{where}"
    return f"scale {'up' if step.add > 0 else 'down'} {step.target} by {abs(step.add)}{where}"
