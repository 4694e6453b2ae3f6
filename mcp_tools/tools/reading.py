"""Tools that look and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mcp_tools.tools.base import Hands, Tool, ToolInput

if TYPE_CHECKING:
    from mcp_tools.reads.answer import Answer

Namespace = Annotated[str | None, Field(default=None, description="Default: the current one")]
AllNamespaces = Annotated[bool, Field(default=False)]
Target = Annotated[str, Field(min_length=1, max_length=320, description="name or kind/name")]


class OverviewInput(ToolInput):
    """Where to look."""

    namespace: Namespace
    all_namespaces: AllNamespaces


def _overview(hands: Hands, given: OverviewInput) -> Answer:
    from mcp_tools.reads.overview import overview

    return overview(hands.connection, given.namespace, all_namespaces=given.all_namespaces)


class ListInput(ToolInput):
    """What to list."""

    kind: Annotated[str, Field(min_length=1, max_length=253, description="Any kind, plural, short name or CRD")]
    namespace: Namespace
    all_namespaces: AllNamespaces
    label_selector: Annotated[str | None, Field(default=None, description="app=backend,tier!=db")]
    field_selector: Annotated[str | None, Field(default=None, description="status.phase=Running")]
    limit: Annotated[int, Field(default=100, ge=1, le=500, description="Rows")]
    continue_token: Annotated[str | None, Field(default=None, description="Of the last page")]


def _list(hands: Hands, given: ListInput) -> Answer:
    from mcp_tools.reads.listing import list_resources

    return list_resources(
        hands.connection,
        given.kind,
        given.namespace,
        all_namespaces=given.all_namespaces,
        label_selector=given.label_selector,
        field_selector=given.field_selector,
        limit=given.limit,
        continue_token=given.continue_token,
    )


class TargetInput(ToolInput):
    """One object."""

    target: Target
    namespace: Namespace


def _describe(hands: Hands, given: TargetInput) -> Answer:
    from mcp_tools.reads.describing import describe

    return describe(hands.connection, given.target, given.namespace)


class LogsInput(TargetInput):
    """Whose log, and which part of it."""

    container: Annotated[str | None, Field(default=None)]
    previous: Annotated[bool, Field(default=False, description="The run before the last restart")]
    tail_lines: Annotated[int, Field(default=100, ge=1, le=500)]
    since_seconds: Annotated[int | None, Field(default=None, ge=1)]
    contains: Annotated[str | None, Field(default=None, description="Only lines with this text")]


def _logs(hands: Hands, given: LogsInput) -> Answer:
    from mcp_tools.reads.logs import get_logs

    return get_logs(
        hands.connection,
        given.target,
        given.namespace,
        container=given.container,
        previous=given.previous,
        tail_lines=given.tail_lines,
        since_seconds=given.since_seconds,
        contains=given.contains,
    )


def _rollout(hands: Hands, given: TargetInput) -> Answer:
    from mcp_tools.reads.rollouts import rollout_status

    return rollout_status(hands.connection, given.target, given.namespace)


TOOLS = (
    Tool(
        "cluster_overview",
        "Overview",
        "How a namespace is: workloads with ready and desired replicas, Services, and what is wrong.",
        OverviewInput,
        _overview,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "list_resources",
        "List",
        "List objects of a kind as rows, with counts by status. Unhealthy rows come first on a long list.",
        ListInput,
        _list,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "describe_resource",
        "Describe",
        "One object in full: spec, status, conditions, owners, pods and its latest events.",
        TargetInput,
        _describe,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "get_logs",
        "Logs",
        "The last log lines of a pod, or of all pods of a workload merged by time.",
        LogsInput,
        _logs,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "rollout_status",
        "Rollout status",
        "Whether a workload's rollout is complete, moving or failed, and why, with its pods.",
        TargetInput,
        _rollout,
        read_only=True,
        idempotent=True,
    ),
)
