"""Looking: status, lists, one object, logs, history, help.

Nothing here changes anything, so the words are a bag: what a sentence is about decides the tool, as long as every word
is known and at most one object is named.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from assistant.offline.intents import health, logs, reports
from assistant.offline.intents.values import call, target_of
from assistant.offline.model import Clarify, Mention, Reply, Step, ToolCall
from assistant.offline.namespaces import without_namespace
from assistant.offline.sentence import Word
from assistant.offline.shape import Part, Shape, is_bare_name, shape
from assistant.offline.words import CHANGING, CONDITIONS, NEGATIONS, NOT_OFFERED, TOPICS, kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.offline.sentence import Sentence

HELP = """Without a model I understand requests like these:

- `status`: how the stack is; `how healthy is the cluster?`, `what should I fix first?`: with a score
- `get pods`, `list deployments everywhere`: objects of any kind
- `events of backend`, `top pods`, `search redis`, `explain deployment.spec.strategy`, `can i delete pods?`
- `describe backend`, `why is backend crashing?`: one object with its events
- `logs of backend`, `last 20 errors of backend`: the latest lines of all its pods
- `rollout status backend`: whether a rollout is complete
- `scale backend to 3`, `scale up backend by 2`, `double the backends`
- `restart backend`, `rollout undo backend`, `rollout pause backend`, `drain node-1`
- `set image of backend to todo-backend:1.1.0`, `set env backend MODE=fast`, `set memory limit of backend to 512Mi`
- `deploy nginx:1.27 as web`, `expose web on port 80`, `create configmap settings with mode=fast`: most kinds
- `deploy redis, expose it, point backend at it`: several changes as one plan
- `how much could we save?`, `optimise resources of backend`: requests and limits from what was measured
- `label backend team=blue`, `set spec.type of service/web to NodePort`, `expand pvc/data to 5Gi`
- `switch traffic of web to web-green`, `send 20% of the traffic of web to web-canary`
- `apply manifests/`, `diff manifests/03-backend.yaml`: manifests from a file, a folder, or `-`
- `docker ps`, `what is wrong with container web?`, `stop container web`, `which images are biggest?`
- `helm list`, `helm history todo`, `values of todo`, `helm rollback todo 3`, `upgrade todo with values-prod.yaml`
- `run ls -l in backend`, `debug backend with busybox -- ps`, `copy ./x to backend:/tmp/x`: reaching into a pod
- `tail backend logs`, `forward backend to 8080`, `list port forwards`: until Ctrl-C
- `delete pod backend-1`: an object with what it owns
- `history`, `undo`, `undo 12`: what was changed, and taking it back
- `apply plan 1a2b3c4d`: a plan that was shown before

An object whose name is a word of mine goes with its kind, as deploy/status. Every change is dry-run, shown as a diff,
and done only after your yes."""

_EVERYWHERE = frozenset({"all", "every", "across", "entire"})
_WORKLOADS = frozenset({"deployments", "statefulsets", "daemonsets", "replicasets"})
_ASKS_WHAT_WAS = frozenset({"why", "when", "who", "what", "which", "did", "has", "was"})
_TROUBLE = frozenset({"wrong", "broken", "problem", "problems", "issue", "issues"})
_COLUMNS = re.compile(r"custom-columns=(?P<columns>[\w.:\[\],-]+)")
_LABELLED = frozenset({"with", "label", "labels", "selector", "the", "labelled"})
_LABEL = re.compile(r"[A-Za-z0-9./_-]+!?=[A-Za-z0-9._-]*(?:,[A-Za-z0-9./_-]+!?=[A-Za-z0-9._-]*)*")


def match(sentence: Sentence, last: Mention | None) -> Step | None:
    """A call of a reading tool, a reply, a question back, or None."""
    words, found = logs.without_search(sentence.words)
    words, everywhere = _without_everywhere(words, sentence)
    words, namespace = _without_namespace(words, sentence, searched="contains" in found)
    where: dict[str, Any] = {"all_namespaces": True} if everywhere else {"namespace": namespace} if namespace else {}
    allowed = None if sentence.quoting else reports.access(words, where) or reports.reach(words, where)
    allowed = allowed or (None if sentence.quoting else health.match(words, where, last))
    if allowed or not _looks(sentence):
        return allowed
    words, since = logs.without_duration(words)
    words, order = _without_order(words, sentence)
    words, label = _without_label(words, sentence)
    bag = shape(words)
    topics = {part.symbol for part in bag.parts} & TOPICS
    if {part.symbol for part in bag.parts} & {"up", "down"}:
        topics |= {"status"}
    if {part.symbol for part in bag.parts} & {"restart", "scale", "alter"}:
        topics |= {"diagnose"}
    listed = [part.symbol for part in bag.parts if part.symbol in kinds().values()]
    named = bag.all("T")
    # "pods that are failing": a pronoun beside a name or a kind stands for it.
    alone = [part for part in named[:1] if not (listed and part.typed.lower() == "that")]
    targets = [part for part in named if part.text] or alone
    if len(targets) > 1 or any(part.symbol in {"S", "H", "I", "C", "V", "X"} for part in bag.parts):
        return None
    report = reports.match(bag, words, where)
    if report is not None:
        return report
    about_logs = bool(topics & {"logs", *logs.TOLD}) or "contains" in found
    numbers = bag.all("N")
    if len(numbers) > 1 or (numbers and not about_logs and "history" not in topics):
        return None
    if about_logs:
        target = target_of(targets[0] if targets else Part("T"), namespace, last)
        return logs.match(sentence, bag, {**found, **since}, target)
    if since:
        return None
    if targets:
        custom = _custom_kind(sentence, bag)
        if custom:
            return ToolCall("list_resources", {"kind": custom, **where, **label})
        target = target_of(targets[0], namespace, last)
        return _object(topics, listed, target, bag)
    if numbers:
        return ToolCall("list_changes", {"limit": max(1, min(int(numbers[0].text), 200))})
    return _whole(sentence, topics, listed, {**where, **label, **order}, last)


def _looks(sentence: Sentence) -> bool:
    """Whether the sentence can be a look at all: it does not speak of changing, nor of not looking."""
    if not sentence.words or sentence.quoting:
        return False
    words = [word.text for word in sentence.words]
    if words[0] in NEGATIONS or words[:2] == ["do", "not"]:
        return False
    harmless = {"run", "use"}
    if any(_LABEL.fullmatch(word.typed) for word in sentence.words) and words[0] != "label":
        harmless.add("label")
    speaks = [word for word in words if word in NOT_OFFERED | CHANGING and word not in harmless]
    if not speaks:
        return True
    # "why did backend restart?" looks back; "what if I restart backend?" does not.
    typed = [word.typed.lower() for word in sentence.words]
    looks_back = typed[0] in _ASKS_WHAT_WAS or typed[:2] in (["how", "often"], ["how", "many"])
    return looks_back and not CONDITIONS & set(words) and speaks in (["restart"], ["scale"], ["alter"], ["stop"])


def _without_everywhere(words: Sequence[Word], sentence: Sentence) -> tuple[tuple[Word, ...], bool]:
    texts = [word.typed.lower() for word in words]
    if "everywhere" in texts:
        return tuple(word for word in words if word.text != "everywhere"), True
    for position, text in enumerate(texts):
        if text in {"namespace", "namespaces"} and position and _EVERYWHERE & set(texts[:position]) and len(words) > 2:  # noqa: PLR2004
            start = min(index for index, before in enumerate(texts) if before in _EVERYWHERE)
            if start and words[start - 1].text in {"in", "across", "from", "of", "for"}:
                start -= 1
            if start:
                return (*words[:start], *words[position + 1 :]), True
    return tuple(words), "all_namespaces" in sentence.flags


def _without_namespace(
    words: Sequence[Word], sentence: Sentence, *, searched: bool
) -> tuple[tuple[Word, ...], str | None]:
    if "namespace" in sentence.flags:
        return tuple(words), sentence.flags["namespace"]
    if any(
        word.text in {"show", "describe"} and after.text == "namespaces" for word, after in itertools.pairwise(words)
    ):
        return tuple(words), None
    # "errors in backend" names the object, "logs of backend in prod" the namespace too.
    about_logs = searched or any(word.text == "logs" or word.text in logs.TOLD for word in words)
    if len(words) > 2 and words[-1].text == "namespaces" and is_bare_name(words[-2].text):  # noqa: PLR2004
        return tuple(words[:-2]), words[-2].text
    found = without_namespace(words)
    if found and about_logs and not shape(found[0]).all("T"):
        found = without_namespace(words, loose=False)
    return found or (tuple(words), None)


def _without_label(words: Sequence[Word], sentence: Sentence) -> tuple[tuple[Word, ...], dict[str, str]]:
    """The words without "with label app=backend", and the argument."""
    for position, word in enumerate(words):
        if _LABEL.fullmatch(word.typed):
            start = position
            while start and words[start - 1].typed.lower() in _LABELLED:
                start -= 1
            return (*words[:start], *words[position + 1 :]), {"label_selector": word.typed}
    return tuple(words), {"label_selector": sentence.flags["selector"]} if "selector" in sentence.flags else {}


def _without_order(words: Sequence[Word], sentence: Sentence) -> tuple[tuple[Word, ...], dict[str, str]]:
    """The words without "sorted by age", and the argument."""
    asked = sentence.flags.get("sort_by", "").strip("'{}").lstrip(".")
    if asked in {"cpu", "memory"}:
        # What asks for usage has these as words.
        return (*words, Word(asked, asked)), {}
    for position in range(1, len(words) - 2):
        if words[position].typed.lower() in {"sorted", "sort", "ordered"} and words[position + 1].text == "by":
            asked = words[position + 2].typed.lower()
            words = (*words[:position], *words[position + 3 :])
            break
    # Who sorts by restarts looks for many.
    return tuple(words), {"sort_by": f"-{asked}" if asked == "restarts" else asked} if asked else {}


def _object(topics: set[str], listed: list[str], target: Mention, bag: Shape) -> Step | None:
    word, slash, _ = target.target.partition("/")
    kind = kinds().get(word, word) if slash else ""
    if "diagnose" in topics or _TROUBLE & _typed(bag):
        return call("diagnose", target)
    rollout = bool(topics & {"rollout", "status", "replicas"})
    if {"history", "rollout"} <= topics:
        return call("describe_resource", target, rollout=True)
    if "history" in topics:
        return ToolCall("list_changes", note="These are all changes; there is no history of one object.")
    if rollout and (not kind or kind in _WORKLOADS):
        return call("describe_resource", target, rollout=True)
    owned = bool(_typed(bag) & {"own", "owns", "owned", "tree"})
    if topics - {"help", "whole"} or kind or listed or owned:
        return call("describe_resource", target, **({"owned": True} if owned else {}))
    return None


def _custom_kind(sentence: Sentence, bag: Shape) -> str | None:
    """`kubectl get rollouts`, `get rollouts.argoproj.io`: what kubectl's get takes is a kind."""
    if bag.text != "show T" or bag.parts[0].typed.lower() not in {"get", "list"}:
        return None
    name = bag.parts[1].text
    return name if "/" not in name and (sentence.kubectl or "." in name) else None


def _typed(bag: Shape) -> set[str]:
    return {part.typed.lower() for part in bag.parts}


def _whole(
    sentence: Sentence, topics: set[str], listed: list[str], where: dict[str, Any], last: Mention | None
) -> Step | None:
    typed = {word.typed.lower() for word in sentence.words}
    if (
        "help" in topics
        or typed in ({"h"}, {"?"})
        or ({"what", "can"} <= typed and {"do", "say", "ask", "understand"} & typed)
    ):
        return Reply(HELP)
    if len(listed) == 1:
        arguments: dict[str, Any] = {"kind": listed[0], **where}
        if "field_selector" in sentence.flags:
            arguments["field_selector"] = sentence.flags["field_selector"]
        columns = _COLUMNS.fullmatch(sentence.flags.get("output", ""))
        if columns:
            arguments["columns"] = [part.rpartition(":")[2].lstrip(".") for part in columns["columns"].split(",")]
        note = "Watching is not offered here; this is how it is at the moment." if "watch" in sentence.flags else ""
        return ToolCall("list_resources", arguments, note=note)
    if "history" in topics or ({"what", "you"} <= typed and typed & {"did", "have"}):
        return ToolCall("list_changes")
    if "rollout" in topics:
        if last is None:
            return Clarify("Of what?", ToolCall("describe_resource", {**where, "rollout": True}), "target")
        space = {"namespace": last.namespace} if last.namespace else {}
        return ToolCall("describe_resource", {"target": last.target, **space, "rollout": True})
    if ("diagnose" in topics or _TROUBLE & typed) and "label_selector" not in where:
        return ToolCall("diagnose", where)
    if (
        topics & {"status", "diagnose"}
        or (topics & {"show", "describe", "whole"} and _means_all(typed, topics))
        or where
    ):
        return ToolCall("cluster_overview", where)
    running = {"what", "what's", "whats"} & typed and typed & {"running", "there", "deployed", "up", "down", "on"}
    return ToolCall("cluster_overview", where) if running else None


def _means_all(typed: set[str], topics: set[str]) -> bool:
    return "whole" in topics or bool(typed & {"all", "everything", "overview"})
