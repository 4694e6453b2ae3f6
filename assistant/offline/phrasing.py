"""A change as the sentence that asks for it, so that a suggestion can be typed back."""

from __future__ import annotations

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
        case "set_image" if "container" in given:
            return f"set image {given['target']} {given['container']}={given['image']}{where}"
        case "rollout" if "revision" in given:
            return f"rollout {given['action']} {given['target']} to revision {given['revision']}{where}"
        case "undo_change" if not given:
            return "undo"
    pattern = _PATTERNS.get(step.name)
    return pattern.format(**given) + where if pattern else ""


_PATTERNS = {
    "scale": "scale {target} to {replicas}",
    "autoscale": "autoscale {target} between {min} and {max}",
    "restart": "restart {target}",
    "set_image": "set image of {target} to {image}",
    "rollout": "rollout {action} {target}",
    "delete_resource": "delete {target}",
    "node_maintenance": "{action} {node}",
    "undo_change": "undo {change_id}",
    "apply_plan": "apply plan {plan_id}",
}


def _relative(step: Relative) -> str:
    where = f" -n {step.namespace}" if step.namespace else ""
    way = {1: " up", -1: " down"}.get(step.direction, "")
    before = f" from {step.was}" if step.was is not None else ""
    if step.to is not None:
        return f"scale{way} {step.target}{before} to {step.to}{where}"
    if step.factor != 1.0:
        return f"{ {2.0: 'double', 3.0: 'triple', 0.5: 'halve'}[step.factor] } {step.target}{where}"
    return f"scale {'up' if step.add > 0 else 'down'} {step.target} by {abs(step.add)}{where}"
