"""The stages of a Dockerfile: what each is built from, and which variables hold where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mcp_tools.docker.dockerfile.expand import Unset, expand
from mcp_tools.docker.dockerfile.mapped import Mapped
from mcp_tools.docker.dockerfile.syntax import Dockerfile, Instruction, words_of

PREDEFINED = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"),
        *("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"),
    }
)
PLATFORM_ARGS = frozenset(
    f"{where}{what}" for where in ("TARGET", "BUILD") for what in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
_PAIR = re.compile(r"([^\s=]+)=")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        opening: Its FROM; None of what stands in no stage.
        name: Behind AS, in lower case; empty where it has none.
        base: What it is built from, its variables replaced.
        parent: The stage of this file that it is built from.
        body: Its instructions without FROM, in order.
        scopes: The variables that hold at each of them, by its line: global defaults only where ARG names them again.
    """

    index: int
    opening: Instruction | None
    name: str
    base: str
    parent: Stage | None
    body: tuple[Instruction, ...]
    scopes: Mapping[int, Mapping[str, str]] = field(repr=False, default_factory=dict)

    @property
    def whole(self) -> Iterator[Instruction]:
        """Its instructions after those of the stages that it is built from."""
        if self.parent:
            yield from self.parent.whole
        yield from self.body

    @property
    def root(self) -> str:
        """The image that all begins with."""
        return self.parent.root if self.parent else self.base

    def last(self, keyword: str) -> Instruction | None:
        """The instruction of a kind that counts in the end."""
        return next((one for one in reversed(list(self.whole)) if one.keyword == keyword), None)

    def said(self, instruction: Instruction, text: str | None = None) -> str:
        """The value of one of its instructions with its variables replaced; as written where it cannot be."""
        value = instruction.value.text if text is None else text
        owner: Stage | None = self
        while owner and instruction.line not in owner.scopes:
            owner = owner.parent
        try:
            return expand(value, owner.scopes[instruction.line] if owner else {}, instruction.escape)
        except Unset:
            return value


@dataclass(frozen=True, slots=True)
class Layout:
    """All of a file's stages.

    Attributes:
        args: The defaults of the ARGs before the first FROM.
        global_lines: Where they stand.
    """

    stages: tuple[Stage, ...]
    args: Mapping[str, str]
    global_lines: Mapping[str, int]

    @property
    def final(self) -> Stage | None:
        """The one that becomes the image."""
        return self.stages[-1] if self.stages else None

    def named(self, name: str, before: int | None = None) -> Stage | None:
        """The stage that `--from` means, by name or number."""
        there = self.stages[:before]
        if name.isdigit():
            return there[int(name)] if int(name) < len(there) else None
        return next((one for one in reversed(there) if one.name and one.name == name.lower()), None)


def stages_of(file: Dockerfile, build_args: Mapping[str, str] | None = None) -> Layout:
    """Read the stages; a file without FROM is one stage from nothing, so that something can be said of it."""
    given = dict(build_args or {})
    global_args: dict[str, str] = {}
    lines: dict[str, int] = {}
    opened: list[tuple[Instruction | None, list[Instruction]]] = []
    for found in file.instructions:
        if found.keyword == "FROM":
            opened.append((found, []))
        elif opened:
            opened[-1][1].append(found)
        elif found.keyword == "ARG":
            for name, value in args_of(found, global_args):
                lines[name] = found.line
                if (known := given.get(name, value)) is not None:
                    global_args[name] = known
    if not opened:
        opened = [(None, [one for one in file.instructions if one.keyword != "ARG"])]
    stages: list[Stage] = []
    for opening, body in opened:
        stages.append(_stage(opening, body, stages, global_args, given))
    return Layout(tuple(stages), global_args, lines)


def args_of(found: Instruction, scope: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """The names of an ARG with their defaults; None where there is none."""
    pairs = []
    for word in words_of(found.value, found.escape):
        name, equals, value = word.text.partition("=")
        pairs.append((name, _expanded(value, scope, found.escape) if equals else None))
    return pairs


def env_of(found: Instruction, scope: Mapping[str, str]) -> list[tuple[str, str]]:
    """What an ENV or LABEL sets; also in the old form `ENV name value`."""
    words = list(words_of(found.value, found.escape))
    if words and not _PAIR.match(words[0].text):
        rest = found.value.text[len(words[0].text) :].strip()
        return [(words[0].text, _expanded(rest, scope, found.escape))]
    split = (word.text.partition("=") for word in words)
    return [(name, _expanded(value, scope, found.escape)) for name, equals, value in split if equals]


def operands(found: Instruction) -> list[Mapped]:
    """The words of COPY, ADD and others behind their flags, of the JSON form, too: then each at the whole's place."""
    if found.json is not None:
        start, end = found.value.place
        return [Mapped(word, [start] * len(word), end) for word in found.json]
    return list(words_of(found.value, found.escape))


def _stage(
    opening: Instruction | None,
    body: list[Instruction],
    before: list[Stage],
    global_args: Mapping[str, str],
    given: Mapping[str, str],
) -> Stage:
    words = [word.text for word in words_of(opening.value, opening.escape)] if opening else []
    base = _expanded(words[0], global_args, opening.escape) if words and opening else ""
    name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else ""  # noqa: PLR2004  FROM x AS y
    parent = next((one for one in reversed(before) if one.name and one.name == base.lower()), None)
    scope = _environment(parent)
    scopes: dict[int, dict[str, str]] = {}
    for found in body:
        scopes[found.line] = dict(scope)
        if found.keyword == "ARG":
            for arg, default in args_of(found, scope):
                value = given.get(arg, global_args.get(arg) if default is None else default)
                if value is not None:
                    scope.setdefault(arg, value)
        elif found.keyword == "ENV":
            scope.update(env_of(found, dict(scope)))
    return Stage(len(before), opening, name, base, parent, tuple(body), scopes)


def _environment(stage: Stage | None) -> dict[str, str]:
    """What ENV sets in a stage and those below it: ARGs end with their stage."""
    if stage is None:
        return {}
    found = _environment(stage.parent)
    for one in stage.body:
        if one.keyword == "ENV":
            found.update(env_of(one, dict(stage.scopes[one.line])))
    return found


def environment(stage: Stage) -> dict[str, str]:
    """The variables that the image of a stage has, as far as this file sets them."""
    return _environment(stage)


def _expanded(text: str, scope: Mapping[str, str], escape: str) -> str:
    try:
        return expand(text, scope, escape)
    except Unset:
        return text
