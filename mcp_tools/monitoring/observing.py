"""What rules are held against: the cluster's objects, what they use, and how many errors they logged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.taking import take
from mcp_tools.errors import ApiError, NotFound
from mcp_tools.usage.reading import ContainerUsage, NodeUsage, container_usage, node_usage

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.snapshot import Snapshot
    from mcp_tools.usage.volumes import VolumeUsage

CLAIMS = {"persistentVolumeClaim", "ephemeral"}
"""The kinds of a pod's volumes that stand for claims."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The cluster at one moment.

    Attributes:
        at: When, by our clock, UTC.
        usage: None where the cluster measures nothing or does not show it.
        log_errors: Lines of level error per minute that pods wrote of late, by namespace and pod; empty where logs
            were not looked at.
        volumes: How full mounted claims are; None where the kubelets do not say.
    """

    snapshot: Snapshot
    at: dt.datetime
    usage: tuple[ContainerUsage, ...] | None = None
    node_usage: tuple[NodeUsage, ...] | None = None
    log_errors: Mapping[tuple[str, str], float] = field(default_factory=dict)
    volumes: tuple[VolumeUsage, ...] | None = None


def observe(connection: Connection, namespace: str | None) -> Observation:
    """Look once at one namespace and what belongs to the whole cluster, or at everything (None).

    Raises:
        ConnectionProblem: The cluster does not answer.
    """
    snapshot = take(connection, namespace)
    usage = measured(connection, namespace)
    volumes = measured_volumes(connection, snapshot)
    return Observation(snapshot, dt.datetime.now(dt.UTC), *usage, volumes=volumes)


def measured_volumes(connection: Connection, snapshot: Snapshot) -> tuple[VolumeUsage, ...] | None:
    """How full the claims are that pods of a snapshot mount; only the nodes of these pods are asked.

    Raises:
        ConnectionProblem: The cluster does not answer.
    """
    from mcp_tools.usage.volumes import volume_usage

    nodes = {
        str(pod.spec.get("nodeName"))
        for pod in snapshot.all("Pod")
        # An init container that finds no room keeps its pod pending.
        if pod.status.get("phase") in {"Pending", "Running"}
        and pod.spec.get("nodeName")
        and any(CLAIMS & volume.keys() for volume in pod.spec.get("volumes") or ())
    }
    found = volume_usage(connection, sorted(nodes)) if nodes else []
    return None if found is None else tuple(found)


def measured(
    connection: Connection, namespace: str | None
) -> tuple[tuple[ContainerUsage, ...] | None, tuple[NodeUsage, ...] | None]:
    """What containers and nodes use; None where that is not served or not shown to us."""
    usage: tuple[ContainerUsage, ...] | None = None
    nodes: tuple[NodeUsage, ...] | None = None
    try:
        usage = tuple(container_usage(connection, namespace))
        nodes = tuple(node_usage(connection))
    except (NotFound, ApiError):
        # Health and alerts go on without figures; who asks for the figures themselves is told why there are none.
        return usage, nodes
    return usage, nodes
