"""Failure modes as a real kubelet, scheduler and controller manager show them, all broken at the same time."""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from needs import missing
from real_worlds import CRASHES, GUARDED, LIMITED, OBJECTS, SERVED, SLEEP, WAITS, deployment, service

from mcp_tools.cluster.connection import Connection, connect
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.target import Target
from mcp_tools.diagnosis.engine import diagnose
from mcp_tools.errors import Conflict, NotFound, ShipmateError

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

PATIENCE_SECONDS = 240
WANTED = {
    **{name: world.mode for name, world in {**CRASHES, **WAITS}.items()},
    **{name: mode for name, (mode, _) in OBJECTS.items()},
    **{f"guarded-{name}": mode for name, (mode, _, _) in GUARDED.items()},
}
PATHS = {
    "RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses",
    "ValidatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "PersistentVolume": "/api/v1/persistentvolumes",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    if not os.environ.get("KUBECONFIG"):
        missing("no real cluster: set KUBECONFIG to the kubeconfig of one")
    try:
        found = connect(Target())
    except ShipmateError as error:
        missing(error.message)
    yield found
    found.close()


class Spaces:
    """Namespaces that are made, filled, and taken away with what was made for them beside them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.mark = f"modes-{uuid.uuid4().hex[:6]}"
        self._made: list[str] = []

    def make(self, ending: str, labels: dict[str, str]) -> str:
        name = f"{self.mark}-{ending}"
        self.connection.write("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        self._made.append(f"/api/v1/namespaces/{name}")
        return name

    def put(self, space: str, body: dict[str, Any]) -> None:
        body = json.loads(json.dumps(body).replace("SPACE", space))
        if path := PATHS.get(body["kind"]):
            self._made.append(f"{path}/{body['metadata']['name']}")
        else:
            path = built_in(body["kind"].lower()).path(space)
        self.connection.write("POST", path, body)

    def clear(self) -> None:
        for path in reversed(self._made):
            with contextlib.suppress(NotFound, Conflict):
                self.connection.write("DELETE", path, None)


@pytest.fixture(scope="module")
def told(connection: Connection) -> Iterator[dict[str, set[str]]]:
    """The modes told for each world, once all of them are told or time is up."""
    spaces = Spaces(connection)
    try:
        filled = fill(spaces)
        found: dict[str, set[str]] = {}
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            for space, prefix in filled.items():
                if any(mode not in found.get(name, ()) for name, mode in WANTED.items() if name.startswith(prefix)):
                    for name, modes in modes_in(connection, space).items():
                        found.setdefault(prefix or name, set()).update(modes)
            if all(mode in found.get(name, ()) for name, mode in WANTED.items()):
                break
            time.sleep(5)
        yield found
    finally:
        spaces.clear()


def fill(spaces: Spaces) -> dict[str, str]:
    """Make all worlds; the namespaces, each with the name of the one world in it, empty where there are many."""
    filled = {}
    for name, (_, labels, guards) in GUARDED.items():
        space = spaces.make(name, labels)
        filled[space] = f"guarded-{name}"
        for body in (*guards, deployment("app", LIMITED if name == "range" else {"command": SLEEP})):
            spaces.put(space, body)
    for ending, worlds in (("waits", WAITS), ("crashes", CRASHES)):
        space = spaces.make(ending, {})
        filled[space] = ""
        if worlds is WAITS:
            # What some of them call, and what those of the objects are about.
            for body in (deployment("well", SERVED), service("well", "well")):
                spaces.put(space, body)
        for name, world in worlds.items():
            for body in (*world.needs, deployment(name, world.container, world.pod, world.replicas)):
                spaces.put(space, body)
    space = spaces.make("objects", {})
    filled[space] = ""
    for body in (deployment("well", SERVED), service("well", "well")):
        spaces.put(space, body)
    for _, bodies in OBJECTS.values():
        for body in bodies:
            spaces.put(space, body)
    return filled


def modes_in(connection: Connection, space: str) -> dict[str, set[str]]:
    """The modes by the names of what is told to be at fault, and of the Deployments that suffer from it."""
    found: dict[str, set[str]] = {}
    for cause in diagnose(connection, space).causes:
        names = {ref.name for ref in cause.reach if ref.kind == "Deployment"}
        for name in names | {cause.finding.object.name}:
            found.setdefault(name, set()).add(cause.finding.mode)
    return found


@pytest.mark.parametrize("name", WANTED)
def test_a_real_cluster_shows_the_mode(told: dict[str, set[str]], name: str) -> None:
    assert WANTED[name] in told.get(name, set())
