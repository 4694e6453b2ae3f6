"""The versions that matter, at the head of every report."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("openai-agents", "fastmcp", "mcp", "kubernetes", "pydantic")


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
