"""Tools that look and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mcp_tools.errors import UsageError
from mcp_tools.tools.base import Hands, Tool, ToolInput

if TYPE_CHECKING:
    from mcp_tools.reads.answer import Answer

Namespace = Annotated[str | None, Field(default=None, max_length=253)]
AllNamespaces = Annotated[bool, Field(default=False)]
Target = Annotated[str, Field(min_length=1, max_length=320, description="name or kind/name")]
ROWS = 100
FEW_ROWS = 50


class OverviewInput(ToolInput):
    """Where to look."""

    namespace: Namespace
    all_namespaces: AllNamespaces
    show: Annotated[Literal["state", "health", "alerts", "sizing"] | None, Field(default=None)]
    target: Annotated[str | None, Field(default=None, min_length=1, max_length=320)]


def _overview(hands: Hands, given: OverviewInput) -> Answer:
    from mcp_tools.reads.overview import overview

    if given.show == "health":
        return _health(hands, given)
    if given.show == "sizing":
        return _sizing(hands, given)
    if given.target:
        raise UsageError("An overview is of a whole namespace.", "Describe the object, or ask for its health.")
    if given.show == "alerts":
        return _alerts(hands, given)
    return overview(hands.connection, given.namespace, all_namespaces=given.all_namespaces)


def _alerts(hands: Hands, given: OverviewInput) -> Answer:
    from mcp_tools.monitoring.report import alerts_report

    where = None if given.all_namespaces else given.namespace or hands.connection.namespace
    return alerts_report(hands.connection, where, hands.alert_store, hands.alerting)


def _sizing(hands: Hands, given: OverviewInput) -> Answer:
    from mcp_tools.sizing.report import sizing_report

    return sizing_report(
        hands.connection,
        hands.usage,
        hands.measuring,
        given.namespace,
        all_namespaces=given.all_namespaces,
        target=given.target or "",
    )


def _health(hands: Hands, given: OverviewInput) -> Answer:
    from mcp_tools.health.checking import FILE
    from mcp_tools.health.report import health_report
    from mcp_tools.tools.diagnosing import recent_changes

    if given.all_namespaces and (given.namespace or given.target):
        raise UsageError("One namespace and all of them are two questions.", "Give one or the other.")
    where = None if given.all_namespaces else given.namespace or hands.connection.namespace
    history = hands.journal.path.with_name(FILE)
    return health_report(
        hands.connection, where, given.target, entries=recent_changes(hands), history=history, settings=hands.health
    )


class ListInput(ToolInput):
    """What to list."""

    kind: Annotated[
        str | None, Field(default=None, min_length=1, max_length=253, description="Any kind, short name or CRD")
    ]
    contains: Annotated[
        str | None,
        Field(default=None, max_length=253, description="Only with this word in name, labels or spec"),
    ]
    about: Annotated[
        str | None, Field(default=None, max_length=320, description="Of events: kind/name, with what it owns")
    ]
    usage: Annotated[bool, Field(default=False, description="Of pods or nodes: CPU and memory in use")]
    namespace: Namespace
    all_namespaces: AllNamespaces
    label_selector: Annotated[str | None, Field(default=None, description="app=backend,tier!=db")]
    field_selector: Annotated[str | None, Field(default=None, description="status.phase=Running, type=Warning")]
    sort_by: Annotated[
        str | None, Field(default=None, max_length=253, description="Column or field path; -: biggest first")
    ]
    columns: Annotated[list[str], Field(default_factory=list, description="Field paths to show: spec.nodeName")]
    limit: Annotated[int | None, Field(default=None, ge=1, le=500, description="Rows; default 100, of events 50")]
    continue_token: Annotated[str | None, Field(default=None, description="Of the last page")]


def _list(hands: Hands, given: ListInput) -> Answer:
    from mcp_tools.cluster.kinds import built_in, find_kind
    from mcp_tools.reads.listing import list_resources

    rows_only = given.label_selector or given.columns or given.continue_token
    if given.usage:
        if rows_only or given.contains or given.about or given.field_selector:
            raise UsageError("Use of CPU and memory goes with no word, selector, column or page.", "Leave them out.")
        return _usage(hands, given)
    if given.contains:
        if rows_only or given.about or given.field_selector or given.sort_by:
            raise UsageError("A word to look for goes with no selector, order or page.", "Give one or the other.")
        return _search(hands, given.contains, given)
    kind = given.kind or ("events" if given.about else None)
    if not kind:
        raise UsageError("There is nothing to list.", "Give a kind, or a word that the objects contain.")
    reported = find_kind(hands.connection, kind) == built_in("events")
    if given.about and not reported:
        raise UsageError("Only events are about an object.", "Describe the object with owned, for what it owns.")
    if reported and not rows_only and not given.sort_by:
        return _events(hands, given)
    if given.about:
        raise UsageError("Events about an object come newest first.", "Leave out labels, order, columns and page.")
    return list_resources(
        hands.connection,
        kind,
        given.namespace,
        all_namespaces=given.all_namespaces,
        label_selector=given.label_selector,
        field_selector=given.field_selector,
        sort_by=given.sort_by,
        columns=given.columns,
        limit=given.limit or ROWS,
        continue_token=given.continue_token,
    )


def _search(hands: Hands, text: str, given: ListInput) -> Answer:
    from mcp_tools.reads.searching import search

    return search(hands.connection, text, namespace=given.namespace, kind_word=given.kind, limit=given.limit or ROWS)


def _events(hands: Hands, given: ListInput) -> Answer:
    from mcp_tools.reads.events import list_events

    return list_events(
        hands.connection,
        given.namespace,
        all_namespaces=given.all_namespaces,
        target=given.about,
        field_selector=given.field_selector,
        limit=given.limit or FEW_ROWS,
    )


def _usage(hands: Hands, given: ListInput) -> Answer:
    from mcp_tools.cluster.kinds import find_kind
    from mcp_tools.reads.top import top

    what = find_kind(hands.connection, given.kind or "pods").plural
    sort_by = (given.sort_by or "cpu").lower().removeprefix("-")
    if what not in {"pods", "nodes"} or sort_by not in {"cpu", "memory"}:
        raise UsageError(
            f"The use of {what} by {sort_by} is not measured.", "Ask for the usage of pods or nodes, by cpu or memory."
        )
    return top(
        hands.connection,
        what,
        given.namespace,
        all_namespaces=given.all_namespaces,
        sort_by=sort_by,
        limit=given.limit or FEW_ROWS,
    )


class TargetInput(ToolInput):
    """One object."""

    target: Target
    namespace: Namespace


class DescribeInput(TargetInput):
    """One object, and how far to look."""

    owned: Annotated[bool, Field(default=False, description="Also the tree of what it owns")]
    rollout: Annotated[bool, Field(default=False, description="Only its rollout: complete or why not; revisions")]
    explain: Annotated[
        bool, Field(default=False, description="Only what a kind or field means: target deployment.spec.strategy")
    ]


def _describe(hands: Hands, given: DescribeInput) -> Answer:
    from mcp_tools.reads.describing import describe
    from mcp_tools.reads.explaining import explain
    from mcp_tools.reads.rollouts import rollout_status

    if given.explain:
        return explain(hands.connection, given.target)
    if given.rollout:
        return rollout_status(hands.connection, given.target, given.namespace)
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


class DiffInput(ToolInput):
    """What to compare."""

    manifest: Annotated[str, Field(min_length=1, max_length=1_000_000, description="YAML, one or more documents")]
    namespace: Namespace


def _diff(hands: Hands, given: DiffInput) -> Answer:
    from mcp_tools.reads.comparing import diff_manifest

    return diff_manifest(hands.connection, given.manifest, given.namespace)


def _read(name: str, title: str, description: str, model: type[ToolInput], handler: Any) -> Tool:
    return Tool(name, title, description, model, handler, read_only=True, idempotent=True)


TOOLS = (
    _read(
        "cluster_overview",
        "Overview",
        "How a namespace is: workloads, Services, trouble; health as scores; sizing: use and requests.",
        OverviewInput,
        _overview,
    ),
    _read(
        "list_resources",
        "List",
        "Objects of a kind, with counts by status, unhealthy first; events; use of CPU and memory; a search by a word.",
        ListInput,
        _list,
    ),
    _read(
        "describe_resource",
        "Describe",
        "One object in full: spec, status, conditions, owners, pods and its latest events; or what a field means.",
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
        "diff_manifest",
        "Diff",
        "What applying a manifest would change, object by object; nothing is written.",
        DiffInput,
        _diff,
    ),
    _read("check_access", "Access", "By RBAC: may somebody do something, or who may.", AccessInput, _access),
)
