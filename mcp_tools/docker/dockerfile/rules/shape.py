"""What the image is made of: stages, bases, how files get in, where variables hold."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.bases import COMPILERS, FULL_BYTES, NOT_IN_SLIM, SLIM_BYTES, base_of
from mcp_tools.docker.dockerfile.expand import names_in
from mcp_tools.docker.dockerfile.model import Finding, Look, finding, insert, line_before, replace, rule
from mcp_tools.docker.dockerfile.rules.caching import is_pip, package_json
from mcp_tools.docker.dockerfile.stages import PLATFORM_ARGS, PREDEFINED, Stage, args_of, operands
from mcp_tools.docker.dockerfile.syntax import Instruction, words_of

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.edits import Edit
    from mcp_tools.docker.dockerfile.shell import Command

BUILD_TOOLS = frozenset(
    {"build-essential", "gcc", "g++", "make", "cmake", "build-base", "musl-dev", "libc6-dev", "libc-dev", "python3-dev"}
)
BUILD_TOOLS |= {"linux-headers", "golang", "golang-go", "cargo", "rustc", "maven", "gradle", "default-jdk", "clang"}
_ARCHIVE = re.compile(r"\.(?:tar(?:\.(?:gz|bz2|xz|zst))?|tgz|tbz2?|txz|gz|bz2|xz)$")
_PIPED = frozenset({"sh", "bash", "ash", "dash", "python", "python3", "node"})
EXPANDED = frozenset({"ADD", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"})


@rule("multi-stage", "The tools to build with are in the image", "medium")
def multi_stage(look: Look) -> Iterator[Finding]:
    """Docker: "Multi-stage builds"; a compiler is of no use to the program and of much to an intruder."""
    final = look.final
    if final is None or final.opening is None:
        return
    base = base_of(final.root)
    for stage in look.shipped:
        for found, one in look.runs(stage):
            tools = [word for word in one.arguments if word in BUILD_TOOLS] if _installs(one) else []
            removed = any(
                word in str(cmd.arguments)
                for cmd in look.commands[found.line]
                for word in ("purge", "autoremove", "del")
            )
            if tools and not removed:
                names = ", ".join(tools[:3])
                edits = _python_stages(look, found, one)
                yield finding(
                    found.line, f"{names} is shipped with the program, which does not need it to run", *edits, risk=3
                )
                return
        for found, one in look.runs(stage):
            builds = _builds(one)
            node = one.name in {"npm", "yarn"} and bool(package_json(look).get("devDependencies"))
            if builds and (base.repository in COMPILERS or node):
                what = "node_modules with what only building needs" if node else f"all of {base.repository}"
                reason = (
                    f"`{one.name} {' '.join(one.arguments[:2])}` builds in the stage that is shipped, {what} with it"
                )
                yield finding(found.line, f"{reason}. Build in a stage of its own, and COPY --from it what runs")
                return


def _builds(one: Command) -> bool:
    if one.name in {"mvn", "mvnw", "gradle"}:
        return bool(one.arguments)
    bundles = one.name in {"npm", "yarn"} and "build" in one.arguments
    return bundles or one.is_("go", "build") or one.is_("cargo", "build")


def _installs(command: Command) -> bool:
    return command.name in {"apt-get", "apt", "apk", "dnf", "yum"} and any(
        word in command.arguments for word in ("install", "add")
    )


def _python_stages(look: Look, tools: Instruction, install: Command) -> tuple[Edit, ...]:
    """Pip's packages made in a stage of their own, where that is all the tools are for."""
    final = look.final
    if (
        final is None
        or final.opening is None
        or len(look.layout.stages) != 1
        or base_of(final.base).program != "python"
    ):
        return ()
    plain = [word for word in install.arguments[1:] if not word.startswith("-")]
    pip = [found for found, one in look.runs(final) if is_pip(one) and "install" in one.arguments]
    body = list(final.body)
    if not set(plain) <= BUILD_TOOLS or len(pip) != 1 or pip[0].line < tools.line or pip[0].json is not None:
        return ()
    if [one for one in look.commands[pip[0].line] if not is_pip(one)] or "--python" in pip[0].value.text:
        return ()
    before = body[: body.index(pip[0]) + 1]
    allowed = {"ARG", "ENV", "LABEL", "WORKDIR", "COPY", "RUN"}
    own = [one for one in before if one.keyword == "RUN" and one not in {tools, pip[0]}]
    copies_all = any(one.keyword == "COPY" and operands(one)[0].text.rstrip("/") == "." for one in before)
    if own or copies_all or any(one.keyword not in allowed for one in before):
        return ()
    opening = final.opening
    names = " AS build" if not final.name else ""
    kept = "".join(one.text for one in before if one.keyword in {"ARG", "ENV", "LABEL", "WORKDIR"})
    again = f"\n{opening.text.rstrip()}\n{kept}COPY --from=build /venv /venv\nENV PATH=/venv/bin:$PATH\n"
    if names == "":
        return ()
    end = opening.start + len(opening.text.rstrip())
    venv = "RUN python -m venv /venv\nENV PATH=/venv/bin:$PATH\n"
    gap = "" if pip[0].text.endswith("\n") else "\n"
    return (insert(end, names), insert(pip[0].start, venv), insert(pip[0].end, gap + again))


@rule("base-choice", "A full base image where a slim one does", "medium")
def base_choice(look: Look) -> Iterator[Finding]:
    """Official images: the full variant has compilers, headers, git and more, for building."""
    final = look.final
    root = look.shipped[0] if look.shipped else None
    if final is None or root is None or root.opening is None:
        return
    base = base_of(root.base)
    if (
        base.repository not in FULL_BYTES
        or base.pinned
        or not re.fullmatch(r"\d+(?:\.\d+)*(?:-(?:bookworm|bullseye|trixie))?", base.tag)
    ):
        return
    needs = sorted({one.name for stage in look.shipped for _, one in look.runs(stage) if one.name in NOT_IN_SLIM})
    needs = [name for name in needs if name not in {"python", "python3"} or base.program != "python"]
    word = next(words_of(root.opening.value))
    full, slim = look.sizes.get(root.base), look.sizes.get(f"{root.base}-slim")
    saved = full - slim if full and slim else FULL_BYTES[base.repository] - SLIM_BYTES[base.repository]
    known = "on this machine" if full and slim else "about, by the public images"
    edits: tuple[Edit, ...] = ()
    if not needs and word.text == root.base:
        edits = (insert(word.end, "-slim"),)
    also = f"; its commands use {', '.join(needs)}, which the slim one lacks" if needs else ""
    reason = f"{root.base} brings compilers, headers and git; {root.base}-slim runs the same program ({known}){also}"
    yield finding(root.opening.line, reason, *edits, bytes=saved, risk=2)


@rule("add-for-copy", "ADD where COPY does", "low", "DL3020")
def add_for_copy(look: Look) -> Iterator[Finding]:
    """Docker: "ADD or COPY"; ADD also unpacks and downloads, which a reader has to rule out."""
    for stage in look.layout.stages:
        for found in stage.body:
            sources = [word.text for word in operands(found)[:-1]] if found.keyword == "ADD" else []
            if not sources or found.heredocs:
                continue
            remote = [one for one in sources if "://" in one or one.startswith("git@")]
            if not remote and not any(_ARCHIVE.search(one) for one in sources):
                start = found.start + len(found.indent)
                yield finding(
                    found.line,
                    "ADD would unpack and download, too; here it only copies",
                    replace(start, start + 3, "COPY"),
                )
            elif any(one.startswith("http") for one in remote) and found.flag("checksum") is None:
                yield finding(
                    found.line, "ADD takes whatever the address gives on the day of the build: give --checksum=sha256:…"
                )


@rule("cd-for-workdir", "cd where WORKDIR is meant", "low", "DL3003")
def cd_for_workdir(look: Look) -> Iterator[Finding]:
    """Docker: "WORKDIR"; `cd` ends with its RUN."""
    for stage in look.layout.stages:
        for index, found in enumerate(stage.body):
            commands = look.commands[found.line] if found.keyword == "RUN" else ()
            if not commands or commands[0].name != "cd" or len(commands[0].arguments) != 1 or commands[0].grouped:
                continue
            folder = commands[0].arguments[0]
            if len(commands) == 1:
                reason = f"cd ends with its RUN: line {found.line} does nothing"
                own = replace(found.start, found.start + len(found.text.rstrip()), f"{found.indent}WORKDIR {folder}")
                yield finding(found.line, reason, *([] if found.heredocs else [own]))
                continue
            before = next((one for one in reversed(stage.body[:index]) if one.keyword == "WORKDIR"), None)
            edits: tuple[Edit, ...] = ()
            if (
                before
                and commands[1].before == "&&"
                and not found.heredocs
                and not found.flags
                and folder.startswith("/")
            ):
                edits = (
                    line_before(found, f"WORKDIR {folder}"),
                    replace(commands[0].start, commands[1].start, ""),
                    insert(
                        found.end, f"{'' if found.text.endswith(chr(10)) else chr(10)}WORKDIR {before.value.text}\n"
                    ),
                )
            yield finding(found.line, f"WORKDIR {folder} says where the command runs, and makes the folder", *edits)


@rule("workdir-relative", "A relative working directory", "low", "DL3000")
def workdir_relative(look: Look) -> Iterator[Finding]:
    """Relative to what the base image happens to have."""
    for stage in look.layout.stages:
        first = next((one for one in stage.whole if one.keyword == "WORKDIR"), None)
        if first is None or first not in stage.body:
            continue
        path = stage.said(first).strip("\"'")
        if path and not path.startswith(("/", "$")) and not re.match(r"[A-Za-z]:", path):
            edits = (insert(first.value.place[0], "/"),) if path == first.value.text else ()
            yield finding(first.line, f"{path} is below whatever folder the base image ends in", *edits, risk=1)


@rule("maintainer", "MAINTAINER is deprecated", "low", "DL4000")
def maintainer(look: Look) -> Iterator[Finding]:
    """Dockerfile reference: use a label."""
    for found in look.file.instructions:
        if found.keyword == "MAINTAINER":
            who = found.value.text.strip("\"'").replace('"', "'")
            new = f'{found.indent}LABEL org.opencontainers.image.authors="{who}"'
            yield finding(
                found.line,
                "MAINTAINER is deprecated: a label says the same",
                replace(found.start, found.start + len(found.text.rstrip()), new),
            )


@rule("arg-scope", "A build argument that is empty here", "high")
def arg_scope(look: Look) -> Iterator[Finding]:
    """Dockerfile reference: an ARG before FROM holds in no stage that does not name it again."""
    for stage in look.layout.stages:
        if stage.opening is None:
            continue
        named: set[str] = set()
        told: set[str] = set()
        for found in stage.body:
            if found.keyword == "ARG":
                named |= {name for name, _ in args_of(found, {})}
                continue
            used = _used(found)
            known = set(stage.scopes.get(found.line, {})) | named | PREDEFINED
            for name in sorted((used & set(look.layout.global_lines)) - known - told):
                told.add(name)
                line = look.layout.global_lines[name]
                new = insert(
                    stage.opening.end, f"ARG {name}\n" if stage.opening.text.endswith("\n") else f"\nARG {name}\n"
                )
                yield finding(
                    found.line, f"ARG {name} of line {line} stands before FROM: in this stage {name} is empty", new
                )
            for name in sorted((used & PLATFORM_ARGS) - known - told):
                told.add(name)
                yield finding(
                    found.line,
                    f"{name} is empty in a stage that does not name it with ARG",
                    insert(stage.opening.end, f"ARG {name}\n"),
                )


def _used(found: Instruction) -> set[str]:
    if found.keyword in EXPANDED:
        return names_in(found.value.text, found.escape)
    if found.keyword == "RUN" and found.json is None and not found.heredocs:
        text = found.value.text
        made = set(re.findall(r"\b([A-Za-z_]\w*)=", text)) | set(
            re.findall(r"\b(?:for|read) (?:-\w+ )*([A-Za-z_]\w*)", text)
        )
        return names_in(re.sub(r"'[^']*'", "", text), found.escape) - made
    return set()


@rule("pipe-to-shell", "A script from the network is run unseen", "medium")
def pipe_to_shell(look: Look) -> Iterator[Finding]:
    """Whoever answers at the address decides what the image is."""
    for stage in look.layout.stages:
        for found in stage.body:
            commands = look.commands[found.line] if found.keyword == "RUN" else ()
            for before, one in itertools.pairwise(commands):
                if one.before == "|" and one.name in _PIPED and before.name in {"curl", "wget"}:
                    reason = f"{before.name} … | {one.name} runs whatever the address gives"
                    yield finding(found.line, f"{reason}: fetch a fixed version and compare its checksum")


@rule("world-writable", "Everybody may write", "medium")
def world_writable(look: Look) -> Iterator[Finding]:
    """Chmod 777: a program that was broken into can change what it runs."""
    for stage in look.shipped:
        for found, one in look.runs(stage):
            if one.name == "chmod" and any(re.fullmatch(r"0?777|a\+rwx|o\+w", word) for word in one.arguments):
                yield finding(
                    found.line, "Whoever breaks into the program can change these files: 755, and an owner, do"
                )


@rule("unused-stage", "A stage that nothing uses", "low")
def unused_stage(look: Look) -> Iterator[Finding]:
    """A stage without a name can be no target and is built by nobody."""
    used = _sources(look)
    for stage in look.layout.stages[:-1]:
        if stage.opening and not stage.name and stage.index not in used:
            yield finding(
                stage.opening.line, "No later stage copies from this one, and it has no name to be a target by", risk=3
            )


def _sources(look: Look) -> set[int]:
    used: set[int] = set()
    for stage in look.layout.stages:
        if stage.parent:
            used.add(stage.parent.index)
        for found in stage.body:
            names = [found.flag("from") or ""]
            names += re.findall(
                r"from=([\w.-]+)", " ".join(flag.value or "" for flag in found.flags if flag.name == "mount")
            )
            for name in names:
                source: Stage | None = look.layout.named(name, stage.index) if name else None
                if source:
                    used.add(source.index)
    return used


@rule("empty-continuation", "A blank line inside of an instruction", "low")
def empty_continuation(look: Look) -> Iterator[Finding]:
    """BuildKit warns "Empty continuation line", and says that it will be an error."""
    for found in look.file.instructions:
        own = found.text.split("\n")
        body = own[: len(own) - sum(doc.content.count("\n") + 1 for doc in found.heredocs)] if found.heredocs else own
        at = found.start
        edits: list[Edit] = []
        going = False
        for line in body:
            if going and not line.strip() and at < found.end:
                edits.append(replace(at, min(at + len(line) + 1, found.end), ""))
            elif not line.strip().startswith("#"):
                going = line.rstrip().endswith(found.escape)
            at += len(line) + 1
        if edits:
            yield finding(
                found.line, "BuildKit warns of blank lines inside of an instruction, and will refuse them", *edits
            )
