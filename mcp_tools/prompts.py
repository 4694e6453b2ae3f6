"""Prompts that are served over MCP: what a client's user picks, and what its model then reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.runbooks.filling import shown, values_of
from mcp_tools.runbooks.library import library

if TYPE_CHECKING:
    from mcp_tools.runbooks.model import Runbook, Scalar

CARRY_OUT = """\
Carry out this runbook with the tools of this server, one step after the other. Each step's block names a tool and its
arguments; leave out an argument that is null. Then hold the answer's structured content (of `check`, where there is
one) against each line of `expect`: `path` is JMESPath. When a step or a line fails, do what `on_failure` says: `stop`
(the default), `continue`, or `undo` what this run changed, the newest first, with undo_change. Changes are shown to the
user and approved as always. At the end say what was done, what was found, and how to undo it.
"""
BY_HAND = "\n## By hand\n"
WITHOUT_SECRETS = """\
A step that writes {{{{ {name} }}}} is not for you, since a secret must not pass through a model: ask the user to run
`shipmate runbook run {runbook} --from` that step, and go on after it.
"""


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """What a prompt is given."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class ServedPrompt:
    """A prompt.

    Attributes:
        render: From its arguments to what the model reads; raises ShipmateError where they are wrong.
    """

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...]
    render: Callable[[Mapping[str, str]], str]


def runbook_prompts() -> list[ServedPrompt]:
    """One for each runbook that can be used."""
    return [_of(runbook) for runbook in library().runbooks.values()]


def _of(runbook: Runbook) -> ServedPrompt:
    def render(given: Mapping[str, str]) -> str:
        return _rendered(runbook, shown(runbook, values_of(runbook, given)))

    arguments = tuple(
        PromptArgument(name, parameter.description, parameter.required)
        for name, parameter in runbook.parameters.items()
        if parameter.type != "secret"
    )
    return ServedPrompt(f"runbook-{runbook.name}", runbook.title, runbook.description, arguments, render)


def _rendered(runbook: Runbook, values: Mapping[str, Scalar]) -> str:
    # What comes after the steps is for people at a shell.
    text, secrets = runbook.text.partition(BY_HAND)[0], ""
    for name, value in values.items():
        if runbook.parameters[name].type == "secret":
            secrets += WITHOUT_SECRETS.format(name=name, runbook=runbook.name)
            continue
        text = _put(text, name, value)
    return "\n".join(part for part in (CARRY_OUT, secrets, text.strip()) if part)


def _put(text: str, name: str, value: Scalar) -> str:
    """The text with a value in its places: quoted alone it is a value of its type, else a part of what is around it."""
    whole, part = json.dumps(value, ensure_ascii=False), "" if value is None else str(value)
    place = rf"\{{\{{\s*{name}\s*\}}\}}"
    return re.sub(place, lambda _: part, re.sub(f'"{place}"', lambda _: whole, text))
