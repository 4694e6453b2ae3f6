"""The monitor as a whole: each alert told once, whatever becomes of the API server, of receivers, or of itself."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_helpers import Wire, detour, monitoring, receiving, restarted, until

from mcp_tools.monitoring import monitor as monitor_module

if TYPE_CHECKING:
    import pytest
    from hands_helpers import Kube

    from mcp_tools.sandbox.lifecycle import SandboxInfo

FIRING, OVER = ("firing", "crash-loop", "Pod/web"), ("resolved", "crash-loop", "Pod/web")


def test_an_outage_neither_loses_nor_repeats_nor_resolves(
    sandbox: SandboxInfo,
    kube: Kube,
    space: str,
    wire: Wire,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor_module, "AWAY_SECONDS", 3.0)
    config = detour(sandbox.kubeconfig, wire, tmp_path / "config")
    context = f"Cluster/{kube.connection.context}"
    restarted(kube, space, "web", 0)
    restarted(kube, space, "other", 0)
    with (
        receiving() as (receiver, url),
        monitoring(config, space, store, {"webhook": {"url": url}}) as (monitor, said),
    ):
        until(lambda: monitor.ready)
        restarted(kube, space, "web", 5)
        until(lambda: receiver.told == [FIRING])
        for _ in range(2):
            wire.cut()
            until(lambda: monitor.away)
            assert not monitor.ready
            wire.mend()
            until(lambda: monitor.ready)
        assert receiver.told == [FIRING], "short outages are no news"
        wire.cut()
        # What happens meanwhile is told afterwards, once.
        restarted(kube, space, "other", 7)
        restarted(kube, space, "web", 5, steady=True)
        until(lambda: ("firing", "api-unreachable", context) in receiver.told)
        assert receiver.told[:1] == [FIRING]
        assert len(receiver.told) == 2
        wire.mend()
        until(lambda: len(receiver.told) == 5)
        assert receiver.told[2] == ("resolved", "api-unreachable", context)
        assert sorted(receiver.told[3:]) == [("firing", "crash-loop", "Pod/other"), OVER]
        assert sum("is back after" in line for line in said) == 3
    assert len(receiver.told) == 5


def test_a_monitor_that_is_started_again_repeats_nothing_and_makes_up_for_what_it_missed(
    sandbox: SandboxInfo, kube: Kube, space: str, store: Path
) -> None:
    restarted(kube, space, "web", 0)
    with receiving() as (receiver, url):
        sinks = {"webhook": {"url": url}}
        with monitoring(sandbox.kubeconfig, space, store, sinks) as (monitor, _):
            until(lambda: monitor.ready)
            restarted(kube, space, "web", 5)
            until(lambda: receiver.told == [FIRING])
        with monitoring(sandbox.kubeconfig, space, store, sinks) as (monitor, _):
            until(lambda: monitor.ready)
            assert [alert.rule for alert in monitor.alerts] == ["crash-loop"]
        assert receiver.told == [FIRING]
        restarted(kube, space, "web", 5, steady=True)
        with monitoring(sandbox.kubeconfig, space, store, sinks):
            until(lambda: receiver.told == [FIRING, OVER])
    # Nobody listened when it fired: the next process tells it.
    sinks = {"webhook": {"url": url}}
    with monitoring(sandbox.kubeconfig, space, store, sinks) as (monitor, _):
        restarted(kube, space, "web", 12)
        until(lambda: monitor.outboxes[0].counts.failures)
    with receiving() as (late, other), monitoring(sandbox.kubeconfig, space, store, {"webhook": {"url": other}}):
        until(lambda: late.told == [FIRING])


def test_the_same_alert_reaches_every_sink_and_one_that_hangs_holds_up_none(
    sandbox: SandboxInfo, kube: Kube, space: str, store: Path
) -> None:
    restarted(kube, space, "web", 0)
    with receiving(*["stall"] * 50) as (deaf, slow), receiving() as (receiver, url):
        sinks = {"webhook": {"url": slow}, "slack": {"url": url}, "kubernetes_events": True, "terminal": True}
        with monitoring(sandbox.kubeconfig, space, store, sinks) as (monitor, said):
            until(lambda: monitor.ready)
            restarted(kube, space, "web", 5)
            until(lambda: receiver.bodies)
            until(lambda: any("FIRING critical crash-loop" in line for line in said))
            restarted(kube, space, "web", 5, steady=True)
            until(lambda: len(receiver.bodies) == 2)
            events = until(
                lambda: [
                    event
                    for event in kube.get(f"/api/v1/namespaces/{space}/events")["items"]
                    if event["source"].get("component") == "shipmate"
                ]
            )
            assert (events[0]["reason"], events[0]["involvedObject"]["name"]) == ("CrashLoop", "web")
            assert not deaf.bodies
            assert deaf.tries


def test_metrics_and_health_say_how_it_stands(
    sandbox: SandboxInfo, kube: Kube, space: str, wire: Wire, store: Path, tmp_path: Path
) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    config = detour(sandbox.kubeconfig, wire, tmp_path / "config")
    restarted(kube, space, "web", 0)
    with monitoring(config, space, store, {}, listen="127.0.0.1:0") as (monitor, said):
        where = next(line for line in said if "/metrics" in line).split()[1].removesuffix("/metrics;")
        until(lambda: monitor.ready)
        restarted(kube, space, "web", 5)
        until(lambda: monitor.alerts)

        def page(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"{where}{path}", timeout=10) as found:
                    return found.status, found.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        samples = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(page("/metrics")[1])
            for sample in family.samples
        }
        assert samples["shipmate_alerts", "crash-loop", "critical", "firing"] == 1
        assert samples["shipmate_monitor_api_reachable",] == 1
        assert samples["shipmate_monitor_objects", "Pod"] == 1
        assert samples["process_resident_memory_bytes",] > 1 << 20
        assert samples["shipmate_monitor_evaluation_seconds_count",] >= 1
        assert page("/healthz")[0] == page("/readyz")[0] == 200
        assert page("/etc/passwd")[0] == 404
        wire.cut()
        until(lambda: page("/readyz")[0] == 503)
        assert page("/healthz")[0] == 200
