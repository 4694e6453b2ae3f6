"""The whole of a sandbox in memory: store, registry, controllers, nodes and what it starts with."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_tools.sandbox import furniture
from mcp_tools.sandbox.access.roles import RoleAggregation
from mcp_tools.sandbox.access.roles import defaults as default_roles
from mcp_tools.sandbox.access.users import Tokens
from mcp_tools.sandbox.clock import Clock
from mcp_tools.sandbox.containers.usage import usage_of
from mcp_tools.sandbox.controllers.apiservices import METRICS, APIServiceController, why_unserved
from mcp_tools.sandbox.controllers.autoscaler import AutoscalerController
from mcp_tools.sandbox.controllers.base import Cluster, Controller
from mcp_tools.sandbox.controllers.customresources import CustomResourceController
from mcp_tools.sandbox.controllers.daemonset import DaemonSetController
from mcp_tools.sandbox.controllers.deployment import DeploymentController
from mcp_tools.sandbox.controllers.disruption import DisruptionController
from mcp_tools.sandbox.controllers.endpoints import EndpointsController
from mcp_tools.sandbox.controllers.jobs import CronJobController, JobController
from mcp_tools.sandbox.controllers.kubelet import Kubelet
from mcp_tools.sandbox.controllers.lifecycle import GarbageCollector, NamespaceController
from mcp_tools.sandbox.controllers.manager import Manager
from mcp_tools.sandbox.controllers.nodes import Heartbeats, NodeController, OrphanedPods, TaintEviction
from mcp_tools.sandbox.controllers.quotas import QuotaController
from mcp_tools.sandbox.controllers.recorder import Recorder
from mcp_tools.sandbox.controllers.replicaset import ReplicaSetController
from mcp_tools.sandbox.controllers.scheduler import Scheduler
from mcp_tools.sandbox.controllers.statefulset import StatefulSetController
from mcp_tools.sandbox.controllers.traffic import TrafficController
from mcp_tools.sandbox.controllers.volumes import VolumeController
from mcp_tools.sandbox.objects.custom import CustomSchema
from mcp_tools.sandbox.objects.kinds import Kind, Kinds
from mcp_tools.sandbox.objects.registry import Registry, WriteOptions
from mcp_tools.sandbox.objects.schema import conform, shape_of
from mcp_tools.sandbox.objects.store import Change, Object, Store

if TYPE_CHECKING:
    from mcp_tools.sandbox.controllers.podworker import Timings
    from mcp_tools.sandbox.durable import Keeper

CONTROLLERS: tuple[type[Controller], ...] = (
    NamespaceController,
    DeploymentController,
    ReplicaSetController,
    StatefulSetController,
    DaemonSetController,
    CronJobController,
    JobController,
    Scheduler,
    EndpointsController,
    DisruptionController,
    VolumeController,
    NodeController,
    TaintEviction,
    OrphanedPods,
    QuotaController,
    APIServiceController,
    RoleAggregation,
    CustomResourceController,
    GarbageCollector,
)
STACK_AGE = 47 * 60.0
NODE_AGE = 3 * 3600.0
_REVIVAL = 0.05
NAMESPACE = "todo-app"


class World:
    """A cluster without its HTTP face.

    Args:
        start: The time at which it begins, seconds since 1970.
        ca: PEM, given to every namespace.
        seed: For names and addresses; `None` for others every time.
        timings: How long nodes take.
    """

    def __init__(
        self, start: float | None = None, *, ca: str = "", seed: int | None = None, timings: Timings | None = None
    ) -> None:
        self.clock = Clock(time.time() if start is None else start)
        self.store = Store()
        self.kinds = Kinds()
        self.registry = Registry(self.store, self.clock, self.kinds, seed, ca)
        self.tokens = Tokens(self.registry)
        self.events = Recorder(self.registry)
        self.cluster = Cluster(self.registry, self.events)
        self.kubelet = Kubelet(self.cluster, timings)
        self.store.subscribe(self._serve_custom)
        self._manager = Manager(
            self.store,
            self.clock,
            [
                *(each(self.cluster) for each in CONTROLLERS),
                AutoscalerController(self.cluster, self.usage, lambda: why_unserved(self.cluster, METRICS)),
                self.kubelet,
                TrafficController(self.cluster, self.kubelet),
            ],
        )

    def usage(self, pod: Object, container: Object) -> tuple[int, int]:
        """CPU in thousandths and memory in bytes that a container uses now."""
        return usage_of(pod, container, self.clock.now(), self.kubelet.run_of(pod, container["name"]))

    def beat(self) -> None:
        """Let the nodes' kubelets renew their leases from now on."""
        Heartbeats(self.cluster).start()

    def furnish(self) -> None:
        """Make what every cluster has: namespaces, nodes, classes."""
        for obj in furniture.basics():
            self.add(obj, "kube-apiserver")
        for obj in default_roles():
            self.add(obj, "kube-apiserver")
        for number in (1, 2):
            self.add(furniture.node(number))

    def deploy_stack(self) -> None:
        """Apply the todo stack's manifests, with made-up secrets."""
        from mcp_tools.stack.locate import manifest_files
        from mcp_tools.stack.secrets import manifest

        secret = {
            "DATABASE_URL": "postgresql://todo:sandbox-password@db.example.com:5432/todo",
            "BETTER_AUTH_SECRET": "sandbox-only-not-a-secret-" + "0" * 16,
        }
        for path in manifest_files():
            for obj in load_documents(path.read_bytes()):
                self.add(obj)
                if obj["kind"] == "Namespace":
                    self.add(manifest(obj["metadata"]["name"], secret))

    def add(self, obj: Object, manager: str = "kubectl") -> Object:
        """Server-side apply an object, as a person would with `kubectl apply`."""
        kind = self.kinds.of(obj["apiVersion"], obj["kind"])
        if kind is None:
            raise LookupError(f"{obj['apiVersion']} {obj['kind']}")
        shape = shape_of(kind.gvk)
        config = conform(shape, obj, []) if shape else obj
        meta = config["metadata"]
        return self.registry.apply(kind, meta.get("namespace", ""), meta["name"], config, WriteOptions(manager))[0]

    def _serve_custom(self, change: Change) -> None:
        if change.kind.name != "CustomResourceDefinition":
            return
        for kind in custom_kinds(change.before or change.obj):
            self.kinds.remove(kind)
        if change.type != "DELETED":
            for kind in custom_kinds(change.obj):
                self.kinds.add(kind)


def revive(keeper: Keeper, ca: str = "") -> World | None:
    """A world as it was kept, with its containers started anew; `None` where nothing was kept."""
    world = World(time.time(), ca=ca)
    if not keeper.restore(world):
        return None
    world.clock.advance(_REVIVAL)
    world.beat()
    return world


def boot(*, empty: bool = False, ca: str = "", seed: int | None = None, now: float | None = None) -> World:
    """A world that has been running for a while: nodes of some hours, the stack of some minutes, everything ready.

    Args:
        empty: Leave the todo stack out.
        ca: PEM.
        seed: As for `World`.
        now: Seconds since 1970 at which it is handed over; default: the present.
    """
    world = World((time.time() if now is None else now) - NODE_AGE, ca=ca, seed=seed)
    world.furnish()
    for obj in furniture.system():
        world.add(obj, "kubeadm")
    world.clock.advance(NODE_AGE - STACK_AGE)
    if not empty:
        world.deploy_stack()
    world.clock.advance(STACK_AGE)
    world.beat()
    world.store.forget()
    return world


def load_documents(text: bytes) -> list[Object]:
    """The objects of a YAML file with one or several documents."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(text, Loader=loader) if document]


def custom_kinds(definition: Object) -> list[Kind]:
    """The kinds that a CustomResourceDefinition adds."""
    spec = definition["spec"]
    names = spec.get("names") or {}
    found = []
    for version in spec.get("versions") or ():
        if not version.get("served"):
            continue
        base = Kind(
            spec["group"],
            version["name"],
            names.get("kind", ""),
            names.get("plural", ""),
            tuple(names.get("shortNames") or ()),
            tuple(names.get("categories") or ()),
            namespaced=spec.get("scope") == "Namespaced",
            generation=True,
            singular=names.get("singular", ""),
        )
        below = version.get("subresources") or {}
        schema = (version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"}
        custom = CustomSchema(schema, tuple(version.get("additionalPrinterColumns") or ()), below.get("scale"))
        subresources = tuple(name for name in ("status", "scale") if name in below)
        found.append(replace(base, subresources=subresources, custom=custom))
    return found
