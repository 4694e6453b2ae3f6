"""What is sent of a conversation: valid, and within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Item = dict[str, Any]

BUDGET = 120_000
"""Characters of history, some 30,000 tokens: the newest whole turns that fit."""
LEAST = 6_000
"""A model that takes less than this is none to talk with."""
OLD_OUTPUT = 2_000
"""Characters of a tool's answer once its turn is over: what mattered of it is in the answer that followed."""
UNANSWERED = '{"status":"interrupted","summary":"The answer of this call was lost: look before you repeat it."}'


def repaired(items: Sequence[Item], answers: Mapping[str, str] | None = None) -> list[Item]:
    """The items with an output for every call, and a call for every output: a request without is refused.

    Args:
        answers: What calls gave whose output is missing, by call id.
    """
    calls = {item["call_id"] for item in items if item.get("type") == "function_call"}
    given = {item["call_id"] for item in items if item.get("type") == "function_call_output"}
    whole: list[Item] = []
    open_calls: list[str] = []
    for item in items:
        kind = item.get("type")
        if kind == "function_call_output" and item["call_id"] not in calls:
            continue
        if kind not in {"function_call", "function_call_output"}:
            whole += _answers(open_calls, answers)
            open_calls = []
        whole.append(item)
        if kind == "function_call" and item["call_id"] not in given:
            open_calls.append(item["call_id"])
    return [*whole, *_answers(open_calls, answers)]


def bounded(items: Sequence[Item], budget: int = BUDGET) -> list[Item]:
    """The newest whole turns that fit the budget, older tool outputs shortened; of the turn in progress every item."""
    starts = [position for position, item in enumerate(items) if item.get("role") == "user"] or [0]
    present = starts[-1]
    readable = [*map(_readable, items)]
    shortened = [*map(_shortened, readable[:present]), *_fitted(readable[present:], budget)]
    size = size_of(shortened[present:])
    begin = present
    for start in reversed(starts[:-1]):
        size += size_of(shortened[start:begin])
        if size > budget:
            break
        begin = start
    return shortened[begin:]


def _answers(call_ids: list[str], answers: Mapping[str, str] | None) -> list[Item]:
    known = answers or {}
    return [
        {"type": "function_call_output", "call_id": call_id, "output": known.get(call_id, UNANSWERED)}
        for call_id in call_ids
    ]


def _fitted(items: list[Item], budget: int) -> list[Item]:
    """The items of a turn that is too long by itself, with its oldest outputs shortened as far as needed."""
    excess = size_of(items) - budget
    fitted = []
    for item in items:
        short = _shortened(item) if excess > 0 else item
        excess -= size_of([item]) - size_of([short])
        fitted.append(short)
    return fitted


def _readable(item: Item) -> Item:
    """The item without arguments that are no JSON object: some servers refuse a history that has them."""
    if item.get("type") != "function_call":
        return item
    try:
        whole = isinstance(json.loads(item["arguments"]), dict)
    except ValueError:
        whole = False
    return item if whole else {**item, "arguments": "{}"}


def _shortened(item: Item) -> Item:
    output = item.get("output")
    if item.get("type") != "function_call_output" or not isinstance(output, str) or len(output) <= OLD_OUTPUT:
        return item
    left = len(output) - OLD_OUTPUT
    return {**item, "output": f"{output[:OLD_OUTPUT]}… ({left} characters of this older answer are left out)"}


def size_of(items: Sequence[Item]) -> int:
    """Characters of the items, as they are sent."""
    return sum(len(json.dumps(item, ensure_ascii=False)) for item in items)
