"""A list of 100 and of 1,000 pods through MCP: time, and what a model is given to read."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from benchmarks.harness import RUNS, Figure, Place, since, tokens
from mcp_tools.cluster.connection import connect
from mcp_tools.cluster.target import Target
from mcp_tools.sandbox import lifecycle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

TARGETS = {100: (10, 3_000), 1_000: (40, 6_000)}


def measure(place: Place) -> list[Figure]:
    state = place.home / "crowd"
    sandbox = lifecycle.ensure_running(state, empty=True)
    try:
        return [figure for number in TARGETS for figure in _of(sandbox.kubeconfig, number)]
    finally:
        lifecycle.stop(state)


def _of(kubeconfig: Path, number: int) -> list[Figure]:
    namespace = f"pods-{number}"
    target = Target(kubeconfig=str(kubeconfig), namespace=namespace)
    connection = connect(target)
    try:
        _fill(connection, namespace, number)
        path = f"/api/v1/namespaces/{namespace}/pods"
        answer, ours, theirs = anyio.run(
            compare, target, "list_resources", {"kind": "pods"}, lambda: connection.get(path)
        )
        raw = tokens(connection.get(path).decode())
    finally:
        connection.close()
    most_ms, most_tokens = TARGETS[number]
    name = f"list {number:,} pods over MCP"
    read = tokens(msgspec.json.encode(answer).decode())
    return [
        Figure(name, ours, "ms", most_ms, baseline=theirs, baseline_name="a raw GET of the list"),
        Figure(name, read, "tokens", most_tokens, baseline=raw, baseline_name="the raw list"),
    ]


def _fill(connection: Any, namespace: str, number: int) -> None:
    """Pods as a ReplicaSet names them, one in twenty of which cannot pull its image."""
    room = {"cpu": "64", "memory": "256Gi", "pods": str(number)}
    node = {"metadata": {"name": f"for-{namespace}"}, "status": {"capacity": room, "allocatable": room}}
    connection.write("POST", "/api/v1/nodes", node)
    connection.write("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    names = random.Random(1)  # the same every time
    for index in range(number):
        suffix = "".join(names.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
        image = "nginx:1.27" if index % 20 else "nginx:no-such-tag"
        pod = {
            "metadata": {"name": f"backend-5cd44bfd97-{suffix}", "labels": {"app": "backend"}},
            "spec": {"containers": [{"name": "backend", "image": image}]},
        }
        connection.write("POST", f"/api/v1/namespaces/{namespace}/pods", pod)
    # What is measured is a cluster at rest.
    healthy = number - len(range(0, number, 20))
    while connection.get(f"/api/v1/namespaces/{namespace}/pods").count(b'"phase":"Running"') < healthy:
        time.sleep(0.5)


async def compare(
    target: Target, tool: str, arguments: dict[str, Any], get: Callable[[], object]
) -> tuple[dict[str, Any], float, float]:
    """A tool's answer over MCP, its median in milliseconds, and that of a baseline; the two alternate."""
    from fastmcp import Client

    from mcp_tools.server import build_server
    from mcp_tools.toolbox import Toolbox

    toolbox = Toolbox(target)
    async with Client(build_server(toolbox)) as client:

        async def ours() -> Any:
            return await client.call_tool(tool, arguments)

        async def theirs() -> object:
            return await anyio.to_thread.run_sync(get)

        answer = (await ours()).structured_content
        await theirs()
        taken = [(await _timed(ours), await _timed(theirs)) for _ in range(RUNS)]
    toolbox.close()
    return answer, *(statistics.median(column) for column in zip(*taken, strict=True))


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return since(began)
