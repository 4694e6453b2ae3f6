"""One sentence that asks for several changes: cut at "and", "then" and commas into changes that are whole each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.offline.model import Mention, Refuse, Relative, Several, Step, ToolCall
from assistant.offline.words import CANONICAL, CHANGING, kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[str, Mention | None], Step | None]

_CUT = re.compile(r"(\s*[,;]\s+(?:(?:and|then)\s+)*|\s+(?:and\s+then|and|then)\s+)", re.IGNORECASE)
_NAMESPACE = re.compile(r"\s(?:-n|--namespace)[ =](\S+)")
MAX_PIECES = 10
_VERBS = (
    "create deploy launch expose allow bind grant give label annotate patch unset expand switch move lead send shift "
    "route point connect kubectl"
)
VERBS = frozenset(_VERBS.split())
COMPOSABLE = frozenset(
    {
        "scale",
        "configure_workload",
        "rollout",
        "node_maintenance",
        "delete_resource",
        "create_resource",
        "patch_resource",
    }
)


def several(raw: str, last: Mention | None, read: Reader) -> Step | None:
    """Two changes or more that make up the whole sentence, "it" being what the change before is about; or None.

    Args:
        read: Gives the one change that a piece of a sentence asks for, or None.
    """
    found = _NAMESPACE.search(raw)
    suffix = f" -n {found[1]}" if found else ""
    text = _NAMESPACE.sub("", raw) if found else raw
    pieces = _CUT.split(text.strip())
    if not 1 < len(pieces) <= 2 * MAX_PIECES:
        return None
    steps = _read(pieces, suffix, last, read)
    if steps is None or len(steps) < 2:  # noqa: PLR2004  one change is no plan of several
        return None
    spaces = {_namespace(step) for step in steps}
    if len(spaces) > 1 and None in spaces:
        return Refuse("Some of these name a namespace and some do not; nothing was done.", hint="Say -n for all.")
    return Several(tuple(steps))


def _read(
    pieces: list[str], suffix: str, last: Mention | None, read: Reader, before: ToolCall | Relative | None = None
) -> list[ToolCall | Relative] | None:
    """The pieces as changes, each of as many pieces as it takes: "with 2 replicas and port 80" holds an "and" too."""
    if not pieces:
        return []
    for size in range(1, len(pieces) + 1, 2):
        step = read("".join(pieces[:size]) + suffix, last)
        if not isinstance(step, ToolCall | Relative) or not _composable(step):
            continue
        if not _begins_with_a_verb(pieces[0]) and not (_scales(step) and _scales(before)):
            continue
        rest = _read(pieces[size + 1 :], suffix, _about(step) or last, read, step)
        if rest is not None:
            return [step, *rest]
    return None


def _composable(step: ToolCall | Relative) -> bool:
    return not step.alternatives and (isinstance(step, Relative) or step.name in COMPOSABLE)


def _begins_with_a_verb(piece: str) -> bool:
    return any(word in VERBS or CANONICAL.get(word) in CHANGING for word in piece.lower().split()[:3])


def _scales(step: ToolCall | Relative | None) -> bool:
    # "scale backend to 3 and frontend to 2": the verb is said once.
    return isinstance(step, Relative) or (step is not None and step.name == "scale")


def _about(step: ToolCall | Relative) -> Mention | None:
    if isinstance(step, Relative):
        return Mention(step.target, step.namespace)
    given = step.arguments
    if step.name == "create_resource":
        kind = kinds().get(given["kind"], given["kind"])
        # "deploy redis, expose it, point backend at it": all of them are redis.
        return Mention(f"{kind}/{given['name']}", given.get("namespace"))
    return Mention(given["target"], given.get("namespace")) if "target" in given else None


def _namespace(step: ToolCall | Relative) -> str | None:
    return step.namespace if isinstance(step, Relative) else step.arguments.get("namespace")
