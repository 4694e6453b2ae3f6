"""Programs, headers and libraries that an image lacks, and what apt, apk and git say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.names import near
from mcp_tools.docker.building.model import Case, Told, explains, installing, swapped
from mcp_tools.docker.building.packages import HEADERS, LIBRARIES, PROGRAMS, SHARED
from mcp_tools.docker.dockerfile.model import insert, line_before, replace

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.edits import Edit

FOREIGN = {
    "apt-get": "debian",
    "apt": "debian",
    "apk": "alpine",
    "dnf": "redhat",
    "yum": "redhat",
    "microdnf": "redhat",
}
NODE_TOOLS = frozenset(
    {"tsc", "next", "vite", "eslint", "webpack", "rimraf", "nest", "ng", "react-scripts", "esbuild", "rollup"}
)
NODE_TOOLS |= {
    "prisma",
    "turbo",
    "nuxt",
    "svelte-kit",
    "vitest",
    "jest",
    "tsup",
    "ts-node",
    "tsx",
    "cross-env",
    "husky",
    "parcel",
}


@explains("wrong-package-manager")
def wrong_package_manager(case: Case) -> Told | None:
    """apt-get on Alpine, apk on Debian."""
    name = case.group("name")
    family = case.family
    if name not in FOREIGN or FOREIGN[name] == family:
        return None
    own = {"alpine": "apk add --no-cache", "debian": "apt-get install -y", "redhat": "dnf install -y"}.get(family, "")
    edits: tuple[Edit, ...] = ()
    found = case.instruction
    if own and found and case.look and not found.heredocs and found.json is None:
        for command in case.look.commands.get(found.line, ()):
            words = [word for word in command.arguments if not word.startswith("-")]
            if command.name == name and words[:1] in (["install"], ["add"]):
                changed = [replace(command.start, command.end, f"{own} {' '.join(words[1:])}")]
                update = next(
                    (one for one in case.look.commands[found.line] if one.name == name and "update" in one.arguments),
                    None,
                )
                if update and family == "alpine":
                    changed.append(replace(update.start, command.start, ""))
                edits = tuple(changed)
    where = (
        f"{case.stage.root} is made of {family.title()}"
        if case.stage and family != "unknown"
        else "the base is of another distribution"
    )
    return Told(
        f"There is no {name}: {where}",
        f"Use {own or 'its own package manager'}; packages may have other names there.",
        edits,
    )


@explains("git-missing")
def git_missing(case: Case) -> Told:
    """Dependencies by a git address need it; slim and Alpine images have none."""
    return Told(
        "git is needed here, and the image has none", "Install it in this stage.", installing(case, "git", "git")
    )


@explains("shell-missing")
def shell_missing(case: Case) -> Told:
    """Alpine has no bash; scratch and distroless images have no shell at all."""
    name = case.group("name").rpartition("/")[2]
    if case.family in {"scratch", "distroless"}:
        return Told(
            f"{case.stage.root if case.stage else 'The base'} has no shell: nothing can be RUN in it",
            "Do it in an earlier stage, and COPY --from it the result.",
        )
    return Told(f"The image has no {name}", f"Use /bin/sh, or install {name}.", installing(case, name, name))


@explains("header-missing")
def header_missing(case: Case) -> Told:
    """The -dev packages have the headers."""
    name = case.group("name")
    debian, alpine = HEADERS.get(name, HEADERS.get(name.rpartition("/")[2], ("", "")))
    package = (alpine if case.family == "alpine" else debian) or "the -dev package that has it"
    return Told(
        f"{name} is missing, which is compiled against",
        f"Install {package}; best in a build stage.",
        installing(case, debian, alpine),
    )


@explains("compiler-missing")
def compiler_missing(case: Case) -> Told:
    """Slim and Alpine images have none; a wheel or a binary release would need none."""
    musl = case.family == "alpine" and re.search(r"pip|poetry|uv ", case.command)
    wheel = "; python:…-slim has wheels for most packages, where musl has none" if musl else ""
    edits = installing(case, "build-essential", "build-base")
    name = case.group("name") or "C compiler"
    return Told(
        f"There is no {name}: a package is compiled, and the image has no compiler",
        f"Install build-essential (Alpine: build-base) in a build stage{wheel}.",
        edits,
    )


@explains("library-missing")
def library_missing(case: Case) -> Told:
    """The -dev packages have what the linker and pkg-config look for."""
    name = (case.group("name") or case.group("name2") or case.group("name3") or case.group("name4")).lower()
    debian, alpine = LIBRARIES.get(name, ("", ""))
    package = (alpine if case.family == "alpine" else debian) or "the -dev package that has it"
    return Told(
        f"The library {name} is missing, which is linked against",
        f"Install {package} in the stage that builds.",
        installing(case, debian, alpine),
    )


@explains("shared-library-missing")
def shared_library_missing(case: Case) -> Told:
    """Copied from a stage that has it, or made for another C library."""
    name = case.group("name")
    if case.group("symbol") or name.startswith("ld-linux") or (name == "libc.so.6"):
        return Told(
            "A program was made for glibc, and Alpine has musl",
            "Build it on Alpine, or run it on a Debian base (-slim).",
        )
    debian, alpine = SHARED.get(name, ("", ""))
    package = (alpine if case.family == "alpine" else debian) or "the package that has it"
    return Told(
        f"{name} is missing, which the program loads",
        f"Install {package} in the stage that runs.",
        installing(case, debian, alpine),
    )


@explains("program-missing")
def program_missing(case: Case) -> Told:
    """Not installed, not on the PATH, or one of node_modules/.bin."""
    special = {"pg_config": "pg_config", "CMake": "cmake", "Rust": "cargo", "CMAKE": "cmake"}
    name = case.group("name") or next((to for word, to in special.items() if word in case.text), "a program")
    if name.startswith(("./", "/")):
        return Told(
            f"{name} is not in the image, or what its first line names is not",
            "Copy it before this line; its #! has to name a program that the image has, with Unix line ends.",
        )
    if name in NODE_TOOLS:
        return Told(
            f"{name} is not installed: it is a package for development, or npm ci has not run in this stage",
            "Install with the development packages in the build stage, and without NODE_ENV=production before it.",
        )
    debian, alpine = PROGRAMS.get(name, ("", ""))
    package = alpine if case.family == "alpine" else debian
    meant = near(name, PROGRAMS) if not package else ""
    advice = (
        f"Install {package}."
        if package
        else f"Did you mean {meant}?"
        if meant
        else "Install what has it, or correct its name."
    )
    return Told(f"{name} is not in the image", advice, installing(case, debian, alpine))


@explains("not-executable")
def not_executable(case: Case) -> Told:
    """It lost its x on the way: of a checkout on Windows, of an archive."""
    name = case.group("name")
    edits: tuple[Edit, ...] = ()
    last = name.rpartition("/")[2]
    if case.look and case.stage and case.instruction:
        copies = [
            one
            for one in case.stage.whole
            if one.keyword == "COPY" and one.flag("from") is None and one.line < case.instruction.line
        ]
        own = [one for one in copies if last in one.value.text and one.flag("chmod") is None]
        if own:
            edits = (insert(own[-1].start + len(own[-1].indent) + len("COPY"), " --chmod=755"),)
        elif case.as_root and case.instruction.keyword == "RUN":
            edits = (line_before(case.instruction, f"RUN chmod +x {name}"),)
    return Told(f"{name} is not executable", f"git update-index --chmod=+x {last}, or COPY --chmod=755.", edits)


@explains("permission")
def permission(case: Case) -> Told:
    """After USER the commands are nobody's friend."""
    name = case.group("name")
    user = None
    if case.stage and case.instruction and not case.as_root:
        line = case.instruction.line
        user = next(
            (one for one in reversed(list(case.stage.whole)) if one.keyword == "USER" and one.line < line), None
        )
    if user and case.instruction and case.stage:
        installs = case.look and any(one.name in FOREIGN for one in case.look.commands.get(case.instruction.line, ()))
        edits: tuple[Edit, ...] = ()
        if installs and user in case.stage.body:
            edits = (line_before(case.instruction, "USER root"), insert(case.instruction.end, f"{user.text.strip()}\n"))
        return Told(
            f"{name or 'What only root may'} cannot be written: line {user.line} made the user {user.value.text}",
            "Do it before USER, or give the folder to that user with COPY --chown.",
            edits,
        )
    return Told(
        f"{name or 'A file'} cannot be written", "Look at who owns it, and as whom this runs: USER, --chown, --chmod."
    )


@explains("apt-no-update")
def apt_no_update(case: Case) -> Told | None:
    """Official images come without lists."""
    found = case.instruction
    if found is None or case.look is None or case.stage is None:
        return None
    runs = [command for run, command in case.look.runs(case.stage) if run.line <= found.line]
    if (
        any(one.name in {"apt-get", "apt"} and "update" in one.arguments for one in runs)
        or found.heredocs
        or found.json is not None
    ):
        return None
    install = next((one for one in case.look.commands.get(found.line, ()) if one.name in {"apt-get", "apt"}), None)
    edits = (insert(install.start, "apt-get update && "),) if install else ()
    return Told("apt knows no packages: apt-get update has not run", "Run it in the same RUN, before install.", edits)


@explains("apt-package-unknown")
def apt_package_unknown(case: Case) -> Told:
    """Another name, another release, or a repository that is not set up."""
    name, version = case.group("name"), case.group("version")
    if version:
        return Told(
            f"{name} is not there in version {version}",
            "Debian keeps one version a release: take it as it is, or pin with *: 1.2.*.",
            swapped(case, f"{name}={version}", name),
        )
    known = {debian for debian, _ in (*PROGRAMS.values(), *HEADERS.values(), *LIBRARIES.values(), *SHARED.values())}
    other = next(
        (debian for debian, alpine in (*PROGRAMS.values(), *HEADERS.values()) if name == alpine and debian), ""
    )
    meant = other or near(name, known, 0.8)
    also = f"; there is {meant}" if meant else ""
    return Told(
        f"Debian has no package {name} in this release{also}",
        f"Write {meant}." if meant else "Look the name up at packages.debian.org, or add its repository.",
        swapped(case, name, meant) if meant else (),
    )


@explains("apt-question")
def apt_question(case: Case) -> Told:
    """Without a terminal there is no yes."""
    edits: tuple[Edit, ...] = ()
    if case.look and case.instruction and not case.instruction.heredocs and case.instruction.json is None:
        install = [
            one
            for one in case.look.commands.get(case.instruction.line, ())
            if one.name in {"apt-get", "apt"} and "install" in one.arguments
        ]
        edits = tuple(
            insert(next(word.end for word in one.plain if word.text == "install"), " -y")
            for one in install
            if not one.has("-y", "--yes")
        )
    return Told("apt-get asked whether to go on, and nobody was there to answer", "Give it -y.", edits)


@explains("apk-package-unknown")
def apk_package_unknown(case: Case) -> Told:
    """Debian's names differ; a pinned version leaves Alpine's repositories soon."""
    name, pin = case.group("name"), case.group("pin")
    if not name and not pin:
        deeper = case.also(r"^\s*(?P<name>[\w.+-]+) \(no such package\)")
        wanted = case.also(r"breaks: world\[(?P<pin>[^\]]+)\]")
        name, pin = (deeper["name"] if deeper else ""), (wanted["pin"] if wanted else "")
    if pin:
        plain_name = re.split(r"[=~<>]", pin)[0]
        return Told(
            f"Alpine's repositories have not {pin} any more",
            "They keep one version a release: pin the base image instead.",
            swapped(case, pin, plain_name),
        )
    other = next(
        (
            alpine
            for debian, alpine in (*PROGRAMS.values(), *HEADERS.values(), *LIBRARIES.values())
            if name == debian and alpine and alpine != debian
        ),
        "",
    )
    other = {"build-essential": "build-base", "python3-dev": "python3-dev", "libpq-dev": "postgresql-dev"}.get(
        name, other
    )
    also = f"; what Debian calls so is {other}" if other else ""
    return Told(
        f"Alpine has no package {name}{also}",
        f"Write {other}." if other else "Look it up at pkgs.alpinelinux.org.",
        swapped(case, name, other) if other else (),
    )
