"""How full mounted volumes are, as each node's kubelet says (`/stats/summary` through the API server)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.errors import ApiError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.cluster.connection import Connection

THREADS = 6


@dataclass(frozen=True, slots=True)
class VolumeUsage:
    """One measurement of the file system of one PersistentVolumeClaim.

    Attributes:
        used, capacity: Bytes.
        inodes_used, inodes: Of the file system; zero where it does not count them.
    """

    namespace: str
    claim: str
    used: int
    capacity: int
    inodes_used: int = 0
    inodes: int = 0


class _Claim(msgspec.Struct):
    name: str
    namespace: str


class _Volume(msgspec.Struct, rename="camel"):
    time: str = ""
    pvc_ref: _Claim | None = None
    used_bytes: int = 0
    capacity_bytes: int = 0
    inodes_used: int = 0
    inodes: int = 0


class _Pod(msgspec.Struct):
    volume: list[_Volume] = []


class _Summary(msgspec.Struct):
    pods: list[_Pod] = []


_summary = msgspec.json.Decoder(_Summary)


def volume_usage(connection: Connection, nodes: Iterable[str]) -> list[VolumeUsage] | None:
    """The claims that pods on these nodes mount, each once; None where no kubelet may be asked or answers as one.

    A kubelet measures once in one to two minutes, for each pod by itself: of a claim that several mount the latest
    counts. It does not measure volumes of type `hostPath`, which Minikube's and kind's own classes make.

    It takes the right to get `nodes/proxy`, which is a great one: who has it not is told nothing, and no error.

    Raises:
        ConnectionProblem: The cluster does not answer.
    """

    def ask(node: str) -> list[tuple[str, VolumeUsage]] | None:
        try:
            return _volumes(connection.get(f"/api/v1/nodes/{node}/proxy/stats/summary"))
        except (ApiError, NotFound, msgspec.MsgspecError):
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for answer in pool.map(ask, nodes) if answer is not None]
    if not answers:
        return None
    measured = sorted((item for answer in answers for item in answer), key=lambda item: item[0])
    return list({(item.namespace, item.claim): item for _, item in measured}.values())


def _volumes(raw: bytes) -> list[tuple[str, VolumeUsage]]:
    """Each measurement with its time, RFC 3339 in UTC."""
    return [
        (
            volume.time,
            VolumeUsage(
                volume.pvc_ref.namespace,
                volume.pvc_ref.name,
                volume.used_bytes,
                volume.capacity_bytes,
                volume.inodes_used,
                volume.inodes,
            ),
        )
        for pod in _summary.decode(raw).pods
        for volume in pod.volume
        if volume.pvc_ref and volume.capacity_bytes
    ]
