"""The tool that reaches into pods: commands, files, ports."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mcp_tools.errors import NotAllowed, UsageError
from mcp_tools.tools.base import Hands, Tool, ToolInput, require_fitting
from mcp_tools.tools.reading import Namespace  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from mcp_tools.cluster.forwarding import Opened
    from mcp_tools.reads.answer import Answer

WITH = {
    "exec": frozenset({"target", "namespace", "command", "container", "debug_image"}),
    "copy_in": frozenset({"target", "namespace", "path", "local_path", "container"}),
    "copy_out": frozenset({"target", "namespace", "path", "local_path", "container", "overwrite"}),
    "forward": frozenset({"target", "namespace", "port", "local_port"}),
    "list_forwards": frozenset[str](),
    "close_forward": frozenset({"target", "namespace", "port", "local_port"}),
}
"""Which arguments go with which action."""
NEEDED = {
    "exec": ("target", "command"),
    "copy_in": ("target", "path", "local_path"),
    "copy_out": ("target", "path", "local_path"),
    "forward": ("target",),
}


class ConnectInput(ToolInput):
    """What to do in a pod, or with the ports that lead to pods."""

    action: Literal["exec", "copy_in", "copy_out", "forward", "list_forwards", "close_forward"]
    target: Annotated[
        str | None, Field(default=None, min_length=1, max_length=320, description="Pod or workload; forward: svc/NAME")
    ]
    namespace: Namespace
    container: Annotated[str | None, Field(default=None, description="Needed when there are several")]
    command: Annotated[
        list[str], Field(default_factory=list, max_length=100, description='exec: ["ls","-l"]; no shell')
    ]
    debug_image: Annotated[
        str | None, Field(default=None, max_length=512, description="exec in a new debug container of it beside")
    ]
    path: Annotated[
        str | None, Field(default=None, min_length=1, max_length=4096, description="copy: in the pod, absolute")
    ]
    local_path: Annotated[str | None, Field(default=None, min_length=1, max_length=4096)]
    overwrite: Annotated[bool, Field(default=False)]
    port: Annotated[
        int | None, Field(default=None, ge=1, le=65_535, strict=True, description="Of the target; default: its only")
    ]
    local_port: Annotated[
        int | None, Field(default=None, ge=0, le=65_535, strict=True, description="Default: a free one")
    ]


def _connect(hands: Hands, given: ConnectInput) -> Answer:
    require_fitting(given, WITH, NEEDED)
    if given.action == "exec":
        return _exec(hands, given)
    if given.action in {"copy_in", "copy_out"}:
        return _copy(hands, given)
    return _forward(hands, given)


def _exec(hands: Hands, given: ConnectInput) -> Answer:
    from mcp_tools.changes.executing import only_looks, run_in_pod
    from mcp_tools.changes.report import report
    from mcp_tools.cluster.resolve import find_pod
    from mcp_tools.reads.commands import look

    found = find_pod(hands.connection, given.target or "", given.namespace)
    if given.debug_image:
        from mcp_tools.changes.debugging import debug_pod

        wanted = debug_pod(found, given.command, given.debug_image, given.container)
    else:
        wanted = run_in_pod(found, given.command, given.container)
        if only_looks(given.command):
            return look(hands.connection, found, wanted.arguments["container"], given.command)
    return report(hands.engine.run(wanted, hands.approver, hands.reporter))


def _copy(hands: Hands, given: ConnectInput) -> Answer:
    from mcp_tools.changes.copying import into_pod, out_of_pod
    from mcp_tools.changes.report import report
    from mcp_tools.cluster.resolve import find_pod

    if not hands.local_files:
        raise NotAllowed(
            "Over HTTP no file is copied: the server's disk is not the user's.",
            "Use `shipmate` on the machine that has the file, or action exec.",
        )
    found = find_pod(hands.connection, given.target or "", given.namespace)
    path, local = given.path or "", given.local_path or ""
    if given.action == "copy_in":
        wanted = into_pod(hands.connection, found, given.container, path, local)
    else:
        wanted = out_of_pod(hands.connection, found, given.container, path, local, overwrite=given.overwrite)
    return report(hands.engine.run(wanted, hands.approver, hands.reporter))


def _forward(hands: Hands, given: ConnectInput) -> Answer:
    from mcp_tools.reads.answer import Answer, count

    forwards = hands.forwards
    if given.action == "list_forwards":
        told = forwards.all()
        summary = f"{count(len(told), 'open port forward')}." if told else "No port is forwarded."
        news = {"news": said} if (said := forwards.news()) else {}
        return Answer(summary, {"forwards": [dataclasses.asdict(one) for one in told], **news})
    if given.action == "close_forward":
        closed = forwards.close(lambda one: _is_meant(one, given))
        if not closed and (given.target or given.port or given.local_port):
            raise UsageError("No such port forward is open.", "connect_pod with action list_forwards shows them.")
        summary = f"Closed {count(len(closed), 'port forward')}." if closed else "No port is forwarded."
        return Answer(summary, {"forwards": [dataclasses.asdict(one) for one in closed]})
    one = forwards.open(hands.connection, given.target or "", given.namespace, given.port, given.local_port or 0)
    summary = (
        f"127.0.0.1:{one.local_port} leads to port {one.remote_port} of pod {one.pod} ({one.target}), on the machine "
        "where Shipmate runs, until it is closed or Shipmate ends."
    )
    return Answer(summary, {"forwards": [dataclasses.asdict(one)]})


def _is_meant(one: Opened, given: ConnectInput) -> bool:
    name = (given.target or "").rpartition("/")[2]
    return (
        (not name or name in {one.pod, one.target.partition(" ")[0].partition("/")[2]})
        and given.port in {None, one.remote_port}
        and given.local_port in {None, one.local_port}
        and (given.namespace is None or one.target.endswith(f" in namespace {given.namespace}"))
    )


TOOLS = (
    Tool(
        "connect_pod",
        "Reach into a pod",
        "Run a command in a pod (those that only look need no approval), copy one file (50 MiB) in or out without "
        "showing it, or lead a local port (127.0.0.1) to it while Shipmate runs.",
        ConnectInput,
        _connect,
        destructive=True,
        looking=frozenset({"forward", "list_forwards", "close_forward"}),
    ),
)
