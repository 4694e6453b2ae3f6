"""Right-sizing: what is asked for against what is used, what could be saved, and the change itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.offline.commands.said import parse, target
from assistant.offline.model import Clarify, Mention, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.commands.said import Said

_SPACE = r"(?: (?:in|of|for) (?:the )?(?:namespace )?<space:name>(?: namespace)?)?"
_THINGS = r"(?:(?:cpu|memory|resource) (?:and memory )?)?(?:resources?|requests?(?: and limits?)?|limits?|sizes?|usage)"
_PARTS = r"(?:workloads?|deployments?|containers?|pods?)"
_OFF = r"(?:over|under)-?(?:provisioned|sized)"
_TARGET = r"<target>(?: (?:deployment|statefulset|daemonset|workload))?"
_DO = "(?:optimise|optimize|right-size|rightsize|tune)"
_NO_NAME = r"(?!(?:the )?(?:resources?|image|dockerfile)\b)"
_ADVICE = r"(?:resource|right-?sizing|sizing) (?:recommendations?|advice|report|overview)"
_CHANGES = (
    rf"{_DO} (?:the )?{_THINGS} (?:of|for) {_TARGET}",
    rf"{_DO} {_TARGET}(?:'s)? {_THINGS}",
    rf"{_DO} {_NO_NAME}{_TARGET}",
    rf"(?:set|give) (?:the )?{_THINGS} (?:of|for) <target> (?:to|from) what (?:was|is|has been) (?:measured|used)",
    r"(?:give|grant) <target> (?:the )?(?:resources )?(?:what )?it (?:really |actually )?(?:needs|uses)",
)
_WHOLE = (
    rf"{_DO} (?:the |our |all )?(?:resources|workloads|everything|requests)(?: in (?:namespace )?<space:name>)?",
    rf"(?:show|list|get|give) (?:me )?(?:the )?{_ADVICE}{_SPACE}",
    rf"(?:sizing|right-sizing|rightsizing|resource) (?:recommendations?|advice|report|overview){_SPACE}",
    rf"how much (?:could|can|would|do|might) (?:we|i|you|one) (?:be )?sav(?:e|ing){_SPACE}",
    rf"(?:what|where) (?:could|can|would|do|might) (?:we|i|you|one) (?:be )?sav(?:e|ing){_SPACE}",
    rf"how much (?:cpu|memory|money) (?:could|can|would) (?:we|i|be) sav(?:e|ed){_SPACE}",
    rf"(?:what|which) (?:{_PARTS} )?(?:is|are) {_OFF}{_SPACE}",
    rf"(?:what|which) (?:{_PARTS} )?asks? for too (?:much|little){_SPACE}",
    rf"(?:are|is) (?:we|anything|something|everything|any workload) {_OFF}{_SPACE}",
)
_ONE = (
    rf"(?:is|are) {_TARGET} {_OFF}",
    r"(?:is|are) <target> (?:asking for|given) too (?:much|little)(?: cpu| memory)?",
    r"(?:does|do) <target> (?:ask for|have|get) too (?:much|little)(?: cpu| memory)?",
    rf"(?:what|which) {_THINGS} (?:does|do|should) <target> (?:really |actually )?(?:need|have|get)",
    r"(?:what|which) (?:does|do) <target> (?:really |actually )need",
    r"how much (?:cpu|memory) (?:does|do|should) <target> (?:really |actually )?(?:need|have|get)",
    rf"(?:recommend|suggest) (?:the )?{_THINGS} (?:of|for) <target>",
    r"how much (?:could|can|would|do) (?:we|i) save (?:on|with|at) <target>",
)


def match(given: Said, last: Mention | None) -> Step | None:
    """A look at sizes, the change of a workload's, a question back, or None."""
    if given.argv or not given.only():
        return None
    step = asked(given, last)
    if step is not None:
        return step
    for template in _CHANGES:
        found = parse(template, given)
        if found:
            what = target(found["target"], last)
            change = ToolCall("configure_workload", {"target": what, "measured": True, **given.namespace})
            if not what:
                del change.arguments["target"]
                return Clarify("Which one do you mean?", change, "target")
            return change
    return None


def asked(given: Said, last: Mention | None) -> Step | None:
    """As `match`, of a question: it never changes anything."""
    for template in _WHOLE:
        found = parse(template, given)
        if found:
            where = {"namespace": found["space"].lower()} if found["space"] else {}
            return _look({**given.namespace, **where})
    for template in _ONE:
        found = parse(template, given)
        if found:
            what = target(found["target"], last)
            return _look({**({"target": what} if what else {}), **given.namespace})
    return None


def _look(where: dict[str, Any]) -> ToolCall:
    return ToolCall("cluster_overview", {"show": "sizing", **where})
