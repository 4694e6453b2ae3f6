"""The kubelets of all nodes: takes the pods that were scheduled and hands each to a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.containers import catalogue, constraints, network, shell
from mcp_tools.sandbox.containers.logs import Trouble
from mcp_tools.sandbox.controllers.base import Cluster, Controller, Key, condition, key_of
from mcp_tools.sandbox.controllers.container import Phase
from mcp_tools.sandbox.controllers.podworker import PodWorker, Timings
from mcp_tools.sandbox.controllers.volumes import claims_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.containers.behaviours import Behaviour
    from mcp_tools.sandbox.containers.logs import Run
    from mcp_tools.sandbox.controllers.container import Container
    from mcp_tools.sandbox.objects.store import Change, Object


_OK, _NOT_FOUND = 200, 404


class Kubelet(Controller):
    """Starts, watches and stops the containers of every node.

    Args:
        cluster: What it sees.
        timings: How long things take; tests may want others.
    """

    watches = ("Pod", "Node")

    def __init__(self, cluster: Cluster, timings: Timings | None = None) -> None:
        super().__init__(cluster)
        self.timings = timings or Timings()
        self._workers: dict[Key, PodWorker] = {}
        self._addresses: dict[str, set[str]] = {}
        self._images: dict[str, set[str]] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """The pod, once it has a node; all pods of a node that is heard of again."""
        if change.kind.name == "Node":
            if _is_silent(change.before) and not _is_silent(change.obj):
                name = change.obj["metadata"]["name"]
                return [key_of(pod) for pod in self.cluster.all_of("Pod") if pod["spec"].get("nodeName") == name]
            return []
        return [key_of(change.obj)] if change.obj["spec"].get("nodeName") else []

    def reconcile(self, key: Key) -> float | None:
        """Follow one pod: start it, stop it, forget it."""
        pod = self.cluster.get("Pod", *key)
        worker = self._workers.get(key)
        if worker and (pod is None or pod["metadata"]["uid"] != worker.uid):
            self._workers.pop(key).abandon()
            worker = None
        if pod is None or not pod["spec"].get("nodeName"):
            return None
        if _is_silent(self.cluster.get("Node", "", pod["spec"]["nodeName"])):
            return None
        if worker is None:
            node = self.cluster.get("Node", "", pod["spec"]["nodeName"])
            if node is None or (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
                return None
            worker = self._workers[key] = PodWorker(self, pod, node)
            worker.start()
        worker.follow(pod)
        return None

    def run_of(self, pod: Object, container: str, *, previous: bool = False) -> Run | None:
        """A container's present life, or the one before; `None` where there is none."""
        worker = self._workers.get(key_of(pod))
        return worker.run_of(container, previous=previous) if worker else None

    def volume_holder(self, pod: Object, node: str) -> tuple[str, str] | None:
        """A volume for one node only that a pod of another node holds, and that pod."""
        for name in claims_of(pod):
            claim = self.cluster.get("PersistentVolumeClaim", pod["metadata"]["namespace"], name) or {"spec": {}}
            if claim["spec"].get("accessModes") != ["ReadWriteOnce"]:
                continue
            for other in self.cluster.all_of("Pod", pod["metadata"]["namespace"]):
                place = other["spec"].get("nodeName")
                ended = (other.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
                if place and place != node and not ended and name in claims_of(other):
                    return claim["spec"].get("volumeName", ""), other["metadata"]["name"]
        return None

    def listener(self, pod: Object, port: int) -> Container | None:
        """The container of a pod that listens on a port; `None` where none does."""
        worker = self._workers.get(key_of(pod))
        running = (found for found in (worker.main if worker else ()) if found.phase is Phase.RUNNING)
        return next(
            (found for found in running if found.behaviour.ports is None or port in found.behaviour.ports), None
        )

    def listens(self, pod: Object, port: int) -> bool:
        """Whether a container of a pod listens on a port."""
        return self.listener(pod, port) is not None

    def unreachable(self, pod: Object, base: Behaviour, variables: dict[str, str]) -> tuple[str, str] | None:
        """The first target that a container must reach and cannot, with the error that it gets."""
        for _, target in network.urls_of(base.connects, variables):
            if outcome := network.reach(self.cluster, pod, target, self.listens):
                return f"{target.host}:{target.port}", network.python_error(outcome)
        return None

    def check_calls(self, container: Container) -> None:
        """Note where a container's calls began to fail, or to work again."""
        pod, run = container.pod(), container.run
        if pod is None or run is None:
            return
        for name, target in network.urls_of(container.behaviour.calls, container.variables):
            outcome = network.reach(self.cluster, pod, target, self.listens)
            error = ""
            if outcome:
                node = container.behaviour.voice == "node"
                error = network.node_error(outcome, target) if node else network.python_error(outcome)
            url = container.variables[name]
            known = next((item.error for item in reversed(run.troubles) if item.url == url), "")
            if known != error:
                run.troubles.append(Trouble(self.cluster.clock.now(), url, error))

    def container_of(self, pod: Object, name: str) -> Container | None:
        """A container of a pod, where its node knows it."""
        worker = self._workers.get(key_of(pod))
        return worker.container(name) if worker else None

    def http_answer(self, container: Container, port: int, path: str) -> tuple[int, str]:
        """The HTTP status and body that a container gives."""
        del port
        behaviour = container.behaviour
        plain = path.partition("?")[0]
        status = behaviour.status or 503
        if status == _OK and behaviour.paths and plain not in behaviour.paths and not plain.startswith("/api"):
            status = _NOT_FOUND
        if behaviour.voice in {"node", "nginx"}:
            return status, f"<!doctype html><title>{container.name}</title><h1>{container.name}</h1>\n"
        words = {_OK: '{"status":"ok"}', _NOT_FOUND: '{"detail":"Not Found"}'}
        return status, words.get(status, '{"detail":"Internal Server Error"}') + "\n"

    def place_of(self, container: Container) -> shell.Place | None:
        """Where commands in a container run."""
        pod = container.pod()
        if pod is None:
            return None
        namespace = pod["metadata"]["namespace"]

        def answer(target: network.Target, path: str) -> tuple[int, str]:
            for service in [self.cluster.get("Service", *network.place_of(target.host, namespace))]:
                for other in self.cluster.all_of("Pod", namespace if service is None else key_of(service)[0]):
                    picks = (service or {"spec": {}})["spec"].get("selector")
                    if picks and picks.items() <= (other["metadata"].get("labels") or {}).items():
                        found = self.container_of(other, other["spec"]["containers"][0]["name"])
                        if found is not None:
                            return self.http_answer(found, target.port, path)
            return _OK, ""

        return shell.Place(
            pod,
            container.spec,
            container.variables,
            constraints.user_of(container.spec, pod, container.behaviour.user),
            lambda kind, name: self.cluster.get(kind, namespace, name),
            lambda target: network.reach(self.cluster, pod, target, self.listens),
            lambda host: network.address_of(self.cluster, pod, host),
            answer,
            self.cluster.clock.now(),
        )

    def callers(self) -> list[Container]:
        """The running containers that call others."""
        return [
            found
            for worker in self._workers.values()
            for found in worker.main
            if found.phase is Phase.RUNNING and found.behaviour.calls
        ]

    def lease_address(self, node: Object) -> str:
        """A free pod address of a node."""
        prefix = str(node["spec"].get("podCIDR", "10.244.99.0/24")).rsplit(".", 1)[0]
        taken = self._addresses.setdefault(node["metadata"]["name"], set())
        address = next(f"{prefix}.{number}" for number in range(2, 10_000) if f"{prefix}.{number}" not in taken)
        taken.add(address)
        return address

    def release_address(self, node: str, address: str) -> None:
        """A pod is gone."""
        self._addresses.get(node, set()).discard(address)

    def has_image(self, node: str, reference: catalogue.Reference) -> bool:
        """Whether an image is on a node."""
        image = catalogue.find(reference)
        local = reference.repository.removeprefix("docker.io/library/") == reference.short
        return bool(image and image.loaded and local) or reference.full in self._images.get(node, ())

    def keep_image(self, node: str, reference: catalogue.Reference) -> None:
        """An image was pulled to a node."""
        self._images.setdefault(node, set()).add(reference.full)


def _is_silent(node: Object | None) -> bool:
    """A node of which nothing is heard: what is asked of its kubelet does not happen."""
    return node is not None and condition(node, "Ready").get("status") == "Unknown"
