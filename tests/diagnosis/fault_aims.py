"""The workloads of a namespace as aims for faults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fault_needs import needs_of

from mcp_tools import quantity
from mcp_tools.sandbox.containers import catalogue
from mcp_tools.sandbox.containers.network import target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.sandbox.containers.behaviours import Behaviour
    from mcp_tools.sandbox.faults.injector import Injector, Object
    from mcp_tools.sandbox.faults.model import Cause, Fault

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
OWN, CALLER = frozenset({"backend", "mcp-server"}), "frontend"
CONFIG, SECRET = "backend-config", "backend-secrets"
FEW, LARGE = 2, 256 * 2**20
_FAULTY = "1.2.0"
_LEVEL = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True, slots=True)
class Aim:
    """One workload, with what a fault wants to know of it.

    Attributes:
        container: The name of its first container.
        image: Without its tag.
        config, secret: The ConfigMap and the Secret that its environment comes from; empty where there is none.
        key: Of the Secret, the same as the variable's name.
        service: That leads to it; empty where none does.
        port, target: Of the Service, and of the container behind it.
        database: The variable that holds the URL of what it cannot start without.
        depends: The Service that this is.
        caller: The workload whose variable `url`, from the ConfigMap `url_config`, names the Service.
        traits: Words for what else it has; see `needs_of`.
    """

    kind: str
    name: str
    labels: dict[str, str]
    container: str
    image: str
    config: str = ""
    secret: str = ""
    key: str = ""
    service: str = ""
    port: int = 0
    target: int = 0
    database: str = ""
    depends: str = ""
    caller: str = ""
    caller_labels: dict[str, str] = field(default_factory=dict)
    url: str = ""
    url_config: str = ""
    traits: frozenset[str] = frozenset()

    def applies_to(self, fault: Fault) -> bool:
        """Whether a fault can be aimed at it."""
        return needs_of(fault) <= self.traits

    def place(self, kind: str, name: str) -> tuple[str, str]:
        """An object of the todo stack, as its counterpart here."""
        if kind == "Deployment" and name in OWN:
            return self.kind, self.name
        if kind == "Deployment" and name == CALLER:
            return kind, self.caller or self.name
        if kind == "Service" and name in {*OWN, CALLER}:
            return kind, self.service
        if kind == "ConfigMap" and name == CONFIG:
            return kind, self.config
        if kind == "Secret" and name == SECRET:
            return kind, self.secret
        return kind, self.name if name in OWN else name

    def cause(self, fault: Fault) -> Cause:
        """What is wrong once the fault is here."""
        true = fault.cause
        if fault.name == "url-host":
            return replace(true, name=self.url_config)
        kind, name = self.place(true.kind, true.name)
        return replace(true, kind=kind, name=name)


def aims_in(box: Injector) -> list[Aim]:
    """The workloads of an injector's namespace."""
    found = [(kind, box.get(kind, name)) for kind in WORKLOADS for name in box.names(kind)]
    services = [box.get("Service", name) for name in box.names("Service")]
    configs = {name: box.get("ConfigMap", name).get("data") or {} for name in box.names("ConfigMap")}
    level = (box.get("Namespace", box.namespace)["metadata"].get("labels") or {}).get(_LEVEL)
    guarded = box.names("NetworkPolicy")
    aims = []
    for kind, obj in found:
        aim = _aim(kind, obj, services)
        caller = next(_callers(aim, found, configs), {}) if aim.service else {}
        depends = target_of(str(configs.get(aim.config, {}).get(aim.database, "")))
        traits = {*aim.traits, *({"restricted"} if level == "restricted" else ())}
        if caller:
            free = caller["caller"] == CALLER or caller["caller"] not in guarded
            traits |= {"caller", *({"unguarded"} if free else ())}
        host = depends.host.split(".")[0] if depends else ""
        aims.append(replace(aim, **caller, depends=host, traits=frozenset(traits)))
    return aims


def _aim(kind: str, obj: Object, services: list[Object]) -> Aim:
    template = obj["spec"]["template"]
    labels = template["metadata"].get("labels") or {}
    spec = template["spec"]["containers"][0]
    reference = catalogue.parse(spec["image"])
    image = catalogue.find(reference) if reference else None
    config, secret, key = _environment(spec)
    mine = [one for one in services if (picks := one["spec"].get("selector")) and picks.items() <= labels.items()]
    port = mine[0]["spec"]["ports"][0]["port"] if mine else 0
    program = image.behaviour if image else None
    connects = program.connects if program else ()
    return Aim(
        kind,
        obj["metadata"]["name"],
        obj["spec"]["selector"]["matchLabels"],
        spec["name"],
        spec["image"].rpartition(":")[0],
        config,
        secret,
        key,
        mine[0]["metadata"]["name"] if mine else "",
        port,
        (program.ports or (port,))[0] if program and program.ports else port,
        connects[0] if connects else "",
        traits=frozenset(_traits(kind, obj, spec, program))
        | {word for word, there in (("config", config), ("secret", secret), ("service", mine)) if there}
        | ({"database"} if connects else set())
        | ({"release"} if image and _FAULTY in image.releases else set()),
    )


def _environment(spec: Object) -> tuple[str, str, str]:
    """The ConfigMap, the Secret and its key that a container cannot start without."""
    config = secret = key = ""
    for source in spec.get("envFrom") or ():
        config = config or (source.get("configMapRef") or {}).get("name", "")
    for variable in spec.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef") or {}
        if reference and not reference.get("optional") and reference["key"] == variable["name"]:
            secret, key = reference["name"], reference["key"]
    return config, secret, key


def _traits(kind: str, obj: Object, spec: Object, program: Behaviour | None) -> Iterator[str]:
    replicas = obj["spec"].get("replicas", 1)
    if kind == "Deployment":
        yield "deployment"
    if kind != "DaemonSet":
        yield "stable"
        yield "replicas" if replicas > 1 else "single"
    if replicas <= FEW:
        yield "few"
    for word, probe in (("http", "readinessProbe"), ("startup", "startupProbe"), ("liveness", "livenessProbe")):
        if (spec.get(probe) or {}).get("httpGet"):
            yield word
    limits = (spec.get("resources") or {}).get("limits") or {}
    if program and limits.get("memory") and program.memory > 24 * 2**20:
        yield "limit"
    if quantity.whole(limits.get("memory", "0")) > LARGE:
        yield "large"
    if program and program.paths:
        yield "paths"
    if limits.get("cpu"):
        yield "cpu"
    read_only = (spec.get("securityContext") or {}).get("readOnlyRootFilesystem")
    mounted = {mount["mountPath"] for mount in spec.get("volumeMounts") or () if mount["name"] == "tmp"}
    if program and read_only and mounted & set(program.writes):
        yield "scratch"


def _callers(aim: Aim, found: list[tuple[str, Object]], configs: dict[str, Object]) -> Iterator[dict[str, Any]]:
    """Who names the aim's Service in a variable that its program calls while it runs."""
    for kind, obj in found:
        spec = obj["spec"]["template"]["spec"]["containers"][0]
        reference = catalogue.parse(spec["image"])
        image = catalogue.find(reference) if reference else None
        for variable in image.behaviour.calls if image and kind == "Deployment" else ():
            config = _source(spec, variable, configs)
            called = target_of(str(configs.get(config, {}).get(variable, "")))
            if called and called.host.split(".")[0] == aim.service:
                labels = obj["spec"]["selector"]["matchLabels"]
                yield {
                    "caller": obj["metadata"]["name"],
                    "caller_labels": labels,
                    "url": variable,
                    "url_config": config,
                }


def _source(spec: Object, variable: str, configs: dict[str, Object]) -> str:
    """The ConfigMap that a variable comes from under its own name; empty where it is another source."""
    names = [(one.get("configMapRef") or {}).get("name", "") for one in spec.get("envFrom") or ()]
    for entry in spec.get("env") or ():
        reference = (entry.get("valueFrom") or {}).get("configMapKeyRef") or {}
        if entry["name"] == variable == reference.get("key"):
            names.append(reference["name"])
    return next((name for name in names if variable in configs.get(name, {})), "")
