"""The order of layers, and what is kept between builds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.context import clean_path
from mcp_tools.docker.dockerfile.model import Finding, Look, finding, insert, line_after, replace, rule
from mcp_tools.docker.dockerfile.stages import Stage, operands

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.edits import Edit
    from mcp_tools.docker.dockerfile.shell import Command
    from mcp_tools.docker.dockerfile.syntax import Instruction

SYSTEM = frozenset({"apt-get", "apt", "apk", "yum", "dnf", "microdnf", "rm", "mkdir", "adduser", "addgroup", "useradd"})
_NESTED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)", re.MULTILINE)
_LOCAL = re.compile(r"^\s*(?:-e\b|--editable|\.{1,2}/|\.\s*$|file:)", re.MULTILINE)
HOME = "/root"
"""Of the user that RUN is, in nearly every image: where tools keep what they fetched."""
LIFECYCLE = ("preinstall", "install", "postinstall", "prepare")


@dataclass(frozen=True, slots=True)
class Install:
    """A command that fetches what a list of dependencies names.

    Attributes:
        files: The lists, as paths of the context; None where it needs the sources.
        cache: The folder that it keeps downloads in, below the home of root.
        tool: For people.
    """

    files: tuple[str, ...] | None
    cache: str
    tool: str


def install_of(look: Look, command: Command) -> Install | None:  # noqa: C901  one branch a tool
    """Which dependencies a command installs; None where it installs none."""
    words = command.arguments
    there = look.context.there

    def lists(*names: str) -> tuple[str, ...] | None:
        return tuple(name for name in names if there(name))

    if is_pip(command) and "install" in words:
        return Install(_requirements(look, command), f"{HOME}/.cache/pip", "pip")
    if command.is_("npm", "ci") or command.is_("npm", "install") or command.is_("npm", "i"):
        plain = [word for word in words[1:] if not word.startswith("-")]
        needed = None if plain or _runs_scripts(look) else lists("package.json", "package-lock.json", ".npmrc")
        return Install(needed, f"{HOME}/.npm", "npm")
    if command.name == "yarn" and (not words or words[0] in {"install", "--frozen-lockfile", "--immutable"}):
        needed = None if _runs_scripts(look) else lists("package.json", "yarn.lock", ".npmrc", ".yarnrc.yml")
        return Install(needed, "/usr/local/share/.cache/yarn", "yarn")
    if command.is_("pnpm", "install") or command.is_("pnpm", "i"):
        needed = None if _runs_scripts(look) else lists("package.json", "pnpm-lock.yaml", ".npmrc")
        return Install(needed, f"{HOME}/.local/share/pnpm/store", "pnpm")
    if command.is_("go", "mod", "download"):
        return Install(lists("go.mod", "go.sum"), "/go/pkg/mod", "go")
    if command.is_("go", "build"):
        return Install(None, f"{HOME}/.cache/go-build", "go")
    if command.is_("cargo", "build") or command.is_("cargo", "install"):
        return Install(None, "/usr/local/cargo/registry", "cargo")
    if command.name in {"mvn", "mvnw"} and any(word in words for word in ("package", "install", "verify", "compile")):
        return Install(None, f"{HOME}/.m2", "maven")
    if command.is_("uv", "sync"):
        needed = lists("pyproject.toml", "uv.lock") if command.has("--no-install-project") else None
        return Install(needed, f"{HOME}/.cache/uv", "uv")
    if command.is_("poetry", "install"):
        needed = lists("pyproject.toml", "poetry.lock") if command.has("--no-root", "--only-root") else None
        return Install(needed, f"{HOME}/.cache/pypoetry", "poetry")
    if command.is_("bundle", "install"):
        return Install(lists("Gemfile", "Gemfile.lock"), "/usr/local/bundle/cache", "bundler")
    return None


def is_pip(command: Command) -> bool:
    """Whether it is pip, by its own name or as a module of Python."""
    words = command.arguments
    return command.name in {"pip", "pip3"} or (command.name.startswith("python") and words[:2] == ("-m", "pip"))


def _requirements(look: Look, command: Command) -> tuple[str, ...] | None:
    """The files that `pip install -r` reads; None where it installs the sources themselves."""
    words = list(command.arguments[command.arguments.index("install") + 1 :])
    files: list[str] = []
    for index, word in enumerate(words):
        if word in {"-r", "--requirement", "-c", "--constraint"} and index + 1 < len(words):
            files.append(clean_path(words[index + 1]))
        elif word.startswith(("-r", "--requirement=")) and len(word) > 2:  # noqa: PLR2004  -rFILE
            files.append(clean_path(word.removeprefix("--requirement=").removeprefix("-r")))
        elif word in {".", "-e", "--editable"} or word.startswith(("./", ".[")):
            return None
    seen: list[str] = []
    for name in files:
        found = _nested(look, name, seen)
        if found is None:
            return None
    return tuple(seen)


def _nested(look: Look, name: str, seen: list[str]) -> list[str] | None:
    if name in seen:
        return seen
    text = look.context.text(name)
    if not text or _LOCAL.search(text):
        return None
    seen.append(name)
    folder = name.rpartition("/")[0]
    for other in _NESTED.findall(text):
        if _nested(look, clean_path(f"{folder}/{other}"), seen) is None:
            return None
    return seen


def package_json(look: Look) -> dict[str, object]:
    """What the context's `package.json` says; empty where there is none."""
    try:
        found = json.loads(look.context.text("package.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _runs_scripts(look: Look) -> bool:
    """Whether installing runs or links the sources: then they have to be there first."""
    about = package_json(look)
    scripts = about.get("scripts")
    linked = '"file:' in look.context.text("package.json")
    return linked or "workspaces" in about or (isinstance(scripts, dict) and any(one in scripts for one in LIFECYCLE))


@rule("cache-order", "The sources are copied before the dependencies are installed", "high")
def copied_too_early(look: Look) -> Iterator[Finding]:
    """Docker: "Order your layers"; a changed file invalidates every layer behind the COPY that takes it."""
    for stage in look.layout.stages:
        early: Instruction | None = None
        between: list[Command] = []
        for found in stage.body:
            if found.keyword in {"COPY", "ADD"} and _takes_all(found):
                early, between = found, []
            if found.keyword != "RUN" or early is None:
                continue
            commands = look.commands[found.line]
            install = next((one for one in (install_of(look, command) for command in commands) if one), None)
            if install is None or install.tool in {"cargo", "maven"} or (install.tool == "go" and not install.files):
                between += commands
                continue
            patch = _reordered(look, early, found, install, [*between, *commands])
            reason = (
                f"Line {early.line} copies all sources before line {found.line} installs the dependencies with "
                f"{install.tool}: every change of a source file installs all of them again"
            )
            yield finding(early.line, reason, *patch, repeats=f"the whole {install.tool} install", risk=1)
            early = None


def _takes_all(found: Instruction) -> bool:
    words = [word.text for word in operands(found)]
    return not found.flag("from") and found.flag("from") is None and "." in {word.rstrip("/") for word in words[:-1]}


def _reordered(
    look: Look, early: Instruction, run: Instruction, install: Install, before: list[Command]
) -> tuple[Edit, ...]:
    """The lists first, the rest behind the installation; nothing where a command may need the rest."""
    simple = all(command.name in SYSTEM or install_of(look, command) == install for command in before)
    if not install.files or not simple or early.json is not None or early.heredocs:
        return ()
    words = operands(early)
    target = words[-1].text
    if len(words) != 2 or not all(look.context.there(name) for name in install.files):  # noqa: PLR2004  COPY . TARGET
        return ()
    into = target if target.endswith("/") else f"{target}/"
    by_folder: dict[str, list[str]] = {}
    for name in install.files:
        by_folder.setdefault(name.rpartition("/")[0], []).append(name)
    flags = "".join(f" {early.text_of(flag)}" for flag in early.flags)
    copies = [
        f"{early.keyword}{flags} {' '.join(names)} {into}{f'{folder}/' if folder else ''}"
        for folder, names in by_folder.items()
    ]
    body = early.text.rstrip("\r\n")
    return (
        replace(early.start, early.start + len(body), f"\n{early.indent}".join(copies)),
        line_after(run, body),
    )


@rule("cache-mount", "Downloads are kept in the layer, or fetched again by every build", "medium", "DL3042")
def no_cache_mount(look: Look) -> Iterator[Finding]:
    """Docker: "Use cache mounts"; what is in one is kept between builds and is in no layer."""
    for stage in look.layout.stages:
        told: set[int] = set()
        for found, command in look.runs(stage):
            install = install_of(look, command)
            mounted = any(flag.name == "mount" and "type=cache" in (flag.value or "") for flag in found.flags)
            if install and not mounted and found.line not in told and not _fetches_nothing(look, stage, found, command):
                told.add(found.line)
                yield _unmounted(look, stage, found, command, install)


def _fetches_nothing(look: Look, stage: Stage, found: Instruction, command: Command) -> bool:
    """What it needs is there already, below the folder that a mount would hide; or it is of a global installation."""
    if command.has("-g", "--global", "--offline", "--frozen", "--no-index"):
        return True
    if command.name in {"mvn", "mvnw"} and command.has("-o"):
        return True
    earlier = [one for run, one in look.runs(stage) if run.line < found.line and one.name == command.name]
    return any("dependency:" in str(one.arguments) or one.is_("cargo", "fetch") for one in earlier)


def _unmounted(look: Look, stage: Stage, found: Instruction, command: Command, install: Install) -> Finding:
    scope = stage.scopes.get(found.line, {})
    off = install.tool == "pip" and (
        command.has("--no-cache-dir") or scope.get("PIP_NO_CACHE_DIR", "").lower() in {"1", "true", "yes", "on"}
    )
    cleaned = any(
        one.is_("npm", "cache", "clean")
        or one.is_("yarn", "cache", "clean")
        or (one.name == "rm" and ".cache" in str(one.arguments))
        for one in look.commands[found.line]
    )
    ends_up = stage in look.shipped and not off and not cleaned
    what = (
        f"{install.tool} keeps its downloads in the layer, and fetches all of them again when the list changes"
        if ends_up
        else f"{install.tool} fetches everything again whenever this layer is built"
    )
    remedy = "does neither" if ends_up else "keeps what it fetched"
    return finding(
        found.line, f"{what}: a cache mount {remedy}", *_mounted(found, command, install, stage, off=off),
        repeats=f"every download of {install.tool}", risk=1,
    )  # fmt: skip


def _mounted(found: Instruction, command: Command, install: Install, stage: Stage, *, off: bool) -> tuple[Edit, ...]:
    # Another user has another home, and a mount is root's unless it says otherwise.
    if _user_at(stage, found) not in {"", "root", "0"} or found.json is not None or found.heredocs:
        return ()
    edits = []
    if off:
        flag = next((word for word in command.plain if word.text == "--no-cache-dir"), None)
        if flag is None:
            return ()
        edits.append(replace(flag.start, flag.end + 1, ""))
    at = found.start + len(found.indent) + len("RUN")
    return (insert(at, f" --mount=type=cache,target={install.cache}"), *edits)


def _user_at(stage: Stage, found: Instruction) -> str:
    before = [one for one in stage.whole if one.keyword == "USER" and (one not in stage.body or one.line < found.line)]
    return stage.said(before[-1]).partition(":")[0] if before else ""


@rule("late-cleanup", "Files are deleted in a later layer than the one that holds them", "medium")
def late_cleanup(look: Look) -> Iterator[Finding]:
    """A layer only adds: what a later one deletes is still shipped."""
    for stage in look.shipped:
        for before, found in zip(stage.body, stage.body[1:], strict=False):
            if before.keyword != "RUN" or found.keyword != "RUN" or found.flags or found.heredocs or before.heredocs:
                continue
            commands = look.commands[found.line]
            cleans = commands and all(
                (one.name == "rm" and any("/var/lib/apt/lists" in word or ".cache" in word for word in one.arguments))
                or one.is_("apt-get", "clean")
                or one.is_("npm", "cache", "clean")
                or one.is_("yum", "clean", "all")
                or one.is_("dnf", "clean", "all")
                for one in commands
            )
            if cleans and before.json is None and found.json is None:
                end = before.start + len(before.text.rstrip())
                joined = f" \\\n{found.indent}    && {found.value.text}"
                reason = f"What line {found.line} deletes stays in the layer of line {before.line}"
                yield finding(found.line, reason, replace(end, found.end, f"{joined}\n"))


@rule("chown-layer", "A second layer holds the same files with another owner", "medium")
def chown_layer(look: Look) -> Iterator[Finding]:
    """`chown -R` copies every file that it touches into a layer of its own."""
    for stage in look.shipped:
        copies = [one for one in stage.body if one.keyword == "COPY" and not one.flag("chown")]
        for found in stage.body:
            commands = look.commands.get(found.line, ()) if found.keyword == "RUN" else ()
            if len(commands) != 1 or commands[0].name != "chown" or not commands[0].has("-R", "--recursive"):
                continue
            plain = [word for word in commands[0].arguments if not word.startswith("-")]
            if len(plain) != 2:  # noqa: PLR2004  owner, folder
                continue
            owner, folder = plain
            touched = [one for one in copies if one.line < found.line and _lands(stage, one, folder)]
            sizes = [
                sum(file.size for word in operands(one)[:-1] for file in look.context.below(word.text))
                for one in touched
                if one.flag("from") is None
            ]
            if touched and not owner.startswith("$"):
                edits = [insert(one.start + len(one.indent) + len("COPY"), f" --chown={owner}") for one in touched]
                reason = (
                    f"chown -R on {folder} puts all of its files into the image once more; COPY --chown does it at once"
                )
                yield finding(found.line, reason, *edits, replace(found.start, found.end, ""), bytes=sum(sizes), risk=2)


def _lands(stage: Stage, copy: Instruction, folder: str) -> bool:
    target = operands(copy)[-1].text if operands(copy) else ""
    before = [one for one in stage.body if one.keyword == "WORKDIR" and one.line < copy.line]
    at = target if target.startswith("/") else f"{stage.said(before[-1]) if before else ''}/{target}"
    return f"/{clean_path(at)}/".startswith(f"/{clean_path(folder)}/")
