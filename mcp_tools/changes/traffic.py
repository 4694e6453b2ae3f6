"""Which workload a Service leads to: all of it by its selector (blue/green), or a share by replicas (canary)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import Edit
from mcp_tools.changes.operations import Request, Wanted, scale
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pods import is_ready, list_pods, selector_of
from mcp_tools.cluster.resolve import SCALABLE, WORKLOADS, Found, find_object
from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

ALL = 100
FIRST_LABELS = ("version", "track", "color", "colour", "slot", "release", "app.kubernetes.io/version")
"""By which labels two versions of one application are told apart, where the Service's selector does not say."""


def shift(connection: Connection, service: str, target: Found, percent: int) -> Wanted | Request:
    """Let a Service lead to a workload of its namespace.

    Args:
        service: As `find_object` takes it.
        percent: 100 switches the selector to the workload's pods and nothing else; less sets the replicas of the
            workloads behind the Service so that this share of its pods is the workload's.

    Raises:
        UsageError: The workload has no ready pod, is not told apart by a label, or is alone behind the Service.
        ShipmateError: As `find_object`.
    """
    word = service if "/" in service else f"services/{service}"
    found = find_object(connection, word, target.namespace, ("services",))
    if found.kind.plural != "services" or target.kind.plural not in WORKLOADS:
        raise UsageError("Traffic is led by a Service to a workload.", "Say `switch traffic of web to web-green`.")
    if not found.object["spec"].get("selector"):
        raise UsageError(f"{found} chooses no pods by a selector.", "Its endpoints are kept by somebody else.")
    return _switch(connection, found, target) if percent == ALL else _split(connection, found, target, percent)


def _switch(connection: Connection, service: Found, target: Found) -> Wanted:
    ready = [pod for pod in list_pods(connection, target.namespace or "", selector_of(target.object)) if is_ready(pod)]
    if not ready:
        raise UsageError(f"No pod of {target} is ready: the Service would lead nowhere.", "`describe` shows why.")
    selector: dict[str, str] = service.object["spec"]["selector"]
    labels = _pod_labels(target)
    wanted = {key: labels[key] for key in selector if key in labels}
    others = [other for other in _workloads(connection, service.namespace) if other.name != target.name]
    if any(_chosen(wanted, other) for other in others):
        wanted |= _telling(labels, [_pod_labels(other) for other in others if _chosen(wanted, other)], target)
    edits = [Edit(("spec", "selector", key), wanted[key]) for key in wanted if selector.get(key) != wanted[key]]
    said = ", ".join(f"{key}={value}" for key, value in wanted.items())
    return Wanted(
        "switch_traffic",
        f"Lead all traffic of {service} to {target} ({said}; {len(ready)} pods ready)",
        service,
        edits=tuple(edits),
        arguments={"to": target.name},
    )


def _telling(labels: dict[str, str], others: list[dict[str, str]], target: Found) -> dict[str, str]:
    """The label that only the target's pods bear, of the usual ones first."""
    apart = [key for key in labels if all(other.get(key) != labels[key] for other in others)]
    chosen = next((key for key in FIRST_LABELS if key in apart), apart[0] if apart else None)
    if chosen is None:
        raise UsageError(f"No label tells the pods of {target} from others behind the Service.", "Give them one.")
    return {chosen: labels[chosen]}


def _split(connection: Connection, service: Found, target: Found, percent: int) -> Request:
    selector = service.object["spec"]["selector"]
    behind = [found for found in _workloads(connection, service.namespace) if _chosen(selector, found)]
    others = [found for found in behind if found.name != target.name]
    if not any(found.name == target.name for found in behind):
        raise UsageError(f"{service} does not lead to {target} at all.", "Its selector chooses other pods.")
    if len(others) != 1 or others[0].kind.plural not in SCALABLE or target.kind.plural not in SCALABLE:
        raise UsageError(
            f"A share needs two workloads behind {service}, and there are {len(behind)}.", "Scale them one by one."
        )
    total = _replicas(target) + _replicas(others[0])
    mine, rest = shares(total, percent)
    parts = (scale(target, mine), scale(others[0], rest))
    title = (
        f"Lead {mine * ALL // (mine + rest)} % of {service} to {target}: {mine} of {mine + rest} pods, "
        f"{rest} of {others[0].name}"
    )
    return Request("split_traffic", title, parts, {"to": target.name, "percent": percent})


def shares(total: int, percent: int) -> tuple[int, int]:
    """How many of `total` pods are to be of the one kind and of the other; each keeps one between 1 and 99 %."""
    total = max(total, 2)
    mine = min(max(round(total * percent / ALL), 1), total - 1) if percent else 0
    return mine, total - mine


def _workloads(connection: Connection, namespace: str | None) -> list[Found]:
    found: list[Found] = []
    for plural in WORKLOADS:
        kind = built_in(plural)
        for item in connection.get_object(kind.path(namespace)).get("items") or []:
            item = {"apiVersion": kind.api_version, "kind": kind.name, **item}  # noqa: PLW2901  lists leave them out
            found.append(Found(kind, namespace, item["metadata"]["name"], item))
    return found


def _pod_labels(found: Found) -> dict[str, str]:
    labels: dict[str, str] = found.object["spec"]["template"]["metadata"].get("labels") or {}
    return labels


def _chosen(selector: dict[str, Any], found: Found) -> bool:
    labels = _pod_labels(found)
    return all(labels.get(key) == value for key, value in selector.items())


def _replicas(found: Found) -> int:
    return int(found.object["spec"].get("replicas", 1))
