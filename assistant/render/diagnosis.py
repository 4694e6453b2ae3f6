"""A diagnosis as a person reads it: on a terminal, and as Markdown or HTML to attach to a ticket."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.offline.model import ToolCall
from assistant.offline.phrasing import phrase
from assistant.render.consoles import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.toolbox import ToolResult

STYLE = (
    "body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "li{overflow-wrap:anywhere}.chain b{border:1px solid #888;border-radius:4px;padding:.1rem .4rem}"
)


def render_diagnosis(result: ToolResult) -> RenderableType:
    """Each cause with its chain, evidence and fixes; a sentence where nothing is wrong."""
    data = result.data
    if "hops" in data:
        return _way(result)
    if not data["findings"]:
        return Text.assemble(("✔ ", "good"), printable(result.summary))
    parts: list[RenderableType] = []
    for finding in data["findings"]:
        parts += [Text(printable(line), style=style) for line, style in _lines(finding)]
    parts += [Text(printable(f"• {cause}")) for cause in data["others"]]
    parts.append(Text(printable(_scope(data)), style="faint"))
    if any(finding.get("fixes") and "path" not in data["scope"] for finding in data["findings"]):
        parts.append(Text("To carry out the first fix: fix it", style="faint"))
    return Group(*parts)


def _way(result: ToolResult) -> RenderableType:
    """The hops of a connection, the one that stops it last."""
    verdict = ("✔ ", "good") if result.data["reachable"] else ("✘ ", "bad")
    parts: list[RenderableType] = [Text.assemble(verdict, printable(result.summary))]
    for hop in result.data["hops"]:
        mark, style = ("·", "faint") if hop["ok"] else ("✘", "bad")
        parts.append(Text(printable(f"  {mark} {hop['step']}: {hop['text']}"), style=style))
    parts += [Text(printable(f"  {note}"), style="faint") for note in result.data["not_looked_at"]]
    return Group(*parts)


def _lines(finding: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"✘ {finding['cause']}", "bad"
    yield f"  {finding['certainty']}; {finding['object']} {finding.get('field', '')}".rstrip(), "faint"
    if "chain" in finding:
        yield f"  {finding['chain']}", ""
    if finding.get("since"):
        changed = f": {finding['changed']}" if finding.get("changed") else ""
        yield f"  for {finding['since']}{changed}", "warn"
    for symptom in finding.get("symptoms", ()):
        yield f"  ↳ {symptom}", ""
    for fact in finding.get("evidence", ()):
        yield f"  · {fact}", "faint"
    for fix in finding.get("fixes", ()):
        yield f"  ➜ {fix['fix']}", "good"
        if typed := phrase(ToolCall(fix["tool"], fix["arguments"])):
            yield f"    type: {typed}", "faint"
    if finding.get("advice"):
        yield f"  ➜ By hand: {finding['advice']}", "warn"


def _scope(data: dict[str, Any]) -> str:
    scope = data["scope"]
    more = f" {data['more']} more causes are not shown." if data["more"] else ""
    missed = f" Not seen: {', '.join(scope['not_seen'])}." if scope["not_seen"] else ""
    if "path" in scope:
        return f"{scope['path']}: {scope['looked_at']} looked at.{more}{missed}"
    looked = f"{scope['pods']} pods and {scope['workloads']} workloads looked at"
    beside = f" {scope['causes_elsewhere']} more outside of it (-A)." if scope["causes_elsewhere"] else ""
    return f"Context {scope['context']}, namespace {scope['namespace']}: {looked}.{more}{beside}{missed}"


def as_markdown(summary: str, data: dict[str, Any]) -> str:
    """A report for a ticket, with the causal graph as a Mermaid picture."""
    lines = ["# Diagnosis", "", summary, ""]
    for number, finding in enumerate(data["findings"], start=1):
        lines += [f"## {number}. {finding['cause']}", "", f"- certainty: {finding['certainty']}"]
        lines += [f"- {key}: {finding[key]}" for key in ("object", "field", "since", "changed") if finding.get(key)]
        lines += _section("Symptoms", finding.get("symptoms", ()))
        lines += _section("Evidence", [f"`{fact.replace('`', chr(39))}`" for fact in finding.get("evidence", ())])
        lines += _section("Fixes", [f"{fix['fix']} (`{fix['tool']}`)" for fix in finding.get("fixes", ())])
        lines += _section("By hand", [finding["advice"]] if finding.get("advice") else ())
        if "chain" in finding:
            lines += ["", "```mermaid", "flowchart LR", *_mermaid(finding["chain"]), "```"]
        lines.append("")
    lines += [f"- {cause}" for cause in data["others"]]
    return "\n".join([*lines, "", _scope(data), ""])


def _section(title: str, items: Any) -> list[str]:
    return ["", f"{title}:", "", *(f"- {item}" for item in items)] if items else []


def _mermaid(chain: str) -> list[str]:
    links = [link.replace('"', "'") for link in chain.split(" → ")]
    nodes = [f'  n{index}["{link}"]' for index, link in enumerate(links)]
    return [*nodes, *(f"  n{index} --> n{index + 1}" for index in range(len(links) - 1))]


def as_html(summary: str, data: dict[str, Any]) -> str:
    """The same as a page of its own that loads nothing."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>Diagnosis</title>",
        f"<style>{STYLE}</style>",
        f"<h1>Diagnosis</h1><p>{html.escape(summary)}</p>",
    ]
    for finding in data["findings"]:
        parts.append(f"<h2>{html.escape(finding['cause'])}</h2>")
        if "chain" in finding:
            links = [f"<b>{html.escape(link)}</b>" for link in finding["chain"].split(" → ")]
            parts.append(f"<p class=chain>{' → '.join(links)}</p>")
        told = [line for line, _ in _lines(finding)][1:]
        parts.append("<ul>" + "".join(f"<li>{html.escape(line.strip())}</li>" for line in told) + "</ul>")
    parts += [f"<p>{html.escape(cause)}</p>" for cause in data["others"]]
    return "\n".join([*parts, f"<p><small>{html.escape(_scope(data))}</small></p>", ""])
