"""`python -m benchmarks.sandbox_load`: 5,000 pods and 20 watchers on the sandbox and on a real API server.

The pods name a scheduler that nobody runs, so that they rest; namespace and pods are deleted at the end. Not one of the
benchmarks that `make bench` runs, as it wants a real cluster.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox import lifecycle

if TYPE_CHECKING:
    import urllib3

PODS, WATCHERS, LISTS, WRITES = 5_000, 20, 20, 50


class Server:
    """An API server, by its kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        from kubernetes.config import new_client_from_config

        client = new_client_from_config(str(kubeconfig))
        client.rest_client.pool_manager.connection_pool_kw["maxsize"] = WATCHERS + 8
        self._client, self._pool = client, client.rest_client.pool_manager
        _, _, self._headers, _, _ = client.param_serialize("GET", "/", header_params={}, auth_settings=["BearerToken"])

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> urllib3.BaseHTTPResponse:
        media = options.pop("media", "application/json")
        headers = {**self._headers, "Content-Type": media, "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return self._pool.request(method, self._client.configuration.host + path, body=data, headers=headers, **options)


def measure(server: Server) -> dict[str, float]:
    """Milliseconds: list median and p95, and from a write until the last watcher heard of it, median and p95."""
    namespace = f"sandbox-load-{uuid.uuid4().hex[:6]}"
    pods = f"/api/v1/namespaces/{namespace}/pods"
    server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    try:
        while server.ask("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default").status != 200:
            time.sleep(0.1)
        _fill(server, pods)
        lists = sorted(_timed(lambda: server.ask("GET", pods)) for _ in range(LISTS))
        heard = sorted(_fan_out(server, pods))
    finally:
        server.ask("DELETE", f"{pods}?gracePeriodSeconds=0")
        server.ask("DELETE", f"/api/v1/namespaces/{namespace}")
    return {
        "list, median": statistics.median(lists),
        "list, p95": lists[int(len(lists) * 0.95) - 1],
        "watch fan-out, median": statistics.median(heard),
        "watch fan-out, p95": heard[int(len(heard) * 0.95) - 1],
    }


def _fill(server: Server, pods: str) -> None:
    def make(index: int) -> None:
        spec = {"schedulerName": "nobody", "containers": [{"name": "app", "image": "nginx:1.27"}]}
        body = {"metadata": {"name": f"p-{index}", "labels": {"app": f"a{index % 50}"}}, "spec": spec}
        answer = server.ask("POST", pods, body)
        if answer.status != 201:
            raise RuntimeError(answer.data[:300])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(PODS)))


def _timed(call: Any) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _fan_out(server: Server, pods: str) -> list[float]:
    version = json.loads(server.ask("GET", f"{pods}?limit=1").data)["metadata"]["resourceVersion"]
    heard: list[dict[str, float]] = [{} for _ in range(WATCHERS)]

    def watch(seen: dict[str, float]) -> None:
        path = f"{pods}?watch=1&resourceVersion={version}&timeoutSeconds=60"
        answer = server.ask("GET", path, preload_content=False)
        rest = b""
        for part in answer.stream(65536):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                mark = json.loads(line)["object"]["metadata"].get("annotations", {}).get("mark", "")
                seen.setdefault(mark, time.perf_counter())
            if str(WRITES - 1) in seen:
                break
        answer.release_conn()

    threads = [threading.Thread(target=watch, args=(seen,), daemon=True) for seen in heard]
    for thread in threads:
        thread.start()
    time.sleep(1)
    written = {}
    for index in range(WRITES):
        written[str(index)] = time.perf_counter()
        body = {"metadata": {"annotations": {"mark": str(index)}}}
        server.ask("PATCH", f"{pods}/p-{index}", body, media="application/merge-patch+json")
        time.sleep(0.02)
    for thread in threads:
        thread.join(60)
    return [(max(seen[mark] for seen in heard) - began) * 1000 for mark, began in written.items()]


def main() -> None:
    kubeconfig = os.environ.get("KUBECONFIG", "")
    if not Path(kubeconfig).is_file():
        sys.exit("There is no real cluster to compare with: set KUBECONFIG to the kubeconfig of one.")
    with tempfile.TemporaryDirectory(prefix="shipmate-load-") as folder:
        state = Path(folder)
        sandbox = lifecycle.ensure_running(state, empty=True)
        try:
            ours, theirs = measure(Server(sandbox.kubeconfig)), measure(Server(Path(kubeconfig)))
        finally:
            lifecycle.stop(state)
    print(f"{PODS:,} pods, {WATCHERS} watchers, {WRITES} writes (ms)")
    for name, value in ours.items():
        print(f"{name:24} sandbox {value:8.1f}   real {theirs[name]:8.1f}   ratio {value / theirs[name]:.2f}")


if __name__ == "__main__":
    main()
