"""Alerts, rules and silences as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.render.consoles import printable
from assistant.render.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.monitoring.rules import Rule
    from mcp_tools.toolbox import ToolResult

STYLES = {"critical": "bad", "warning": "warn", "info": ""}


def render_alerts(result: ToolResult) -> RenderableType:
    """Each firing alert with its evidence and what follows from it; what is pending, silenced and over."""
    data = result.data
    parts: list[Text] = []
    for alert in data["firing"]:
        parts += _firing(alert)
    if not data["firing"]:
        place = f"namespace {data['namespace']}" if data["namespace"] else "all namespaces"
        parts.append(Text.assemble(("✔ ", "good"), printable(f"No alert fires in {place}.")))
    for alert in data["pending"]:
        when = f"fires in {alert['fires_in']} if it goes on" if alert["fires_in"] != "0s" else "fires at the next look"
        parts.append(Text(printable(f"◌ {alert['rule']}: {alert['summary']} Pending, {when}."), style="faint"))
    for alert in data["silenced"]:
        parts.append(Text(printable(f"– {alert['rule']}: {alert['summary']} Silenced ({alert['silence']})."), "faint"))
    for alert in data["resolved"]:
        parts.append(Text(printable(f"✔ {alert['rule']}: over since {alert['at']}. {alert['summary']}"), style="faint"))
    return Group(*parts, *[Text(printable(line), style="faint") for line in _notes(data)])


def _firing(alert: dict[str, Any]) -> list[Text]:
    place = f" in {alert['namespace']}" if alert["namespace"] else ""
    lines = [
        Text(printable(f"✘ {alert['summary']}"), style=STYLES.get(alert["severity"], "")),
        Text(
            printable(f"  {alert['severity']}: {alert['rule']} of {alert['object']}{place}, for {alert['for']}"),
            "faint",
        ),
    ]
    lines += [Text(printable(f"  · {fact}"), style="faint") for fact in alert["evidence"]]
    lines += [Text(printable(f"  ↳ {other}")) for other in alert["explains"]]
    if alert["runbook"]:
        lines.append(Text(printable(f"  ➜ {alert['runbook']}"), style="faint"))
    return lines


def _notes(data: dict[str, Any]) -> list[str]:
    notes = [f"Not looked at: {what}." for what in data["not_looked_at"]]
    if hidden := [f"{number} {what}" for what, number in data["more"].items() if number]:
        notes.append(f"More: {', '.join(hidden)}.")
    if data["watched"]:
        notes.append(f"As the monitor saw it at {data['at']}.")
    else:
        notes.append("Looked at once: what must hold for a while is pending. `shipmate monitor` watches.")
    return notes


def render_rules(rules: Sequence[Rule]) -> RenderableType:
    """One line a rule."""
    rows = [
        (
            rule.id,
            rule.config.severity.value,
            _when(rule),
            ", ".join(f"{k} {v}" for k, v in rule.figures.items()),
            rule.config.title,
        )
        for rule in rules
    ]
    return Group(table(("rule", "severity", "for", "figures", ""), rows))


def render_rule(rule: Rule) -> RenderableType:
    """One rule in full, as it would stand in a file."""
    from mcp_tools.monitoring.exporting import as_yaml

    held = rule.as_data()
    name = held.pop("id")
    return Text(printable(as_yaml({name: held}).rstrip()))


def render_silences(found: Sequence[dict[str, Any]]) -> RenderableType:
    """One line a silence."""
    if not found:
        return Text("No silence is in force.")
    rows = [(item["id"], item["of"], item["left"], item["by"], item["why"]) for item in found]
    return table(("id", "silenced", "left", "by", "why"), rows)


def _when(rule: Rule) -> str:
    return rule.holds_for if rule.config.for_ else "at once"
