"""The other changes: restart, image, undo, a plan that was kept. As strict as scaling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.offline.intents.slots import ARTICLE, TARGET, namespace_of, target_of
from assistant.offline.model import Clarify, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.sentence import Sentence

RESTART = re.compile(rf"(?:(?:rollout|rolling|deploy) )?restart(?: the pods of| pods of| rollout of)? {TARGET}")
RESTART_WHICH = re.compile(r"(?:rollout )?restart")
IMAGE = r"(?P<image>[a-z0-9][\w./:@-]*)"
SET_IMAGE = [
    re.compile(pattern)
    for pattern in (
        rf"(?:set|scale) {ARTICLE}image (?:of|for|on) {TARGET} to {IMAGE}",
        rf"(?:set|update|upgrade) {TARGET} (?:to )?(?:the )?image (?:to )?{IMAGE}",
        rf"(?:update|upgrade|set) {TARGET} to {IMAGE}",
        rf"(?:deploy|release|ship) {IMAGE} (?:to|on|as|for) {TARGET}",
        rf"use {ARTICLE}image {IMAGE} (?:for|in|on) {TARGET}",
    )
]
SET_IMAGE_KUBECTL = re.compile(rf"set image {TARGET} (?P<container>[a-z0-9-]+|\*)=(?P<image>\S+)")
UNDO = re.compile(
    r"undo(?: (?:it|that|this|the last(?: change)?|my last(?: change)?|last(?: change)?|the change))?"
    r"(?: (?:change |number |#)*(?P<id>\d+))?"
)
APPLY = re.compile(r"(?:apply|carry out)(?: (?:the )?plan)? (?P<plan>[0-9a-f]{8})")


def match(sentence: Sentence, last: str | None) -> Step | None:
    """A call of a changing tool, a question back, or None."""
    text = sentence.text
    found = RESTART.fullmatch(text)
    if found:
        return _with_target("restart", found, sentence, last)
    if RESTART_WHICH.fullmatch(text):
        return Clarify("What is to be restarted?", template="restart {}")
    found = SET_IMAGE_KUBECTL.fullmatch(text)
    if found:
        more = {} if found["container"] == "*" else {"container": found["container"]}
        return _with_target("set_image", found, sentence, last, image=_as_typed(sentence, found["image"]), **more)
    for pattern in SET_IMAGE:
        found = pattern.fullmatch(text)
        if found and _is_image(found["image"]):
            return _with_target("set_image", found, sentence, last, image=_as_typed(sentence, found["image"]))
    found = UNDO.fullmatch(text)
    if found:
        return ToolCall("undo_change", {"change_id": int(found["id"])} if found["id"] else {})
    found = APPLY.fullmatch(text)
    return ToolCall("apply_plan", {"plan_id": found["plan"]}) if found else None


def _with_target(
    tool: str, found: re.Match[str], sentence: Sentence, last: str | None, **arguments: str
) -> Step | None:
    target = target_of(found, last)
    if not isinstance(target, str):
        return target
    return ToolCall(tool, {"target": target, **arguments, **namespace_of(sentence)})


def _is_image(text: str) -> bool:
    # A bare word may be anything; a tag, a digest or a path says image.
    return ":" in text or "@" in text or "/" in text


def _as_typed(sentence: Sentence, image: str) -> str:
    """The image with the case it was typed in: tags tell upper from lower case."""
    found = re.search(re.escape(image), sentence.raw, re.IGNORECASE)
    return found[0] if found else image
