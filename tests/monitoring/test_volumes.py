"""How full volumes are, as kubelets say it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alert_objects import pod
from hands_helpers import answer, http_server, write_kubeconfig

from mcp_tools.cluster.connection import Connection, connect
from mcp_tools.cluster.target import Target
from mcp_tools.diagnosis.snapshot import Resource, Snapshot
from mcp_tools.monitoring.observing import measured_volumes
from mcp_tools.usage.volumes import VolumeUsage, volume_usage

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

FULL, FREED = 19_922_944, 4_096
TOKEN = {"time": "2026-11-29T14:40:02Z", "capacityBytes": 8, "usedBytes": 8, "name": "kube-api-access-x2x7v"}


def measured(used: int, minute: int, claim: str = "data") -> dict[str, Any]:
    """As the kubelet of Kubernetes 1.34 says it of a tmpfs of 20 MiB."""
    return {
        "time": f"2026-11-29T14:{minute}:02Z",
        "availableBytes": 20_971_520 - used,
        "capacityBytes": 20_971_520,
        "usedBytes": used,
        "inodesFree": 3_085_385,
        "inodes": 3_085_387,
        "inodesUsed": 2,
        "name": "data",
        "pvcRef": {"name": claim, "namespace": "shop"},
    }


def summary(*volumes: dict[str, Any]) -> bytes:
    pods = [{"podRef": {"name": f"api-{number}"}, "volume": [one, TOKEN]} for number, one in enumerate(volumes)]
    return json.dumps({"node": {"nodeName": "one"}, "pods": [*pods, {"podRef": {"name": "bare"}}]}).encode()


@contextmanager
def nodes(tmp_path: Path, **said: bytes) -> Iterator[tuple[Connection, list[str]]]:
    """A cluster whose nodes say this, and whom it was asked of."""
    asked: list[str] = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        parts = handler.path.split("/")
        if "proxy" not in parts:
            answer(handler, 200, {"major": "1", "minor": "34", "gitVersion": "v1.34.4"})
            return
        asked.append(parts[4])
        found = said.get(parts[4])
        answer(handler, 404 if found is None else 200, found or b"{}")

    with (
        http_server(reply) as url,
        closing(connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url))))) as connection,
    ):
        yield connection, asked


def test_a_claim_that_several_pods_mount_is_as_it_was_measured_last(tmp_path: Path) -> None:
    said = summary(measured(FULL, 40), measured(FREED, 41), measured(FULL, 39))
    with nodes(tmp_path, one=said) as (connection, _):
        assert volume_usage(connection, ["one"]) == [VolumeUsage("shop", "data", FREED, 20_971_520, 2, 3_085_387)]


@pytest.mark.parametrize("strange", [b"<html>", b'{"pods": 3}', b'{"pods": [{"volume": [{"usedBytes": "much"}]}]}'])
def test_a_node_that_answers_strangely_takes_nothing_from_the_others(tmp_path: Path, strange: bytes) -> None:
    with nodes(tmp_path, one=strange, two=summary(measured(FULL, 40))) as (connection, _):
        assert volume_usage(connection, ["one"]) is None
        assert [item.used for item in volume_usage(connection, ["one", "two", "three"]) or ()] == [FULL]


def test_the_nodes_are_asked_on_which_pods_have_claims_however_they_came_by_them(tmp_path: Path) -> None:
    def on(node: str, volume: dict[str, Any], phase: str = "Running") -> Resource:
        found = pod(f"on-{node}", phase=phase)
        found.spec["nodeName"] = node
        found.spec["volumes"] = [{"name": "data", **volume}]
        return found

    pods = [
        on("one", {"persistentVolumeClaim": {"claimName": "data"}}),
        on("two", {"ephemeral": {"volumeClaimTemplate": {}}}, "Pending"),
        on("three", {"emptyDir": {}}),
        on("", {"persistentVolumeClaim": {"claimName": "data"}}, "Pending"),
        on("four", {"persistentVolumeClaim": {"claimName": "data"}}, "Succeeded"),
    ]
    with nodes(tmp_path, one=summary(measured(FULL, 40)), two=summary()) as (connection, asked):
        found = measured_volumes(connection, Snapshot(pods, "", {}))
    assert sorted(asked) == ["one", "two"]
    assert [item.claim for item in found or ()] == ["data"]
