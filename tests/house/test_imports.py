"""What importing costs and does: little, and nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"agents", "openai", "fastmcp", "mcp", "kubernetes", "rich", "prompt_toolkit", "pydantic"}
LOADED = "import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
ALONE = """
import importlib, pkgutil, sys

def watch(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"}:
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(watch)
import assistant, mcp_tools
for package in (assistant, mcp_tools):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["assistant.cli", "mcp_tools.toolbox", "mcp_tools.sandbox.lifecycle"])
def test_the_first_import_loads_nothing_heavy(module: str) -> None:
    assert HEAVY & set(json.loads(python(LOADED.format(module=module)))) == set()


def test_no_import_reaches_the_network_or_starts_a_process() -> None:
    python(ALONE)
