"""Package managers: what they leave behind, what they install besides, and what is not pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.bases import base_of
from mcp_tools.docker.dockerfile.model import Finding, Look, finding, insert, remove, replace, rule
from mcp_tools.docker.dockerfile.rules.caching import is_pip, package_json

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.edits import Edit
    from mcp_tools.docker.dockerfile.shell import Command
    from mcp_tools.docker.dockerfile.syntax import Instruction

_VALUE_OPTIONS = frozenset(
    {"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-t"}
)
_VALUE_OPTIONS |= {"--target", "--prefix", "--python", "--group", "-f", "--find-links", "--trusted-host", "--root"}


def _is_apt(command: Command, verb: str) -> bool:
    return command.name in {"apt-get", "apt"} and verb in command.arguments


def _mounts(found: Instruction, folder: str) -> bool:
    return any(flag.name == "mount" and folder in (flag.value or "") for flag in found.flags)


@rule("apt-lists", "The lists of apt stay in the layer", "medium", "DL3009")
def apt_lists(look: Look) -> Iterator[Finding]:
    """Docker: "apt-get"; the lists take 20 to 50 MB and are old tomorrow."""
    for stage in look.shipped:
        for found in stage.body:
            commands = look.commands[found.line] if found.keyword == "RUN" else ()
            updates = any(_is_apt(one, "update") for one in commands)
            installs = [one for one in commands if _is_apt(one, "install")]
            cleans = any(one.name == "rm" and "/var/lib/apt/lists" in str(one.arguments) for one in commands)
            if not (updates and installs) or cleans or _mounts(found, "/var/lib/apt"):
                continue
            edits = () if found.heredocs or found.json is not None else (insert(installs[-1].end, _CLEAN),)
            yield finding(found.line, "apt-get update leaves its lists in the image, which nobody reads there", *edits)


_CLEAN = " && rm -rf /var/lib/apt/lists/*"


@rule("apt-recommends", "apt installs what is only recommended, too", "low", "DL3015")
def apt_recommends(look: Look) -> Iterator[Finding]:
    """Docker: "apt-get"; Debian's recommended packages are seldom needed in an image."""
    for stage in look.layout.stages:
        for found, one in look.runs(stage):
            if (
                _is_apt(one, "install")
                and not one.has("--no-install-recommends")
                and "Install-Recommends" not in str(one.arguments)
            ):
                edits = _behind(found, one, "install", " --no-install-recommends")
                yield finding(found.line, "Recommended packages come along that nothing here asks for", *edits, risk=2)


@rule("apt-yes", "apt-get asks, and nobody is there to answer", "high", "DL3014")
def apt_yes(look: Look) -> Iterator[Finding]:
    """apt-get install without -y ends with "Abort." where there is no terminal."""
    for stage in look.layout.stages:
        for found, one in look.runs(stage):
            quiet = any(word.startswith("-") and not word.startswith("--") and "y" in word for word in one.arguments)
            answered = quiet or one.has("--yes", "--assume-yes", "-qq") or one.before == "|"
            if _is_apt(one, "install") and not answered:
                yield finding(
                    found.line, "Without -y the build ends at apt's question", *_behind(found, one, "install", " -y")
                )


@rule("apt-for-people", "apt is for people; scripts use apt-get", "low", "DL3027")
def apt_for_people(look: Look) -> Iterator[Finding]:
    """apt(8): its command line may change between releases."""
    for stage in look.layout.stages:
        for found, one in look.runs(stage):
            if one.name == "apt" and one.plain[0].raw == "apt":
                word = one.plain[0]
                edits = () if found.heredocs else (replace(word.start, word.end, "apt-get"),)
                yield finding(found.line, "apt says itself that its interface is not stable in scripts", *edits)


@rule("apt-update-alone", "apt-get update in a layer of its own", "high", "DL3009")
def apt_update_alone(look: Look) -> Iterator[Finding]:
    """Docker: "apt-get"; the cached layer keeps old lists, and a later install asks for packages that are gone."""
    for stage in look.layout.stages:
        for index, found in enumerate(stage.body):
            commands = look.commands[found.line] if found.keyword == "RUN" else ()
            if not commands or not all(_is_apt(one, "update") for one in commands):
                continue
            later = [
                (other, one)
                for other in stage.body[index + 1 :]
                if other.keyword == "RUN"
                for one in look.commands[other.line]
                if _is_apt(one, "install")
            ]
            edits: tuple[Edit, ...] = ()
            if later and not later[0][0].heredocs and later[0][0].json is None:
                edits = (remove(found), insert(later[0][1].start, f"{found.value.text} && "))
            reason = "The lists in this layer's cache get old: a package that is asked for later may be gone by then"
            yield finding(found.line, reason, *edits)


@rule("apk-cache", "apk keeps its index in the layer", "medium", "DL3019")
def apk_cache(look: Look) -> Iterator[Finding]:
    """Alpine: `apk add --no-cache` keeps no index, and needs no `apk update`."""
    for stage in look.shipped:
        for found, one in look.runs(stage):
            cleans = any(
                cmd.name == "rm" and "/var/cache/apk" in str(cmd.arguments) for cmd in look.commands[found.line]
            )
            if (
                one.is_("apk", "add")
                and not one.has("--no-cache")
                and not cleans
                and not _mounts(found, "/var/cache/apk")
            ):
                yield finding(
                    found.line, "The index of apk stays in the image", *_behind(found, one, "add", " --no-cache")
                )


@rule("dnf-cache", "dnf or yum keeps its cache in the layer", "medium", "DL3032", "DL3040")
def dnf_cache(look: Look) -> Iterator[Finding]:
    """The metadata of a distribution's repositories takes some 100 MB."""
    for stage in look.shipped:
        for found, one in look.runs(stage):
            if (
                one.name not in {"dnf", "yum", "microdnf"}
                or "install" not in one.arguments
                or _mounts(found, "/var/cache")
            ):
                continue
            cleans = any(cmd.name == one.name and "clean" in cmd.arguments for cmd in look.commands[found.line])
            if not cleans and not any("/var/cache" in str(cmd.arguments) for cmd in look.commands[found.line]):
                edits = (
                    () if found.heredocs or found.json is not None else (insert(one.end, f" && {one.name} clean all"),)
                )
                yield finding(found.line, f"The metadata of {one.name} stays in the image", *edits)


@rule("pip-unpinned", "A Python package without a version", "medium", "DL3013")
def pip_unpinned(look: Look) -> Iterator[Finding]:
    """Another day brings another version: the build is not the same twice."""
    for stage in look.layout.stages:
        for found, one in look.runs(stage):
            if not is_pip(one) or "install" not in one.arguments:
                continue
            loose = [name for name in _packages(one) if not re.search(r"[=<>~@]", name)]
            if loose:
                names = ", ".join(loose[:4])
                yield finding(
                    found.line, f"{names} is whatever is newest on the day of the build: name a version, or a lock"
                )


def _packages(command: Command) -> Iterator[str]:
    words = command.arguments[command.arguments.index("install") + 1 :]
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in _VALUE_OPTIONS
        elif "/" not in word and not word.startswith((".", "$")) and word not in {"pip", "setuptools", "wheel"}:
            yield word


@rule("npm-unpinned", "An npm package without a version", "medium", "DL3016")
def npm_unpinned(look: Look) -> Iterator[Finding]:
    """As `pip-unpinned`."""
    for stage in look.layout.stages:
        for found, one in look.runs(stage):
            if one.is_("npm", "install") or one.is_("npm", "i"):
                plain = [word for word in one.arguments[1:] if not word.startswith(("-", ".", "/", "$"))]
                loose = [word for word in plain if "@" not in word[1:]]
                if loose:
                    yield finding(
                        found.line,
                        f"{', '.join(loose[:4])} is whatever is newest on the day of the build: name a version",
                    )


@rule("npm-install", "npm install may install other versions than the lock names", "medium")
def npm_install(look: Look) -> Iterator[Finding]:
    """npm: `npm ci` installs what the lock names and nothing else."""
    for stage in look.layout.stages:
        for found, one in look.runs(stage):
            plain = [word for word in one.arguments[1:] if not word.startswith("-")]
            if (
                one.is_("npm", "install")
                and not plain
                and not one.has("-g")
                and look.context.there("package-lock.json")
            ):
                word = next(word for word in one.plain if word.text == "install")
                edits = () if found.heredocs or found.json is not None else (replace(word.start, word.end, "ci"),)
                reason = "npm install may change what package-lock.json names; npm ci installs exactly that, and faster"
                yield finding(found.line, reason, *edits, risk=1)


@rule("npm-development", "Packages for development are in the image", "medium")
def npm_development(look: Look) -> Iterator[Finding]:
    """npm: `--omit=dev`; also what NODE_ENV=production means."""
    if not package_json(look).get("devDependencies"):
        return
    for stage in look.shipped:
        builds = any(one.is_("npm", "run") or one.name in {"npx", "tsc", "next", "vite"} for _, one in look.runs(stage))
        for found, one in look.runs(stage):
            production = stage.scopes.get(found.line, {}).get("NODE_ENV") == "production"
            installs = one.is_("npm", "ci") or (one.is_("npm", "install") and len(one.arguments) == 1)
            if installs and not production and not builds and not one.has("--omit", "--production", "--only"):
                edits = _behind(found, one, one.arguments[0], " --omit=dev")
                yield finding(
                    found.line, "The packages that package.json has for development are shipped, too", *edits, risk=2
                )


@rule("unpinned-base", "A base image without a fixed version", "medium", "DL3006", "DL3007")
def unpinned_base(look: Look) -> Iterator[Finding]:
    """Docker: "Pin base image versions"; `latest` is another image tomorrow."""
    for stage in look.layout.stages:
        if stage.opening is None or stage.parent or not stage.base or stage.base == "scratch":
            continue
        base = base_of(stage.base)
        if base.pinned or base.tag not in {"", "latest"}:
            continue
        edits = _pinned(look, stage.opening, base.program)
        what = f"{stage.base} is whatever is newest on the day of the build"
        yield finding(stage.opening.line, f"{what}: name a version", *edits, risk=2)


def _pinned(look: Look, opening: Instruction, program: str) -> tuple[Edit, ...]:
    """The version that the sources themselves name, if they do."""
    version = ""
    if program == "python":
        found = re.match(r"\s*(\d+\.\d+)", look.context.text(".python-version"))
        version = found[1] if found else ""
    elif program == "node":
        found = re.match(r"\s*v?(\d+)", look.context.text(".nvmrc") or look.context.text(".node-version"))
        version = found[1] if found else ""
    elif program == "golang":
        found = re.search(r"^go (\d+\.\d+)", look.context.text("go.mod"), re.MULTILINE)
        version = found[1] if found else ""
    word = opening.value.text.split()[0]
    if not version or "$" in word:
        return ()
    start = opening.value.place[0]
    return (replace(start, start + len(word), f"{word.partition(':')[0]}:{version}"),)


@rule("sudo", "sudo in a build", "low", "DL3004")
def sudo(look: Look) -> Iterator[Finding]:
    """A build is root until USER says otherwise: sudo is one more program that can give root."""
    for stage in look.layout.stages:
        for found, one in look.runs(stage):
            word = one.words[0]
            if word.text == "sudo" and len(one.words) > 1:
                edits = () if found.heredocs else (replace(word.start, one.words[1].start, ""),)
                yield finding(found.line, "RUN is root already, and sudo is one more way to become it", *edits, risk=1)


def _behind(found: Instruction, command: Command, word: str, new: str) -> tuple[Edit, ...]:
    if found.heredocs or found.json is not None:
        return ()
    at = next((one.end for one in command.plain if one.text == word), None)
    return (insert(at, new),) if at is not None else ()
