"""What can be made better in a Dockerfile, and the file with the patches that go together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.dockerfile import hadolint
from mcp_tools.docker.dockerfile.context import measure, read_context
from mcp_tools.docker.dockerfile.edits import DOCKERFILE, DOCKERIGNORE, apply, as_diff, clash
from mcp_tools.docker.dockerfile.model import ORDER, Finding, Look
from mcp_tools.docker.dockerfile.rules import all_rules
from mcp_tools.docker.dockerfile.rules.sources import megabytes
from mcp_tools.docker.dockerfile.syntax import parse
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.reads.answer import Answer, clip, count
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from mcp_tools.docker.dockerfile.context import Context
    from mcp_tools.docker.dockerfile.edits import Edit

MOST = 20
DIFF_LINES = 120
WIDTH = 300
MAX_BYTES = 1_000_000
MAX_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Improved:
    """A Dockerfile with patches.

    Attributes:
        before, after: The files that are changed, by their names (`Dockerfile`, `.dockerignore`, paths of the context).
        applied: The findings whose patches are in it.
        left: Those that are left: without a patch, or given up.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    applied: tuple[Finding, ...]
    left: tuple[Finding, ...]


def advise(
    dockerfile: Path,
    context: Path | None = None,
    *,
    build_args: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
    with_hadolint: bool = True,
) -> Answer:
    """Judge a Dockerfile: what could be smaller, faster to build, safer, and the patch for it. Builds nothing.

    Args:
        dockerfile: The file, or a folder with a `Dockerfile`.
        context: What is built from; the file's folder if not given.
        build_args: Of the build, for the variables in it.
        sizes: Bytes of images of this machine's engine, by name, which make savings exact.
        with_hadolint: Ask hadolint, too, where it is installed.

    Returns:
        `dockerfile`; `findings` (code, level, line, title, reason, and where known `saves_bytes`, `repeats`, `patch` as
        a unified diff), the gravest first, at most 20; `more`; `hadolint` (whether it was asked and answered);
        `context` (bytes and files that builds may take, and what is left out).

    Raises:
        NotFound: There is no such file.
        UsageError: It is too large, or no Dockerfile.
    """
    look = look_at(dockerfile, context, build_args=build_args, sizes=sizes)
    found = findings_of(look)
    theirs = hadolint.findings(look.file.text, found, all_rules()) if with_hadolint else None
    found = _sorted([*found, *(theirs or ())])
    files = files_of(look)
    told = [_told(one, files) for one in found[:MOST]]
    taken = [one for one in look.context.files.values() if not one.ignored]
    data: dict[str, Any] = {
        "dockerfile": str(dockerfile),
        "findings": told,
        "more": max(0, len(found) - MOST),
        "hadolint": theirs is not None,
        "context": {
            "bytes": sum(one.size for one in taken),
            "files": len(taken),
            "left_out": len(look.context.files) - len(taken),
        },
    }
    if not found:
        return Answer(f"Nothing to say against {dockerfile}.", data)
    patched = sum(bool(one.edits) for one in found)
    saved = sum(one.bytes or 0 for one in found)
    saves = f" They save about {megabytes(saved)}." if saved >= 1e5 else ""  # noqa: PLR2004  what is worth a word
    first = f"line {found[0].line}: {clip(redact_text(found[0].reason), WIDTH)}"
    return Answer(
        f"{count(len(found), 'finding')} in {dockerfile}, {patched} with a patch.{saves} First, {first}.", data
    )


def look_at(
    dockerfile: Path,
    context: Path | None = None,
    *,
    build_args: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
    demanding: bool = True,
) -> Look:
    """Read a Dockerfile with its context; arguments and errors as `advise`.

    Args:
        demanding: Refuse a file without FROM.
    """
    path = dockerfile / "Dockerfile" if dockerfile.is_dir() else dockerfile
    if not path.is_file():
        raise NotFound(f"There is no {path}.", "Name a Dockerfile, or a folder that has one.")
    if path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{path} is too large for a Dockerfile.", "Name the Dockerfile itself.")
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    file = parse(text)
    if demanding and not any(one.keyword == "FROM" for one in file.instructions):
        raise UsageError(f"{path} is no Dockerfile: it has no FROM.", "Name the Dockerfile itself.")
    found = read_context((context or path.parent).resolve(), path.resolve())
    there = found.ignore_file.is_file()
    ignore = found.ignore_file.read_text("utf-8", "replace") if there else None
    return Look(file, found, build_args or {}, sizes or {}, ignore)


def findings_of(look: Look) -> list[Finding]:
    """What the rules find, the gravest first; what a comment tells hadolint to ignore is ignored here, too."""
    ignored = hadolint.ignored(look.file)
    found: list[Finding] = []
    for one in all_rules():
        for told in one.find(look):
            silent = ignored.get(0, frozenset()) | ignored.get(told.line, frozenset())
            if not silent & set(one.same_as):
                found.append(dataclasses.replace(told, code=one.code, level=one.level, title=one.title))
    return _sorted(found)


def _sorted(found: Sequence[Finding]) -> list[Finding]:
    return sorted(found, key=lambda one: (ORDER[one.level], one.line))


def improve(look: Look, without: Collection[str] = (), only: Collection[str] = ()) -> Improved:
    """Put the patches together, those of the gravest findings first, until nothing is left to patch.

    Args:
        without: The codes of findings that are given up.
        only: If given, no others are patched.
    """
    before = files_of(look)
    now, done = look, []
    for _ in range(MAX_ROUNDS):
        edits: list[Edit] = []
        taken: list[Finding] = []
        for one in findings_of(now):
            wanted = one.edits and one.code not in without and (not only or one.code in only)
            if wanted and not clash([*edits, *one.edits]):
                edits += one.edits
                taken.append(one)
        if not edits:
            break
        files = apply(files_of(now), edits)
        now = relook(now, files)
        done += taken
    after = files_of(now)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    kept = {name: text for name, text in before.items() if name in changed}
    return Improved(kept, {name: after[name] for name in changed}, tuple(done), tuple(findings_of(now)))


def files_of(look: Look, edits: Iterable[Edit] = ()) -> dict[str, str]:
    """The texts that patches are of, by their names; those that some edits are of besides."""
    others = {edit.file: look.context.text(edit.file) for edit in edits if edit.file in look.context.files}
    found = {**others, DOCKERFILE: look.file.text, **_scripts(look.context)}
    return found if look.ignore_text is None else {**found, DOCKERIGNORE: look.ignore_text}


def _scripts(context: Context) -> dict[str, str]:
    return {path: context.text(path) for path in context.files if path.endswith(".sh") and not context.ignored(path)}


def relook(look: Look, files: Mapping[str, str]) -> Look:
    """The same with other texts, by their names in a patch; on the disk all stays as it is."""
    ignore = files.get(DOCKERIGNORE)
    context = look.context
    if ignore != look.ignore_text:
        context = measure(context.root, context.ignore_file, ignore or "")
    scripts = {name: text for name, text in files.items() if name not in {DOCKERFILE, DOCKERIGNORE}}
    context = dataclasses.replace(context, texts=scripts)
    return dataclasses.replace(look, file=parse(files[DOCKERFILE]), context=context, ignore_text=ignore)


def _told(one: Finding, files: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "code": one.code,
        "level": one.level,
        "line": one.line,
        "title": one.title,
        "reason": clip(redact_text(one.reason), WIDTH),
    }
    if one.bytes:
        told["saves_bytes"] = one.bytes
    if one.repeats:
        told["repeats"] = one.repeats
    if one.edits:
        told["patch"] = shown(as_diff(files, apply(files, one.edits)))
    if one.source != "shipmate":
        told["source"] = one.source
    return told


def shown(diff: str, most: int = DIFF_LINES) -> str:
    """A diff as it may leave: bounded, redacted."""
    lines = redact_text(diff).splitlines()
    rest = len(lines) - most
    return "\n".join([*(clip(line, WIDTH) for line in lines[:most]), *([f"… {rest} more lines"] if rest > 0 else [])])


def codes(found: Sequence[Finding]) -> list[str]:
    """The rules that found something, each once, in order."""
    return list(dict.fromkeys(one.code for one in found))
