"""Looks with a tool of their own: events, use of CPU and memory, search, fields, access."""

from __future__ import annotations

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
_SEARCH = frozenset({"search", "find"})


def match(bag: Shape, words: Sequence[Word], where: dict[str, Any]) -> Step | None:
    """A call of a reading tool, or None."""
    typed = {word.typed.lower() for word in words}
    return _events(bag, typed, where) or _use(bag, typed, where) or _search(bag, where) or _field(words)


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
    arguments: dict[str, Any] = dict(where)
    targets = [part for part in bag.all("T") if part.text]
    if len(targets) == 1:
        arguments["target"] = targets[0].text
    numbers = bag.all("N")
    if numbers:
        arguments["limit"] = max(1, min(int(numbers[0].text), 300))
    if "warnings" in symbols:
        arguments["warnings_only"] = True
    return ToolCall("list_events", arguments)


def _use(bag: Shape, typed: set[str], where: dict[str, Any]) -> Step | None:
    asks = bag.parts[:1] and bag.parts[0].typed.lower() == "top"
    if not asks and not (typed & _USE and typed & _RESOURCES):
        return None
    named = bag.all("T")
    note = "These are all pods; use is not asked for one by name." if named else ""
    arguments: dict[str, Any] = (
        {"what": "nodes", **where} if "nodes" in {part.symbol for part in bag.parts} else dict(where)
    )
    if typed & _MEMORY:
        arguments["sort_by"] = "memory"
    return ToolCall("top", arguments, note=note)


def _search(bag: Shape, where: dict[str, Any]) -> Step | None:
    parts = bag.parts
    targets = bag.all("T")
    if not parts or parts[0].typed.lower() not in _SEARCH or len(targets) != 1 or "/" in targets[0].text:
        return None
    if len(parts) > 3 or {part.symbol for part in parts[1:]} - {"T", "for", "everything"}:  # noqa: PLR2004
        return None
    return ToolCall("search_resources", {"text": targets[0].text, **_one(where)})


def _field(words: Sequence[Word]) -> Step | None:
    typed = [word.typed for word in words]
    if len(typed) != 2 or typed[0].lower() != "explain":  # noqa: PLR2004
        return None
    kind = typed[1].lower().partition(".")[0]
    return ToolCall("explain_field", {"path": typed[1]}) if kind in kinds() else None
