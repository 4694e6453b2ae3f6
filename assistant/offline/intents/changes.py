"""The other changes: restart, image, delete, undo, a plan that was kept. As strict as scaling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.offline.intents.values import call, target_of
from assistant.offline.model import Clarify, Mention, Refuse, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.shape import Shape

RESTART = r"(?:(?:do )?rollout )?restart(?: pods of)? T(?: pods)?|(?:do )?rollout restart of T"
RESTART_WHICH = r"(?:rollout )?restart"
SET_IMAGE = (
    r"(?:set|alter) image (?:of|for|on|in) T to I",
    r"(?:set|alter) T (?:to )?image (?:to )?I",
    r"(?:set|alter) T to I",
    r"(?:set|alter) T (?:to )?(?:use|run) (?:image )?I",
    r"(?:release|deploy) I to T",
    r"use (?:image )?I (?:for|in|on) T",
)
SET_IMAGE_KUBECTL = r"set image T C"
VERSION = r"(?:set|alter|release|deploy)(?: image (?:of|for))? T (?:to )?(?:image )?(?:version )?(?:to )?(?:V|tag V)"
BARE_IMAGE = r"(?:set|alter) image (?:of|for|on|in) T to [TX]"
DELETE = "delete T"
UNDO = r"undo(?: last)?(?: (?:alter|history))?|undo T|roll T back"
UNDO_NUMBER = r"undo (?:(?:alter|history) )?(?:number )?(?P<number>[NH])"
UNDO_OTHER = r"(?:rollout )?undo\b.*"
APPLY = r"apply (?:plan )?(?P<plan>[TNX])"
_PLAN = re.compile(r"[0-9a-f]{8}")


def match(given: Shape, namespace: str | None, last: Mention | None) -> Step | None:
    """A call of a changing tool, a question back, a refusal, or None."""
    return (
        _restart(given, namespace, last)
        or _image(given, namespace, last)
        or _delete(given, namespace)
        or _decided(given, namespace)
    )


def _restart(given: Shape, namespace: str | None, last: Mention | None) -> Step | None:
    if re.fullmatch(RESTART, given.text):
        return call("rollout", target_of(given.all("T")[0], namespace, last), action="restart")
    if re.fullmatch(RESTART_WHICH, given.text):
        step = ToolCall("rollout", {**({"namespace": namespace} if namespace else {}), "action": "restart"})
        return Clarify("What is to be restarted?", step, "target")
    return None


def _image(given: Shape, namespace: str | None, last: Mention | None) -> Step | None:
    if any(re.fullmatch(pattern, given.text) for pattern in SET_IMAGE):
        target = target_of(given.all("T")[0], namespace, last)
        return call("configure_workload", target, image=given.all("I")[0].text)
    if re.fullmatch(SET_IMAGE_KUBECTL, given.text):
        container, _, image = given.all("C")[0].text.partition("=")
        target = target_of(given.all("T")[0], namespace, last)
        return call("configure_workload", target, image=image, **({} if container == "*" else {"container": container}))
    if re.fullmatch(VERSION, given.text) or re.fullmatch(BARE_IMAGE, given.text):
        name = given.all("T")[0].text or "it"
        return Refuse(
            "A new image is named in full, as repository:tag.", hint=f"Say `set image of {name} to REPOSITORY:TAG`."
        )
    return None


def _delete(given: Shape, namespace: str | None) -> Step | None:
    if given.text != DELETE:
        return None
    # What is deleted is named in full: no pronoun, and a bare name could be a Deployment, a Service or both.
    target = given.all("T")[0].text
    if "/" not in target:
        hint = f"Say `delete deployment/{target}`, or of which kind it is." if target else "Say `delete KIND/NAME`."
        return Refuse("What is deleted is named with its kind; nothing was done.", hint=hint)
    return call("delete_resource", Mention(target, namespace))


def _decided(given: Shape, namespace: str | None) -> Step | None:
    step = _kept(given)
    if namespace and isinstance(step, ToolCall):
        return Refuse("A change or plan goes by its number, wherever it is; nothing is done.", ("history",))
    return step


def _kept(given: Shape) -> Step | None:
    """Undo, and plans by their id."""
    if re.fullmatch(UNDO, given.text) and not any(part.text for part in given.all("T")):
        return ToolCall("undo_change")
    found = re.fullmatch(UNDO_NUMBER, given.text)
    if found:
        part = given.all(found["number"])[0]
        # "undo two" may mean two changes; a number in digits is a change's own.
        if part.typed.removeprefix("#").isdigit():
            return ToolCall("undo_change", {"change_id": int(part.text)})
    if re.fullmatch(UNDO_OTHER, given.text):
        return Refuse(
            "Undo takes back the last change made through me, or one by its number.",
            ("undo", "history"),
            "Nothing is done.",
        )
    found = re.fullmatch(APPLY, given.text)
    if found:
        plan = given.parts[-1].typed.lower()
        return ToolCall("apply_plan", {"plan_id": plan}) if _PLAN.fullmatch(plan) else None
    return None
