"""From a sentence to a step.

Looking is understood generously. A change is recognised only where every single word is understood, the sentence does
not ask, deny, set a condition or cite, and it holds one change: whatever is not certain is asked back.
"""

from __future__ import annotations

import dataclasses
import re

from assistant.offline.intents import changes, reads, scale
from assistant.offline.model import Clarify, NotUnderstood, Relative, Step, ToolCall
from assistant.offline.sentence import Sentence, is_name, read

CHANGE_WORDS = frozenset(
    [
        "scale",
        "restart",
        "deploy",
        "set",
        "undo",
        "increase",
        "decrease",
        "double",
        "halve",
        "triple",
        "delete",
        "remove",
        "drain",
        "cordon",
        "apply",
        "update",
        "upgrade",
        "release",
        "ship",
        "kill",
        "stop",
        "start",
        "create",
        "run",
        "up",
        "down",
    ]
)
READING = frozenset(
    {"cluster_overview", "list_resources", "describe_resource", "get_logs", "rollout_status", "list_changes"}
)
NOT_OFFERED = re.compile(
    r"\b(delete|drain|cordon|uncordon|exec|create|expose|patch|edit|label|annotate|port-forward|cp|apply -f|autoscale"
    r"|install|uninstall|kill|stop|start|pause|resume)\b"
)
EXAMPLES = ("scale backend to 3", "get pods", "logs of backend", "status", "help")
_IN_NAMESPACE = re.compile(
    r" (?:in|from|within|inside)(?: the)?(?: namespace)? (?P<ns>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?: namespace)?$"
)
_SEVERAL_CHANGES = re.compile(r"\b(?:and|then|also|plus)\b|;")


def plan(raw: str, last: str | None = None) -> Step:
    """What a sentence asks for.

    Args:
        last: The object that was talked about last, for "it".

    Raises:
        NotUnderstood: It is none that the grammar knows; says what is, and the nearest sentences.
    """
    if not raw.strip():
        raise NotUnderstood("There is nothing to do in an empty sentence.", "`help` shows what I understand.")
    for mend in (False, True):
        sentence = _with_namespace(read(raw, mend=mend))
        step = _step(sentence, last)
        if step is not None:
            return step
    raise _not_understood(read(raw, mend=True))


def _step(sentence: Sentence, last: str | None) -> Step | None:
    looking = reads.match(sentence, last)
    changing = scale.match(sentence, last) or changes.match(sentence, last)
    if isinstance(looking, ToolCall) and not _is_change(changing):
        return looking if not sentence.unknown_flags else _flags(sentence)
    if changing is None:
        return looking or _guarded(sentence)
    return _guarded(sentence) or (changing if not sentence.unknown_flags else _flags(sentence))


def _is_change(step: Step | None) -> bool:
    return isinstance(step, Relative) or (isinstance(step, ToolCall) and step.name not in READING)


def _guarded(sentence: Sentence) -> Clarify | None:
    """A refusal for a sentence that speaks of a change without asking for one."""
    if not CHANGE_WORDS & set(sentence.text.replace("/", " ").split()):
        return None
    command = _command_in(sentence)
    hint = (command,) if command else ()
    if sentence.quoting:
        return Clarify("That quotes a command, so nothing is changed. To do it, say it without quotes.", hint)
    if sentence.negated:
        return Clarify("I read that as something not to do, so nothing is changed.")
    if sentence.conditional:
        return Clarify("I change things at once or not at all; conditions and times are not offered.", hint)
    if sentence.question:
        return Clarify("That is a question, so nothing is changed. To do it, say it as a command.", hint)
    if _SEVERAL_CHANGES.search(sentence.text):
        return Clarify("One change at a time, please: each is shown, approved and verified on its own.", hint)
    return None


def _flags(sentence: Sentence) -> Clarify:
    return Clarify(f"I do not know {', '.join(sentence.unknown_flags)}, so nothing is done.")


def _with_namespace(sentence: Sentence) -> Sentence:
    found = _IN_NAMESPACE.search(sentence.text)
    if not found or "namespace" in sentence.flags or not is_name(found["ns"]):
        return sentence
    rest = sentence.text[: found.start()]
    if rest.split()[-1:] in (["logs"], ["errors"], ["error"], ["is"]) or rest in {"show", "grep"}:
        return sentence
    if re.search(r"\b(?:errors?|warnings?|exceptions?|tracebacks?)$|^(?:grep|search|find) \S+$", rest):
        return sentence
    return dataclasses.replace(sentence, text=rest, flags={**sentence.flags, "namespace": found["ns"]})


def _command_in(sentence: Sentence) -> str:
    """The command that a sentence speaks of, as a suggestion to type."""
    number = re.search(r"\b\d+\b", sentence.text)
    names = [word for word in sentence.text.split() if is_name(word) and word.isascii() and len(word) > 2]  # noqa: PLR2004
    names = [name for name in names if not name.endswith(("ieren", "ing")) and name not in CHANGE_WORDS]
    if number and names:
        return f"scale {names[-1] if 'scale' in sentence.text.split() else names[0]} to {number[0]}"
    if "restart" in sentence.text.split() and names:
        return f"restart {names[-1]}"
    return ""


def _not_understood(sentence: Sentence) -> NotUnderstood:
    offered = NOT_OFFERED.search(sentence.raw.lower())
    command = _command_in(sentence)
    nearest = f"Did you mean `{command}`? " if command and not offered else ""
    if offered:
        message = f"I cannot {offered[1]} things without a model yet, and nothing was done."
    else:
        message = "I do not understand that, and nothing was done."
    examples = ", ".join(f"`{example}`" for example in EXAMPLES)
    return NotUnderstood(message, f"{nearest}I understand sentences like {examples}.")
