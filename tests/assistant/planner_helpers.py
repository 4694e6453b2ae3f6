"""A step in one line, as the table of sentences writes it."""

from __future__ import annotations

import dataclasses
from typing import Any

from assistant.offline.model import (
    Changed,
    Clarify,
    Earlier,
    Heal,
    Manifest,
    Procedure,
    Refuse,
    Relative,
    Reply,
    Several,
    Silencing,
    Step,
    ToolCall,
    Unsilencing,
)


def told(step: Step) -> str:
    match step:
        case ToolCall():
            return " ".join([step.name, *_given(step.arguments), *(f"or {name}" for name in step.alternatives)])
        case Relative():
            plain = {field.name: field.default for field in dataclasses.fields(Relative)}
            said = {name: getattr(step, name) for name in plain if getattr(step, name) != plain[name]}
            others = said.pop("alternatives", ())
            said.pop("note", None)
            return " ".join(["relative", *_given(said), *(f"or {name}" for name in others)])
        case Earlier(release, day):
            return " ".join([f"rollback to before {day}", *_given(release)])
        case Heal(where, option):
            return " ".join([f"fix {option}", *_given(where or {})])
        case Clarify():
            return f"asks for the {step.missing} of {told(step.step)}"
        case Refuse():
            return "refused" + (f", offering {' | '.join(step.suggestions)}" if step.suggestions else "")
        case Several(steps):
            return " ; ".join(map(told, steps))
        case Manifest():
            return f"{told(step.step)} from {step.source}"
        case Reply():
            return "help"
        case _:
            return _told_of_the_conversation(step)


def _told_of_the_conversation(step: Step) -> str:
    match step:
        case Silencing():
            return " ".join(["silence", *_given(dataclasses.asdict(step))])
        case Unsilencing(what):
            return f"unsilence {what}"
        case Changed(since, namespace):
            return " ".join([f"changed since {since}", *_given({"namespace": namespace or ""})])
        case Procedure(kind, action, name, given):
            said = " ".join(f"{key or 'for'}={value}" for key, value in given.items())
            return " ".join(part for part in (action, kind, name, said) if part)
    raise AssertionError(step)


def _given(arguments: dict[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in arguments.items() if value != ""]
