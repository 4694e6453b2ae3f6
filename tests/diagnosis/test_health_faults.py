"""Faults of the sandbox: the score falls, for the right object by the right part, and the first advice is the cause."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec
import pytest
from diagnosis_worlds import InMemory, broken, names

from mcp_tools.diagnosis.model import Ref
from mcp_tools.health.checking import Check, check
from mcp_tools.health.configuration import risks
from mcp_tools.health.parts import Part
from mcp_tools.health.report import told
from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.faults import all_faults
from mcp_tools.sandbox.world import boot

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_tools.sandbox.world import World

BACKEND = Ref("Deployment", "todo-app", "backend")
# Fault, the object that is worst, and a part that costs it much, with words of its reason.
FELL = [
    ("image-tag", BACKEND, Part.AVAILABILITY, "ImagePullBackOff"),
    ("crash-segfault", BACKEND, Part.RESTARTS, "exit code 139"),
    ("oom-leak", BACKEND, Part.RESTARTS, "OOMKilled"),
    ("flapping", BACKEND, Part.AVAILABILITY, "of 2 pods ready"),
    ("readiness-500", BACKEND, Part.ERRORS, "Unhealthy"),
    ("cpu-throttled", BACKEND, Part.SATURATION, "of its CPU limit"),
    ("service-selector", Ref("Service", "todo-app", "backend"), Part.AVAILABILITY, "users do not get through"),
    ("job-backoff", Ref("Job", "todo-app", "import"), Part.AVAILABILITY, "its last run failed"),
    ("hpa-requests", Ref("Deployment", "todo-app", "reports"), Part.CONFIGURATION, "no requests"),
    ("volume-released", Ref("Deployment", "todo-app", "archive"), Part.AVAILABILITY, "0 of 1 pod ready"),
]


def checked(world: World, namespace: str | None = "todo-app", history: Path | None = None) -> Check:
    return check(InMemory(world), namespace, history=history, now=rfc3339(world.clock.now()))


@pytest.mark.parametrize(("name", "ref", "part", "words"), FELL)
def test_a_fault_costs_the_right_object_by_the_right_part(name: str, ref: Ref, part: Part, words: str) -> None:
    done = checked(broken(name))
    found = done.assessment
    worst = next(each for each in found.workloads if each.ref == ref)
    assert worst.score.value == found.workloads[0].score.value
    assert worst.score.lost[part] >= 3, {each.part: (each.score, each.why) for each in worst.measures}
    assert words in next(each.why for each in worst.measures if each.part is part)
    assert found.whole is not None
    assert found.whole.value < 95
    first = told("sandbox", done, "todo-app").data["first"][0]
    fault = all_faults()[name]
    assert names(found.causes[0], fault)
    assert first["object"] == str(found.causes[0].finding.object)
    assert first["why"].startswith(found.causes[0].finding.cause[:100])


def test_a_node_that_is_lost_costs_the_cluster_and_is_the_first_advice() -> None:
    answer = told("sandbox", checked(broken("node-lost"), None), None)
    node = answer.data["nodes"][0]
    assert node["object"] == "node/sandbox-2"
    assert node["score"] <= 20
    assert node["parts"][0]["why"] == "it is not Ready"
    assert answer.data["first"][0]["object"] == "node/sandbox-2"
    assert answer.data["health"]["score"] < 60


def test_a_stack_that_is_well_scores_near_a_hundred_and_says_what_was_not_measured() -> None:
    world = boot(seed=7)
    world.clock.advance(600)
    answer = told("sandbox", checked(world), "todo-app")
    assert answer.data["health"]["score"] >= 98
    assert answer.data["unmeasured"] == ["latency"]
    assert "latency not measured" in answer.summary
    assert [step["tool"] for step in answer.data["first"]] == ["scale"]
    assert "two replicas of deployment/mcp-server" in answer.data["first"][0]["do"]


def test_what_is_set_up_carelessly_is_told_risk_by_risk() -> None:
    world = boot(seed=7, empty=True)
    container = {"name": "app", "image": "nginx", "ports": [{"containerPort": 80}], "securityContext": {}}
    pod = {"containers": [{**container, "securityContext": {"privileged": True}}]}
    spec = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod},
    }
    meta = {"name": "web", "namespace": "default"}
    world.add({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    world.clock.advance(60)
    found = checked(world, "default").assessment
    (web,) = found.workloads
    assert [risk.text for risk in risks(web.unit, found.observation.snapshot)] == [
        "privileged",
        "a single replica",
        "no memory limit",
        "no readiness probe",
        "an image without a fixed tag",
        "may run as root",
        "no requests",
        "no liveness probe",
    ]
    assert next(each.score for each in web.measures if each.part is Part.CONFIGURATION) == 0
    assert web.score.value >= 85


@pytest.mark.parametrize("name", ["image-tag", "node-not-ready", "crash-traceback"])
def test_an_answer_is_short(name: str) -> None:
    answer = told("sandbox", checked(broken(name), None), None)
    assert len(msgspec.json.encode(answer.data)) <= 7000
    assert len(answer.summary) <= 900


def test_the_trend_names_who_lost_by_what_since_when(tmp_path: Path) -> None:
    history = tmp_path / "health.db"
    world = boot(seed=7)
    world.clock.advance(300)
    before = checked(world, history=history)
    assert before.earlier is None
    with sqlite3.connect(history) as db:
        db.execute("UPDATE checks SET at = at - 3600")
    after = checked(broken("crash-segfault"), history=history)
    answer = told("sandbox", after, "todo-app")
    assert answer.data["health"]["was"] >= 98
    assert "an hour ago: backend lost" in answer.summary
    assert answer.data["workloads"][0]["was"] == 100
    again = told("sandbox", checked(broken("crash-segfault"), history=history), "todo-app")
    assert again.data["health"]["trend"][0] == answer.data["health"]["was"]


def test_a_namespace_is_compared_with_checks_of_the_whole_cluster_but_not_of_another_one(tmp_path: Path) -> None:
    history = tmp_path / "health.db"
    world = boot(seed=7)
    checked(world, None, history)
    assert checked(world, "todo-app", history).earlier is not None
    assert checked(boot(seed=8), "todo-app", history).earlier is None


def test_a_history_that_cannot_be_used_is_said_and_health_told_all_the_same(tmp_path: Path) -> None:
    history = tmp_path / "health.db"
    history.write_text("this is no database, and long enough to be taken for one" * 20)
    found = checked(boot(seed=7), history=history)
    assert "history of health checks" in found.unseen[-1]
    assert told("sandbox", found, "todo-app").data["health"]["score"] >= 90


def test_the_history_stays_small(tmp_path: Path) -> None:
    history = tmp_path / "health.db"
    world = boot(seed=7)
    checked(world, history=history)
    with sqlite3.connect(history) as db:
        (cluster,) = db.execute("SELECT cluster FROM checks").fetchone()
        (now,) = db.execute("SELECT at FROM checks").fetchone()
        rows = [(cluster, "todo-app", now - 100 - n, b"") for n in range(1500)]
        db.executemany("INSERT INTO checks (cluster, scope, at, objects) VALUES (?, ?, ?, ?)", rows)
        db.execute("INSERT INTO checks (cluster, scope, at, objects) VALUES ('other', '', ?, '')", (now - 1e7,))
        db.execute("UPDATE checks SET at = at - 100")
    checked(world, history=history)
    checked(world, history=history)
    with sqlite3.connect(history) as db:
        assert db.execute("SELECT count(*) FROM checks").fetchone() == (1000,)
        assert db.execute("SELECT count(*) FROM checks WHERE at > ?", (now - 1,)).fetchone() == (1,)
