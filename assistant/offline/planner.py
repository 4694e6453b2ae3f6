"""From a sentence to a step.

Looking is understood generously. A change is recognised only where every single word is understood, the sentence does
not ask, deny, set a condition or cite, and it holds one change: whatever is not certain is asked back.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import TYPE_CHECKING

from assistant.offline import commands
from assistant.offline.intents import changes, maintenance, reads, scale
from assistant.offline.model import (
    Earlier,
    Heal,
    Mention,
    Procedure,
    Refuse,
    Relative,
    Reply,
    Several,
    Silencing,
    Step,
    ToolCall,
    Unsilencing,
)
from assistant.offline.namespaces import without_namespace
from assistant.offline.phrasing import phrase
from assistant.offline.sentence import MAX_LENGTH, MAX_WORDS, Sentence, Word, mended, read
from assistant.offline.several import COMPOSABLE, several
from assistant.offline.shape import shape
from assistant.offline.typos import correct
from assistant.offline.words import CHANGING, NOT_OFFERED, is_word, kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXAMPLES = ("scale backend to 3", "get pods", "logs of backend", "status", "help")
CHANGES = COMPOSABLE | {
    "undo_change", "apply_plan", "apply_manifest", "connect_pod", "change_release", "todo_stack", "change_docker"
}  # fmt: skip
LOOKS = {
    "todo_stack": {"status", "open"},
    "connect_pod": {"forward", "list_forwards", "close_forward"},
    "change_docker": {"try_build"},
}
"""The actions of tools that change something with which they only look."""
FORMS = {
    "create": "`create deployment web with image nginx:1.27`, or another kind; `help` shows more",
    "deploy": "`deploy nginx:1.27 as web`; a new version by `set image of web to nginx:1.28`",
    "expose": "`expose web on port 80`",
    "patch": "`set spec.type of service/web to NodePort`",
    "edit": "`set spec.type of service/web to NodePort`",
    "label": "`label web team=blue`",
    "annotate": "`annotate web note=checked`",
}
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAX_TYPOS = 2
_MAX_HINTED = 30


def plan(raw: str, last: Mention | None = None) -> Step:
    """What a sentence asks for.

    Args:
        last: The object that was talked about last, for "it".
    """
    if not raw.strip():
        return Refuse("There is nothing to do in an empty sentence.", hint="`help` shows what I understand.")
    sentence = read(raw) if len(raw) <= MAX_LENGTH else None
    if sentence is None or len(sentence.words) > MAX_WORDS:
        return Refuse(f"That is too long for me: I read sentences of up to {MAX_LENGTH} characters.")
    space = sentence.flags.get("namespace")
    if space is not None and not _NAMESPACE.fullmatch(space):
        return Refuse(f"{space!r} is no name of a namespace.")
    carried = commands.match(raw, last)
    if carried is not None:
        return carried
    changing = _change(sentence, last)
    looking = None if changing else reads.match(sentence, last)
    if changing is None and (looking is None or _names_a_kind(looking)):
        changing, mended_looking = _mended(sentence, last)
        looking = mended_looking or looking
    if not isinstance(changing, ToolCall | Relative) and not _said_otherwise(sentence):
        together = several(raw, last, _one_change)
        if together is not None:
            return together
    if changing is not None:
        changing = commands.stack_refusal(raw, changing) or changing
        return _guarded(sentence, last, changing) or changing
    if isinstance(looking, Reply):
        return looking
    if looking is not None:
        return _flags(sentence.unknown_flags) if sentence.unknown_flags else looking
    return _guarded(sentence, last, None) or _not_understood(sentence, last)


def is_change(step: Step) -> bool:
    """Whether carrying out the step would change something."""
    if isinstance(step, ToolCall):
        return step.name in CHANGES and step.arguments.get("action") not in LOOKS.get(step.name, ())
    if isinstance(step, Procedure):
        return step.action == "run"
    return isinstance(step, Relative | Several | Earlier | Heal | Silencing | Unsilencing)


def _one_change(raw: str, last: Mention | None) -> Step | None:
    return commands.match(raw, last) or _change(read(raw), last)


def _said_otherwise(sentence: Sentence) -> bool:
    return sentence.quoting or sentence.negated or sentence.conditional or sentence.question


def _change(sentence: Sentence, last: Mention | None) -> Step | None:
    words, flags = sentence.words, sentence.flags
    if "replicas" in flags:
        words = (*words, *_words("to", flags["replicas"]))
    if "revision" in flags:
        words = (*words, *_words("to", "revision", flags["revision"]))
    step = _read_change(words, flags.get("namespace"), last)
    if step is None and "namespace" not in flags:
        # "in prod" may say where, or belong to what was said: it is cut out only where the rest makes no sense with it.
        without = without_namespace(words)
        step = _read_change(without[0], without[1], last) if without else None
    if step is None or isinstance(step, Refuse | Reply):
        return step
    # What became words was understood with them, or the words were not.
    unused = set(flags) - {"namespace", "replicas", "revision"}
    return _flags((*sentence.unknown_flags, *sorted(unused))) if unused or sentence.unknown_flags else step


def _words(*texts: str) -> tuple[Word, ...]:
    return tuple(Word(text, text) for text in texts)


def _read_change(words: Sequence[Word], namespace: str | None, last: Mention | None) -> Step | None:
    given = shape(words)
    families = (scale.match, maintenance.match, changes.match)
    return next((step for match in families if (step := match(given, namespace, last)) is not None), None)


def _mended(sentence: Sentence, last: Mention | None) -> tuple[Step | None, Step | None]:
    """A change, or else a look, that the sentence is when as few words as possible are taken for typos."""
    for words in _mendings(sentence, strict=True):
        step = _change(dataclasses.replace(sentence, words=words), last)
        # A deletion is spelt right or not done.
        if step is not None and not (isinstance(step, ToolCall) and step.name == "delete_resource"):
            return _noted(step), None
    for words in _mendings(sentence, strict=False):
        looking = reads.match(dataclasses.replace(sentence, words=words), last)
        if looking is not None:
            return None, looking
    return None, None


def _names_a_kind(looking: Step) -> bool:
    """Whether a look is at an object whose name is a kind's with a typo: "list deploymnets"."""
    target = looking.arguments.get("target", "") if isinstance(looking, ToolCall) else ""
    return correct(target, strict=True) in kinds()


def _noted(step: Step) -> Step:
    if isinstance(step, ToolCall | Relative) and is_change(step):
        return dataclasses.replace(step, note=f"Read as `{phrase(step)}`.")
    return step


def _mendings(sentence: Sentence, *, strict: bool) -> Iterator[tuple[Word, ...]]:
    new = {at: word for at in range(len(sentence.words)) if (word := mended(sentence, at, strict=strict))}
    for size in range(1, min(len(new), _MAX_TYPOS) + 1):
        for chosen in itertools.combinations(new, size):
            yield tuple(new[at] if at in chosen else word for at, word in enumerate(sentence.words))


def _guarded(sentence: Sentence, last: Mention | None, changing: Step | None) -> Refuse | None:
    """A refusal for a sentence that speaks of a change without asking for one."""
    if not _said_otherwise(sentence):
        return None
    speaks = changing is not None or CHANGING & {word.text for word in sentence.words}
    if not speaks and not sentence.quoting:
        return None
    said = phrase(changing) if changing is not None else ""
    hint = () if sentence.negated else (said,) if said else _commands_in(sentence, last)
    if sentence.quoting:
        return Refuse("That quotes something, so nothing is done. To do it, say it without quotes.", hint)
    if sentence.negated:
        return Refuse("I read that as something not to do, so nothing is changed.")
    if sentence.conditional:
        return Refuse("I change things at once or not at all; conditions and times are not offered.", hint)
    return Refuse("That is a question, so nothing is changed. To do it, say it as a command.", hint)


def _flags(unknown: tuple[str, ...]) -> Refuse:
    return Refuse(f"I do not know what to do with {', '.join(unknown)}, so nothing is done.")


def _commands_in(sentence: Sentence, last: Mention | None) -> tuple[str, ...]:
    """The first change that a part of the sentence asks for, as a suggestion to type."""
    words = sentence.words[:_MAX_HINTED]
    for start in range(len(words)):
        if words[start].text not in CHANGING:
            continue
        for end in range(len(words), start, -1):
            step = _change(dataclasses.replace(sentence, words=words[start:end]), last)
            if step is not None and is_change(step):
                # Half of "20 5" or of "restart nginx nicht" is another change than the one that was meant.
                rest = (*words[:start], *words[end:])
                plain = all(is_word(word.text) and word.text not in {"in", "namespaces"} for word in rest)
                return (phrase(step),) if plain and len(words) == len(sentence.words) else ()
    return ()


def _not_understood(sentence: Sentence, last: Mention | None) -> Refuse:
    words = [word.text for word in sentence.words]
    offered = next((word for word in words if word in NOT_OFFERED or word in {"remove", "drop"}), None)
    if offered in FORMS:
        return Refuse("That is not whole, and nothing was done.", hint=f"Say it as {FORMS[offered]}.")
    if offered:
        return Refuse(f"I cannot {offered} things without a model, and nothing was done.", hint=_understood())
    commands = () if sentence.negated else _commands_in(sentence, last)
    if {"and", "then", "also", "plus"} & set(words) and CHANGING & set(words):
        return Refuse("One change at a time, please: each is shown, approved and verified on its own.", commands)
    return Refuse("I do not understand that, and nothing was done.", commands, _understood())


def _understood() -> str:
    return f"I understand sentences like {', '.join(f'`{example}`' for example in EXAMPLES)}."
