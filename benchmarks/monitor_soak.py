"""`python -m benchmarks.monitor_soak [MINUTES]`: the monitor over 5,000 pods that keep changing.

The server is the sandbox's API over a crowd (`reads_server.py`); what changes are marks on pods, pods that come and go,
restarts that go up and Events. Measured is the monitor's own process: its memory after warming up and at the end, and
how long after a write began its watch heard of it. Not one of the benchmarks that `make bench` runs: it takes its time.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource

MINUTES, WARM_UP_MINUTES = 12.0, 3.0
WRITES_A_SECOND = 20
MARK = "shipmate.soak/mark"
EVERY_SECONDS = 10.0
EVALUATION = "shipmate_monitor_evaluation_seconds"


def monitor(kubeconfig: str, store: str) -> None:
    """The process that is measured: the monitor as the command runs it, telling what it heard and how large it is."""
    from mcp_tools.cluster.connection import connect
    from mcp_tools.cluster.target import Target
    from mcp_tools.monitoring import metrics
    from mcp_tools.monitoring.configuring import MonitorSettings
    from mcp_tools.monitoring.rules import load_rules
    from mcp_tools.monitoring.running import made_monitor, stopping

    lags: list[float] = []

    class Marks(metrics.Metrics):
        def heard(self, change: str, item: Resource) -> None:
            super().heard(change, item)
            mark = (item.meta.get("annotations") or {}).get(MARK)
            if mark and change != "DELETED":
                lags.append(time.time() - float(mark))

    metrics.Metrics = Marks  # type: ignore[misc]
    stop = stopping()

    def tell() -> None:
        while not stop.wait(EVERY_SECONDS):
            heard, lags[:] = list(lags), []
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            told = {"rss": pages * os.sysconf("SC_PAGE_SIZE"), "lags": heard, "cpu": time.process_time()}
            print(json.dumps(told | state()), flush=True)

    def state() -> dict[str, Any]:
        text = made.cache.watching
        return {
            "objects": sum(len(item.shelf) for item in text),
            "reconnects": sum(item.reconnects for item in text),
            "alerts": len(made.alerts),
            "evaluated": [
                sample.value
                for family in made.metrics.registry.collect()
                for sample in family.samples
                if sample.name
                in {"shipmate_monitor_evaluation_seconds_sum", "shipmate_monitor_evaluation_seconds_count"}
            ],
        }

    connection = connect(Target(kubeconfig=kubeconfig))
    settings = MonitorSettings.model_validate({"sinks": {"terminal": False}})
    with made_monitor(connection, None, load_rules(), settings, Path(store), write=lambda *_: None, say=say) as made:
        threading.Thread(target=tell, daemon=True).start()
        made.run(stop)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Churn:
    """Writes that a cluster of this size sees, at a steady rate."""

    def __init__(self, kubeconfig: Path) -> None:
        from mcp_tools.cluster.connection import connect
        from mcp_tools.cluster.target import Target

        self._connection = connect(Target(kubeconfig=str(kubeconfig)))
        raw = json.loads(self._connection.get("/api/v1/pods", accept="application/json"))
        self._pods = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in raw["items"]]
        self._template = next(item for item in raw["items"] if item["status"].get("phase") == "Running")
        self._dice = random.Random(7)
        self._number = 0
        self.writes = self.failed = 0
        self.stop = threading.Event()

    def run(self) -> None:
        from mcp_tools.errors import ShipmateError

        at = time.monotonic()
        while not self.stop.is_set():
            at += 1 / WRITES_A_SECOND
            self.stop.wait(max(0.0, at - time.monotonic()))
            try:
                self._write()
                self.writes += 1
            except ShipmateError:
                self.failed += 1

    def _write(self) -> None:
        space, name = self._dice.choice(self._pods)
        path = f"/api/v1/namespaces/{space}/pods"
        mark = {"metadata": {"annotations": {MARK: repr(time.time())}}}
        self._number += 1
        match self._dice.randrange(10):
            case 0:
                meta = {"name": f"soak-{self._number}", **mark["metadata"], "labels": {"app": "soak"}}
                body = {"metadata": meta, "spec": {"schedulerName": "nobody", "containers": self._containers()}}
                self._connection.write("POST", path, body)
                self._pods.append((space, meta["name"]))
            case 1:
                made = [pod for pod in self._pods if pod[1].startswith("soak-")]
                if len(made) > 50:
                    space, name = made[0]
                    path = f"/api/v1/namespaces/{space}/pods/{name}?gracePeriodSeconds=0"
                    self._connection.write("DELETE", path, {})
                    self._pods.remove(made[0])
            case 2:
                about = {"kind": "Pod", "namespace": space, "name": name, "uid": f"{self._number}"}
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                body = {
                    "metadata": {"name": f"soak-{self._number}", **mark["metadata"]},
                    "involvedObject": about, "reason": "BackOff", "message": f"Back-off {self._number}",
                    "type": "Warning", "count": 1, "firstTimestamp": now, "lastTimestamp": now,
                }  # fmt: skip
                self._connection.write("POST", f"/api/v1/namespaces/{space}/events", body)
            case 3:
                self._restart(path, name, mark)
            case _:
                self._patch(f"{path}/{name}", mark)

    def _containers(self) -> list[dict[str, str]]:
        return [{"name": "app", "image": "nginx:1.27"}]

    def _restart(self, path: str, name: str, mark: dict[str, Any]) -> None:
        live = self._connection.get_object(f"{path}/{name}")
        statuses = (live.get("status") or {}).get("containerStatuses") or []
        for status in statuses:
            status["restartCount"] = int(status.get("restartCount") or 0) + 1
        self._patch(f"{path}/{name}/status", {**mark, "status": {"containerStatuses": statuses}} if statuses else mark)

    def _patch(self, path: str, body: dict[str, Any]) -> None:
        self._connection.write("PATCH", path, body, content_type="application/merge-patch+json")


def measure(minutes: float, place: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.reads_server", str(place)],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert server.stdout
    while server.stdout.readline().strip() != "ready":
        assert server.poll() is None, "the server ended"
    churn = Churn(place / "kubeconfig")
    watcher = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.monitor_soak", "--monitor", str(place / "kubeconfig"), str(place / "db")],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    thread = threading.Thread(target=churn.run, daemon=True)
    thread.start()
    try:
        told = list(_listen(watcher, minutes))
    finally:
        churn.stop.set()
        thread.join(30)
        watcher.terminate()
        ended = watcher.wait(30)
        server.kill()
        server.wait(30)
    _report(told, churn, minutes, ended)


def _listen(watcher: subprocess.Popen[str], minutes: float) -> Any:
    assert watcher.stdout
    began = time.monotonic()
    for line in watcher.stdout:
        found = json.loads(line) | {"at": time.monotonic() - began, "load": os.getloadavg()[0]}
        size, heard = found["rss"] / 2**20, len(found["lags"])
        say(f"{found['at'] / 60:5.1f} min  {size:6.1f} MiB  {heard} heard  {found['objects']} objects")
        yield found
        if found["at"] > minutes * 60:
            return


def _report(told: list[dict[str, Any]], churn: Churn, minutes: float, ended: int) -> None:
    warm = [item for item in told if item["at"] >= min(WARM_UP_MINUTES, minutes / 3) * 60]
    last = warm[-1]
    lags = sorted(lag * 1000 for item in warm for lag in item["lags"]) or [0.0]
    p50, p95, p99 = (lags[int((len(lags) - 1) * part)] for part in (0.5, 0.95, 0.99))
    third = max(1, len(warm) // 3)
    early, late = (_middle([item["rss"] for item in part]) / 2**20 for part in (warm[:third], warm[-third:]))
    most = max(item["rss"] for item in told) / 2**20
    count, total = last["evaluated"]
    load = _middle([item["load"] for item in warm])
    print(f"{minutes:g} minutes, {churn.writes} writes ({churn.failed} failed), load {load:.1f}")
    print(f"memory: first third after warming up {early:.1f} MiB, last third {late:.1f} MiB, ever {most:.1f} MiB")
    print(f"lag: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, most {lags[-1]:.0f} ms of {len(lags)}")
    print(f"{last['objects']} objects, {last['alerts']} alerts, {last['reconnects']} reconnects, exit {ended}")
    each, share = total / max(count, 1) * 1000, last["cpu"] / last["at"] * 100
    print(f"{count:.0f} evaluations of {each:.0f} ms; {share:.0f} % of a core")


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    if sys.argv[1:2] == ["--monitor"]:
        monitor(*sys.argv[2:4])
        return
    minutes = float(sys.argv[1]) if sys.argv[1:] else MINUTES
    with tempfile.TemporaryDirectory(prefix="shipmate-soak-") as folder:
        measure(minutes, Path(folder))


if __name__ == "__main__":
    main()
