"""Runbooks, agents, and what changed since when: "run the runbook scale for backend with replicas=3"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.offline.commands.said import pairs, said
from assistant.offline.model import Changed, Procedure, Refuse, Step

if TYPE_CHECKING:
    from assistant.offline.commands.said import Said
    from assistant.offline.model import Day, ProcedureKind

_NAME = r"(?P<name>[a-z][a-z0-9-]{0,40})"
_SPACE = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_IN = rf"(?: (?:in|of) (?:the )?(?:namespace )?(?P<namespace>{_SPACE})(?: namespace)?)?"
_LIST = re.compile(
    r"(?:list|show|get|what are|which are|what|which)(?: me)?(?: all)?(?: the| my| our)? "
    r"(?P<kind>runbook|agent)s(?: are there| do (?:you|we) have| (?:there )?are there)?",
    re.IGNORECASE,
)
_SHOW = re.compile(
    rf"(?:show|describe|explain|open|print|read)(?: me)?(?: the)? "
    rf"(?:(?P<kind>runbook|agent) {_NAME}|(?P<named>[a-z][a-z0-9-]{{0,40}}) (?P<kind2>runbook|agent))",
    re.IGNORECASE,
)
_RUN = re.compile(
    rf"(?:run|execute|start|follow|carry out|perform)(?: the)? (?:"
    rf"(?P<kind>runbook|agent) {_NAME}|(?P<named>[a-z][a-z0-9-]{{0,40}}) (?P<kind2>runbook|agent))"
    rf"(?: (?:for|on|of) (?:the )?(?P<subject>[a-z0-9][a-z0-9./-]*))?"
    rf"(?: in (?:the )?(?:namespace )?(?P<namespace>{_SPACE})(?: namespace)?)?"
    r"(?: (?:with|and|where|using) (?P<pairs>[a-z][a-z0-9_]*=\S+(?: (?:and )?[a-z][a-z0-9_]*=\S+)*))?",
    re.IGNORECASE,
)
_UNIT = {"minute": 60, "min": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_WHEN = (
    r"(?:since (?P<last>the last (?:run|check|look|time)|then|last time)"
    r"|(?:since )?(?P<day>yesterday|today|this morning)"
    r"|(?:since|in|over|during|within) (?:the )?(?:last |past )?(?P<number>\d{1,4} )?"
    r"(?P<unit>minute|min|hour|day|week)s?(?: ago)?)"
)
_CHANGED = re.compile(
    r"(?:(?:tell|show) me )?what(?: has|'s| is|s)? (?:been )?(?:changed|happened|new|different)"
    rf"{_IN}(?: {_WHEN})?{_IN.replace('<namespace>', '<namespace2>')}",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"runbook|agent|chang|happen|new|differ|check", re.IGNORECASE)
"""A word of which is in every such sentence: most sentences are none of these."""
_EVERY = re.compile(r"(?:every|each) (?:morning|day|night|evening|hour|week|monday)\b.*\bcheck\b", re.IGNORECASE)
_DAY: dict[str, Day] = {"yesterday": "yesterday", "today": "today", "this morning": "today"}


def match(given: Said) -> Step | None:
    """A list, a runbook or agent that is shown or run, or None."""
    if given.argv or not given.only():
        return None
    text = given.text
    if found := _LIST.fullmatch(text):
        return Procedure(_kind(found["kind"]), "list")
    if found := _SHOW.fullmatch(text):
        return Procedure(_kind(found["kind"] or found["kind2"]), "show", _named(found))
    if found := _RUN.fullmatch(text):
        kind = _kind(found["kind"] or found["kind2"])
        values = pairs(found["pairs"] or "")
        place = (found["namespace"] or given.namespace.get("namespace", "")).lower()
        if kind == "agent":
            more = bool(values or found["subject"] or place)
            return _agent_alone(_named(found)) if more else Procedure(kind, "run", _named(found))
        if found["subject"]:
            values = {"": found["subject"].lower(), **values}
        return Procedure(kind, "run", _named(found), {**values, **({"namespace": place} if place else {})})
    return None


def asked(raw: str) -> Step | None:
    """A question about them, or what changed since when; None for anything else."""
    if not _ABOUT.search(raw):
        return None
    text = " ".join(raw.strip().rstrip("?!.,; ").split())
    if _EVERY.match(text):
        return Refuse(
            "I do nothing by the clock from here; nothing was done.",
            hint="The agent morning-check is that: `shipmate agents schedule`, and docs/agents.md for one of your own.",
        )
    given = said(text)
    listed = match(given) if given else None
    if isinstance(listed, Procedure) and listed.action != "run":
        return listed
    return _changed(text)


def _changed(text: str) -> Step | None:
    found = _CHANGED.fullmatch(text.replace("\u2019", "'"))
    if found is None:
        return None
    space = found["namespace"] or found["namespace2"]
    space = None if space is None or space.lower() == "cluster" else space.lower()
    if found["day"]:
        return Changed(_DAY[found["day"].lower()], space)
    if found["unit"]:
        return Changed(int(found["number"] or 1) * _UNIT[found["unit"].lower()], space)
    return Changed("last", space) if found["last"] else None


def _kind(word: str) -> ProcedureKind:
    return "runbook" if word.lower() == "runbook" else "agent"


def _named(found: re.Match[str]) -> str:
    return str(found["name"] or found["named"]).lower()


def _agent_alone(name: str) -> Refuse:
    return Refuse(
        "An agent is run for what it is for, where it works; nothing was done.",
        hint=f'Say where and what on the command line: shipmate agents run {name} -n NAMESPACE "SENTENCE".',
    )
