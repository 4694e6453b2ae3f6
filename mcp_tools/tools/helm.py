"""Tools for Helm releases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mcp_tools.errors import Ambiguous, NotAllowed, NotFound, UsageError
from mcp_tools.tools.base import Hands, Tool, ToolInput, require_here

if TYPE_CHECKING:
    from mcp_tools.changes.operations import Request
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.reads.answer import Answer

Name = Annotated[str, Field(min_length=1, max_length=53)]
Place = Annotated[str | None, Field(default=None, max_length=63)]
Revision = Annotated[int | None, Field(default=None, ge=1)]
LOOK = "helm_releases with action list shows what is there."


class ChartInput(ToolInput):
    """A chart and what is set in it."""

    chart: Annotated[str | None, Field(default=None, max_length=500)]
    values_files: Annotated[list[str], Field(default_factory=list, max_length=20)]
    set: Annotated[dict[str, Any], Field(default_factory=dict)]
    version: Annotated[str | None, Field(default=None, max_length=100)]
    namespace: Place


class ReleasesInput(ChartInput):
    """What to know of releases."""

    action: Literal["list", "status", "history", "values", "manifest", "diff"] = "list"
    release: Annotated[Name | None, Field(default=None)]
    all_namespaces: Annotated[bool, Field(default=False)]
    revision: Revision
    full: Annotated[bool, Field(default=False, description="Values of the chart; manifests whole")]


class ReleaseInput(ChartInput):
    """What to do with a release."""

    action: Literal["install", "upgrade", "rollback", "uninstall"]
    release: Name
    chart: Annotated[
        str | None, Field(default=None, max_length=500, description="Directory, .tgz, oci://… or repo/chart")
    ]
    set: Annotated[
        dict[str, Any], Field(default_factory=dict, description="image.tag: value. Alone, earlier values stay")
    ]
    revision: Revision


def _look(hands: Hands, given: ReleasesInput) -> Answer:
    from mcp_tools.helm import reading

    if given.action == "list":
        return reading.list_releases(hands.connection, given.namespace, all_namespaces=given.all_namespaces)
    release = given.release or _only(hands.connection, given.namespace)
    if given.action == "diff":
        _require_local(hands, given)
        return reading.difference(hands.connection, _upgrade(hands.connection, release, given))
    if given.action == "history":
        return reading.history(hands.connection, release, given.namespace)
    place = (hands.connection, release, given.namespace, given.revision)
    if given.action == "values":
        return reading.values(*place, everything=given.full)
    if given.action == "manifest":
        return reading.manifest(*place, whole=given.full)
    return reading.status(*place)


def _only(connection: Connection, namespace: str | None) -> str:
    """The release of a namespace that has one."""
    from mcp_tools.helm import releases

    where = namespace or connection.namespace
    names = tuple(release.stored.name for release in releases.latest_of_each(connection, where))
    if len(names) != 1:
        raise Ambiguous(f"Of which release? Namespace {where} has {len(names) or 'none'}.", LOOK, names)
    return names[0]


def _change(hands: Hands, given: ReleaseInput) -> Answer:
    from mcp_tools.changes.report import report

    _require_local(hands, given)
    return report(hands.engine.run(_plan(hands.connection, given), hands.approver, hands.reporter))


def _plan(connection: Connection, given: ReleaseInput) -> Request:
    from mcp_tools.helm import changing, releases

    namespace = given.namespace or connection.namespace
    if given.action == "rollback":
        return changing.rollback(connection, given.release, namespace, given.revision)
    if given.action == "uninstall":
        return changing.uninstall(connection, given.release, namespace)
    now = releases.latest(connection, given.release, namespace)
    there = now is not None and now.stored.info.status != releases.UNINSTALLED
    if given.action == "upgrade" and not there and not given.chart:
        raise NotFound(f"There is no Helm release {given.release!r} in namespace {namespace} to upgrade.", LOOK)
    if given.action == "install" and there:
        raise UsageError(f"Release {given.release} is in namespace {namespace} already.", "Upgrade it instead.")
    return _upgrade(connection, given.release, given)


def _upgrade(connection: Connection, release: str, given: ChartInput) -> Request:
    from mcp_tools.helm import changing
    from mcp_tools.helm.charts import chart_of

    namespace = given.namespace or connection.namespace
    return changing.upgrade(
        connection,
        release,
        given.chart or chart_of(connection, release, namespace, Path.cwd()),
        namespace,
        values=given.values_files,
        sets=given.set,
        # As Helm has it: files say all that is set; without any, what was set before stays.
        keep_values=not given.values_files,
        version=given.version,
    )


def _require_local(hands: Hands, given: ChartInput) -> None:
    """Over HTTP the files are the server's, and none of the user's business."""
    remote = given.chart is not None and (
        "://" in given.chart or (given.chart.count("/") == 1 and not Path(given.chart).exists())
    )
    changes = not isinstance(given, ReleaseInput) or given.action in {"install", "upgrade"}
    if not hands.local_files and changes and (given.values_files or not remote):
        raise NotAllowed(
            "Over HTTP no chart or values file of the server's disk is read.",
            "Name a chart as oci://… or repo/chart, and give the values with set.",
        )
    for path in (*([] if remote or given.chart is None else [given.chart]), *given.values_files):
        require_here(path)


TOOLS = (
    Tool(
        "helm_releases",
        "Helm releases",
        "Lists Helm releases; of one its status, history, values, manifest, or what an upgrade would change.",
        ReleasesInput,
        _look,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "change_release",
        "Helm release",
        "Install, upgrade, roll back or uninstall a Helm release.",
        ReleaseInput,
        _change,
        destructive=True,
    ),
)
