"""A list of 100 containers of the Docker engine through MCP, beside `docker ps`: time, and what a model reads."""

from __future__ import annotations

import subprocess
import uuid
from typing import Any

import anyio
import msgspec

from benchmarks.harness import Figure, Place, tokens
from benchmarks.listing import compare
from mcp_tools.cluster.target import Target
from mcp_tools.errors import NoEngine

NUMBER = 100
IMAGE = "busybox:latest"
MOST_MS, MOST_TOKENS = 20, 3_000
PS = ("docker", "ps", "--all", "--no-trunc")


def measure(_: Place) -> list[Figure]:
    from mcp_tools.docker.engine import engine

    project = f"shop-{uuid.uuid4().hex[:6]}"
    try:
        with engine() as api:
            made = [_container(api, project, number) for number in range(NUMBER)]
    except NoEngine as error:
        print(f"Not measured: {error}")
        return []
    try:
        answer, ours, theirs = anyio.run(
            compare, Target(), "inspect_docker", {"action": "containers", "project": project}, _ps
        )
        raw = _ps()
    finally:
        with engine() as api:
            for one in made:
                api.remove_container(one, force=True)
    read = tokens(msgspec.json.encode(answer).decode())
    name = f"list {NUMBER} containers over MCP"
    return [
        Figure(name, ours, "ms", MOST_MS, baseline=theirs, baseline_name="docker ps --all, the whole process"),
        Figure(name, read, "tokens", MOST_TOKENS, baseline=tokens(raw), baseline_name="docker ps --all --no-trunc"),
    ]


def _container(api: Any, project: str, number: int) -> str:
    """A container as Compose makes it, with a port, that is never started."""
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": f"backend-{number}"}
    host = api.create_host_config(port_bindings={80: 20_000 + number})
    name = f"{project}-backend-{number}"
    return str(api.create_container(IMAGE, ["true"], name=name, labels=labels, ports=[80], host_config=host)["Id"])


def _ps() -> str:
    return subprocess.run(PS, capture_output=True, text=True, check=True).stdout
