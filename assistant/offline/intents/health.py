"""How healthy something is, and what to do first: "how is the cluster?", "health of backend"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from assistant.offline.model import Clarify, Mention, Step, ToolCall
from assistant.offline.shape import is_bare_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.offline.sentence import Word

_SHOW = r"(?:(?:show|check|get|tell me|give me|what is|what's|whats) )?(?:me )?(?:the |our |my )?"
_SCORE = r"health(?:iness)?(?: (?:score|check|report|status))?"
_CLUSTER = r"(?:the |my |our |this |whole |entire )*cluster"
_ALL = r"(?:(?:the |this |my )?(?:namespace|stack|system)|everything|it all|all of it|things)"
_NAMED = r"(?:the |my |our )?(?P<target>[a-z0-9][a-z0-9./-]*|it|this|that)"
_OF_THE_CLUSTER = (
    rf"(?:how is|how's|hows) {_CLUSTER}(?: doing| today| feeling| going)*",
    rf"how (?:healthy|well|fit|good) is {_CLUSTER}",
    rf"is {_CLUSTER} (?:healthy|well|ok|okay|fine|alright)",
    rf"{_SHOW}{_SCORE} of {_CLUSTER}",
    rf"{_SHOW}(?:the |my |our )?cluster(?:'s)? {_SCORE}",
)
_OF_ALL = (
    rf"{_SHOW}{_SCORE}(?: of)?(?: {_ALL})?",
    rf"how (?:healthy|well|fit) (?:is|are) (?:{_ALL}|the|my)?",
    r"(?:what|where) (?:should|shall|do|must) (?:i|we) (?:fix|do|look at|repair|improve|start|begin|mend)(?: first)?",
    r"what (?:is|should be) (?:to be )?(?:fixed|done|repaired|improved) first",
    r"what(?: is|'s)? (?:the )?(?:most important|most urgent|worst)(?: (?:thing|problem))?(?: to (?:fix|do))?",
    r"what to (?:fix|do|repair|improve) first",
    r"what (?:needs|wants) (?:fixing|attention)(?: first)?",
)
_OF_ONE = (
    rf"{_SHOW}{_SCORE} of {_NAMED}",
    rf"how (?:healthy|fit) is {_NAMED}",
    rf"{_SHOW}(?P<target>[a-z0-9][a-z0-9./-]*)(?:'s)? {_SCORE}",
)
_FIRST = re.compile(r"\b(?:first|start|begin)\b|important|urgent|worst|attention")
_PRONOUNS = frozenset({"it", "this", "that"})


def match(words: Sequence[Word], where: dict[str, Any], last: Mention | None) -> Step | None:
    """A call for the health of the cluster, a namespace or a workload, or None."""
    said = " ".join(word.typed.lower().rstrip("?!.") for word in words).strip()
    if any(re.fullmatch(pattern, said) for pattern in _OF_THE_CLUSTER):
        return _health(where or {"all_namespaces": True})
    if any(re.fullmatch(pattern, said) for pattern in _OF_ALL):
        # "what can I do?" asks for help.
        return _health(where) if "health" in said or "how" in said or _FIRST.search(said) else None
    found = next((found for pattern in _OF_ONE if (found := re.fullmatch(pattern, said))), None)
    if found is None:
        return None
    name = found["target"]
    if name in _PRONOUNS:
        if last is None:
            return Clarify("Of what?", _health(where), "target")
        place = where or ({"namespace": last.namespace} if last.namespace else {})
        return _health({"target": last.target, **place})
    if "/" not in name and not is_bare_name(name):
        return None
    return _health({"target": name, **({} if where.get("all_namespaces") else where)})


def _health(arguments: dict[str, Any]) -> ToolCall:
    return ToolCall("cluster_overview", {"show": "health", **arguments})
