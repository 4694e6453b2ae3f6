"""What npm, Yarn, pnpm, Node, TypeScript, ESLint and Next.js say."""

from __future__ import annotations

import re

from mcp_tools.diagnosis.names import near
from mcp_tools.docker.building.model import Case, Told, explains, swapped
from mcp_tools.docker.dockerfile.edits import Edit
from mcp_tools.docker.dockerfile.model import replace
from mcp_tools.docker.dockerfile.rules.caching import package_json


@explains("npm-lock-missing")
def npm_lock_missing(case: Case) -> Told:
    """Not made, not copied, or left out by .dockerignore."""
    context = case.look.context if case.look else None
    there = context is not None and "package-lock.json" in context.files
    if there and context and context.ignored("package-lock.json"):
        return Told(
            "package-lock.json is there, and .dockerignore leaves it out",
            "Let it in.",
            _let_in(case, "package-lock.json"),
        )
    if there and case.stage and case.instruction:
        line = case.instruction.line
        copies = [
            one
            for one in case.stage.body
            if one.keyword == "COPY" and one.line < line and re.search(r"(?<![\w./-])package\.json", one.value.text)
        ]
        if copies and copies[-1].json is None:
            at = copies[-1].text.index("package.json")
            start = copies[-1].start + at
            edits = (replace(start, start + len("package.json"), "package.json package-lock.json"),)
            return Told(
                "package-lock.json is there, and not copied before npm ci",
                "COPY it with package.json.",
                edits,
                copies[-1].line,
            )
    return Told(
        "npm ci needs a package-lock.json, and none is in the image at this line",
        "Run npm install, commit the file, and COPY it before npm ci.",
    )


def _let_in(case: Case, name: str) -> tuple[Edit, ...]:
    from mcp_tools.docker.dockerfile.edits import DOCKERIGNORE

    text = (case.look.ignore_text if case.look else None) or ""
    return (
        Edit(DOCKERIGNORE, len(text), len(text), f"{'' if not text or text.endswith(chr(10)) else chr(10)}!{name}\n"),
    )


@explains("npm-script")
def npm_script(case: Case) -> Told:
    """Misspelt, or of another package."""
    name = case.group("name")
    scripts = package_json(case.look).get("scripts") if case.look else None
    meant = near(name, scripts, 0.6) if isinstance(scripts, dict) else ""
    there = (
        f"; there is {meant}"
        if meant
        else f"; there are {', '.join(sorted(scripts))}"
        if isinstance(scripts, dict) and scripts
        else ""
    )
    return Told(
        f"package.json has no script {name}{there}",
        f"Write {meant}." if meant else "Correct its name.",
        swapped(case, name, meant) if meant else (),
    )


@explains("next-env")
def next_env(case: Case) -> Told:
    """Read while it is built; what is a secret belongs to the start."""
    name = case.group("name") or "A variable"
    return Told(
        f"{name} is read while it is built, and not set",
        "Give it as ARG and ENV of the build stage (never a secret), or read it when the program runs.",
    )


@explains("typescript")
def typescript(case: Case) -> Told:
    """In the sources, or of a package without its types."""
    place = case.group("place") or _place_before(case)
    where = f" in {place}{':' + case.group('line') if case.group('line') else ''}" if place else ""
    code = f" ({case.group('code')})" if case.group("code") else ""
    dev = re.search(
        r"[Cc]annot find (?:type definition|module|name)|could not find a declaration file", case.text, re.IGNORECASE
    )
    advice = (
        "Install the development packages in the build stage: types are among them."
        if dev
        else "Correct the code; the same command finds it outside of the build."
    )
    return Told(f"TypeScript refuses the code{where}{code}: {case.group('what')}", advice)


def _place_before(case: Case) -> str:
    found = case.also(r"^\.?/?(?P<place>[\w./@\[\]()-]+\.(?:tsx?|jsx?):\d+)")
    return found["place"] if found else ""


@explains("eslint")
def eslint(case: Case) -> Told:
    """Next.js runs ESLint before it builds."""
    found = case.also(r"^\.?/?(?P<place>[\w./@\[\]()-]+\.(?:tsx?|jsx?|mjs|vue))$")
    where = f" in {found['place']}" if found else ""
    line = f":{case.group('line')}" if found and case.group("line") else ""
    what = f": {case.group('what')}" if case.group("what") else ""
    return Told(
        f"ESLint refuses the code{where}{line}{what}", "Correct the code, or lint in CI instead of in the image."
    )
