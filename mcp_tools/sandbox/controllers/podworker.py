"""One pod on its node: volumes, address, init containers, containers, status, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.sandbox.containers.catalogue import hosts_of
from mcp_tools.sandbox.controllers import podstatus, resizing
from mcp_tools.sandbox.controllers.base import is_active, key_of
from mcp_tools.sandbox.controllers.container import EPHEMERAL, Container, Phase

if TYPE_CHECKING:
    from mcp_tools.sandbox.clock import Timer
    from mcp_tools.sandbox.containers.logs import Run
    from mcp_tools.sandbox.controllers.kubelet import Kubelet
    from mcp_tools.sandbox.objects.store import Object

MANAGER = "kubelet"


@dataclass(frozen=True, slots=True)
class Timings:
    """How long things take on a node, in seconds.

    Attributes:
        sandbox: Until a pod has its address.
        create: Until a container is created and started.
        back_off: The factor on every back-off. Messages name the real wait; a demonstration need not sit through it.
        retry: Until something that is missing is looked for again.
    """

    sandbox: float = 0.3
    create: float = 0.15
    back_off: float = 0.5
    retry: float = 2.0


class PodWorker:
    """The life of one pod.

    Args:
        kubelet: It belongs to.
        pod: As it was when it was found.
        node: It runs on.
    """

    def __init__(self, kubelet: Kubelet, pod: Object, node: Object) -> None:
        self.kubelet = kubelet
        self.cluster = kubelet.cluster
        self.timings = kubelet.timings
        self.key = key_of(pod)
        self.uid: str = pod["metadata"]["uid"]
        self.node: str = node["metadata"]["name"]
        self.host_ip = next(
            (a["address"] for a in node["status"].get("addresses") or () if a["type"] == "InternalIP"), ""
        )
        self._node = node
        self._seen = pod
        self.address = ""
        self.started = self.cluster.clock.now()
        self.stopping = False
        self.init = [Container(self, spec, "initContainers") for spec in pod["spec"].get("initContainers") or ()]
        self.main = [Container(self, spec) for spec in pod["spec"]["containers"]]
        self.ephemeral: list[Container] = []
        self._timers: list[Timer] = []
        self.evicted = ""
        self.held: tuple[str, str] | None = None
        self._asking_again = False
        self._mounted = False
        self._gone = False
        self._dirty = False

    def pod(self) -> Object | None:
        """The pod as it is now; `None` when it is gone or another has its name."""
        found = self.cluster.get("Pod", *self.key)
        return found if found and found["metadata"]["uid"] == self.uid and not self._gone else None

    def later(self, seconds: float, callback: object) -> Timer:
        """Call something later, unless the pod is gone by then."""
        timer = self.cluster.clock.call_later(seconds, lambda: None if self._gone else callback())  # type: ignore[operator]
        self._timers = [known for known in self._timers if known.callback] + [timer]
        return timer

    def normal(self, reason: str, message: str, container: str = "", section: str = "containers") -> None:
        """An event about the pod or one of its containers."""
        if pod := self.pod():
            self.cluster.events.normal(pod, reason, message, MANAGER, host=self.node, field=_field(container, section))

    def warning(self, reason: str, message: str, container: str = "", section: str = "containers") -> None:
        """A warning about the pod or one of its containers."""
        if pod := self.pod():
            self.cluster.events.warning(pod, reason, message, MANAGER, host=self.node, field=_field(container, section))

    def start(self) -> None:
        """Begin."""
        self.publish()
        if lost := self._missing_pull_secrets():
            message = (
                f"Unable to retrieve some image pull secrets ({', '.join(lost)}); attempting to pull the image may not "
                "succeed."
            )
            self.warning("FailedToRetrieveImagePullSecret", message)
        self.later(self.timings.sandbox, self._mount)

    def _mount(self) -> None:
        pod = self.pod()
        if pod is None or self.stopping:
            return
        if holder := self.kubelet.volume_holder(pod, self.node):
            volume, other = holder
            self.warning(
                "FailedAttachVolume",
                f'Multi-Attach error for volume "{volume}" Volume is already used by pod(s) {other}',
            )
            self.later(self.timings.retry, self._mount)
            return
        if unknown := self._unknown_runtime(pod):
            self.warning(
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no "
                f'runtime for "{unknown}" is configured',
            )
            self.later(self.timings.retry, self._mount)
            return
        used = {
            mount["name"]
            for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ()))
            for mount in container.get("volumeMounts") or ()
        }
        for volume in pod["spec"].get("volumes") or ():
            if volume["name"] not in used:
                continue  # nobody needs it, so nobody looks whether it is there
            if missing := self._missing_source(volume):
                message = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {missing}'
                self.warning("FailedMount", message)
                self.later(self.timings.retry, self._mount)
                return
        self._mounted = True
        self.address = self.host_ip if pod["spec"].get("hostNetwork") else self.kubelet.lease_address(self._node)
        self.proceed()

    def _missing_source(self, volume: Object) -> str:
        for field, name_field, kind in (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret")):
            source = volume.get(field)
            if source and not source.get("optional"):
                name = source.get(name_field, "")
                found = self.cluster.get(kind, self.key[0], name)
                if found is None:
                    return f'{kind.lower()} "{name}" not found'
                keys = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
                if lost := next((item["key"] for item in source.get("items") or () if item["key"] not in keys), ""):
                    return f"{kind.lower()} references non-existent {kind.lower().replace('map', '')} key: {lost}"
        return ""

    def _unknown_runtime(self, pod: Object) -> str:
        name = pod["spec"].get("runtimeClassName")
        found = self.cluster.get("RuntimeClass", "", name) if name else None
        handler = str((found or {}).get("handler", ""))
        return handler if found and handler not in {"runc", "crun"} else ""

    def _pull_secrets(self) -> list[str]:
        pod = self.pod() or {"spec": {}}
        return [item.get("name", "") for item in pod["spec"].get("imagePullSecrets") or ()]

    def _missing_pull_secrets(self) -> list[str]:
        return [name for name in self._pull_secrets() if self.cluster.get("Secret", self.key[0], name) is None]

    def pull_hosts(self) -> set[str]:
        """The registries for which the pod brings credentials."""
        found: set[str] = set()
        for name in self._pull_secrets():
            secret = self.cluster.get("Secret", self.key[0], name) or {}
            found |= hosts_of((secret.get("data") or {}).get(".dockerconfigjson", ""))
        return found

    def taken_ports(self, container: Container) -> set[int]:
        """The ports on which the other containers of the pod listen."""
        others = (found for found in self._all() if found is not container)
        return {port for found in others if found.phase is Phase.RUNNING for port in found.behaviour.ports or ()}

    def storage_exceeded(self, container: Container) -> None:
        """A container filled its ephemeral storage: the pod is evicted where it has a limit."""
        pod = self.pod()
        if pod is None or self.stopping:
            return
        limit = ((container.spec.get("resources") or {}).get("limits") or {}).get("ephemeral-storage")
        sized = next((v for v in pod["spec"].get("volumes") or () if (v.get("emptyDir") or {}).get("sizeLimit")), None)
        if limit:
            why = f'Container {container.name} exceeded its local ephemeral storage limit "{limit}". '
        elif sized:
            size = sized["emptyDir"]["sizeLimit"]
            why = f'Usage of EmptyDir volume "{sized["name"]}" exceeds the limit "{size}". '
        else:
            return
        self.warning("Evicted", why)
        self.stopping = True
        for found in self._all():
            if found.phase is Phase.RUNNING:
                self.normal("Killing", f"Stopping container {found.name}", found.name, found.section)
            found.halt()
        self.evicted = why
        self.publish()

    def proceed(self) -> None:
        """Start what may start now: the next init container, or all others once those are done."""
        if self.stopping or not self._mounted:
            return
        for container in self.ephemeral:
            if container.phase is Phase.IDLE:
                container.begin()
        for container in self.init:
            if container.phase is Phase.IDLE:
                container.begin()
            if not container.passed:
                self.publish()
                return
        for container in self.main:
            if container.phase is Phase.IDLE:
                container.begin()
        self.publish()

    def follow(self, pod: Object) -> None:
        """React to a change of the pod: a deletion, another image or size, a container to debug it."""
        self._seen = pod
        if pod["metadata"].get("deletionTimestamp"):
            self._stop(pod["metadata"].get("deletionGracePeriodSeconds", 30))
            return
        pairs = list(zip(self.main, pod["spec"]["containers"], strict=False))
        for container, spec in pairs:
            if spec["image"] != container.spec["image"]:
                container.replace(spec)
        self._resize(pod, [pair for pair in pairs if pair[1].get("resources") != pair[0].spec.get("resources")])
        self._add_ephemeral(pod)

    def _resize(self, pod: Object, pairs: list[tuple[Container, Object]]) -> None:
        others = [
            other
            for other in self.cluster.all_of("Pod")
            if pairs and other["spec"].get("nodeName") == self.node and key_of(other) != self.key and is_active(other)
        ]
        held = resizing.refusal(pod, self._node, others) if pairs else None
        if held != self.held:
            self.held = held
            self.publish()
        if held is None:
            for container, spec in pairs:
                container.resize(spec)
        elif held[0] == "Deferred" and not self._asking_again:
            self._asking_again = True
            self.later(self.timings.retry, self._ask_again)

    def _ask_again(self) -> None:
        self._asking_again = False
        if pod := self.pod():
            self.follow(pod)

    def _add_ephemeral(self, pod: Object) -> None:
        known = {container.name for container in self.ephemeral}
        fresh = [spec for spec in pod["spec"].get(EPHEMERAL) or () if spec["name"] not in known]
        if fresh and (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}:
            self.ephemeral += [Container(self, spec, EPHEMERAL) for spec in fresh]
            self.proceed()

    def _all(self) -> tuple[Container, ...]:
        return (*self.init, *self.main, *self.ephemeral)

    def _stop(self, grace: int) -> None:
        if self.stopping:
            return
        self.stopping = True
        longest = 0.05
        for container in self._all():
            if container.phase is Phase.RUNNING:
                self.normal("Killing", f"Stopping container {container.name}", container.name, container.section)
                longest = max(longest, container.behaviour.stop)
        self.later(min(float(grace), longest), self._stopped)

    def _stopped(self) -> None:
        for container in self._all():
            container.halt()
        self.publish()
        pod = self.pod()
        if pod is not None:
            self.cluster.delete(pod, grace_seconds=0)

    def abandon(self) -> None:
        """The pod is gone: nothing may happen any more."""
        if not self.stopping:  # nobody waited for it to end
            for found in self._all():
                if found.phase is Phase.RUNNING:
                    field = _field(found.name, found.section)
                    words = f"Stopping container {found.name}"
                    self.cluster.events.normal(self._seen, "Killing", words, MANAGER, host=self.node, field=field)
        self._gone = True
        for timer in self._timers:
            timer.cancel()
        if self.address and self.address != self.host_ip:
            self.kubelet.release_address(self.node, self.address)

    def run_of(self, name: str, *, previous: bool) -> Run | None:
        """A container's present life or the one before."""
        container = self.container(name)
        if container is None:
            return None
        return container.last if previous else container.run or container.last

    def container(self, name: str) -> Container | None:
        """A container of the pod."""
        return next((found for found in self._all() if found.name == name), None)

    def publish(self) -> None:
        """Write the pod's status, soon: several changes at once make one write."""
        if not self._dirty:
            self._dirty = True
            self.later(0.0, self._write)

    def _write(self) -> None:
        self._dirty = False
        pod = self.pod()
        if pod is not None:
            self.cluster.set_status(pod, podstatus.status_of(self, pod), manager=MANAGER)


def _field(container: str, section: str) -> str:
    return f"spec.{section}{{{container}}}" if container else ""
