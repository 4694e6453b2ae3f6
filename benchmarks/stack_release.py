"""The todo stack's chart in a namespace of its own, with the programs that an operator has: helm and kubectl."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHART = ROOT / "helm" / "todo-app"
COMPONENTS = ("frontend", "backend", "mcp-server")
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@dataclass(frozen=True)
class Release:
    """A release named `todo`, for development, without an Ingress."""

    namespace: str

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return run("kubectl", f"--namespace={self.namespace}", *arguments, stdin=stdin)

    def objects(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "--output=json", *arguments))["items"]
        return items

    async def upgrade(self, *sets: str, patience: str = "180s", flags: tuple[str, ...] = ()) -> tuple[float, bool]:
        """Install or upgrade, and wait until all is ready: how many seconds it took, and whether it went well."""
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *("helm", "upgrade", "--install", "todo", str(CHART), f"--namespace={self.namespace}"),
            *(
                f"--values={CHART / 'values-dev.yaml'}",
                "--set=ingress.enabled=false",
                "--wait",
                f"--timeout={patience}",
            ),
            *(f"--set={one}" for one in sets),
            *flags,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        code = await process.wait()
        return time.perf_counter() - began, code == 0

    def frontend(self) -> str:
        """Where the frontend's NodePort is, on the first node."""
        (node, *_) = json.loads(run("kubectl", "get", "nodes", "--output=json"))["items"]
        address = next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")
        port = self.kubectl("get", "service", "frontend", "--output=jsonpath={.spec.ports[0].nodePort}")
        return f"http://{address}:{port}"

    def pods_ready(self) -> bool:
        """Whether every pod that is not on its way out is ready, at least one of each component."""
        pods = [pod for pod in self.objects("pods") if "deletionTimestamp" not in pod["metadata"]]
        found = {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods}
        return found >= {*COMPONENTS, "postgres"} and all(_ready(pod) for pod in pods)

    def replicas(self) -> dict[str, int]:
        """How many ready pods each component has."""
        return {one["metadata"]["name"]: one["status"].get("readyReplicas", 0) for one in self.objects("deployments")}

    def memory(self) -> dict[str, float]:
        """How full the fullest pod of each component is, in percent of its memory's limit."""
        limits = {
            one["metadata"]["name"]: _bytes(
                one["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
            )
            for one in self.objects("deployments")
        }
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self.namespace}/pods"
        used: dict[str, float] = {}
        for pod in json.loads(run("kubectl", "get", f"--raw={path}"))["items"]:
            name = pod["metadata"]["labels"]["app.kubernetes.io/name"]
            for container in pod["containers"]:
                if name in limits:
                    share = 100 * _bytes(container["usage"]["memory"]) / limits[name]
                    used[name] = max(share, used.get(name, 0))
        return used


@contextmanager
def release() -> Iterator[Release]:
    """A namespace with the Secret that the stack and its PostgreSQL read; it is deleted in the end.

    Raises:
        RuntimeError: kubectl failed; the message has what it said.
    """
    made = Release(f"stack-load-{uuid.uuid4().hex[:6]}")
    run("kubectl", "create", "namespace", made.namespace)
    try:
        level = "pod-security.kubernetes.io/enforce=restricted"
        run("kubectl", "label", "namespace", made.namespace, level)
        password = secrets.token_hex(16)
        pairs = {
            "POSTGRES_PASSWORD": password,
            "DATABASE_URL": f"postgresql://todo:{password}@postgres:5432/todo",
            "BETTER_AUTH_SECRET": secrets.token_hex(32),
        }
        data = "\n".join(f"{key}={value}" for key, value in pairs.items())
        made.kubectl("create", "secret", "generic", "backend-secrets", "--from-env-file=/dev/stdin", stdin=data)
        yield made
    finally:
        run("kubectl", "delete", "namespace", made.namespace, "--wait=false")


def run(*command: str, stdin: str | None = None) -> str:
    """What a program prints.

    Raises:
        RuntimeError: It failed.
    """
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def _ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _bytes(quantity: str) -> int:
    unit = UNITS.get(quantity[-2:])
    return int(quantity[:-2]) * unit if unit else int(quantity)
