"""The watch after a change: what is new is worse, and what was so before is not."""

from __future__ import annotations

import threading

import pytest
from diagnosis_worlds import InMemory
from sizing_worlds import SPACE, deployment, world

from mcp_tools.cluster.resolve import WORKLOADS, find_object
from mcp_tools.errors import Stopped
from mcp_tools.sizing.guard import GotWorse, Guard

ASKED = {"requests": {"cpu": "100m", "memory": "100Mi"}}


def ignore(_: object) -> None:
    pass


def test_a_restart_that_is_new_is_worse_and_one_that_was_there_before_is_not() -> None:
    made = world(deployment("web", "crash=60", ASKED))
    connection = InMemory(made)
    found = find_object(connection, "web", SPACE, WORKLOADS)
    guard = Guard(connection, [found], 0.1)
    guard.look_before()
    guard.watch(ignore, threading.Event())
    made.clock.advance(75)
    with pytest.raises(GotWorse, match="1 restart after the change, of pod web-"):
        guard.watch(ignore, threading.Event())
    guard.look_before()
    guard.watch(ignore, threading.Event())


def test_latency_that_is_half_as_much_again_is_worse() -> None:
    connection = InMemory(world(deployment("web", "cpu=0.1", ASKED)))
    found = find_object(connection, "web", SPACE, WORKLOADS)
    seconds = {"now": 0.2}
    guard = Guard(connection, [found], 0.1, lambda namespace, name: seconds["now"])
    guard.look_before()
    seconds["now"] = 0.28
    guard.watch(ignore, threading.Event())
    seconds["now"] = 0.31
    with pytest.raises(GotWorse, match="from 200 ms to 310 ms"):
        guard.watch(ignore, threading.Event())


def test_whoever_stops_the_watch_is_not_told_that_it_went_well() -> None:
    connection = InMemory(world(deployment("web", "cpu=0.1", ASKED)))
    guard = Guard(connection, [find_object(connection, "web", SPACE, WORKLOADS)], 60)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        guard.watch(ignore, stop)
