"""What a typed sentence becomes: a call, a question back, or a refusal; never a change that was not asked for."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from planner_helpers import told

from assistant.following import FOLLOW
from assistant.offline.model import Clarify, Mention, Refuse, Relative, Several, Step, ToolCall
from assistant.offline.phrasing import phrase
from assistant.offline.planner import is_change, plan
from mcp_tools.tools.registry import BY_NAME

if TYPE_CHECKING:
    from mcp_tools.tools.base import Tool

TABLE: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text(encoding="utf-8"))
TALKED_ABOUT = "after deployment/backend in todo-app was talked about"
SEVERAL = "several changes as one plan"
LAST = Mention("deployment/backend", "todo-app")
REQUESTS = [
    sentence
    for group, sentences in TABLE.items()
    for sentence, step in sentences.items()
    if group not in {TALKED_ABOUT, SEVERAL, "typos"} and is_change(plan(sentence))
]

# A program's own words and what is in quotes may be anything.
WITHOUT_ARGV = [
    sentence for sentence in REQUESTS if not re.search(r"^run ls|^docker (?:run|exec)| running | -- |[\"']", sentence)
]
# A namespace by flag is meant for all.
PAIRED = [s for s in WITHOUT_ARGV if not re.search(r" -n\b| --namespace\b", s)]
STACK = "the todo stack as a whole"
CARRY_VALUES = {
    "making things",
    "settings and manifests",
    "right-sizing",
    SEVERAL,
    "kubectl's own words",
    "into pods",
    "Helm releases",
    "Docker",
    STACK,
    # A word with a slip is taken for a name, of which nothing is there to be diagnosed.
    "fixing what a diagnosis names",
    "what images are built from and hold",
}
WITHOUT_VALUES = [s for s in REQUESTS if not any(s in TABLE[group] for group in CARRY_VALUES)]


def tool_of(call: ToolCall) -> Tool:
    # What follows a log takes what the bounded answer takes.
    return BY_NAME["get_logs" if call.name == FOLLOW else call.name]


def _words(text: str) -> list[str]:
    return text.split()


# Written down here and not taken from the planner: what a person would say turns the sentence into something else.
NO = ["not", "don't", "never", "without", "except"]
NOT_NOW = ["if", "unless", "when", "until", "tomorrow", "later", "maybe", "daily"]
FOREIGN = [*_words("nicht jamais xqzv bitte gestern niet não не 🚀 % && | >"), "back\u200bend"]


@pytest.mark.parametrize("group", TABLE)
def test_sentences_are_read_as_a_person_means_them(group: str) -> None:
    last = LAST if group == TALKED_ABOUT else None
    assert {sentence: told(plan(sentence, last)) for sentence in TABLE[group]} == TABLE[group]


@pytest.mark.parametrize("sentence", ["", "   ", "\n\t", "restart backend" + " " * 2000, "x" * 100_000, "a " * 5000])
def test_an_empty_or_endless_sentence_does_nothing(sentence: str) -> None:
    assert isinstance(plan(sentence), Refuse)


def test_a_condition_at_the_end_of_a_long_line_is_not_cut_off() -> None:
    assert is_change(plan("restart backend" + " " * 1900))
    assert isinstance(plan("restart backend" + " " * 1990 + "tomorrow"), Refuse)


def test_every_call_fits_the_input_of_its_tool() -> None:
    calls = [step for group in TABLE.values() for sentence in group if isinstance(step := plan(sentence), ToolCall)]
    for call in calls:
        tool_of(call).input_model.model_validate(call.arguments)


def test_a_change_is_what_the_tools_say_is_one() -> None:
    for group in TABLE.values():
        for sentence in group:
            step = plan(sentence)
            if isinstance(step, ToolCall):
                # A build that is tried leaves nothing behind, and yet runs what a Dockerfile says.
                looks = tool_of(step).looks(step.arguments) or step.arguments.get("action") == "try_build"
                assert is_change(step) is not looks, sentence


def test_what_is_offered_instead_is_a_sentence_of_its_own_and_says_the_same() -> None:
    for sentence in REQUESTS:
        step = plan(sentence)
        if not phrase(step):
            continue
        again = plan(phrase(step))
        assert _same(step, again), (sentence, phrase(step))
    offered = {
        s for g in TABLE.values() for sentence in g if isinstance(r := plan(sentence), Refuse) for s in r.suggestions
    }
    assert offered
    for sentence in offered:
        assert isinstance(plan(sentence), ToolCall | Relative), sentence


def test_a_mended_sentence_says_how_it_was_read() -> None:
    step = plan("restrat backend")
    assert isinstance(step, ToolCall)
    assert "restart backend" in step.note


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("restart it", "change_docker action=restart target=web"),
        ("logs of it", "inspect_docker action=logs target=web"),
        ("why is it unhealthy?", "inspect_docker action=diagnose target=web"),
        ("restart backend", "rollout target=backend action=restart"),
    ],
)
def test_it_is_the_container_that_was_talked_about(sentence: str, meant: str) -> None:
    assert told(plan(sentence, Mention("container/web", None))) == meant


@pytest.mark.parametrize("sentence", ["restart it", "scale that to 3", "double it", "why is it crashing"])
def test_it_is_asked_about_when_nothing_was_talked_about(sentence: str) -> None:
    step = plan(sentence)
    assert isinstance(step, Clarify)
    assert step.missing == "target"


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(WITHOUT_ARGV), st.sampled_from(NO + NOT_NOW + FOREIGN), st.data())
def test_one_word_more_never_makes_another_change_of_a_request(sentence: str, word: str, data: st.DataObject) -> None:
    words = sentence.split()
    # "roll back" and a name is a request of its own; "scale nicht in backend to 1" scales nicht, as far as words tell.
    assume(len(words) > 2 and words[:2] != ["scale", "in"])
    at = data.draw(st.integers(0, len(words)))
    step = plan(" ".join([*words[:at], word, *words[at:]]))
    assert not is_change(step), told(step)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(PAIRED),
    st.sampled_from(PAIRED),
    st.sampled_from([" ", " and ", ", ", "; ", ". ", "\n", " then "]),
)
def test_two_requests_in_one_are_both_or_none(first: str, second: str, between: str) -> None:
    assume(len(first.split()) > 2 or len(second.split()) > 2)
    step = plan(first.rstrip() + between + second)
    if isinstance(step, Several):
        assert step.steps[0] == plan(first), first + between + second
        assert step.steps[-1] in (plan(second), plan(second, _talked_about(step.steps[0])))
    else:
        assert not is_change(step), first + between + second


def _talked_about(step: Step) -> Mention | None:
    if isinstance(step, ToolCall):
        return Mention(step.arguments.get("target", ""), step.arguments.get("namespace"))
    return Mention(step.target, step.namespace) if isinstance(step, Relative) else None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(REQUESTS), st.sampled_from(["?", " ?", "?!", "? thanks"]))
def test_a_request_with_a_question_mark_is_a_question(sentence: str, mark: str) -> None:
    assume(not re.search(r"\b(?:can|could|would|will) you\b", sentence.lower()))
    assert not is_change(plan(sentence + mark)), sentence


NAMES = ["alpha", "beta-2", "gamma"]
SOUP = _words(
    "scale restart set make increase reduce add remove double undo rollback apply update use run rollout pause cordon "
    "image replicas pods deployment service node to by of for on in from up down out back more fewer the it that its "
    "namespace plan revision number last change please now thanks and or not if when what why can you do i want need 3 "
    "5 12 two one +2 -1 2.5 todo:1.2 app=todo:1 1a2b3c4d deploy/alpha -n --replicas=4"
)


@settings(max_examples=3000, deadline=None)
@given(st.lists(st.sampled_from(SOUP + NAMES * 6), min_size=1, max_size=8))
@example(["set", "image", "in", "alpha", "to", "todo:1.2"])
@example(["scale", "alpha", "in", "beta-2", "to", "3"])
def test_a_change_uses_every_name_and_number_of_its_sentence(words: list[str]) -> None:
    sentence = " ".join(words)
    step = plan(sentence, LAST)
    if not is_change(step):
        return
    joining = {"and"} if isinstance(step, Several) else set()
    assert not ({"not", "if", "when", "what", "why", "and", "or"} - joining) & set(words), sentence
    said = set(re.findall(r"[\w:.-]+", told(step).replace("-n", "")))
    numbers = {"two": "2", "one": "1"}
    for word in words:
        if word in NAMES:
            assert word in said, (sentence, told(step))
        if word in {"3", "5", "12", "two", "one"}:
            digits = numbers.get(word, word)
            assert {digits, f"-{digits}"} & said, (sentence, told(step))
    assert sum(word in {"todo:1.2", "app=todo:1", "1a2b3c4d", "+2", "-1", "2.5"} for word in words) <= 1, sentence


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.sampled_from(WITHOUT_VALUES), st.data())
def test_a_slip_of_the_finger_makes_no_other_change(sentence: str, data: st.DataObject) -> None:
    words = sentence.split()
    # A slip in a name, a number or an image names another object, number or image, and nothing can tell.
    at = data.draw(st.integers(0, len(words) - 1))
    word = words[at]
    assume(word.isalpha() and word.isascii() and word.islower() and len(word) > 3)
    assume(word not in _values(sentence))
    slipped = data.draw(st.sampled_from(_slips(word)))
    # "in ottal" is a namespace that there is not.
    assume(slipped != word)
    assume(word != "total")
    before, after = plan(sentence), plan(" ".join([*words[:at], slipped, *words[at + 1 :]]))
    assert not is_change(after) or _same(before, after), (sentence, slipped, told(after))


# The text that is searched for keeps its capitals.
PLAIN = [
    sentence
    for name, group in TABLE.items()
    for sentence in group
    if re.fullmatch(r"[a-z0-9 ]+", sentence) and name not in {TALKED_ABOUT, *CARRY_VALUES} and "grep" not in sentence
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLAIN), st.data())
def test_capitals_blanks_and_a_full_stop_change_nothing(sentence: str, data: st.DataObject) -> None:
    words = [data.draw(st.sampled_from([word, word.upper(), word.capitalize()])) for word in sentence.split()]
    blank = data.draw(st.sampled_from([" ", "  ", "\t", "\n"]))
    end = data.draw(st.sampled_from(["", ".", "!", " ", ";"]))
    assert told(plan(f"{blank}{blank.join(words)}{end}")) == told(plan(sentence))


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_no_text_at_all_breaks_the_planner(text: str) -> None:
    assert not is_change(plan(text)) or text.isascii()


def _same(one: Step, other: Step) -> bool:
    plain = [
        dataclasses.replace(step, note="", alternatives=()) if isinstance(step, ToolCall | Relative) else step
        for step in (one, other)
    ]
    return told(plain[0]) == told(plain[1])


def _values(sentence: str) -> set[str]:
    said = set(re.findall(r"[a-z0-9]+", told(plan(sentence))))
    numbers = ["zero", "one", "two", "three", "four", "five", "dozen", "twenty"]
    return said | {f"{word}s" for word in said} | set(numbers) | {"backend's"}


def _slips(word: str) -> list[str]:
    swaps = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)]
    drops = [word[:i] + word[i + 1 :] for i in range(len(word))]
    others = [word[:i] + letter + word[i + 1 :] for i in range(len(word)) for letter in "aeinorst"]
    more = [word[:i] + letter + word[i:] for i in range(len(word) + 1) for letter in "aeinorst"]
    return swaps + drops + others + more


def test_starting_up_does_not_load_the_grammar() -> None:
    heavy = "agents openai fastmcp kubernetes msgspec pydantic rich prompt_toolkit assistant.offline.planner"
    code = f"import sys, assistant.offline; print(*sorted(set({heavy.split()!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
