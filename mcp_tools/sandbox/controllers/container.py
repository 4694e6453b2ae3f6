"""One container: pull, create, run, probes, end, back-off (kubernetes/pkg/kubelet)."""

from __future__ import annotations

import enum
import zlib
from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import Timer, rfc3339
from mcp_tools.sandbox.containers import catalogue, constraints
from mcp_tools.sandbox.containers.behaviours import BadBehaviour, Behaviour, behaviour_of, cut_off, lacking
from mcp_tools.sandbox.containers.environment import Unresolved, environment_of
from mcp_tools.sandbox.containers.logs import Run, lines_of
from mcp_tools.sandbox.controllers.probes import Prober
from mcp_tools.sandbox.controllers.resizing import needs_restart

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.controllers.podworker import PodWorker
    from mcp_tools.sandbox.objects.store import Object

_BACK_OFF = 10
_BACK_OFF_MAX = 300
_LONG_RUN = 600.0
_MINUTE = 60
_START_ERROR = 128
_LAST_LINES = 80
EPHEMERAL = "ephemeralContainers"


class Phase(enum.Enum):
    """Where a container is."""

    IDLE = "not begun"
    WAITING = "pulling, missing something, or backing off"
    RUNNING = "running"
    ENDED = "ended for good, or until it is restarted"


class Container:
    """The life of one container of a pod.

    Attributes:
        section: The list of the pod spec that it stands in.
        run: Its present or final life.
        last: The life before.
        ready: Passes its readiness probe.
        started: Passed its start-up probe.
    """

    def __init__(self, worker: PodWorker, spec: Object, section: str = "containers") -> None:
        self.spec = spec
        self.name: str = spec["name"]
        self.section = section
        self.init = section == "initContainers"
        self.phase = Phase.IDLE
        self.run: Run | None = None
        self.last: Run | None = None
        self.restarts = 0
        self.ready = False
        self.started = False
        self.behaviour = Behaviour()
        self._worker = worker
        self._waiting: tuple[str, str] | None = None
        self._pull_failures = 0
        self._crashes = 0
        self.variables: dict[str, str] = {}
        self._end: Timer | None = None
        self._prober = Prober(self, worker)

    @property
    def sidecar(self) -> bool:
        """An init container that goes on running beside the others."""
        return self.init and self.spec.get("restartPolicy") == "Always"

    @property
    def passed(self) -> bool:
        """For an init container: the next one may start."""
        if self.sidecar:
            return self.started
        return self.phase is Phase.ENDED and self.run is not None and self.run.exit_code == 0

    def pod(self) -> Object | None:
        """The pod as it is now; `None` when it is gone."""
        return self._worker.pod()

    def begin(self) -> None:
        """Get the image, then start."""
        self.phase = Phase.WAITING
        self._waiting = None
        image, policy = self.spec["image"], self.spec.get("imagePullPolicy", "IfNotPresent")
        reference = catalogue.parse(image)
        if reference is None:
            name = catalogue.remote_name(image)
            lower = f": repository name ({name}) must be lowercase" if image.lower() != image else ""
            cannot = f'couldn\'t parse image name "{image}": invalid reference format{lower}'
            why = f'Failed to apply default image tag "{image}": {cannot}'
            self._event(self._worker.warning, "InspectFailed", why)
            self._wait("InvalidImageName", why)
            return
        present = self._worker.kubelet.has_image(self._worker.node, reference)
        if policy == "Never" and not present:
            why = f'Container image "{image}" is not present with pull policy of Never'
            self._event(self._worker.warning, "ErrImageNeverPull", why)
            self._event(self._worker.warning, "Failed", "Error: ErrImageNeverPull")
            self._wait("ErrImageNeverPull", why)
        elif present and policy != "Always":
            self._event(self._worker.normal, "Pulled", f'Container image "{image}" already present on machine')
            self._create(reference)
        else:
            self._pull(image, reference)

    def _pull(self, image: str, reference: catalogue.Reference) -> None:
        self._event(self._worker.normal, "Pulling", f'Pulling image "{image}"')
        found = catalogue.find(reference)
        why = catalogue.refusal(reference, self._worker.pull_hosts())
        self._later(found.pull if found else 0.3, lambda: self._pulled(image, reference, found, why))

    def _pulled(self, image: str, reference: catalogue.Reference, found: catalogue.Image | None, why: str) -> None:
        if found is None or why:
            self._event(self._worker.warning, "Failed", f'Failed to pull image "{image}": {why}')
            self._fail("ErrImagePull", why)
            self._pull_failures += 1
            self._later(0.7, lambda: self._pull_back_off(image, why))
            return
        self._worker.kubelet.keep_image(self._worker.node, reference)
        self._pull_failures = 0
        took = f"{round(found.pull * 1000)}ms"
        message = (
            f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: {found.size} bytes.'
        )
        self._event(self._worker.normal, "Pulled", message)
        self._create(reference)

    def _pull_back_off(self, image: str, why: str) -> None:
        delay = _back_off(self._pull_failures)
        self._event(self._worker.normal, "BackOff", f'Back-off pulling image "{image}"')
        self._fail("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {why}')
        self._later(delay * self._worker.timings.back_off, self.begin)

    def _create(self, reference: catalogue.Reference) -> None:
        pod = self._worker.pod()
        if pod is None:
            return
        image = catalogue.find(reference)
        base = image.behaviour_of(reference.tag) if image else Behaviour()
        if refused := constraints.root_refused(self.spec, pod, base.user):
            self._fail("CreateContainerConfigError", refused, event=refused)
            self._later(self._worker.timings.retry, self.begin)
            return
        try:
            variables = environment_of(
                self.spec, pod, lambda kind, name: self._worker.cluster.get(kind, self._worker.key[0], name)
            )
            self.behaviour = behaviour_of(base, self.spec, pod["metadata"].get("annotations") or {})
        except Unresolved as error:
            self._fail("CreateContainerConfigError", str(error), event=str(error))
            self._later(self._worker.timings.retry, self.begin)
            return
        except BadBehaviour as error:
            self._event(self._worker.warning, "Failed", f"Error: {error}")
            self._wait("CreateContainerError", str(error))
            return
        if missing := [name for name in base.needs if not variables.get(name)]:
            self.behaviour = lacking(self.behaviour, missing)
        elif self.behaviour.end is None and (lost := self._worker.kubelet.unreachable(pod, base, variables)):
            self.behaviour = cut_off(self.behaviour, *lost)
        self.variables = variables
        self._event(self._worker.normal, "Created", f"Created container: {self.name}")
        self._later(self._worker.timings.create, self._start)

    def _start(self) -> None:
        now = self._worker.cluster.clock.now()
        pod = self._worker.pod()
        if pod is None:
            return
        failure = constraints.start_failure(
            self.spec, pod, lambda kind, name: self._worker.cluster.get(kind, self._worker.key[0], name)
        )
        if failure:
            self._not_started(failure)
            return
        if self.behaviour.end is None:
            self.behaviour = constraints.hindered(self.behaviour, self.spec, pod, self._worker.taken_ports(self))
        seed = zlib.crc32(f"{self._worker.uid}/{self.name}/{self.restarts}".encode())
        self.run = Run(self.behaviour, seed, now)
        self.phase = Phase.RUNNING
        self._waiting = None
        self._event(self._worker.normal, "Started", f"Started container {self.name}")
        if self.behaviour.end:
            end = self.behaviour.end
            self._end = self._later(end.after, lambda: self._ended(end.exit_code, end.reason))
        self._prober.start()
        self._run_hook()
        self._worker.kubelet.check_calls(self)
        if self.behaviour.fills:
            self._later(self.behaviour.fills, lambda: self._worker.storage_exceeded(self))
        self.changed()

    def _not_started(self, failure: str) -> None:
        now = self._worker.cluster.clock.now()
        self._event(self._worker.warning, "Failed", f"Error: {failure}")
        self.run = Run(Behaviour(), 0, now, now, _START_ERROR, "StartError", message=failure)
        self._turn_over()
        self._crashes += 1
        self._wait("RunContainerError", failure)
        self._later(1.0, self._restart)

    def _run_hook(self) -> None:
        command = ((self.spec.get("lifecycle") or {}).get("postStart") or {}).get("exec", {}).get("command")
        if command and (code := constraints.hook_failure(command)):
            name, shown = self.name, " ".join(command)
            meta_name, namespace = self._worker.key[1], self._worker.key[0]
            why = (
                f'Exec lifecycle hook ([{shown}]) for Container "{name}" in Pod "{meta_name}_{namespace}'
                f'({self._worker.uid})" failed - error: command \'{shown}\' exited with {code}: , message: ""'
            )
            self._event(self._worker.warning, "FailedPostStartHook", why)
            self.kill("FailedPostStartHook")

    def changed(self) -> None:
        """Something about readiness changed: tell the pod."""
        self._worker.proceed()
        self._worker.publish()

    def kill(self, why: str) -> None:
        """Stop it because of a probe or a change; it is started again."""
        self._event(self._worker.normal, "Killing", why)
        self._later(self.behaviour.stop, lambda: self._ended(137 if self.behaviour.stop else 0, "Error"))

    def replace(self, spec: Object) -> None:
        """Run another image from now on."""
        self.spec = spec
        if self.phase is Phase.RUNNING:
            self.kill(f"Container {self.name} definition changed, will be restarted")
        elif self._waiting and self._waiting[0] in {"InvalidImageName", "ErrImageNeverPull"}:
            self.begin()

    def resize(self, spec: Object) -> None:
        """Go on with other resources."""
        restart = needs_restart(self.spec, spec)
        self.spec = spec
        if restart and self.phase is Phase.RUNNING:
            self.kill(f"Container {self.name} resize requires restart")
        self._worker.publish()

    def leave(self, code: int) -> None:
        """Whoever sat at its shell left it."""
        self._ended(code, "Error" if code else "Completed")

    def halt(self) -> None:
        """End with its pod."""
        self._prober.stop()
        if self.run and self.phase is Phase.RUNNING:
            self._finish(0, "Completed")
        self.ready = False

    def _finish(self, code: int, reason: str) -> None:
        self._prober.stop()
        if self._end:
            self._end.cancel()
            self._end = None
        if self.run:
            self.run.finished = self._worker.cluster.clock.now()
            self.run.exit_code, self.run.reason = code, reason
        self.phase = Phase.ENDED
        self.ready = self.started = False

    def _ended(self, code: int, reason: str) -> None:
        if self.phase is not Phase.RUNNING or self.run is None:
            return
        lasted = self._worker.cluster.clock.now() - self.run.started
        self._finish(code, reason)
        if self.init and not self.sidecar and code == 0:
            self.ready = True
        pod = self._worker.pod()
        policy = (
            "Never"
            if self.section == EPHEMERAL
            else "Always"
            if self.sidecar
            else (pod or {"spec": {}})["spec"].get("restartPolicy", "Always")
        )
        if self.init and not self.sidecar and policy == "Always":
            policy = "OnFailure"
        if not self._worker.stopping and (policy == "Always" or (policy == "OnFailure" and code != 0)):
            self._crashes = 0 if lasted > _LONG_RUN else self._crashes + 1
            self._later(0.3, self._restart)
        self.changed()

    def _restart(self) -> None:
        if self._crashes <= 1:
            self._again()
            return
        delay = _back_off(self._crashes - 1)
        pod = f"{self._worker.key[1]}_{self._worker.key[0]}({self._worker.uid})"
        shown = f"{delay // _MINUTE}m{delay % _MINUTE}s" if delay >= _MINUTE else f"{delay}s"
        self._event(self._worker.warning, "BackOff", f"Back-off restarting failed container {self.name} in pod {pod}")
        self._turn_over()
        self._wait("CrashLoopBackOff", f"back-off {shown} restarting failed container={self.name} pod={pod}")
        self._later(delay * self._worker.timings.back_off, self._again)

    def _turn_over(self) -> None:
        if self.run is not None:
            self.last, self.run = self.run, None

    def _again(self) -> None:
        self._turn_over()
        self.restarts += 1
        self.begin()

    def _wait(self, reason: str, message: str) -> None:
        self.phase = Phase.WAITING
        self._waiting = (reason, message)
        self._worker.publish()

    def _fail(self, reason: str, message: str, event: str = "") -> None:
        self._event(self._worker.warning, "Failed", f"Error: {event or reason}")
        self._wait(reason, message)

    def _event(self, record: Callable[..., None], reason: str, message: str) -> None:
        record(reason, message, self.name, self.section)

    def _later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self._worker.later(seconds, lambda: None if self._worker.stopping else callback())

    def state(self, idle: str) -> Object:
        """`state` of its status; `idle` is the reason while nothing was begun."""
        if self.phase in {Phase.RUNNING, Phase.ENDED} and self.run:
            return self._lived(self.run)
        reason, message = self._waiting or (idle, "")
        return {"waiting": {"reason": reason, **({"message": message} if message else {})}}

    def last_state(self) -> Object:
        """`lastState` of its status."""
        return self._lived(self.last) if self.last else {}

    def _lived(self, run: Run) -> Object:
        start = rfc3339(run.started)
        if run.finished is None:
            return {"running": {"startedAt": start}}
        return {
            "terminated": {
                "exitCode": run.exit_code,
                "reason": run.reason,
                **({"message": message} if (message := self._last_words(run)) else {}),
                "startedAt": start if run.reason != "StartError" else "1970-01-01T00:00:00Z",
                "finishedAt": rfc3339(run.finished),
                "containerID": self._id_of(run),
            }
        }

    def _last_words(self, run: Run) -> str:
        if run.message or self.spec.get("terminationMessagePolicy") != "FallbackToLogsOnError" or not run.exit_code:
            return run.message
        return "\n".join(line.text for line in lines_of(run, self._worker.cluster.clock.now(), _LAST_LINES)) + "\n"

    def container_id(self) -> str:
        """Of the present life, else the last."""
        run = self.run or self.last
        return self._id_of(run) if run else ""

    def _id_of(self, run: Run) -> str:
        parts = (f"{zlib.crc32(f'{run.seed}/{run.started}/{part}'.encode()):08x}" for part in range(8))
        return f"containerd://{''.join(parts)}"

    def image_shown(self) -> str:
        """The image as the runtime names it."""
        reference = catalogue.parse(self.spec["image"])
        return reference.full if reference and (self.run or self.last) else str(self.spec["image"])

    def image_id(self) -> str:
        """The image with its digest, once it runs."""
        reference = catalogue.parse(self.spec["image"])
        if reference is None or not (self.run or self.last):
            return ""
        return f"{reference.repository}@{reference.digest}"


def _back_off(failures: int) -> int:
    return min(int(_BACK_OFF * 2 ** max(0, failures - 1)), _BACK_OFF_MAX)
