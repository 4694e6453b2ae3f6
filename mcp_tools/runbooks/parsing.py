"""From a Markdown file to a runbook: the steps are the items of numbered lists that hold a block of YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mcp_tools.errors import UsageError
from mcp_tools.runbooks.filling import placeholders
from mcp_tools.runbooks.model import Block, Call, FrontMatter, Runbook, RunbookProblem, RunbookStep

if TYPE_CHECKING:
    from markdown_it.token import Token

M = TypeVar("M", bound=BaseModel)
MOST_CHARACTERS = 100_000
MOST_STEPS = 50
YAML = "yaml"
SEE = "docs/runbooks/README.md shows how a runbook is written."
_HEAD = re.compile(r"---\r?\n(?P<head>.*?)\r?\n---\r?\n(?P<body>.*)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.:])\s")


def read(path: Path) -> Runbook:
    """Read a file.

    Raises:
        RunbookProblem: It cannot be read, or is no runbook; says where and what.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunbookProblem(f"{path} cannot be read: {error}.", "Name a Markdown file.") from error
    return parse(text, path)


def parse(text: str, source: Path) -> Runbook:
    """As `read`, of a text; `source` is what errors name."""
    found = _HEAD.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if found is None:
        raise RunbookProblem(f"{source} is no runbook: it does not begin with front matter between lines `---`.", SEE)
    head = _checked(FrontMatter, _yaml(found["head"], source, 2), source, 1)
    first = text[: found.start("body")].count("\n")
    steps = tuple(_step(item, source, head, first) for item in _items(found["body"], source, first))
    runbook = Runbook(head.name, head.description, dict(head.parameters), steps, found["body"], source)
    _check_whole(runbook)
    return runbook


@dataclass
class _Item:
    """An item of a numbered list: its number, words, and blocks of YAML with their lines from 0 on."""

    number: int
    line: int
    words: str = ""
    blocks: list[tuple[int, str]] = field(default_factory=list)


def _items(body: str, source: Path, offset: int) -> Iterator[_Item]:
    """Those of the numbered lists at the top level that have a block at least in one item."""
    from markdown_it import MarkdownIt

    listed: list[_Item] = []
    inside = False
    for token in MarkdownIt("commonmark").parse(body):
        line = token.map[0] if token.map else 0
        if token.level == 0 and token.type in {"ordered_list_open", "ordered_list_close"}:
            if token.type.endswith("close") and any(item.blocks for item in listed):
                yield from listed
            listed, inside = [], token.type.endswith("open")
        elif inside and token.type == "list_item_open" and token.level == 1:
            listed.append(_Item(int(token.info or 0), line))
        elif inside and token.type == "inline" and not listed[-1].words:
            listed[-1].words = " ".join(token.content.split())
        elif _is_yaml(token):
            if not inside:
                raise RunbookProblem(f"{source}:{offset + line + 1}: this block of YAML is in no numbered step.", SEE)
            listed[-1].blocks.append((line, token.content))


def _is_yaml(token: Token) -> bool:
    return token.type == "fence" and token.info.strip() == YAML


def _step(item: _Item, source: Path, head: FrontMatter, offset: int) -> RunbookStep:
    line = offset + item.line + 1
    if len(item.blocks) != 1:
        having = "none" if not item.blocks else str(len(item.blocks))
        raise RunbookProblem(f"{source}:{line}: step {item.number} needs one block of YAML and has {having}.", SEE)
    ((at, text),) = item.blocks
    block = _checked(Block, _yaml(text, source, offset + at + 2), source, offset + at + 1)
    for call in (block, block.check):
        if call is not None:
            _check_call(call, source, line)
    _check_expectations(block, source, line)
    try:
        named = placeholders(block.model_dump(mode="json"))
    except UsageError as error:
        raise RunbookProblem(f"{source}:{line}: {error.message}", error.hint) from error
    if unknown := sorted(named - set(head.parameters)):
        known = ", ".join(head.parameters) or "none"
        raise RunbookProblem(
            f"{source}:{line}: step {item.number} uses {unknown[0]}, which is no parameter.", f"There are: {known}."
        )
    title = _SENTENCE.split(item.words, maxsplit=1)[0].rstrip(".:")
    return RunbookStep(item.number, title or f"Step {item.number}", line, block)


def _check_call(call: Call, source: Path, line: int) -> None:
    from mcp_tools.tools.registry import BY_NAME

    tool = BY_NAME.get(call.tool)
    if tool is None:
        raise RunbookProblem(f"{source}:{line}: there is no tool {call.tool!r}.", f"There are: {', '.join(BY_NAME)}.")
    fields = tool.input_model.model_fields
    if strange := [name for name in call.arguments if name not in fields]:
        raise RunbookProblem(
            f"{source}:{line}: {call.tool} takes no argument {strange[0]!r}.", f"It takes: {', '.join(fields)}."
        )
    if missing := [name for name, info in fields.items() if info.is_required() and name not in call.arguments]:
        raise RunbookProblem(f"{source}:{line}: {call.tool} needs {missing[0]}.", "Give it under `arguments`.")


def _check_expectations(block: Block, source: Path, line: int) -> None:
    import jmespath

    for condition in block.expect:
        try:
            jmespath.compile(condition.path)
        except jmespath.exceptions.JMESPathError as error:
            reason = str(error).partition("\n")[0].rstrip(":")
            raise RunbookProblem(
                f"{source}:{line}: {condition.path!r} is no path into an answer: {reason}.", "It is JMESPath."
            ) from error
    if block.check and not block.expect:
        raise RunbookProblem(f"{source}:{line}: a check says nothing without `expect`.", SEE)
    if block.check and not _looks(block.check):
        raise RunbookProblem(f"{source}:{line}: a check only looks, and {block.check.tool} may change things.", SEE)


def _looks(call: Call) -> bool:
    from mcp_tools.tools.registry import BY_NAME

    return BY_NAME[call.tool].looks(call.arguments)


def _check_whole(runbook: Runbook) -> None:
    source, numbers = runbook.source, [step.number for step in runbook.steps]
    if not numbers:
        raise RunbookProblem(f"{source} has no step: no numbered list with blocks of YAML.", SEE)
    if numbers != list(range(1, len(numbers) + 1)):
        counted = ", ".join(map(str, numbers))
        raise RunbookProblem(f"{source}: its steps are numbered {counted}.", "Number them 1, 2, 3 … through the file.")
    if len(numbers) > MOST_STEPS:
        raise RunbookProblem(f"{source} has {len(numbers)} steps; {MOST_STEPS} are the most.", "Cut it in two.")
    if source.suffix == ".md" and source.stem != runbook.name:
        raise RunbookProblem(f"{source} calls itself {runbook.name!r}.", f"Name the file {runbook.name}.md.")


def _yaml(text: str, source: Path, line: int) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        at = line + (mark.line if mark else 0)
        what = getattr(error, "problem", None) or str(error)
        raise RunbookProblem(f"{source}:{at}: this is no YAML: {what}.", 'Put "{{ … }}" in quotes.') from error


def _checked(model: type[M], given: Any, source: Path, line: int) -> M:
    try:
        return model.model_validate(given if isinstance(given, dict) else {})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors())
        raise RunbookProblem(f"{source}:{line}: {problems}.", SEE) from error
