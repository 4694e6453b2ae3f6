"""Runbooks as they are listed and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.runbooks.model import RANDOM

if TYPE_CHECKING:
    from mcp_tools.runbooks.library import Library
    from mcp_tools.runbooks.model import Parameter, Runbook


def told(library: Library) -> str:
    """All of them as a Markdown table, and what stands beside them and cannot be used."""
    rows = ["| runbook | what it does | needs |", "|---|---|---|"]
    for runbook in library.runbooks.values():
        needs = ", ".join(name for name, parameter in runbook.parameters.items() if parameter.required)
        rows.append(f"| {runbook.name} | {runbook.description} | {needs or 'nothing'} |")
    problems = [f"- {problem}" for problem in library.problems]
    return "\n".join([*rows, *(["", "Not usable:", "", *problems] if problems else [])])


def shown(runbook: Runbook) -> str:
    """One in full: its parameters, then the text that a person follows."""
    lines = [f"{runbook.description}\n"]
    if runbook.parameters:
        lines += ["| parameter | what it is | default |", "|---|---|---|"]
        lines += [f"| {name} | {_described(given)} | {_default(given)} |" for name, given in runbook.parameters.items()]
    return "\n".join([*lines, "", runbook.text.strip()])


def _described(parameter: Parameter) -> str:
    more: list[str] = [parameter.type] if parameter.type != "string" else []
    more += [f"one of {', '.join(parameter.choices)}"] if parameter.choices else []
    return parameter.description + (f" ({'; '.join(more)})" if more else "")


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "none: it has to be given"
    if parameter.default == RANDOM and parameter.type == "secret":
        return "made up"
    return "" if parameter.default is None else str(parameter.default)
