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
        case "scale":
            return f"scale {given['target']} to {given['replicas']}{where}"
        case "autoscale":
            return f"autoscale {given['target']} between {given['min']} and {given['max']}{where}"
        case "delete_resource":
            return f"delete {given['target']}{where}"
        case "restart":
            return f"restart {given['target']}{where}"
        case "set_image" if "container" in given:
            return f"set image {given['target']} {given['container']}={given['image']}{where}"
        case "set_image":
            return f"set image of {given['target']} to {given['image']}{where}"
        case "rollout":
            revision = f" to revision {given['revision']}" if "revision" in given else ""
            return f"rollout {given['action']} {given['target']}{revision}{where}"
        case "node_maintenance":
            return f"{given['action']} {given['node']}"
        case "undo_change":
            return f"undo {given['change_id']}" if given else "undo"
        case "apply_plan":
            return f"apply plan {given['plan_id']}"
        case _:
            return ""


def _relative(step: Relative) -> str:
    where = f" -n {step.namespace}" if step.namespace else ""
    way = {1: " up", -1: " down"}.get(step.direction, "")
    before = f" from {step.was}" if step.was is not None else ""
    if step.to is not None:
        return f"scale{way} {step.target}{before} to {step.to}{where}"
    if step.factor != 1.0:
        return f"{ {2.0: 'double', 3.0: 'triple', 0.5: 'halve'}[step.factor] } {step.target}{where}"
    return f"scale {'up' if step.add > 0 else 'down'} {step.target} by {abs(step.add)}{where}"
