"""Alerts: which there are, and that some are not told for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.offline.commands.said import NAME, NUMBER, number, parse, spaced, target
from assistant.offline.model import Refuse, Silencing, ToolCall, Unsilencing

if TYPE_CHECKING:
    from assistant.offline.commands.said import Said
    from assistant.offline.model import Mention, Step

_ALL = r"(?: (?P<all>everywhere|(?:in|across|of|for) (?:all|any|the (?:entire|whole)) (?:namespaces?|cluster)))?"
_IN = rf"(?: in (?:the )?(?:namespace )?(?P<namespace>{NAME})(?: namespace)?)?"
_WHERE = rf"{_ALL}{_IN}"
_KIND = r"(?:active |current |open |firing |pending |standing |silenced )?"
_SHOWN = (
    rf"(?:show|list|get|see|view) (?:me )?(?:all )?(?:the |my |any )?{_KIND}(?:alerts?|silences?){_WHERE}",
    rf"{_KIND}(?:alerts|silences){_WHERE}",
    rf"any {_KIND}(?:alerts?|silences?)(?: firing| active)?{_WHERE}",
)
_STATE = r"(?: there| firing| active| open| pending| silenced| on)?"
_ASKED = (
    rf"(?:are there|is there|do we have|do i have|have we) (?:any |an )?{_KIND}(?:alerts?|silences?){_STATE}{_WHERE}",
    rf"(?:which|what) (?:alerts?|silences?) (?:are|is|do we have){_STATE}{_WHERE}",
    rf"(?:which|what) alerts? (?:fire|fires|fired){_WHERE}",
    rf"(?:what is|whats) (?:firing|alerting|silenced){_WHERE}",
)
_UNITS = {"m": "m", "h": "h", "d": "d", "w": "w"}
_TIME = rf"(?P<half>half )?(?P<number>an?|{NUMBER}) ?(?P<unit>minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)"
_FOR = rf" for (?:the next |another )?{_TIME}"
_WHY = r"(?: because (?:of )?(?P<why>\S+))?"
_VERB = r"(?:silence|mute|snooze)"
_ABOUT = r"(?:(?:all |any |the )?alerts? (?:of|for|about|from|on) )?<target>"
_ID = r"[a-z]+(?:-[a-z0-9]+)*"
_RULE = rf"(?:the )?(?:rule (?P<named>{_ID})|(?P<rule>{_ID}) alerts?)(?: (?:of|about|from|on) <target>)?"
_SILENCE = (rf"{_VERB} {_ABOUT}{_IN}", rf"{_VERB} {_RULE}{_IN}")
_UNSILENCE = (
    r"(?:unsilence|unmute) (?:(?:all |the )?alerts? (?:of|for|about|from|on) )?<target>",
    r"(?:end|lift|expire) (?:the )?silence (?:of |for |on )?<target>",
)


def match(given: Said, last: Mention | None) -> Step | None:
    """A look, a silence, the end of one, or None."""
    if given.argv or not given.only("all-namespaces", "A"):
        return None
    return asked(given) or _silence(given, last) or _unsilence(given, last)


def asked(given: Said, shapes: tuple[str, ...] = _ASKED + _SHOWN) -> Step | None:
    """A look at the alerts, or None."""
    for shape in shapes:
        found = parse(shape, given)
        if found is not None:
            where: dict[str, Any] = {"namespace": found["namespace"].lower()} if found["namespace"] else given.namespace
            if found["all"] or {"all-namespaces", "A"} & set(given.flags):
                where = {"all_namespaces": True}
            return ToolCall("cluster_overview", {"show": "alerts", **where})
    return None


def _silence(given: Said, last: Mention | None) -> Step | None:
    if set(given.flags) - {"namespace"}:
        return None
    for shape in _SILENCE:
        if (found := parse(f"{shape}{_FOR}{_WHY}", given)) is not None:
            return _silencing(found, given, last)
        if (found := parse(shape, given)) is not None:
            return Refuse("For how long?", hint=f"Say `{spaced(given.text)} for 2 hours`.")
    return None


def _silencing(found: dict[str, str], given: Said, last: Mention | None) -> Step:
    about = target(found["target"], last) if found["target"] else ""
    if found["target"] and not about:
        return Refuse("Alerts of what?", hint="Say its name: `silence alerts of backend for 2 hours`.")
    namespace = found["namespace"].lower() or given.namespace.get("namespace", "")
    if found["target"].lower() == "it" and last and last.namespace and not namespace:
        namespace = last.namespace
    rule = (found.get("named") or found.get("rule") or "").lower()
    return Silencing(_time(found), about, rule, namespace, spaced(found["why"]))


def _time(found: dict[str, str]) -> str:
    amount = 1 if found["number"].lower() in {"a", "an"} else number(found["number"])
    unit = _UNITS[found["unit"][0].lower()]
    if found["half"]:
        return {"h": f"{amount * 30}m", "d": f"{amount * 12}h"}.get(unit, f"{amount}{unit}")
    return f"{amount}{unit}"


def _unsilence(given: Said, last: Mention | None) -> Step | None:
    if given.flags:
        return None
    for shape in _UNSILENCE:
        if (found := parse(shape, given)) is not None:
            about = target(found["target"], last)
            return Unsilencing(about) if about else Refuse("Which silence?", hint="`show silences` lists them.")
    return None
