"""The parts that patterns share: a target with its article and kind, a number, and what they become."""

from __future__ import annotations

import re

from assistant.offline.model import Clarify
from assistant.offline.sentence import Sentence, is_name
from assistant.offline.words import KIND_OF

KIND = r"(?:" + "|".join(sorted(map(re.escape, KIND_OF), key=len, reverse=True)) + r")"
ARTICLE = r"(?:(?:the|my|our|this|that) )?"
TARGET = rf"{ARTICLE}(?:(?P<kind>{KIND}) )?(?:named |called )?(?P<name>\S+)(?: (?P<kind2>{KIND}|service|app|workload))?"
NUMBER = r"(?P<n>[+-]?\d[\d,.]*(?:e\d+)?)"
COUNTED = r"(?: (?:replicas|pods?|of them|in total))?"
PRONOUNS = frozenset({"it", "them", "this", "that", "one"})
MAX_REPLICAS = 10_000


def target_of(match: re.Match[str], last: str | None) -> str | Clarify | None:
    """The target a match names, as `kind/name` or `name`; a question where a pronoun stands for nothing; None for no name."""
    name = match["name"]
    if name in PRONOUNS:
        return last or Clarify("Which one do you mean?", template=_with_blank(match))
    if not is_name(name):
        return None
    kind = match["kind"] or match.groupdict().get("kind2")
    if kind and "/" not in name and kind in KIND_OF and kind != "app":
        return f"{KIND_OF[kind]}/{name}" if kind not in {"pods", "pod", "po"} or match["kind"] else name
    return name


def namespace_of(sentence: Sentence) -> dict[str, str]:
    """The namespace argument, where a flag or the words name one."""
    return {"namespace": sentence.flags["namespace"]} if "namespace" in sentence.flags else {}


def replicas_of(text: str) -> int | Clarify:
    """A number of replicas, or why it is none."""
    digits = text.replace(",", "").removeprefix("+")
    if not re.fullmatch(r"\d+", digits) or int(digits) > MAX_REPLICAS:
        return Clarify(f"{text} is no number of replicas; it takes a whole number from 0 to {MAX_REPLICAS}.")
    return int(digits)


def singular(name: str) -> tuple[str, ...]:
    """What a plural may stand for: `backends` for backend, `proxies` for proxy; nothing for other words."""
    if name.endswith("ies"):
        return (f"{name[:-3]}y",)
    return (name[:-1],) if name.endswith("s") and not name.endswith("ss") else ()


def _with_blank(match: re.Match[str]) -> str:
    start, end = match.span("name")
    return f"{match.string[:start]}{{}}{match.string[end:]}"
