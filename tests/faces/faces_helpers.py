"""What the tests of the faces share: a user with a home, and what they look at."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHIPMATE = [sys.executable, "-P", "-m", "assistant.cli"]
PRIVATE = (
    "KUBECONFIG",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "OPENAI_BASE_URL",
    "SHIPMATE_MODEL",
    "KUBERNETES_SERVICE_HOST",
)


@dataclass(frozen=True)
class Ended:
    """A process that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class User:
    """Somebody with a home directory; `namespace` is where they work."""

    home: Path
    kubeconfig: Path | None
    namespace: str | None

    @property
    def environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if key not in PRIVATE and not key.startswith("XDG_")}
        more = {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}
        return {**clean, "HOME": str(self.home), "TERM": "xterm-256color", **more}

    def arguments(self, *arguments: str) -> list[str]:
        return [*SHIPMATE, *(["-n", self.namespace] if self.namespace else []), *arguments]

    def __call__(self, *arguments: str, text: str = "", **environment: str) -> Ended:
        done = subprocess.run(
            self.arguments(*arguments),
            input=text,
            capture_output=True,
            text=True,
            env={**self.environment, **environment},
            timeout=90,
            cwd=self.home,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


def heard() -> None:
    """In a process that begins in a terminal: Ctrl-C reaches it, also where who runs the tests ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def shown(text: str) -> re.Pattern[str]:
    """A pattern for text on a terminal, whatever its colours."""
    return re.compile(r"(?:\x1b\[[0-9;]*m)*".join(map(re.escape, text)))


def deployment(name: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]},
            },
        },
    }


def replicas(api: Callable[..., Any], namespace: str) -> int:
    return int(api("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/backend")["spec"]["replicas"])


def wait_until_ready(api: Callable[..., Any], namespace: str) -> None:
    for _ in range(200):
        status = api("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/backend").get("status", {})
        if status.get("readyReplicas") == 2:
            return
        time.sleep(0.1)
    raise AssertionError("the Deployment never became ready")
