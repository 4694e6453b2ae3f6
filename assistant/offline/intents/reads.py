"""Looking: status, lists, one object, logs, history, help. Nothing here changes anything, so the grammar is lenient."""

from __future__ import annotations

import re
from typing import Any

from assistant.offline.intents.slots import ARTICLE, KIND, TARGET, namespace_of, target_of
from assistant.offline.model import Clarify, Reply, Step, ToolCall
from assistant.offline.sentence import Sentence, is_name
from assistant.offline.words import KIND_OF

HELP_TEXT = """Without a model I understand requests like these:
  status                              how the stack is
  get pods · get deployments -A       lists of any kind
  describe backend                    one object with its events
  logs of backend                     the last lines, of all its pods
  rollout status backend              whether a rollout is complete
  scale backend to 3                  also: scale up backend by 2, double the backends
  restart backend
  set image of backend to todo-backend:1.1.0
  history · undo · undo 12            what was changed, and taking it back
Every change is dry-run, shown as a diff, and done only after your yes."""

WHOLE = r"(?:stack|cluster|app|application|namespace|system|everything|things|all|it all|site)"
STATUS = [
    re.compile(pattern)
    for pattern in (
        rf"(?:show )?(?:me )?{ARTICLE}(?:(?:stack|cluster|namespace) )?status(?: (?:of|for) {ARTICLE}{WHOLE})?",
        rf"(?:how|how's|hows)(?: is| are)? {ARTICLE}{WHOLE}(?: doing| going| looking)?",
        rf"(?:is|are) {ARTICLE}{WHOLE} (?:ok|okay|fine|healthy|well|up|running|good|alright)",
        r"(?:is )?(?:there )?(?:anything|something) (?:is )?(?:wrong|broken|failing|down)",
        r"(?:what|what's|whats)(?: is)? (?:wrong|broken|failing|going on|up|running|deployed|there)",
        rf"(?:show )?(?:me )?{ARTICLE}(?:stack|cluster|namespace|problems)",
        r"(?:which|what) (?:pods|deployments|workloads|things) are (?:not )?(?:running|ready|failing|broken|healthy|down)",
        r"(?:show|describe) (?:me )?(?:everything|all)",
    )
]
ROLLOUT = [
    re.compile(pattern)
    for pattern in (
        rf"(?:show )?(?:me )?(?:the )?rollout status(?: (?:of|for))? {TARGET}",
        rf"(?:show )?(?:me )?(?:the )?status (?:of|for) {TARGET}",
        rf"(?:is|has) (?:the )?rollout (?:of|for) {TARGET} (?:done|complete|finished|ready|through|ok)",
        rf"(?:is|are) {TARGET} (?:ok|okay|fine|healthy|up|ready|running|available|done|complete|down|broken)",
        rf"(?:how|how's|hows)(?: is| are)? {TARGET}(?: doing| going)?",
    )
]
ROLLOUT_LAST = re.compile(
    r"(?:(?:is|has) )?(?:the )?(?:rollout|it)(?: status)?(?: (?:done|complete|finished|ready|through|ok))?"
)
LIST = [
    re.compile(pattern)
    for pattern in (
        (
            rf"(?:show |what |which |count )?(?:me )?(?:all )?(?:the )?(?:of the )?(?P<kind>{KIND})"
            r"(?: (?:are there|are running|do we have|do i have|exist))?"
        ),
        rf"how many (?P<kind>{KIND})(?: (?:are there|are running|do we have|do i have|exist))?",
        rf"show (?:me )?(?:the )?(?P<kind>{KIND}) with (?:the )?labels? (?P<label>\S+=\S+)",
    )
]
EVERYWHERE = re.compile(r" (?:in|across|from|of) (?:all|every) (?:namespaces?|the namespaces)$")
SHOW_OBJECT = re.compile(rf"(?:show|describe|status) (?:me )?{TARGET}")
ABOUT = [
    re.compile(pattern)
    for pattern in (
        rf"(?:what|what's|whats)(?: is)? (?:up|wrong|going on|happening) with {TARGET}",
        rf"(?:tell me|what is there to know) about {TARGET}",
        rf"(?:what|who) is {TARGET}",
        rf"why (?:is|does|are) {TARGET}(?: (?:not|keep))? (?:crashing|failing|down|slow|broken|ready|pending|restart|up|restarting)",
    )
]
LINES = r"(?:(?:the )?(?:last|latest|tail) )?(?:(?P<lines>\d+) )?(?:log )?(?:lines? )?(?:(?:of|from) )?"
LOGS = [
    re.compile(pattern)
    for pattern in (
        rf"(?:show )?(?:me )?(?:the )?{LINES}(?:the )?(?P<previous>previous )?logs(?: lines?)?(?: (?:of|for|from|in))? {TARGET}",
        rf"(?:show )?(?:me )?(?:the )?{LINES}{TARGET} logs(?: lines?)?",
        rf"(?:show )?(?:me )?(?:the )?(?:last|latest) (?P<lines>\d+) (?:logs )?lines(?: logs)? (?:of|from|for) {TARGET}",
        rf"(?:tail|follow) (?:the )?(?:logs (?:of|for) )?{TARGET}(?: logs)?",
        rf"what does {TARGET} (?:log|logs|say)",
    )
]
LOGS_WITH = [
    re.compile(pattern)
    for pattern in (
        (
            rf"(?:show )?(?:me )?(?:the |all )?(?P<what>errors?|warnings?|exceptions?|tracebacks?) (?:in|from|of) (?:the )?"
            rf"(?:logs (?:of|for|from) )?{TARGET}(?: logs)?"
        ),
        rf"(?:show )?(?:me )?(?:the )?logs (?:of|for|from) {TARGET} (?:with|containing|about|matching) (?P<what>\S+)",
        rf"(?:grep|search|find) (?P<what>\S+) in (?:the )?(?:logs (?:of|for|from) )?{TARGET}(?: logs)?",
    )
]
HISTORY = re.compile(
    r"(?:show )?(?:me )?(?:the )?(?:change )?history|what (?:has )?(?:changed|happened)|what did (?:you|we|i) (?:do|change|set)"
    r"|(?:show )?(?:me )?(?:the )?last changes"
)
HELP = re.compile(
    r"help|help me|what can (?:you|i) (?:do|say|ask)|what do you (?:do|know|understand)|commands|usage|how does this work|h"
)
SINCE = re.compile(r"(\d+)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def match(sentence: Sentence, last: str | None) -> Step | None:
    """A call of a reading tool, a reply, a question back, or None."""
    text = sentence.text
    if HELP.fullmatch(text):
        return Reply(HELP_TEXT)
    if HISTORY.fullmatch(text):
        return ToolCall("list_changes")
    return _list(sentence) or _status(sentence, last) or _logs(sentence, last) or _object(sentence, last)


def _everywhere(sentence: Sentence) -> tuple[str, dict[str, Any]]:
    text, found = EVERYWHERE.subn("", sentence.text)
    everywhere = {"all_namespaces": True} if found or "all_namespaces" in sentence.flags else {}
    return text, {**everywhere, **({} if everywhere else namespace_of(sentence))}


def _status(sentence: Sentence, last: str | None) -> Step | None:
    text, where = _everywhere(sentence)
    if any(pattern.fullmatch(text) for pattern in STATUS):
        return ToolCall("cluster_overview", where)
    if ROLLOUT_LAST.fullmatch(text):
        return (
            ToolCall("rollout_status", {"target": last}) if last else Clarify("Of what?", template="rollout status {}")
        )
    for pattern in ROLLOUT:
        found = pattern.fullmatch(text)
        target = target_of(found, last) if found else None
        if isinstance(target, str):
            if target.startswith(("pods/", "services/")):
                return ToolCall("describe_resource", {"target": target, **where})
            return ToolCall("rollout_status", {"target": target, **where})
    return None


def _list(sentence: Sentence) -> Step | None:
    text, where = _everywhere(sentence)
    for pattern in LIST:
        found = pattern.fullmatch(text)
        if not found:
            continue
        arguments: dict[str, Any] = {"kind": KIND_OF[found["kind"]], **where}
        label = found.groupdict().get("label") or sentence.flags.get("selector")
        if label:
            arguments["label_selector"] = label
        if "field_selector" in sentence.flags:
            arguments["field_selector"] = sentence.flags["field_selector"]
        note = "Watching is not offered here; this is how it is at the moment." if "watch" in sentence.flags else ""
        return ToolCall("list_resources", arguments, note=note)
    custom = re.fullmatch(r"show (?P<kind>[a-z]+(?:\.[a-z0-9.-]+)?)", text) if sentence.kubectl else None
    if custom and is_name(custom["kind"]):
        return ToolCall("list_resources", {"kind": custom["kind"], **where})
    return None


def _logs(sentence: Sentence, last: str | None) -> Step | None:
    for pattern in (*LOGS_WITH, *LOGS):
        found = pattern.fullmatch(sentence.text)
        target = target_of(found, last) if found else None
        if not found or target is None:
            continue
        if isinstance(target, Clarify):
            return target
        return _logs_call(sentence, found.groupdict(), target)
    if sentence.text == "logs":
        return ToolCall("get_logs", {"target": last}) if last else Clarify("Whose logs?", template="logs of {}")
    return None


def _logs_call(sentence: Sentence, parts: dict[str, str | None], target: str) -> Step:
    arguments: dict[str, Any] = {"target": target, **namespace_of(sentence)}
    lines = parts.get("lines") or sentence.flags.get("tail", "")
    if lines.isdigit():
        arguments["tail_lines"] = max(1, min(int(lines), 500))
    if parts.get("previous") or "previous" in sentence.flags:
        arguments["previous"] = True
    what = parts.get("what")
    if what:
        arguments["contains"] = what.rstrip("s") if what in {"errors", "warnings", "exceptions", "tracebacks"} else what
    if "container" in sentence.flags:
        arguments["container"] = sentence.flags["container"]
    since = SINCE.fullmatch(sentence.flags.get("since", ""))
    if since:
        arguments["since_seconds"] = int(since[1]) * SECONDS[since[2]]
    follow = "follow" in sentence.flags or sentence.text.startswith(("follow", "tail"))
    note = "Following is not offered yet; these are the latest lines." if follow else ""
    return ToolCall("get_logs", arguments, note=note)


def _object(sentence: Sentence, last: str | None) -> Step | None:
    for pattern in (*ABOUT, SHOW_OBJECT):
        found = pattern.fullmatch(sentence.text)
        target = target_of(found, last) if found else None
        if isinstance(target, str):
            return ToolCall("describe_resource", {"target": target, **namespace_of(sentence)})
        if target is not None:
            return target
    return None
