"""The monitor while a real API server and its etcd are killed and begin again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from control_plane import ETCD, OTHER_SERVER, SERVER, ControlPlane
from monitor_helpers import Receiver, monitoring, receiving, restarted, until

from mcp_tools.monitoring import monitor as monitor_module

if TYPE_CHECKING:
    from hands_helpers import Kube

    from mcp_tools.monitoring.monitor import Monitor

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
SECONDS = 180.0
RULES = {"crash-loop": {}, "pod-pending": {"for": "0s"}}
SPACE = "default"
ROUNDS = ((SERVER,), (SERVER, ETCD))
"""What is killed each time."""
BEGIN = ("last", "meanwhile", "after")
"""Pods whose trouble begins in the last moment before the outage, in it, and directly after it."""
Told = tuple[str, str, str]


def loops(name: str, status: str = "firing") -> Told:
    return status, "crash-loop", f"Pod/{name}"


def waits(name: str, status: str = "firing") -> Told:
    return status, "pod-pending", f"Pod/{name}"


def came(receiver: Receiver, *told: Told) -> None:
    until(lambda: set(told) <= set(receiver.told), SECONDS)


def looked_again(monitor: Monitor) -> None:
    for _ in range(3):
        last = monitor.evaluated_at
        until(lambda before=last: monitor.evaluated_at > before, SECONDS)


def make_waiting(kube: Kube, name: str) -> None:
    """Nobody schedules it."""
    spec = {"containers": [{"name": "app", "image": "nginx:1.27"}]}
    kube.make(f"/api/v1/namespaces/{SPACE}/pods", {"metadata": {"name": name}, "spec": spec})


def test_each_alert_is_told_once_and_ends_once_while_the_api_server_and_etcd_are_killed(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_module, "AWAY_SECONDS", 1.0)
    away = ("api-unreachable", "Cluster/own")
    expected: set[Told] = set()
    with ControlPlane(tmp_path) as plane:
        plane.start(ETCD)
        plane.start(SERVER)
        kube = plane.ready()
        restarted(kube, SPACE, "always", 0)
        for number in range(len(ROUNDS)):
            for name in ("first", "second", *BEGIN):
                restarted(kube, SPACE, f"{name}-{number}", 0)
        with (
            receiving() as (receiver, url),
            monitoring(plane.kubeconfig, SPACE, store, {"webhook": {"url": url}}, rules=RULES) as (monitor, _),
        ):
            until(lambda: monitor.ready, SECONDS)
            restarted(kube, SPACE, "always", 4)
            expected |= {loops("always")}
            came(receiver, *expected)
            for number, killed in enumerate(ROUNDS):
                first, second, lost, last, meanwhile, after = (
                    f"{name}-{number}" for name in ("first", "second", "lost", *BEGIN)
                )
                restarted(kube, SPACE, first, 4)
                restarted(kube, SPACE, second, 4)
                make_waiting(kube, lost)
                expected |= {loops(first), loops(second), waits(lost)}
                came(receiver, *expected)
                # Whether the monitor still hears of it is left to chance.
                restarted(kube, SPACE, last, 4)
                for name in killed:
                    plane.kill(name)
                kube.connection.close()
                until(lambda so_far=number: receiver.told.count(("firing", *away)) > so_far, SECONDS)
                for name in killed[1:]:
                    plane.start(name)
                # What the monitor cannot hear of comes by a server that it does not know.
                plane.start(OTHER_SERVER)
                other = plane.ready(OTHER_SERVER)
                restarted(other, SPACE, meanwhile, 4)
                restarted(other, SPACE, first, 4, steady=True)
                other.delete(f"/api/v1/namespaces/{SPACE}/pods/{lost}")
                other.connection.close()
                plane.kill(OTHER_SERVER)
                assert {told for told in receiver.told if told[1:] != away} - {loops(last)} == expected
                plane.start(SERVER)
                kube = plane.ready()
                restarted(kube, SPACE, after, 4)
                restarted(kube, SPACE, second, 4, steady=True)
                expected |= {loops(name) for name in (last, meanwhile, after)}
                expected |= {loops(first, "resolved"), loops(second, "resolved"), waits(lost, "resolved")}
                came(receiver, *expected)
                for name in (last, meanwhile, after):
                    restarted(kube, SPACE, name, 4, steady=True)
                    expected |= {loops(name, "resolved")}
                came(receiver, *expected, ("resolved", *away))
                looked_again(monitor)
            restarted(kube, SPACE, "always", 4, steady=True)
            expected |= {loops("always", "resolved")}
            came(receiver, *expected)
            looked_again(monitor)
            kube.connection.close()
        told = Counter(receiver.told)
        # On a busy machine a server that has begun may be late once more, which is told, too.
        outages = told.pop(("firing", *away))
        assert told.pop(("resolved", *away)) == outages >= len(ROUNDS)
        assert told == Counter(expected)
