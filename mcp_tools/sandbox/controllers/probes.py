"""Start-up, readiness and liveness probes of a simulated container (kubernetes/pkg/kubelet/prober)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.sandbox.clock import Timer
    from mcp_tools.sandbox.controllers.container import Container
    from mcp_tools.sandbox.controllers.podworker import PodWorker
    from mcp_tools.sandbox.objects.store import Object

_TITLES = {"startupProbe": "Startup", "readinessProbe": "Readiness", "livenessProbe": "Liveness"}
_SOON = 0.1
_OK = range(200, 400)
# The commands of which it is known, whatever the image holds, that they fail.
_FAILS = re.compile(r"((/bin/)?(ba|da)?sh -c )?((/bin/)?false|exit [1-9][0-9]*)")


class Prober:
    """Probes one container.

    A probe that will pass does so as soon as the container listens: nobody learns from waiting for a period. One that
    fails does so at its own period and threshold.
    """

    def __init__(self, container: Container, worker: PodWorker) -> None:
        self._container = container
        self._worker = worker
        self._timers: list[Timer] = []
        self._failures: dict[str, int] = {}

    def start(self) -> None:
        """A new life of the container began."""
        self.stop()
        spec = self._container.spec
        if spec.get("startupProbe"):
            self._watch("startupProbe")
        else:
            self._begun()

    def stop(self) -> None:
        """The container ended."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._failures.clear()

    def _begun(self) -> None:
        self._container.started = True
        if self._container.spec.get("readinessProbe"):
            self._watch("readinessProbe")
        else:
            self._container.ready = True
        if self._container.spec.get("livenessProbe"):
            self._watch("livenessProbe")
        self._container.changed()

    def _watch(self, kind: str) -> None:
        probe = self._container.spec[kind]
        first = max(_SOON, float(probe.get("initialDelaySeconds", 0)))
        boots_in = self._boot_left()
        if kind != "livenessProbe" and self._failure(probe, booted=True) == "":
            # It will pass: at the first chance after it listens, unless the start-up budget ends before.
            budget = first + float(probe["periodSeconds"]) * (probe["failureThreshold"] - 1)
            if kind != "startupProbe" or boots_in <= max(budget, float(probe["periodSeconds"])):
                self._later(max(_SOON, boots_in), lambda: self._passed(kind))
                return
        self._later(first, lambda: self._ask(kind))

    def _boot_left(self) -> float:
        run = self._container.run
        if run is None:
            return 0.0
        return run.started + run.behaviour.boot - self._worker.cluster.clock.now()

    def _ask(self, kind: str) -> None:
        probe = self._container.spec[kind]
        failure = self._failure(probe, booted=self._boot_left() <= 0)
        if not failure:
            self._failures[kind] = 0
            if kind != "livenessProbe":
                self._passed(kind)
                return
            # A container that answers goes on doing so until its end: no need to look at it every few seconds.
            return
        self._failures[kind] = self._failures.get(kind, 0) + 1
        title = _TITLES[kind]
        name = self._container.name
        self._worker.warning("Unhealthy", f"{title} probe failed: {failure}", name, self._container.section)
        if self._failures[kind] >= probe["failureThreshold"] and kind != "readinessProbe":
            self._container.kill(f"Container {name} failed {title.lower()} probe, will be restarted")
            return
        self._later(float(probe["periodSeconds"]), lambda: self._ask(kind))

    def _passed(self, kind: str) -> None:
        if kind == "startupProbe":
            self._begun()
        else:
            self._container.ready = True
            self._container.changed()

    def _failure(self, probe: Object, *, booted: bool) -> str:
        """What the probe reports; empty when it passes."""
        action = probe.get("httpGet") or probe.get("tcpSocket")
        behaviour = self._container.behaviour
        if action is None:
            command = " ".join((probe.get("exec") or {}).get("command") or ())
            passes = behaviour.status in _OK and not _FAILS.fullmatch(command)
            return "" if passes else "command exited with a non-zero code"
        port = self._port(action.get("port"))
        address = f"{action.get('host') or self._worker.address}:{port}"
        refused = f"dial tcp {address}: connect: connection refused"
        listens = booted and port is not None and (behaviour.ports is None or port in behaviour.ports)
        if "httpGet" not in probe:
            return "" if listens and behaviour.status else refused
        url = f"{action.get('scheme', 'HTTP').lower()}://{address}{action.get('path', '/')}"
        if not listens:
            return f'Get "{url}": {refused}'
        if not behaviour.status:
            return f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        path = str(action.get("path", "/"))
        if behaviour.paths and behaviour.status in _OK and path not in behaviour.paths:
            return "HTTP probe failed with statuscode: 404"
        return "" if behaviour.status in _OK else f"HTTP probe failed with statuscode: {behaviour.status}"

    def _port(self, port: object) -> int | None:
        if isinstance(port, int):
            return port
        for offered in self._container.spec.get("ports") or ():
            if offered.get("name") == port:
                return int(offered["containerPort"])
        return None

    def _later(self, seconds: float, callback: object) -> None:
        timer = self._worker.later(seconds, callback)
        self._timers = [known for known in self._timers if known.callback] + [timer]
