"""Programs that the tests run, and where the chart is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from needs import missing

from mcp_tools.changes.model import Decision, Plan, Progress

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "todo-app"
FRONTEND = ROOT / "apps" / "frontend"
VITEST = FRONTEND / "node_modules" / "vitest" / "vitest.mjs"

Object = dict[str, Any]
Render = Callable[..., list[Object]]


def run(*command: str, stdin: str | None = None, timeout: int = 240) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT)


def ok(*command: str, stdin: str | None = None) -> str:
    done = run(*command, stdin=stdin)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def free_port() -> int:
    """A port of all of this machine's addresses that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def journey(url: str, model_port: int) -> None:
    """Go the frontend's own journey in a browser, through a stack that is served at an address.

    Args:
        model_port: Of this machine, where the stack's backend asks its model; the journey stands in for it.
    """
    if not VITEST.is_file() or shutil.which(os.environ.get("CHROMIUM", "chromium")) is None:
        missing("no Chromium, or no packages of apps/frontend: run .ci/browser")
    done = subprocess.run(
        ["node", str(VITEST), "run", "--project=browser", "tests/browser/journey.test.ts"],
        env={**os.environ, "TODO_URL": url, "TODO_MODEL_PORT": str(model_port)},
        capture_output=True, text=True, timeout=300, check=False, cwd=FRONTEND,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-3000:]}"


class Person:
    """Decides as told, and remembers what was shown and told."""

    def __init__(self) -> None:
        self.decision = Decision.APPROVED
        self.plans: list[Plan] = []
        self.progress: list[Progress] = []

    def approve(self, plan: Plan) -> Decision:
        self.plans.append(plan)
        return self.decision

    def hear(self, progress: Progress) -> None:
        self.progress.append(progress)
