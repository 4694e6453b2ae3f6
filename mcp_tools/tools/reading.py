"""Tools that look and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

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


class DescribeInput(TargetInput):
    """One object, and how far to look."""

    owned: Annotated[bool, Field(default=False, description="Also the tree of what it owns")]


def _describe(hands: Hands, given: DescribeInput) -> Answer:
    from mcp_tools.reads.describing import describe

    return describe(hands.connection, given.target, given.namespace, owned=given.owned)


class LogsInput(TargetInput):
    """Whose log, and which part of it."""

    container: Annotated[str | None, Field(default=None, description="* for all")]
    previous: Annotated[bool, Field(default=False, description="The run before the last restart")]
    tail_lines: Annotated[int, Field(default=100, ge=1, le=500)]
    since_seconds: Annotated[int | None, Field(default=None, ge=1)]
    contains: Annotated[str | None, Field(default=None, description="Only lines with this text")]
    level: Annotated[Literal["error", "warning"] | None, Field(default=None, description="At least")]


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
        level=given.level,
    )


def _rollout(hands: Hands, given: TargetInput) -> Answer:
    from mcp_tools.reads.rollouts import rollout_status

    return rollout_status(hands.connection, given.target, given.namespace)


class EventsInput(ToolInput):
    """Whose events."""

    target: Annotated[str | None, Field(default=None, description="name or kind/name, with what it owns")]
    namespace: Namespace
    all_namespaces: AllNamespaces
    warnings_only: Annotated[bool, Field(default=False)]
    limit: Annotated[int, Field(default=50, ge=1, le=300)]


def _events(hands: Hands, given: EventsInput) -> Answer:
    from mcp_tools.reads.events import list_events

    return list_events(
        hands.connection,
        given.namespace,
        all_namespaces=given.all_namespaces,
        target=given.target,
        warnings_only=given.warnings_only,
        limit=given.limit,
    )


class TopInput(ToolInput):
    """Whose use of CPU and memory."""

    what: Annotated[Literal["pods", "nodes"], Field(default="pods")]
    namespace: Namespace
    all_namespaces: AllNamespaces
    sort_by: Annotated[Literal["cpu", "memory"], Field(default="cpu")]
    limit: Annotated[int, Field(default=50, ge=1, le=500)]


def _top(hands: Hands, given: TopInput) -> Answer:
    from mcp_tools.reads.top import top

    return top(
        hands.connection,
        given.what,
        given.namespace,
        all_namespaces=given.all_namespaces,
        sort_by=given.sort_by,
        limit=given.limit,
    )


class SearchInput(ToolInput):
    """What to look for."""

    text: Annotated[str, Field(min_length=2, max_length=253)]
    namespace: Annotated[str | None, Field(default=None, description="Default: all")]
    limit: Annotated[int, Field(default=50, ge=1, le=200)]


def _search(hands: Hands, given: SearchInput) -> Answer:
    from mcp_tools.reads.searching import search

    return search(hands.connection, given.text, namespace=given.namespace, limit=given.limit)


class ExplainInput(ToolInput):
    """Which field."""

    path: Annotated[str, Field(min_length=1, max_length=500, description="deployment.spec.strategy")]


def _explain(hands: Hands, given: ExplainInput) -> Answer:
    from mcp_tools.reads.explaining import explain

    return explain(hands.connection, given.path)


class AccessInput(ToolInput):
    """Who may do what."""

    verb: Annotated[str, Field(min_length=1, max_length=63, description="get, list, patch, delete…")]
    resource: Annotated[str, Field(min_length=1, max_length=253, description="Any kind; pods/log")]
    name: Annotated[str | None, Field(default=None)]
    namespace: Namespace
    who: Annotated[
        str | None, Field(default=None, description="Default: you. A user, serviceaccount/NAME, or anyone for all")
    ]


def _access(hands: Hands, given: AccessInput) -> Answer:
    from mcp_tools.reads.access import check_access

    return check_access(hands.connection, given.verb, given.resource, given.namespace, name=given.name, who=given.who)


def _read(name: str, title: str, description: str, model: type[ToolInput], handler: Any) -> Tool:
    return Tool(name, title, description, model, handler, read_only=True, idempotent=True)


TOOLS = (
    _read(
        "cluster_overview",
        "Overview",
        "How a namespace is: workloads with ready and desired replicas, Services, and what is wrong.",
        OverviewInput,
        _overview,
    ),
    _read(
        "list_resources",
        "List",
        "List objects of a kind as rows, with counts by status. Unhealthy rows come first on a long list.",
        ListInput,
        _list,
    ),
    _read(
        "describe_resource",
        "Describe",
        "One object in full: spec, status, conditions, owners, pods and its latest events.",
        DescribeInput,
        _describe,
    ),
    _read(
        "get_logs",
        "Logs",
        "The last log lines of a pod, or of all pods of a workload merged by time.",
        LogsInput,
        _logs,
    ),
    _read(
        "rollout_status",
        "Rollout status",
        "Whether a workload's rollout is complete, moving or failed, and why, with its pods.",
        TargetInput,
        _rollout,
    ),
    _read(
        "list_events",
        "Events",
        "What the cluster reported lately, newest first; of everything, or of one object and what it owns.",
        EventsInput,
        _events,
    ),
    _read("top", "Top", "CPU and memory in use against requests and limits, biggest first.", TopInput, _top),
    _read(
        "search_resources",
        "Search",
        "Find objects of the usual kinds by a word in name, labels or spec (image, host, port).",
        SearchInput,
        _search,
    ),
    _read("explain_field", "Explain", "What a field of a kind means, and its fields.", ExplainInput, _explain),
    _read("check_access", "Access", "By RBAC: may somebody do something, or who may.", AccessInput, _access),
)
