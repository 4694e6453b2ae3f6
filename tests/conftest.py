"""The versions that matter at the head of every report, and how tests are shared out among workers."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

PACKAGES = ("openai-agents", "fastmcp", "mcp", "kubernetes", "pydantic")
ROOT = Path(__file__).parents[1]
BESIDE = ("tests/docker/", "tests/docs/", "tests/house/", "tests/monitoring/test_monitor_restarts_real.py")

# The same examples in every run, so that a change is judged by what it changes; `make fuzz` looks for others.
settings.register_profile("fuzz")
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_report_header() -> list[str]:
    found = [f"python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    return [", ".join(found), f"cluster of KUBECONFIG: {_cluster()}"]


def _cluster() -> str:
    if not os.environ.get("KUBECONFIG"):
        return "none"
    from mcp_tools.cluster.connection import connect
    from mcp_tools.cluster.target import Target
    from mcp_tools.errors import ShipmateError

    try:
        connection = connect(Target())
    except ShipmateError as error:
        return str(error)
    connection.close()
    return f"{connection.context}, {connection.server_version}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A kubelet under load may take longer than any wait: who meets a real cluster is tried twice, and that is told."""
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is one worker's, and every file that uses the real cluster is the same worker's: there is one cluster.

    Those that use the Docker engine alone, with names of their own, or a cluster of their own get on beside each other.
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneCluster(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", maxsplit=1)[0]
            return "the real cluster" if _uses_the_cluster(file) else file

    return OneCluster(config, log)


@cache
def _uses_the_cluster(file: str) -> bool:
    if file.startswith(BESIDE) or Path(file).name.startswith("test_docker"):
        return False
    return "mark.cluster" in (ROOT / file).read_text(encoding="utf-8")
