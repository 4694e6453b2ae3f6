"""Helm releases: what `helm` itself takes, and how people say it."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from assistant.offline.commands.said import parse, spaced
from assistant.offline.model import Earlier, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.commands.said import Said

_RELEASE = r"(?:(?:the |my |our )?(?:helm )?release )?(?P<release>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"
_NAMED = _RELEASE.replace("release )?", "release )", 1)
_AT = r"(?: (?:at|of|in|for) revision (?P<revision>[0-9]+))?"
_TO = r"(?: to (?:revision )?(?P<revision>[0-9]+))?"
_FILE = r"(?:the )?(?:values )?(?:file )?(?:[^\s]+\.ya?ml|values-[a-z0-9-]+)"
_FILES = rf"(?P<files>{_FILE}(?:,? and {_FILE})*)"
_CHART = r"(?P<chart>[^\s]*[a-z0-9./][^\s]*)"
_ASK = r"(?:what (?:are|is) |what's |show |get |list |print )?(?:me )?(?:the |all )?"
_LOOKS: tuple[tuple[str, str], ...] = (
    ("list", r"helm (?:list|ls)"),
    ("list", r"(?:(?:list|show|get|which|what) )?(?:me )?(?:all )?(?:the |my |our )?(?:helm )?releases(?: are there)?"),
    ("status", rf"helm (?:status|get (?:all|notes|hooks|metadata)) {_RELEASE}"),
    ("status", rf"{_ASK}(?:status|state|notes) of {_NAMED}|how is {_NAMED.replace('<release>', '<other>')}"),
    ("history", rf"helm (?:history|hist) {_RELEASE}"),
    ("history", rf"{_ASK}(?:history|revisions) of {_NAMED}"),
    ("values", rf"helm get values {_RELEASE}"),
    ("values", rf"{_ASK}(?:helm )?values (?:of|for) {_RELEASE}{_AT}"),
    ("manifest", rf"helm get manifest {_RELEASE}"),
    ("manifest", rf"{_ASK}(?:manifests?|objects) of {_NAMED}{_AT}"),
    ("diff", rf"what would (?:an? )?(?:helm )?upgrad(?:e|ing) (?:of )?{_RELEASE} (?:to|with|using) {_FILES} change"),
    ("diff", rf"what would (?:an? )?(?:helm )?upgrad(?:e|ing) (?:to|with|using) {_FILES} change"),
    ("diff", rf"helm diff upgrade {_RELEASE}(?: {_CHART})?"),
)
_CHANGES: tuple[tuple[str, str], ...] = (
    ("rollback", rf"helm rollback {_RELEASE}(?: (?P<revision>[0-9]+))?"),
    ("rollback", rf"roll ?back {_NAMED}{_TO}"),
    ("rollback", rf"roll {_NAMED} back{_TO}"),
    ("uninstall", rf"helm (?:uninstall|delete|del|un) {_RELEASE}"),
    ("uninstall", rf"uninstall {_RELEASE}"),
    ("uninstall", rf"(?:delete|remove) {_NAMED}"),
    ("upgrade", rf"helm upgrade {_RELEASE} {_CHART}"),
    ("upgrade", rf"(?:helm )?(?:upgrade|update) {_RELEASE} (?:with|to|using) {_FILES}"),
    ("upgrade", rf"(?:upgrade|update) {_RELEASE} to (?:the )?chart {_CHART}(?: (?:with|using) {_FILES})?"),
    ("install", rf"helm install {_RELEASE} {_CHART}"),
    ("install", rf"install (?:the )?chart {_CHART} as {_RELEASE}(?: (?:with|using) {_FILES})?"),
)
_BEFORE = (
    r"(?:the )?(?P<day>yesterday|today)s (?:last )?(?:upgrade|release|deployment|rollout|change)",
    r"(?:the )?(?:upgrade|release|deployment) of (?P<day>yesterday|today)",
)
_EARLIER = tuple(
    f"{head} to-before {before}"
    for head in (rf"roll {_RELEASE} back", rf"(?:roll ?back|revert|take back) {_RELEASE}")
    for before in _BEFORE
)
_IN = r"(?: (?:in|from) (?:the )?(?:namespace )?(?P<namespace>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?: namespace)?)?"
_EVERYWHERE = re.compile(r"(?: everywhere| in all namespaces| across all namespaces)$", re.IGNORECASE)
_FLAGS = ("filename", "values", "set", "set-string", "version", "install", "wait", "create-namespace")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_COMMA = re.compile(r"(?<!\\),")


def match(given: Said) -> Step | None:
    """A call of one of the two tools for releases, or None."""
    if given.argv:
        return None
    return asked(given) or _earlier(given) or _change(given)


def asked(given: Said) -> Step | None:
    """As `match`, of a question: it never changes anything."""
    whole = dataclasses.replace(given, text=_EVERYWHERE.sub("", given.text))
    for action, template in _LOOKS:
        said = parse(_placed(template), whole)
        if said is None or given.argv:
            continue
        if not given.only("A", "all-namespaces", "a", "all", "revision", *(_FLAGS if action == "diff" else ())):
            return None
        arguments = _arguments(given, said)
        everywhere = {"A", "all-namespaces"} & set(given.flags) or whole != given
        if arguments is None or (everywhere and action != "list"):
            return None
        more = {"all_namespaces": True} if everywhere else {"full": True} if {"a", "all"} & set(given.flags) else {}
        return ToolCall("helm_releases", {"action": action, **arguments, **more})
    return None


def _earlier(given: Said) -> Step | None:
    for template in _EARLIER:
        said = parse(_placed(template), given)
        if said is not None and given.only():
            arguments = _arguments(given, said)
            return Earlier(arguments, said["day"].lower()) if arguments is not None else None
    return None


def _change(given: Said) -> Step | None:
    for action, template in _CHANGES:
        said = parse(_placed(template), given)
        if said is None:
            continue
        if not given.only(*(_FLAGS if action in {"install", "upgrade"} else ("wait",))):
            return None
        arguments = _arguments(given, said)
        return ToolCall("change_release", {"action": action, **arguments}) if arguments is not None else None
    return None


def _placed(template: str) -> str:
    """The pattern, with where it is after it."""
    return f"(?:{template}){_IN}"


def _arguments(given: Said, said: dict[str, str]) -> dict[str, Any] | None:
    """The arguments of a call; None where a value is none that is understood."""
    arguments: dict[str, Any] = {}
    release = said.get("release") or said.get("other")
    if release:
        arguments["release"] = release.lower()
    if said.get("chart"):
        arguments["chart"] = spaced(said["chart"])
    named = [
        name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
        for name in re.findall(r"[^\s]+\.ya?ml|\bvalues-[a-z0-9-]+", said.get("files") or "")
    ]
    files = [*given.flags.get("filename", []), *given.flags.get("values", []), *map(spaced, named)]
    if files:
        arguments["values_files"] = files
    sets = _sets(given)
    if sets is None:
        return None
    if sets:
        arguments["set"] = sets
    revision = said.get("revision") or given.one("revision")
    if revision:
        if not revision.isdigit():
            return None
        arguments["revision"] = int(revision)
    if given.one("version"):
        arguments["version"] = given.one("version")
    where = {"namespace": said["namespace"].lower()} if said.get("namespace") else {}
    if where and given.namespace not in ({}, where):
        return None
    return {**arguments, **where, **given.namespace}


def _sets(given: Said) -> dict[str, Any] | None:
    """`--set a=1,b.c=x` as values, typed as Helm types them; None for what it writes in another way (lists)."""
    sets: dict[str, Any] = {}
    for flag in ("set", "set-string"):
        for part in (part for text in given.flags.get(flag, []) for part in _COMMA.split(text)):
            path, equals, value = part.partition("=")
            if not (path and equals) or "[" in path or value.startswith("{"):
                return None
            value = value.replace("\\,", ",")
            sets[path] = _typed(value) if flag == "set" else value
    return sets


def _typed(value: str) -> Any:
    known = {"true": True, "false": False, "null": None}
    return known[value] if value in known else int(value) if _INTEGER.fullmatch(value) else value
