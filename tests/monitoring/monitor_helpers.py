"""A receiver of alerts on loopback, a wire to an API server that can be cut, and a monitor that runs in a thread."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml
from hands_helpers import Kube, answer, http_server, there

from mcp_tools.cluster.connection import connect
from mcp_tools.cluster.target import Target
from mcp_tools.monitoring.configuring import MonitorSettings
from mcp_tools.monitoring.rules import load_rules, rules_from
from mcp_tools.monitoring.running import made_monitor

if TYPE_CHECKING:
    from mcp_tools.monitoring.monitor import Monitor
    from mcp_tools.monitoring.rules import Rule


def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)
    return found


class Receiver:
    """Takes what is posted; answers the first requests as it is told to."""

    def __init__(self, *first: int | str) -> None:
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.tries = 0
        self._first = list(first)
        self._lock = threading.Lock()

    def __call__(self, handler: Any) -> None:
        with self._lock:
            self.tries += 1
            todo = self._first.pop(0) if self._first else 200
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        handler.headers.replace_header("Content-Length", "0")
        if todo == "stall":
            time.sleep(5)
        if todo in {"stall", "hang up"}:
            handler.close_connection = True
            return
        if todo == 200:
            with self._lock:
                self.bodies.append(body)
                self.headers.append(dict(handler.headers))
                self.paths.append(handler.path)
        answer(handler, int(todo), b"ok" if todo == 200 else b"no")

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Each alert that came over a webhook: status, rule, object."""
        return [
            (item["status"], item["labels"]["alertname"], f"{item['labels']['kind']}/{item['labels']['name']}")
            for body in self.bodies
            for item in body["alerts"]
        ]


@contextmanager
def receiving(*first: int | str) -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver(*first)
    with http_server(receiver) as url:
        yield receiver, url


class Wire:
    """Bytes to a server and back, which can be cut (nobody listens) or stalled (nothing gets through)."""

    def __init__(self, server: str) -> None:
        self._to = server
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self.stalled = False
        self.connections = 0
        self.port = 0
        self.mend()

    def lead_to(self, server: str) -> None:
        self._to = server

    def mend(self) -> None:
        self.stalled = False
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            found, self._open = self._open, set()
        for one in found:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        parts = urlsplit(self._to)
        try:
            far = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
        except OSError:
            near.close()
            return
        with self._lock:
            self._open |= {near, far}
        other = {near: far, far: near}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for one in select.select([near, far], [], [], 0.2)[0]:
                    while self.stalled:
                        time.sleep(0.05)
                    if not (data := one.recv(65536)):
                        raise OSError
                    other[one].sendall(data)
        with self._lock:
            self._open -= {near, far}
        near.close()
        far.close()


def detour(kubeconfig: Path, wire: Wire, place: Path) -> Path:
    """The kubeconfig, by way of a wire."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    cluster.pop("certificate-authority-data", None)
    cluster |= {"server": f"https://127.0.0.1:{wire.port}", "insecure-skip-tls-verify": True}
    place.write_text(yaml.safe_dump(config))
    return place


QUICK: Mapping[str, dict[str, Any]] = {"crash-loop": {"keep_firing_for": "0s"}}
"""The packaged rule, whose alerts are over as soon as its condition is."""


@contextmanager
def monitoring(
    kubeconfig: Path,
    namespace: str | None,
    store: Path,
    sinks: dict[str, Any],
    *,
    rules: Mapping[str, dict[str, Any]] = QUICK,
    more_rules: Sequence[Rule] = (),
    **settings: Any,
) -> Iterator[tuple[Monitor, list[str]]]:
    """A monitor that runs until the block ends; what it says, too.

    Args:
        rules: The packaged ones that it has, with what is different in them.
        more_rules: Others.
    """
    said: list[str] = []
    chosen = [*(one for one in rules_from(_packaged(), rules) if one.id in rules), *more_rules]
    how = MonitorSettings.model_validate({"interval_seconds": 1, **settings, "sinks": {"terminal": False, **sinks}})
    connection = connect(Target(kubeconfig=str(kubeconfig)))
    stop = threading.Event()
    with made_monitor(
        connection, namespace, chosen, how, store, write=lambda _, line: said.append(line), say=said.append
    ) as made:
        thread = threading.Thread(target=made.run, args=(stop,), daemon=True)
        thread.start()
        try:
            yield made, said
        finally:
            stop.set()
            thread.join(60)
            assert not thread.is_alive(), "the monitor does not end"
    connection.close()


def restarted(kube: Kube, space: str, name: str, times: int, *, steady: bool = False) -> None:
    """Say that the container of a pod, which is made if need be, was restarted so often."""
    pods = f"/api/v1/namespaces/{space}/pods"
    if not there(kube, f"{pods}/{name}"):
        spec = {"schedulerName": "nobody", "containers": [{"name": "app", "image": "nginx:1.27"}]}
        kube.make(pods, {"metadata": {"name": name}, "spec": spec})
    started = "2020-01-01T00:00:00Z" if steady else dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    container = {"name": "app", "image": "nginx:1.27", "imageID": "", "ready": steady, "restartCount": times}
    container["state"] = {"running": {"startedAt": started}}
    kube.merge(f"{pods}/{name}/status", {"status": {"phase": "Running", "containerStatuses": [container]}})


def _packaged() -> dict[str, Any]:
    assert load_rules()
    from importlib import resources

    text = resources.files("mcp_tools.monitoring").joinpath("rules.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["rules"])
