"""Why a build failed: the one cause, the line of the Dockerfile, the evidence, the patch."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.building.kinds import all_kinds
from mcp_tools.docker.building.log import BuildLog, read_log
from mcp_tools.docker.building.model import Case, Kind, Told
from mcp_tools.docker.dockerfile.advising import files_of, look_at, shown
from mcp_tools.docker.dockerfile.edits import apply, as_diff
from mcp_tools.errors import ShipmateError
from mcp_tools.reads.answer import Answer, clip
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.docker.dockerfile.model import Look
    from mcp_tools.docker.dockerfile.stages import Stage
    from mcp_tools.docker.dockerfile.syntax import Instruction

WIDTH = 300
EVIDENCE = 3
LAST_LINES = 400
"""A failure stands near the end of what its step printed; further up stands what went well."""
_WARNING = re.compile(r"^(?:npm (?:WARN|warn)|WARN(?:ING)?\b|warning\b|\s*\[?notice\]?\b|W: |debconf: )", re.IGNORECASE)
_GAVE_UP = re.compile(r"Retry\(total=|Failed to fetch|fetching http", re.IGNORECASE)
"""Warnings that a tool goes on after, to fail by what it did not get."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure explained.

    Attributes:
        kind: None where it is of no kind that is known.
        line: Of the Dockerfile; None where it is not known, or of none.
        evidence: The lines of the log that show it, the one that counts first.
    """

    log: BuildLog
    kind: Kind | None
    told: Told
    line: int | None
    instruction: Instruction | None
    evidence: tuple[str, ...]


def explain(
    log: str,
    context: Path | None = None,
    *,
    dockerfile: Path | None = None,
    build_args: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Answer:
    """Explain a failed build, or a container that does not start, from its log.

    Args:
        log: What the builder printed: BuildKit's plain or terminal form, the classic builder, Compose, Podman; also
            what `docker run` says.
        context: What was built from: it makes the line and the patch exact.
        dockerfile: If it is not the context's own `Dockerfile`.
        build_args: Of the build.
        sizes: The images of this machine's engine, by name: a tag that was meant may be among them.

    Returns:
        `kind` (its id; empty where none is known), `title`, `cause`, `advice`, `line` (of the Dockerfile),
        `instruction`, `evidence` (lines of the log), `patch` (a unified diff, where there is one), `exit_code`,
        `builder`. All redacted and bounded.
    """
    look = _look(context, dockerfile, build_args, sizes)
    failure = failure_in(log, look)
    if failure is None:
        return Answer("The log shows no failure.", {"kind": "", "builder": read_log(log).builder})
    return answer(failure, look)


def answer(failure: Failure, look: Look | None) -> Answer:
    """A failure as an answer; see `explain`."""
    told = failure.told
    cause = clip(redact_text(told.cause), WIDTH)
    data: dict[str, Any] = {
        "kind": failure.kind.id if failure.kind else "",
        "title": failure.kind.title if failure.kind else "A failure of no kind that is known",
        "cause": cause,
        "advice": clip(redact_text(told.advice), WIDTH),
        "line": failure.line,
        "instruction": clip(redact_text(_one_line(failure)), WIDTH),
        "evidence": [clip(redact_text(line), WIDTH) for line in failure.evidence],
        "exit_code": failure.log.exit_code,
        "builder": failure.log.builder,
    }
    if told.edits and look is not None:
        files = files_of(look, told.edits)
        data["patch"] = shown(as_diff(files, apply(files, told.edits)))
    where = f" at line {failure.line} of the Dockerfile" if failure.line else ""
    return Answer(f"The build failed{where}: {cause}. {data['advice']}", data)


def _one_line(failure: Failure) -> str:
    if failure.instruction:
        return f"{failure.instruction.keyword} {failure.instruction.value.text}"
    return failure.log.failed.title if failure.log.failed else ""


def _look(
    context: Path | None, dockerfile: Path | None, build_args: Mapping[str, str] | None, sizes: Mapping[str, int] | None
) -> Look | None:
    """The sources, where they are there and can be read: a log is worth an answer without them."""
    path = dockerfile or context
    if path is None:
        return None
    try:
        return look_at(path, context, build_args=build_args, sizes=sizes, demanding=False)
    except ShipmateError:
        return None


def failure_in(text: str, look: Look | None = None) -> Failure | None:
    """The cause of a failure; None where the log shows none.

    The deepest kind that any line of the failed step shows is the cause; of one kind the first line counts.
    """
    log = read_log(text)
    if not (log.error or log.failed or log.builder == "unknown"):
        return None
    found = _instruction(log, look)
    stage = (
        next((one for one in look.layout.stages if found in one.body or found is one.opening), None)
        if look and found
        else None
    )
    lines = _telling(log)
    for kind in all_kinds():
        for line in lines:
            for pattern in kind.patterns:
                match = pattern.search(line)
                told = kind.explain(Case(log, look, found, stage, match, line)) if match else None
                if told:
                    at = told.line or _told_line(log, line) or (found.line if found else None) or log.line
                    return Failure(log, kind, told, at, found, _evidence(kind, line, log))
    if not (log.error or log.failed):
        return None
    last = next((line for line in reversed(lines) if line.strip()), log.error)
    what = f"exit code {log.exit_code}" if log.exit_code else "an error"
    told = Told(f"The command ended with {what}: {last}", "Its own messages stand above; run it in the image before.")
    return Failure(log, None, told, found.line if found else log.line, found, (last,))


def _telling(log: BuildLog) -> list[str]:
    """The lines that may tell of the cause: warnings do not, unless a tool gave up after them."""
    lines = log.lines[-LAST_LINES:]
    return [line for line in lines if not _WARNING.match(line) or _GAVE_UP.search(line)]


def _told_line(log: BuildLog, line: str) -> int | None:
    found = re.search(
        r"(?:dockerfile parse error (?:on )?line|Dockerfile parse error line|parse error on line) (\d+)", line
    )
    return int(found[1]) if found and not (log.failed and log.failed.lines) else None


def _evidence(kind: Kind, line: str, log: BuildLog) -> tuple[str, ...]:
    others = [one for one in _telling(log) if one != line and any(pattern.search(one) for pattern in kind.patterns)]
    last = [log.error] if log.error and kind.depth != "last" else []
    return tuple(dict.fromkeys([line, *others, *last]))[:EVIDENCE]


def _instruction(log: BuildLog, look: Look | None) -> Instruction | None:
    """The instruction of a Dockerfile that a log says failed."""
    if look is None:
        return None
    instructions = look.file.instructions
    if log.line:
        return next((one for one in instructions if one.line <= log.line <= one.end_line), None)
    step = log.failed
    if step is None or not step.title:
        return None
    if step.number is not None and log.builder == "classic" and step.number <= len(instructions):
        return instructions[step.number - 1]
    keyword = step.title.split(maxsplit=1)[0].upper()
    stages = [one for one in look.layout.stages if step.stage in {one.name, f"stage-{one.index}"}] or list(
        look.layout.stages
    )
    own = [(stage, one) for stage in stages for one in ([stage.opening] if stage.opening else []) + list(stage.body)]
    same = [(stage, one) for stage, one in own if one.keyword == keyword]
    scored = sorted(same, key=lambda pair: -_likeness(step.title, *pair))
    return scored[0][1] if scored and _likeness(step.title, *scored[0]) > 0.5 else None  # noqa: PLR2004  more alike than not


def _likeness(title: str, stage: Stage, found: Instruction) -> float:
    wanted = " ".join(title.split())
    flags = " ".join(found.text_of(flag) for flag in found.flags)
    written = " ".join(f"{found.keyword} {flags} {found.value.text}".split())
    plain = " ".join(f"{found.keyword} {found.value.text}".split())
    said = " ".join(f"{found.keyword} {flags} {stage.said(found)}".split())
    if wanted in {written, plain, said}:
        return 1.0
    return max(difflib.SequenceMatcher(None, wanted[:200], one[:200]).ratio() for one in (written, plain, said))
