"""Worlds of the embedded cluster whose clock the test drives, reached through the API as anybody reaches it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mcp_tools.cluster.connection import JSON, Connection
from mcp_tools.cluster.refusals import refusal
from mcp_tools.diagnosis.engine import examine
from mcp_tools.diagnosis.looks import Looks
from mcp_tools.diagnosis.modes import all_modes
from mcp_tools.diagnosis.taking import take
from mcp_tools.sandbox.api.app import Api
from mcp_tools.sandbox.api.request import Request
from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.faults import Fault, Injector, all_faults
from mcp_tools.sandbox.world import boot

if TYPE_CHECKING:
    from mcp_tools.diagnosis.graph import Cause
    from mcp_tools.sandbox.world import World

REFUSED = 400


class InMemory(Connection):
    """The transport of one world: requests go to its API without a socket, and each lets its time go on."""

    def __init__(self, world: World, pace: float = 0.0) -> None:
        # No kubeconfig and no sockets: what `Connection` keeps for these is not needed.
        self.context, self.namespace, self.server = "world", "todo-app", "memory"
        self.server_version = "v1.34.0"
        self._coming = {}
        self._api = Api(world, "token")
        self._world = world
        self._pace = pace

    def expecting(self, coming: Mapping[str, dict[str, Any]]) -> InMemory:
        """As of any connection: the world as a plan will make it."""
        view = copy.copy(self)
        view._coming = coming
        return view

    def _send(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, Any]],
        *,
        accept: str = JSON,
        body: bytes | None = None,
        content_type: str | None = None,
        **_: Any,
    ) -> bytes:
        if self._pace:
            self._world.clock.advance(self._pace)
        headers = {"accept": accept, **({"content-type": content_type} if content_type else {})}
        request = Request.parse(method, path, urlencode(query, doseq=True).encode(), headers, body or b"")
        response = self._api.answer(request)
        if response.status >= REFUSED:
            raise refusal(response.status, response.body, self.context)
        return bytes(response.body)


def injector(world: World) -> Injector:
    api = Api(world, "token")

    def send(method: str, path: str, body: Any, media: str) -> tuple[int, Any]:
        plain, _, query = path.partition("?")
        raw = b"" if body is None else json.dumps(body).encode()
        response = api.answer(Request.parse(method, plain, query.encode(), {"content-type": media}, raw))
        return response.status, json.loads(response.body)

    return Injector(send, lambda: world.clock.advance(4))


def causes_in(world: World, namespace: str | None = None) -> list[Cause]:
    connection = InMemory(world)
    return examine(take(connection, namespace, rfc3339(world.clock.now())), Looks(connection))


def broken(name: str, seconds: float = 150) -> World:
    """The todo stack with one fault, some minutes later."""
    world = boot(seed=7)
    all_faults()[name].inject(injector(world))
    world.clock.advance(seconds)
    return world


def names(cause: Cause, fault: Fault) -> bool:
    """Whether a cause is the true one: its mode, and the object that has to be changed.

    The mode may be that of something that follows from it: "the rollout gave up" is true and the tag is the cause. The
    object may be one of several that share the cause: both nodes are cordoned.
    """
    modes = all_modes()
    told = {number for item in (cause.finding, *cause.follows) for number in modes[item.mode].numbers}
    objects = {(ref.kind, ref.name) for ref in (cause.finding.object, *cause.finding.affected)}
    return fault.mode in told and (fault.cause.kind, fault.cause.name) in objects
