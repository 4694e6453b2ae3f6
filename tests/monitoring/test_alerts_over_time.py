"""Which transition comes at which moment: none missed, none told twice, also when the watching process is restarted."""

from __future__ import annotations

from pathlib import Path

import pytest
from alert_worlds import Watched

BACKEND = "/apis/apps/v1/namespaces/todo-app/deployments/backend"


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "alerts.db")


def healthy_image(watched: Watched) -> str:
    body = watched.connection.get_object(BACKEND)
    return str(body["spec"]["template"]["spec"]["containers"][0]["image"])


def set_image(watched: Watched, image: str) -> None:
    containers = [{"name": "backend", "image": image}]
    watched.patch(BACKEND, {"spec": {"template": {"spec": {"containers": containers}}}})


@pytest.mark.parametrize("restarted", [False, True], ids=["one process", "restarted after every look"])
def test_a_crash_loop_is_raised_once_and_over_once(watched: Watched, restarted: bool) -> None:
    image = healthy_image(watched)
    watched.look()
    watched.inject("crash-traceback")
    for _ in range(20):
        watched.watch(0.5)
        if restarted:
            watched.restart()
    assert [item[1:] for item in watched.told] == [("firing", "crash-loop", "deployment/backend")]
    set_image(watched, image)
    for _ in range(10):
        watched.watch(0.5)
        if restarted:
            watched.restart()
    assert [item[1:] for item in watched.told][1:] == [("resolved", "crash-loop", "deployment/backend")]
    assert not watched.evaluator.alerts
