"""Rollouts that go back, wait or go on, nodes that take no pods, and autoscalers. As strict as scaling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.offline.intents.values import call, target_of
from assistant.offline.model import Mention, Refuse, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.shape import Shape

ROLLOUT_UNDO = r"(?:rollout undo|undo rollout(?: of)?) T|(?:rollout )?undo(?: rollout(?: of)?)? T to revision N"
# "undo backend" could mean the last change to it; rolling back is what Kubernetes calls the earlier revision.
ROLL_BACK = r"undo T"
ROLL_T_BACK = r"roll T back(?: to revision N)?"
_ROLLING = frozenset({"rollback", "roll back"})
HOLD = r"rollout (?P<verb>pause|resume) T|(?P<verb2>pause|resume) (?:rollout (?:of|for) T|T rollout)"
HOLD_WHAT = r"(?P<verb>pause|resume) T"
NODE = r"(?P<verb>cordon|uncordon|drain) T"
AUTOSCALE = r"autoscale T (?:between N and N|from N to N)(?: replicas| pods)?"
AUTOSCALE_WHAT = r"autoscale T"


def match(given: Shape, namespace: str | None, last: Mention | None) -> Step | None:
    """A call of a changing tool, a question back, a refusal, or None."""
    targets = given.all("T")
    if len(targets) != 1:
        return None
    target = target_of(targets[0], namespace, last)
    if _goes_back(given):
        numbers = given.all("N")
        return call("rollout", target, action="undo", **({"revision": int(numbers[0].text)} if numbers else {}))
    found = re.fullmatch(HOLD, given.text)
    if found:
        return call("rollout", target, action=found["verb"] or found["verb2"])
    found = re.fullmatch(HOLD_WHAT, given.text)
    if found and target.target:
        where = f" -n {target.namespace}" if target.namespace else ""
        return Refuse("What pauses and resumes is a rollout.", (f"rollout {found['verb']} {target.target}{where}",))
    if re.fullmatch(AUTOSCALE, given.text):
        low, high = (int(number.text) for number in given.all("N"))
        return call("scale", target, min=low, max=high)
    if re.fullmatch(AUTOSCALE_WHAT, given.text):
        name = target.target or "it"
        return Refuse("Between how many replicas?", hint=f"Say `autoscale {name} between 2 and 5`.")
    found = re.fullmatch(NODE, given.text)
    node = targets[0].text.removeprefix("nodes/")
    if found and node and "/" not in node and not namespace:
        return ToolCall("node_maintenance", {"node": node, "action": found["verb"]})
    return None


def _goes_back(given: Shape) -> bool:
    named = bool(given.all("T")[0].text)
    if re.fullmatch(ROLL_BACK, given.text):
        return named and given.parts[0].typed.lower() in _ROLLING
    return bool(re.fullmatch(ROLLOUT_UNDO, given.text)) or (named and bool(re.fullmatch(ROLL_T_BACK, given.text)))
