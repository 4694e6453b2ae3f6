"""Scaling: to a number, by a number, twice as many. Every word must be understood, or it is not a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.offline.intents.slots import (
    ARTICLE,
    COUNTED,
    NUMBER,
    TARGET,
    namespace_of,
    replicas_of,
    singular,
    target_of,
)
from assistant.offline.model import Clarify, Relative, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.sentence import Sentence

_MORE, _LESS = r"(?:increase|scale up|up|scale)", r"(?:decrease|scale down|down)"
ABSOLUTE = [
    re.compile(pattern)
    for pattern in (
        (
            rf"(?:scale|increase|decrease|set|up|down)(?: (?:up|down|out|in|back))? {TARGET}(?: (?:up|down|back))?"
            rf" (?:to|at|=) (?:exactly )?{NUMBER}{COUNTED}"
        ),
        rf"(?:scale|set) {TARGET} {NUMBER}{COUNTED}",
        (
            rf"(?:scale|set|increase|decrease) {ARTICLE}(?:number of |count of )?replicas(?: count)? (?:of|for|on) {TARGET}"
            rf" (?:to|at|=) {NUMBER}"
        ),
        rf"(?:scale|set|increase|decrease) {TARGET} replicas (?:to|at|=) {NUMBER}",
        rf"{TARGET} to {NUMBER}{COUNTED}",
        (
            rf"(?:i want|i need|give me|run|set|start|spin up|have|scale to|scale up to) {NUMBER} (?:replicas|pods) (?:of|for)"
            rf" {TARGET}"
        ),
        rf"set {TARGET} (?:run|have) {NUMBER} (?:replicas|pods)",
    )
]
# "make it three backends": the plural is the name's.
PLURAL = re.compile(rf"(?:set it|i want|i need|give me|run|set|spin up) {NUMBER} (?P<name>\S+s)")
BY = [
    (re.compile(rf"{_MORE} {TARGET}(?: up)? by {NUMBER}{COUNTED}"), 1),
    (re.compile(rf"scale {TARGET} up by {NUMBER}{COUNTED}"), 1),
    (re.compile(rf"increase {NUMBER}(?: more)? (?:replicas|pods) (?:to|of|for) {TARGET}"), 1),
    (re.compile(rf"{_LESS} {TARGET}(?: down)? by {NUMBER}{COUNTED}"), -1),
    (re.compile(rf"scale {TARGET} down by {NUMBER}{COUNTED}"), -1),
    (re.compile(rf"decrease {NUMBER} (?:replicas|pods) (?:from|of) {TARGET}"), -1),
]
FACTORS = {"double": 2.0, "triple": 3.0, "halve": 0.5}
TIMES = re.compile(
    rf"(?P<verb>double|triple|halve) (?:{ARTICLE}(?:number of )?replicas (?:of|for) )?{TARGET}(?: replicas)?"
)
HOW_MANY = re.compile(rf"(?:scale|increase|decrease)(?: (?:up|down|out|in))? {TARGET}(?: (?:up|down|out|in))?")
WHICH = re.compile(rf"(?:scale|set)(?: (?:up|down))? to {NUMBER}{COUNTED}")
SEVERAL = re.compile(r"\b\d+ (?:or|to|-) \d+\b|\b\d+-\d+\b")


def match(sentence: Sentence, last: str | None) -> Step | None:
    """A call of `scale`, a relative change, a question back, or None."""
    text = sentence.text
    if "replicas" in sentence.flags:
        text = f"{text} to {sentence.flags['replicas']}"
    if SEVERAL.search(text) and "scale" in text.split():
        return Clarify("There are several numbers in that; which one do you mean?")
    for pattern in ABSOLUTE:
        found = pattern.fullmatch(text)
        if found:
            step = _absolute(found, sentence, last)
            if step is not None:
                return step
    found = PLURAL.fullmatch(text)
    if found:
        replicas = replicas_of(found["n"])
        if isinstance(replicas, Clarify):
            return replicas
        arguments = {"target": found["name"], "replicas": replicas, **namespace_of(sentence)}
        return ToolCall("scale", arguments, alternatives=singular(found["name"]))
    return _relative(text, sentence, last) or _question(text, last)


def _absolute(found: re.Match[str], sentence: Sentence, last: str | None) -> Step | None:
    target = target_of(found, last)
    if not isinstance(target, str):
        return target
    replicas = replicas_of(found["n"])
    if isinstance(replicas, Clarify):
        return replicas
    return ToolCall("scale", {"target": target, "replicas": replicas, **namespace_of(sentence)})


def _relative(text: str, sentence: Sentence, last: str | None) -> Step | None:
    namespace = sentence.flags.get("namespace")
    for pattern, sign in BY:
        found = pattern.fullmatch(text)
        target = target_of(found, last) if found else None
        if found and target is not None:
            if isinstance(target, Clarify):
                return target
            number = replicas_of(found["n"])
            return number if isinstance(number, Clarify) else Relative(target, namespace, add=sign * number)
    found = TIMES.fullmatch(text)
    if not found:
        return None
    target = target_of(found, last)
    if not isinstance(target, str):
        return target
    return Relative(target, namespace, factor=FACTORS[found["verb"]], alternatives=singular(target))


def _question(text: str, last: str | None) -> Step | None:
    found = WHICH.fullmatch(text)
    if found:
        return Clarify(f"What is to be scaled to {found['n']}?", template=f"scale {{}} to {found['n']}")
    found = HOW_MANY.fullmatch(text)
    target = target_of(found, last) if found else None
    if isinstance(target, str):
        return Clarify(f"To how many replicas is {target} to be scaled?", template=f"scale {target} to {{}}")
    return target
