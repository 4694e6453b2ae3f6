"""Prints docs/alerts.md: alerts.md.in beside this file, its `{{ name }}`s filled from the rules and conditions."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).with_name("alerts.md.in")


def alerts_page() -> str:
    """The whole page; a KeyError names a table that the page asks for and nobody makes."""
    tables = {"rules": _rules(), "fields": _fields(), "conditions": _conditions()}
    return re.sub(r"\{\{ (\w+) \}\}", lambda name: tables[name[1]], PAGE.read_text(encoding="utf-8"))


def _rules() -> str:
    from mcp_tools.monitoring.rules import load_rules

    rules = load_rules()
    most = len(rules) - 1 - sum(1 for rule in rules if len(rule.inhibits) > len(rules) // 2)
    rows = []
    for rule in rules:
        figures = ", ".join(f"{name} {value}" for name, value in rule.figures.items())
        names = ", ".join(f"`{name}`" for name in sorted(rule.inhibits))
        explains = "all others of its pods" if len(rule.inhibits) >= most else names
        cells = (
            f"`{rule.id}`",
            rule.config.title,
            rule.config.severity.value,
            figures,
            rule.holds_for if rule.config.for_ else "at once",
            rule.keeps_for if rule.config.keep_firing_for else "",
            explains,
        )
        rows.append(cells)
    return _table(("rule", "when", "severity", "figures", "for", "keeps firing", "explains"), rows)


def _fields() -> str:
    from mcp_tools.monitoring.rules import RuleConfig

    rows = [(f"`{info.alias or name}`", info.description or "") for name, info in RuleConfig.model_fields.items()]
    return _table(("field", ""), rows)


def _conditions() -> str:
    from mcp_tools.monitoring.conditions.base import all_conditions
    from mcp_tools.monitoring.durations import spoken

    rows = []
    for found in all_conditions().values():
        figures = []
        for name, info in found.parameters.model_fields.items():
            default = info.default
            shown = "" if info.is_required() else f" ({spoken(default) if hasattr(default, 'days') else default})"
            figures.append(f"`{name}`{shown}: {info.description}")
        rows.append((f"`{found.name}`", found.title, "; ".join(figures)))
    return _table(("condition", "holds when", "figures (default)"), rows)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    print(alerts_page(), end="")
