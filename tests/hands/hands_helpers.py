"""What the tests of the hands share: kubeconfigs, a loopback server, a raw client, objects to make."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import yaml

from mcp_tools.changes.model import Decision, Plan, Progress
from mcp_tools.cluster.connection import Connection, connect
from mcp_tools.errors import NotFound

if TYPE_CHECKING:
    from mcp_tools.cluster.target import Target
    from mcp_tools.toolbox import Toolbox

MERGE = "application/merge-patch+json"


def write_kubeconfig(
    path: Path,
    server: str,
    *,
    name: str = "here",
    user: dict[str, Any] | None = None,
    current: bool = True,
    namespace: str | None = None,
) -> Path:
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {"token": "t"} if user is None else user}],
        "contexts": [{"name": name, "context": context}],
    }
    if current:
        config["current-context"] = name
    path.write_text(yaml.safe_dump(config))
    return path


Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def http_server(reply: Reply) -> Iterator[str]:
    """A real server on loopback that answers every request by `reply`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            reply(self)

        do_GET = do_PATCH = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def answer(handler: BaseHTTPRequestHandler, status: int, body: Any) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


class Kube:
    """Another writer: makes, reads and changes objects past Shipmate's engine."""

    def __init__(self, target: Target) -> None:
        self.connection: Connection = connect(target)

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.connection.write("POST", path, body)

    def get(self, path: str) -> dict[str, Any]:
        return self.connection.get_object(path)

    def merge(self, path: str, body: dict[str, Any], manager: str = "somebody-else") -> dict[str, Any]:
        return self.connection.write("PATCH", path, body, content_type=MERGE, query=[("fieldManager", manager)])

    def delete(self, path: str) -> None:
        self.connection.write("DELETE", path, {})


def deployments(namespace: str, name: str = "") -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments" + (f"/{name}" if name else "")


def deployment(name: str, *, replicas: int = 2, container: dict[str, Any] | None = None, **metadata: Any) -> Any:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "app", "image": "nginx:1.27", **(container or {})}],
                },
            },
        },
    }


class Person:
    """Decides on plans as told, and remembers what was shown."""

    def __init__(self, decision: Decision = Decision.APPROVED, before: Callable[[Plan], None] | None = None) -> None:
        self.decision = decision
        self.before = before
        self.plans: list[Plan] = []
        self.progress: list[Progress] = []

    def approve(self, plan: Plan) -> Decision:
        self.plans.append(plan)
        if self.before is not None:
            self.before(plan)
        return self.decision

    def hear(self, progress: Progress) -> None:
        self.progress.append(progress)


def done(box: Toolbox, tool: str, **arguments: Any) -> dict[str, Any]:
    data = box.call(tool, arguments).data
    assert data["status"] == "verified", data
    return data


def there(kube: Kube, path: str) -> bool:
    try:
        kube.get(path)
    except NotFound:
        return False
    return True


def missing(why: str) -> NoReturn:
    """Skip what needs a real cluster, saying what to install; in CI that is a failure."""
    words = f"needs a real cluster: install minikube or kind and point KUBECONFIG at it ({why})"
    if os.environ.get("SHIPMATE_CI_CLUSTER"):
        pytest.fail(words)
    pytest.skip(words)
