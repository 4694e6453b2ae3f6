"""What the monitor holds is bounded by what there is, however many pods come and go under ever new names."""

from __future__ import annotations

import datetime as dt
import gc
import sqlite3
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from mcp_tools.diagnosis.snapshot import Resource, Snapshot
from mcp_tools.monitoring.evaluating import Evaluator
from mcp_tools.monitoring.observing import Observation
from mcp_tools.monitoring.rules import load_rules
from mcp_tools.monitoring.shelf import Shelf
from mcp_tools.monitoring.store import AlertStore
from mcp_tools.usage.reading import ContainerUsage
from mcp_tools.usage.recording import Recorder
from mcp_tools.usage.store import UsageStore

PODS = 10
APART = dt.timedelta(hours=2)
LOOKS = (dt.timedelta(), dt.timedelta(minutes=10), dt.timedelta(minutes=40))
BEGIN = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SETTLED, LATER = 30, 150
"""Generations: after the first nothing is remembered that the second should not remember too (pods for two days)."""
ANY = "of any type"
DATABASES = {"alerts.db": ("alerts", "growths", "scopes"), "usage.db": ("aggregates", "instances")}


def text(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(name: str, at: dt.datetime, restarts: int) -> Resource:
    ended = {"exitCode": 1, "reason": "Error", "startedAt": text(at), "finishedAt": text(at)}
    status = {
        "name": "app",
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": ended},
    }
    owner = {"controller": True, "kind": "StatefulSet", "name": "web", "uid": "web"}
    meta = {"namespace": "n", "name": name, "uid": f"uid-{name}", "creationTimestamp": text(at)}
    body: dict[str, Any] = {
        "metadata": {**meta, "ownerReferences": [owner]},
        "spec": {"nodeName": "node", "containers": [{"name": "app", "image": "app:1"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [status],
        },
    }
    return Resource("Pod", body)


def event(about: Resource, number: int, at: dt.datetime) -> Resource:
    body = {
        "metadata": {"namespace": "n", "name": f"{about.name}.{number}", "creationTimestamp": text(at)},
        "involvedObject": {"kind": "Pod", "namespace": "n", "name": about.name, "uid": about.uid},
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting failed container",
        "lastTimestamp": text(at),
    }
    return Resource("Event", body)


class Watched:
    """The parts of a monitor that remember, told what watches tell, by a clock that the test drives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pods, self.events = Shelf("Pod"), Shelf("Event")
        self.alerts, self.usage = AlertStore(folder / "alerts.db"), UsageStore(folder / "usage.db")
        self.evaluator = Evaluator(load_rules(), store=self.alerts)
        self.recorder = Recorder(self.usage, "cluster")
        self.told = 0

    def live(self, generation: int) -> None:
        """Let pods come, fail and go."""
        began = BEGIN + generation * APART
        names = [f"web-{generation}-{number}" for number in range(PODS)]
        for look, after in enumerate(LOOKS):
            for name in names:
                made = pod(name, began, 5 * look)
                self.pods.put(made)
                self.events.put(event(made, look, began + after))
            self.look(began + after)
        for name in names:
            self.pods.remove("n", name)
        self.look(began + LOOKS[-1] + dt.timedelta(minutes=10))

    def look(self, at: dt.datetime) -> None:
        """What the monitor does each time that it comes round."""
        web = Resource("StatefulSet", {"metadata": {"namespace": "n", "name": "web", "uid": "web"}})
        found = self.pods.items()
        snapshot = Snapshot([web, *found, *self.events.items()], now=text(at))
        usage = tuple(ContainerUsage("n", one.name, "app", Decimal("0.1"), Decimal(10**8), text(at)) for one in found)
        observation = Observation(snapshot, at, usage)
        transitions = self.evaluator.step(observation)
        self.evaluator.acknowledge(transitions)
        self.recorder.record(observation)
        self.told += len(transitions)

    def held(self) -> Counter[str]:
        """How many objects of each of our types there are, of any type, and of rows."""
        gc.collect()
        found = gc.get_objects()
        ours = Counter(type(one).__name__ for one in found if str(type(one).__module__).startswith("mcp_tools."))
        rows = Counter[str]()
        for file, tables in DATABASES.items():
            with sqlite3.connect(self.folder / file) as db:
                for table in tables:
                    rows[table] = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return ours + rows + Counter({ANY: len(found)})


def test_what_is_held_does_not_grow_when_pods_come_and_go_under_new_names(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for generation in range(SETTLED):
        watched.live(generation)
    before = watched.held()
    for generation in range(SETTLED, LATER):
        watched.live(generation)
    after = watched.held()
    assert watched.told > LATER
    grown = {name: number - before[name] for name, number in after.items()}
    # Modules remember a few hundred things of their own; what is kept of each pod that went would be more.
    assert grown.pop(ANY) < PODS * (LATER - SETTLED)
    assert {name: number for name, number in grown.items() if number >= PODS} == {}
