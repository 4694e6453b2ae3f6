"""A tool's structured answer, as a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.events import is_change
from assistant.render.alerts import render_alerts
from assistant.render.consoles import printable
from assistant.render.diagnosis import render_diagnosis
from assistant.render.docker import render_docker
from assistant.render.health import render_health
from assistant.render.images import render_images
from assistant.render.releases import render_releases
from assistant.render.sizing import render_sizing
from assistant.render.tables import table
from mcp_tools.reads.answer import clip

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.toolbox import ToolResult

MARKS = {
    "verified": ("✔", "good"),
    "unchanged": ("✔", "good"),
    "planned": ("•", "warn"),
    "declined": ("•", "faint"),
    "rolled_back": ("✘", "bad"),
    "failed": ("✘", "bad"),
    "interrupted": ("!", "warn"),
}
REASON_WIDTH = 100
POD_COLUMNS = ("pod", "ready", "status", "restarts", "age")


def render_result(name: str, result: ToolResult) -> RenderableType:
    """The whole answer of a tool.

    Args:
        name: The tool's name; one without a shape of its own is shown by its summary and its data.
    """
    return _change(result) if is_change(result) else _SHAPES.get(name, _anything)(result)


def render_brief(name: str, result: ToolResult) -> RenderableType:
    """One line, for the steps that a model took on the way to its answer."""
    if is_change(result):
        return _change(result)
    return Text(f"  {name}: {printable(result.summary)}", style="faint")


def _change(result: ToolResult) -> RenderableType:
    mark, style = MARKS.get(str(result.data["status"]), ("•", ""))
    parts: list[RenderableType] = [Text.assemble((f"{mark} ", style), (printable(result.summary), ""))]
    if result.data["pods"]:
        parts.append(_pods(result.data["pods"]))
    if "exit_code" in result.data:
        parts += _output(result)
    if result.data["undo"]:
        parts.append(Text(f"Undo with: {result.data['undo']}", style="faint"))
    return Group(*parts)


def _stack(result: ToolResult) -> RenderableType:
    rows = [[part["name"], f"{part['ready']}/{part['wanted']}", part["image"]] for part in result.data["parts"]]
    return Group(_summary(result), table(("part", "ready", "image"), rows))


def _in_pod(result: ToolResult) -> RenderableType:
    return _forwards(result) if "forwards" in result.data else _command(result)


def _on_engine(result: ToolResult) -> RenderableType:
    return render_images(result) or _command(result)


def _command(result: ToolResult) -> RenderableType:
    return Group(*_output(result), _summary(result, "faint"))


def _output(result: ToolResult) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for stream, style in (("stdout", ""), ("stderr", "warn")):
        text = printable(str(result.data.get(stream) or "").rstrip())
        if text:
            parts.append(Text(text, style=style))
    return [*parts, Text("… (cut)", style="faint")] if result.data.get("truncated") else parts


def _overview(result: ToolResult) -> RenderableType:
    data = result.data
    if "firing" in data:
        return render_alerts(result)
    if "health" in data:
        return render_health(result)
    if data.get("show") == "sizing":
        return render_sizing(result)
    everywhere = data["namespace"] is None
    where = ("namespace",) if everywhere else ()
    parts: list[RenderableType] = [_summary(result)]
    if data["workloads"]:
        rows = [
            [
                *([item["namespace"]] if everywhere else []),
                f"{item['kind'].lower()}/{item['name']}",
                f"{item['ready']}/{item['desired']}",
                item["state"],
                ", ".join(item["images"]),
                item["age"],
            ]
            for item in data["workloads"]
        ]
        parts += [Text(""), table((*where, "workload", "ready", "state", "images", "age"), rows)]
    if data["services"]:
        rows = [
            [
                *([item["namespace"]] if everywhere else []),
                f"service/{item['name']}",
                item["type"],
                item["cluster_ip"],
                ", ".join(item["ports"]),
            ]
            for item in data["services"]
        ]
        parts += [Text(""), table((*where, "service", "type", "cluster-ip", "ports"), rows)]
    if data["problems"]:
        parts += [Text(""), *(Text.assemble(("✘ ", "bad"), printable(problem)) for problem in data["problems"])]
    return Group(*parts)


def _list(result: ToolResult) -> RenderableType:
    data = result.data
    if "events" in data:
        return _events(result)
    if not data["rows"]:
        return _summary(result)
    if "what" in data:
        return _usage(result)
    shown = table(data["columns"], data["rows"])
    return Group(shown, _summary(result, "faint")) if data["shown"] < data["total"] else shown


def _describe(result: ToolResult) -> RenderableType:
    data = result.data
    if "revisions" in data:
        return _rollout(result)
    if "fields" in data:
        return _explained(result)
    parts: list[RenderableType] = [_summary(result), Text("")]
    parts.append(Text(printable(_yaml({**data["object"], **({"status": data["status"]} if data["status"] else {})}))))
    if data["owners"]:
        parts.append(Text(f"owned by: {', '.join(data['owners'])}\n"))
    if data["conditions"]:
        columns = ("type", "status", "reason", "message", "since")
        rows = [[item[column] for column in columns] for item in data["conditions"]]
        parts += [table(("condition", *columns[1:]), rows), Text("")]
    if data["pods"]:
        parts += [_pods(data["pods"]), Text("")]
    if data.get("owns"):
        parts += [Text("\n".join(_branches(data["owns"]))), Text("")]
    parts.append(_event_rows(data["events"]) if data["events"] else Text("no events", style="faint"))
    return Group(*parts)


def _branches(nodes: list[dict[str, Any]], indent: str = "") -> Iterator[str]:
    for position, node in enumerate(nodes):
        last = position == len(nodes) - 1
        words = "  ".join(part for part in (node["object"], node["status"], node["age"]) if part)
        yield printable(f"{indent}{'└─' if last else '├─'} {words}")
        yield from _branches(node["owns"], f"{indent}{'   ' if last else '│  '}")


def _event_rows(events: list[dict[str, Any]]) -> RenderableType:
    about = ("object",) if events and "object" in events[0] else ()
    columns = ("age", "type", *about, "reason", "count", "message")
    return table(columns, [[item[column] for column in columns] for item in events])


def _events(result: ToolResult) -> RenderableType:
    events = result.data["events"]
    return Group(_event_rows(events), _summary(result, "faint")) if events else _summary(result)


def _usage(result: ToolResult) -> RenderableType:
    rows = result.data["rows"]
    shares = [key for key in rows[0] if "_of_" in key]
    spaces = len({row.get("namespace") for row in rows}) > 1
    columns = (*(("namespace",) if spaces else ()), "name", "cpu", "memory", *(key.replace("_", " ") for key in shares))
    cells = [
        [
            *([row["namespace"]] if spaces else []),
            row["name"],
            f"{row['cpu_millicores']}m",
            f"{row['memory_mib']}Mi",
            *("–" if row[key] is None else f"{row[key]} %" for key in shares),
        ]
        for row in rows
    ]
    return Group(table(columns, cells), _summary(result, "faint"))


def _explained(result: ToolResult) -> RenderableType:
    data = result.data
    version = f"{data['kind']} {data['api_version']}"
    head = Text.assemble((data["path"], "head"), f"  {data['type']}  ", (version, "faint"))
    parts: list[RenderableType] = [head]
    if data["description"]:
        parts.append(Text(printable(data["description"])))
    if data["enum"]:
        parts.append(Text(f"one of: {', '.join(map(str, data['enum']))}"))
    if data["fields"]:
        rows = [
            [item["name"] + (" *" if item["name"] in data["required"] else ""), item["type"], item["description"]]
            for item in data["fields"]
        ]
        parts += [Text(""), table(("field", "type", "description"), rows)]
    return Group(*parts)


def _access(result: ToolResult) -> RenderableType:
    data = result.data
    if "subjects" not in data:
        mark, style = ("✔", "good") if data["allowed"] else ("✘", "bad")
        because = f" ({printable(data['reason'])})" if data["reason"] else ""
        return Text.assemble((f"{mark} ", style), printable(result.summary), (because, "faint"))
    columns = ("kind", "name", "namespace", "binding", "role")
    rows = [[item[column] for column in columns] for item in data["subjects"]]
    return Group(table(columns, rows), _summary(result, "faint")) if rows else _summary(result)


def _logs(result: ToolResult) -> RenderableType:
    lines = [printable(line) for line in result.data["lines"]]
    return Text("\n".join(lines), overflow="fold") if lines else _summary(result)


def _rollout(result: ToolResult) -> RenderableType:
    mark, style = ("✔", "good") if result.data["complete"] else ("✘", "bad") if result.data["failed"] else ("•", "warn")
    line = Text.assemble((f"{mark} ", style), printable(result.summary))
    parts: list[RenderableType] = [line]
    if result.data["pods"]:
        parts.append(_pods(result.data["pods"]))
    if result.data["revisions"]:
        rows = [
            [
                item["revision"],
                item["age"],
                ", ".join(item["images"]),
                ", ".join(field["path"] for field in item["changed"]),
            ]
            for item in result.data["revisions"]
        ]
        parts += [Text(""), table(("revision", "age", "images", "changed"), rows)]
    return Group(*parts)


def _forwards(result: ToolResult) -> RenderableType:
    rows = [
        [f"127.0.0.1:{item['local_port']}", item["target"], item["pod"], item["remote_port"], item["connections"]]
        for item in result.data["forwards"]
    ]
    news = [Text(printable(text), style="warn") for text in result.data.get("news") or ()]
    columns = ("here", "to", "pod", "port", "connections")
    return Group(_summary(result), *news, *([table(columns, rows)] if rows else []))


def _history(result: ToolResult) -> RenderableType:
    changes = result.data["changes"]
    if not changes:
        return _summary(result)
    rows = [
        [
            item["id"],
            item["at"],
            item["context"],
            f"undone by {item['undone_by']}" if item["undone_by"] else item["status"],
            item["title"]
            + (f": {clip(item['reason'], REASON_WIDTH)}" if item["reason"] else "")
            + (f" ({item['part_of']})" if item.get("part_of") else ""),
        ]
        for item in changes
    ]
    return table(("id", "at", "context", "status", "change"), rows)


def _changed(result: ToolResult) -> RenderableType:
    data = result.data
    rows = [
        [item["at"], item.get("object", "shipmate"), f"{item['what']}{_part(item)}"]
        for sort in ("changes", "objects", "rollouts", "restarts", "warnings")
        for item in data[sort]
    ]
    rows.sort(key=lambda row: str(row[0]), reverse=True)
    rows += [["", item["object"], "gone"] for item in data["gone"]]
    more = sum(data["more"].values())
    parts: list[RenderableType] = [_summary(result)]
    if rows:
        parts += [Text(""), table(("at", "object", "what"), rows)]
    return Group(*parts, *([Text(f"… and {more} more", style="faint")] if more else []))


def _part(item: dict[str, Any]) -> str:
    said = [str(item[key]) for key in ("status", "part_of") if item.get(key)]
    return f" ({', '.join(said)})" if said else ""


def _anything(result: ToolResult) -> RenderableType:
    rest = {key: value for key, value in result.data.items() if key != "summary"}
    return Group(_summary(result), Text(printable(_yaml(rest)))) if rest else _summary(result)


def _summary(result: ToolResult, style: str = "head") -> Text:
    return Text(printable(result.summary), style=style)


def _pods(pods: Iterable[dict[str, Any]]) -> RenderableType:
    rows = [[pod["name"], pod["ready"], pod["status"], pod["restarts"], pod["age"]] for pod in pods]
    return table(POD_COLUMNS, rows)


def _yaml(data: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120))


_SHAPES: dict[str, Callable[[ToolResult], RenderableType]] = {
    "cluster_overview": _overview,
    "list_resources": _list,
    "describe_resource": _describe,
    "get_logs": _logs,
    "check_access": _access,
    "diagnose": render_diagnosis,
    "connect_pod": _in_pod,
    "helm_releases": render_releases,
    "inspect_docker": render_docker,
    "change_docker": _on_engine,
    "list_changes": _history,
    "changed": _changed,
    "todo_stack": _stack,
}
