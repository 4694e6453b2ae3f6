"""From the parts of a shape to arguments: a target, a number, and what cannot be one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from assistant.offline.model import Clarify, Mention, Refuse, Relative, ToolCall

if TYPE_CHECKING:
    from assistant.offline.shape import Part

MAX_REPLICAS = 10_000
WHICH = "Which one do you mean?"


def target_of(part: Part, namespace: str | None, last: Mention | None) -> Mention:
    """The object that a T names; for a pronoun the last one, with the namespace it was in, or an empty target."""
    if part.text:
        return Mention(part.text, namespace)
    return Mention(last.target, namespace or last.namespace) if last else Mention("", namespace)


def call(name: str, target: Mention, **arguments: Any) -> ToolCall | Clarify:
    """A call on an object, or the question which."""
    step = ToolCall(name, {**_where(target), **arguments})
    return step if target.target else Clarify(WHICH, step, "target")


def scaling(target: Mention, step: Relative) -> Relative | ToolCall | Clarify:
    """A scaling of an object: a plain call where it does not matter how many replicas there are."""
    if step.to is not None and not step.direction and step.was is None:
        plain = call("scale", target, replicas=step.to)
        return plain if isinstance(plain, Clarify) else dataclasses.replace(plain, alternatives=step.alternatives)
    made = dataclasses.replace(step, target=target.target, namespace=target.namespace)
    return made if target.target else Clarify(WHICH, made, "target")


def too_many(number: int) -> Refuse | None:
    """A refusal of a number that is no number of replicas."""
    if 0 <= number <= MAX_REPLICAS:
        return None
    return Refuse(f"{number} is no number of replicas: it takes a whole number from 0 to {MAX_REPLICAS}.")


def singular(name: str) -> tuple[str, ...]:
    """What a plural may stand for: `backends` for backend, `proxies` for proxy; nothing for other words."""
    if name.endswith("ies"):
        return (f"{name[:-3]}y",)
    return (name[:-1],) if name.endswith("s") and not name.endswith("ss") else ()


def _where(target: Mention) -> dict[str, Any]:
    named: dict[str, Any] = {"target": target.target} if target.target else {}
    return named | ({"namespace": target.namespace} if target.namespace else {})
