"""Looks with a tool of their own: events, use of CPU and memory, search, fields, access."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from assistant.offline.model import Step, ToolCall
from assistant.offline.words import kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.offline.sentence import Word
    from assistant.offline.shape import Shape

_USE = frozenset({"usage", "use", "uses", "using", "used", "consumption", "consume", "consumes", "most", "top"})
_MEMORY = frozenset({"memory", "ram"})
_RESOURCES = _MEMORY | {"cpu", "resource", "resources"}
_RBAC = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})
_ASKS_ACCESS: dict[tuple[str, ...], dict[str, str]] = {
    ("auth", "can-i"): {},
    ("can-i",): {},
    ("can", "i"): {},
    ("who", "can"): {"who": "anyone"},
}
_REACH = re.compile(
    r"(?:can|does|why can't|why cannot|why can not) (?:the )?(?P<source>[a-z0-9./-]+) "
    r"(?:not )?(?:reach|talk to|connect to|access|call) (?:the )?(?P<to>[a-z0-9./-]+)"
    r"(?: on)?(?: port)?(?: (?P<port>[0-9]{1,5}))?"
    r"(?:,? and(?: if not,?)? (?:who|what) (?:stops|blocks|prevents) (?:it|that|this))?"
)
_SEARCH = frozenset({"search", "find"})


def match(bag: Shape, words: Sequence[Word], where: dict[str, Any]) -> Step | None:
    """A call of a reading tool, or None."""
    typed = {word.typed.lower() for word in words}
    return _events(bag, typed, where) or _use(bag, typed, where) or _search(bag, where) or _field(words)


def reach(words: Sequence[Word], where: dict[str, Any]) -> Step | None:
    """Whether one workload reaches another: "can frontend reach backend on port 8000?"."""
    found = _REACH.fullmatch(" ".join(word.typed.lower().rstrip("?") for word in words))
    if found is None:
        return None
    port = {"port": int(found["port"])} if found["port"] else {}
    return ToolCall("diagnose", {"target": found["source"], "to": found["to"], **port, **_one(where)})


def access(words: Sequence[Word], where: dict[str, Any]) -> Step | None:
    """`auth can-i delete pods`, "can i delete pods?", "who can delete pods?"; asks, whatever the verb."""
    typed = [word.typed.lower() for word in words]
    for opening, who in _ASKS_ACCESS.items():
        rest = typed[len(opening) :]
        asked = tuple(typed[: len(opening)]) == opening and len(rest) == 2  # noqa: PLR2004
        if asked and rest[0] in _RBAC and rest[1] in kinds():
            return ToolCall("check_access", {"verb": rest[0], "resource": kinds()[rest[1]], **_one(where), **who})
    return None


def _one(where: dict[str, Any]) -> dict[str, Any]:
    return {} if where.get("all_namespaces") else where


def _events(bag: Shape, typed: set[str], where: dict[str, Any]) -> Step | None:
    symbols = [part.symbol for part in bag.parts]
    if "events" not in symbols and not (
        typed <= {"warning", "warnings", "show", "list", "get"} and "warnings" in typed
    ):
        return None
    arguments: dict[str, Any] = {"kind": "events", **where}
    targets = [part for part in bag.all("T") if part.text]
    if len(targets) == 1:
        arguments["about"] = targets[0].text
    numbers = bag.all("N")
    if numbers:
        arguments["limit"] = max(1, min(int(numbers[0].text), 300))
    if "warnings" in symbols:
        arguments["field_selector"] = "type=Warning"
    return ToolCall("list_resources", arguments)


def _use(bag: Shape, typed: set[str], where: dict[str, Any]) -> Step | None:
    asks = bag.parts[:1] and bag.parts[0].typed.lower() == "top"
    if not asks and not (typed & _USE and typed & _RESOURCES):
        return None
    named = bag.all("T")
    note = "These are all pods; use is not asked for one by name." if named else ""
    kind = "nodes" if "nodes" in {part.symbol for part in bag.parts} else "pods"
    arguments: dict[str, Any] = {"kind": kind, **where, "usage": True}
    if typed & _MEMORY:
        arguments["sort_by"] = "memory"
    return ToolCall("list_resources", arguments, note=note)


def _search(bag: Shape, where: dict[str, Any]) -> Step | None:
    parts = bag.parts
    targets = bag.all("T")
    if not parts or parts[0].typed.lower() not in _SEARCH or len(targets) != 1 or "/" in targets[0].text:
        return None
    if len(parts) > 3 or {part.symbol for part in parts[1:]} - {"T", "for", "everything"}:  # noqa: PLR2004
        return None
    return ToolCall("list_resources", {"contains": targets[0].text, **_one(where)})


def _field(words: Sequence[Word]) -> Step | None:
    typed = [word.typed for word in words]
    if len(typed) != 2 or typed[0].lower() != "explain":  # noqa: PLR2004
        return None
    kind = typed[1].lower().partition(".")[0]
    return ToolCall("describe_resource", {"target": typed[1], "explain": True}) if kind in kinds() else None
