"""What images are built from, and what is in them: Dockerfiles, builds, scans, bills of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.offline.commands.docker import CHANGE, LOOK
from assistant.offline.commands.said import parse
from assistant.offline.model import Refuse, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.commands.said import Said

HERE = "."
TRY = "try_build"
"""Runs what a Dockerfile says, and so is no mere look; it leaves nothing behind."""
_PLACE = r"[a-z0-9][\w./-]*"
_REFERENCE = r"[a-z0-9][^\s=:]*(?::[^\s=]+)?"
_DOCKERFILE = (
    rf"(?:the |my |our )?(?:dockerfile(?: (?:of|for|in) (?:the )?(?P<of>{_PLACE})(?: image)?)?|"
    rf"(?P<whose>{_PLACE}) dockerfile|(?P<path>{_PLACE}/Dockerfile))"
)
_BUILD = rf"(?:the |my |our )?(?:docker )?build(?: (?:of|for) (?:the )?(?P<of>{_PLACE})(?: image)?)?"
_IMAGE = (
    rf"(?:the |my |our )?(?:docker )?(?:image (?P<image>{_REFERENCE})|(?P<called>{_REFERENCE}) image|"
    r"(?P<tagged>[a-z0-9][^\s=:]*:[^\s=]+))"
)
_FILE = r"(?: (?:to|as|into|in) (?P<name>[\w.-]+\.json))?"
_DATA = r"(?: (?:against|with|using) (?:the )?(?:database |osv (?:database )?)?(?P<database>[^\s=]*[/.][^\s=]*))?"
_ANY = r"(?:are there |show |list |which |what )?(?:any |known |the )?vulnerabilities"
_QUESTIONS = (
    ("lint", rf"(?:lint|check|review|judge|analy[sz]e) {_DOCKERFILE}"),
    ("lint", rf"(?:what is wrong|what's wrong|what could be better|what is bad) (?:with|in) {_DOCKERFILE}"),
    ("lint", rf"how (?:can|could|do|would) (?:i|we|you) (?:make|get) {_IMAGE} (?:smaller|faster|better|safer)"),
    ("try_build", rf"why (?:did|does|is|was) {_BUILD} (?:fail|failing|broken|break|not work)"),
    ("try_build", rf"(?:explain|diagnose|debug) {_BUILD}(?: failure)?"),
    ("try_build", rf"why (?:does|is|can) {_IMAGE} not (?:build|built|be built)"),
    ("scan", rf"(?:docker )?scan {_IMAGE}{_DATA}"),
    ("scan", r"docker (?:scan|scout (?:cves|quickview)) (?P<image>[a-z0-9][^\s=]*)"),
    ("scan", rf"is {_IMAGE} (?:safe|secure|vulnerable)"),
    ("scan", rf"{_ANY} (?:in|of|are in|are there in) {_IMAGE}{_DATA}"),
)
_CHANGES = (
    ("optimise", rf"(?:optimi[sz]e|improve|slim|shrink) {_IMAGE}"),
    ("optimise", rf"(?:optimi[sz]e|improve) {_DOCKERFILE}"),
    ("optimise", rf"make {_IMAGE} (?:smaller|leaner|safer|(?:faster to build|build faster))"),
    ("fix_build", rf"(?:fix|mend|repair) {_BUILD}"),
    ("fix_build", rf"make {_IMAGE} build"),
    (
        "sbom",
        rf"(?:write |make |create |generate )?(?:the |an? )?(?:sbom|bill of materials) (?:of|for) {_IMAGE}{_FILE}",
    ),
    ("sbom", r"docker sbom (?P<image>[a-z0-9][^\s=]*)"),
)
_TARGETS = ("of", "whose", "path", "image", "called", "tagged")


def match(given: Said) -> Step | None:
    """A call of one of the two tools for Docker, or None."""
    if given.argv or given.flags:
        return None
    return asked(given) or _read(CHANGE, _CHANGES, given)


def asked(given: Said) -> Step | None:
    """As `match`, of a question: it never changes anything."""
    return None if given.argv or given.flags else _read(LOOK, _QUESTIONS, given)


def _read(tool: str, shapes: tuple[tuple[str, str], ...], given: Said) -> Step | None:
    for action, template in shapes:
        said = parse(template, given)
        if said is not None:
            target = next((said[key] for key in _TARGETS if said.get(key)), HERE)
            if target.lower() in {"this", "that", "it"}:
                return Refuse("Which image?", hint="Say its name: `is image todo-backend:1.0.0 safe?`")
            more: dict[str, Any] = {key: said[key] for key in ("name", "database") if said.get(key)}
            return ToolCall(CHANGE if action == TRY else tool, {"action": action, "target": target, **more})
    return None
