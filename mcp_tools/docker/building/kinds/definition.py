"""What is wrong in the Dockerfile itself, and what is not in the build context."""

from __future__ import annotations

import re

from mcp_tools.diagnosis.names import near
from mcp_tools.docker.building.model import Case, Told, explains, swapped
from mcp_tools.docker.dockerfile.context import clean_path
from mcp_tools.docker.dockerfile.edits import DOCKERIGNORE, Edit
from mcp_tools.docker.dockerfile.model import insert, line_before, replace
from mcp_tools.docker.dockerfile.stages import operands
from mcp_tools.docker.dockerfile.syntax import INSTRUCTIONS


@explains("unknown-instruction")
def unknown_instruction(case: Case) -> Told:
    """A typing error, or a line that was meant to continue the one above."""
    name = case.group("name")
    found = (
        next((one for one in case.look.file.instructions if one.keyword == name.upper()), None) if case.look else None
    )
    line = found.line if found else _line_told(case.text)
    meant = near(name.upper(), sorted(INSTRUCTIONS), 0.6)
    if meant and found:
        start = found.start + len(found.indent)
        return Told(
            f"{name} is no instruction; {meant} is",
            f"Write {meant}.",
            (replace(start, start + len(name), meant),),
            line,
        )
    if case.look and found and "<<" in case.look.file.text[: found.start]:
        return Told("The builder knows no heredocs", "Use BuildKit with docker/dockerfile 1.4 or newer.", line=line)
    edits: tuple[Edit, ...] = ()
    if found and case.look and meant == "":
        before = [one for one in case.look.file.instructions if one.end == found.start]
        if (
            before
            and before[0].keyword == "RUN"
            and (name in {"&&", "||", "|"} or name.startswith("-") or name.islower())
        ):
            end = before[0].start + len(before[0].text.rstrip())
            edits = (insert(end, " \\"),)
    what = f"Line {line}" if line else "A line"
    return Told(
        f"{name} is no instruction: {what.lower()} was meant to continue the one above",
        "End the line above with a \\.",
        edits,
        line,
    )


@explains("missing-arg")
def missing_arg(case: Case) -> Told:
    """An ARG for FROM has to stand before the first FROM, with a default or a --build-arg."""
    names = re.findall(r"\$\{?(\w+)", case.group("name")) or re.findall(r"\$\{?(\w+)", case.command)
    if not names and case.look:
        empty = [one for one in case.look.layout.stages if one.opening and (not one.base or one.base.endswith(":"))]
        names = re.findall(r"\$\{?(\w+)", empty[0].opening.value.text) if empty and empty[0].opening else []
    if not names:
        return Told(f"{case.group('name') or 'The base'} is no valid name of an image", "Correct the name behind FROM.")
    name, line = names[0], None
    edits: tuple[Edit, ...] = ()
    late = "nothing gives it a value"
    if case.look:
        line = next(
            (one.line for one in case.look.file.instructions if one.keyword == "FROM" and f"{name}" in one.value.text),
            None,
        )
        meant = near(name, [known for known in case.look.layout.global_lines if known != name], 0.5)
        later = [
            one
            for one in case.look.file.instructions
            if one.keyword == "ARG" and one.value.text.partition("=")[0] == name
        ]
        first = next((one for one in case.look.file.instructions if one.keyword == "FROM"), None)
        if name not in case.look.layout.global_lines and later and first:
            late = "its ARG stands behind FROM"
            edits = (line_before(first, later[0].text.strip()),)
        elif name not in case.look.layout.global_lines and meant and first:
            late = f"there is {meant}"
            edits = swapped(case, name, meant, [one for one in case.look.file.instructions if one.line == line])
    return Told(
        f"{name} in FROM is empty: {late}",
        f"Give --build-arg {name}=…, or a default: ARG {name}=… before the first FROM.",
        edits,
        line,
    )


@explains("copy-ignored")
def copy_ignored(case: Case) -> Told | None:
    """On the disk, and not in what the engine was sent."""
    path = _source(case)
    if case.look is None or not path or _from_stage(case):
        return None
    context = case.look.context
    on_disk = path in context.files or any(name.startswith(f"{path}/") for name in context.files)
    if not on_disk or context.there(path):
        return None
    text = case.look.ignore_text or ""
    gap = "" if text.endswith("\n") or not text else "\n"
    return Told(
        f"{path} is there, and {context.ignore_file.name} leaves it out",
        f"Let it in: !{path} at the end of {context.ignore_file.name}.",
        (Edit(DOCKERIGNORE, len(text), len(text), f"{gap}!{path}\n"),),
    )


@explains("copy-missing")
def copy_missing(case: Case) -> Told | None:
    """Never made, elsewhere, or misspelt."""
    path = _source(case)
    stage = _from_stage(case)
    if stage:
        hint = (
            " Next.js makes it only with output: 'standalone' in its configuration."
            if ".next/standalone" in path
            else ""
        )
        return Told(
            f"The stage {stage} has no /{path}",
            f"Look at what that stage really makes, and where its WORKDIR is.{hint}",
        )
    if case.look is None:
        return Told(
            f"{path or 'What is copied'} is not in the build context",
            "Build from the directory that it is in, or correct the path.",
        )
    names = [one.path for one in case.look.context.files.values() if not one.ignored]
    folders = sorted({name.rpartition("/")[0] for name in names} - {""})
    deeper = [name for name in (*names, *folders) if name.endswith(f"/{path}")]
    meant = near(path, [*names, *folders], 0.8) or (deeper[0] if len(deeper) == 1 else "")
    if meant:
        return Told(
            f"{path} is not in the build context; there is {meant}",
            f"Write {meant}.",
            swapped(case, _written(case, path), meant),
        )
    where = case.look.context.root.name
    return Told(
        f"{path} is not in the build context {where}",
        "Make it, build from the directory that it is in, or correct the path.",
    )


def _source(case: Case) -> str:
    path = clean_path(case.group("path")) if case.group("path") else ""
    # Of a folder that the engine made, its name is no part of the path.
    path = re.sub(r"^.*/(?:buildkit-mount|docker-builder)\d+/", "", path)
    if not path and case.instruction:
        path = clean_path(operands(case.instruction)[0].text)
    return path


def _written(case: Case, path: str) -> str:
    words = [word.text for word in operands(case.instruction)] if case.instruction else []
    return next((word for word in words if clean_path(word) == path), path)


def _from_stage(case: Case) -> str:
    if case.instruction:
        return case.instruction.flag("from") or ""
    found = re.search(r"--from=(\S+)", case.command)
    return found[1] if found else ""


@explains("copy-target")
def copy_target(case: Case) -> Told:
    """The classic builder insists on a slash; BuildKit fails where a file is in the way."""
    words = operands(case.instruction) if case.instruction and case.instruction.keyword in {"COPY", "ADD"} else []
    edits = (
        (insert(words[-1].place[1], "/"),)
        if words and not words[-1].text.endswith("/") and case.instruction and case.instruction.json is None
        else ()
    )
    return Told(
        "Several files cannot become one: what they are copied to has to be a directory",
        "End the target with a /.",
        edits,
    )


@explains("unknown-stage")
def unknown_stage(case: Case) -> Told | None:
    """What is no stage is taken for an image of that name, and asked of the registry."""
    name = case.group("name").partition(":")[0]
    target = "target stage" in case.text
    if case.look is None:
        return Told(f"There is no stage {name}", "Name a stage of the Dockerfile.") if target else None
    stages = [one.name for one in case.look.layout.stages if one.name]
    users = [one for one in case.look.file.instructions if (one.flag("from") or "") == name]
    bases = [one for one in case.look.file.instructions if one.keyword == "FROM" and one.value.text.split()[0] == name]
    if case.look.layout.named(name) is not None and users:
        return Told(
            f"Stage {name} stands behind the line that copies from it", f"Move stage {name} up.", line=users[0].line
        )
    meant = near(name, stages, 0.6)
    if not meant or not (users or bases or target):
        return None
    edits = swapped(case, name, meant, [*users, *bases])
    line = (users or bases)[0].line if users or bases else None
    return Told(
        f"There is no stage {name}, so it was taken for an image; there is {meant}", f"Write {meant}.", edits, line
    )


def _line_told(text: str) -> int | None:
    found = re.search(r"line (\d+)", text)
    return int(found[1]) if found else None
