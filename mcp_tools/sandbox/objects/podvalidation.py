"""What the API server refuses in a pod spec (kubernetes/pkg/apis/core/validation)."""

from __future__ import annotations

import re
from typing import Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    duplicate,
    invalid_value,
    missing_reference,
    not_supported,
    required,
)

Spec = dict[str, Any]
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_PORT_NAME_WORDS = (
    "must contain only alpha-numeric characters (a-z, 0-9) and hyphens (-), at most 15, and at least one letter"
)
_MAX_PORT = 65535
_RESOURCES = {"cpu", "memory", "ephemeral-storage"}
_PROBE_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc")
_VARIABLE = re.compile(r"[ -<>-~]+")


def check_port(field: str, value: Any) -> list[Cause]:
    """A TCP or UDP port."""
    if isinstance(value, int) and 1 <= value <= _MAX_PORT:
        return []
    return [invalid_value(field, value, f"must be between 1 and {_MAX_PORT}, inclusive")]


def check_pod_spec(field: str, spec: Spec, restart_policies: tuple[str, ...] | None) -> list[Cause]:
    """Everything wrong with a pod spec.

    Args:
        field: Where it stands in the object.
        spec: With its defaults.
        restart_policies: Those that are allowed here; `None` where the caller looks at it.
    """
    volumes = {volume.get("name", "") for volume in spec.get("volumes") or ()}
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        causes += _volume(f"{field}.volumes[{index}]", volume, seen)
    taken: set[str] = set()
    containers = spec.get("containers") or []
    if not containers:
        causes.append(required(f"{field}.containers"))
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or ()):
            causes += _container(f"{field}.{group}[{index}]", container, volumes, taken)
    policy = spec.get("restartPolicy")
    if restart_policies is not None and policy not in restart_policies:
        causes.append(not_supported(f"{field}.restartPolicy", policy, restart_policies))
    if spec.get("dnsPolicy") not in _DNS_POLICIES:
        causes.append(not_supported(f"{field}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES))
    if spec.get("nodeSelector"):
        causes += names.check_labels(f"{field}.nodeSelector", spec["nodeSelector"])
    if spec.get("serviceAccountName"):
        causes += names.check_subdomain(f"{field}.serviceAccountName", spec["serviceAccountName"])
    return causes


def _volume(field: str, volume: Spec, seen: set[str]) -> list[Cause]:
    name = volume.get("name", "")
    if not name:
        return [required(f"{field}.name")]
    causes = names.check_label_name(f"{field}.name", name)
    if name in seen:
        causes.append(duplicate(f"{field}.name", name))
    seen.add(name)
    if "secret" in volume and not volume["secret"].get("secretName"):
        causes.append(required(f"{field}.secret.secretName"))
    if "configMap" in volume and not volume["configMap"].get("name"):
        causes.append(required(f"{field}.configMap.name"))
    return causes


def _container(field: str, container: Spec, volumes: set[str], taken: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    name = container.get("name", "")
    if not name:
        causes.append(required(f"{field}.name"))
    else:
        causes += names.check_label_name(f"{field}.name", name)
        if name in taken:
            causes.append(duplicate(f"{field}.name", name))
        taken.add(name)
    image = container.get("image", "")
    if not image:
        causes.append(required(f"{field}.image"))
    elif image != image.strip():
        causes.append(invalid_value(f"{field}.image", image, "must not have leading or trailing whitespace"))
    causes += _ports(field, container.get("ports") or [])
    causes += _environment(field, container)
    causes += _mounts(field, container.get("volumeMounts") or [], volumes)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) is not None:
            causes += _probe(f"{field}.{probe}", container[probe], probe)
    if container.get("imagePullPolicy") not in _PULL_POLICIES:
        causes.append(not_supported(f"{field}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES))
    return causes + _resources(f"{field}.resources", container.get("resources") or {})


def _ports(field: str, ports: list[Spec]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where = f"{field}.ports[{index}]"
        if port.get("name"):
            if not re.fullmatch(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9](-?[a-z0-9])*", port["name"]):
                causes.append(invalid_value(f"{where}.name", port["name"], _PORT_NAME_WORDS))
            if port["name"] in seen:
                causes.append(duplicate(f"{where}.name", port["name"]))
            seen.add(port["name"])
        if not port.get("containerPort"):
            causes.append(required(f"{where}.containerPort"))
        else:
            causes += check_port(f"{where}.containerPort", port["containerPort"])
        if port.get("protocol") not in _PROTOCOLS:
            causes.append(not_supported(f"{where}.protocol", port.get("protocol"), _PROTOCOLS))
    return causes


def _environment(field: str, container: Spec) -> list[Cause]:
    causes: list[Cause] = []
    for index, variable in enumerate(container.get("env") or ()):
        where = f"{field}.env[{index}]"
        name = variable.get("name", "")
        if not name:
            causes.append(required(f"{where}.name"))
        elif not _VARIABLE.fullmatch(name):
            words = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            causes.append(invalid_value(f"{where}.name", name, words))
        source = variable.get("valueFrom")
        if source is None:
            continue
        if variable.get("value"):
            causes.append(invalid_value(f"{where}.valueFrom", "", "may not be specified when `value` is not empty"))
        elif not source:
            words = (
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
            )
            causes.append(invalid_value(f"{where}.valueFrom", "", words))
        causes += [
            required(f"{where}.valueFrom.{kind}.key")
            for kind in ("configMapKeyRef", "secretKeyRef")
            if kind in source and not source[kind].get("key")
        ]
    return causes


def _mounts(field: str, mounts: list[Spec], volumes: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{field}.volumeMounts[{index}]"
        if not mount.get("name"):
            causes.append(required(f"{where}.name"))
        elif mount["name"] not in volumes:
            causes.append(missing_reference(f"{where}.name", mount["name"]))
        path = mount.get("mountPath", "")
        if not path:
            causes.append(required(f"{where}.mountPath"))
        elif path in paths:
            causes.append(invalid_value(f"{where}.mountPath", path, "must be unique"))
        paths.add(path)
    return causes


def _probe(field: str, probe: Spec, kind: str) -> list[Cause]:
    actions = [action for action in _PROBE_ACTIONS if action in probe]
    if not actions:
        return [required(field, "must specify a handler type")]
    causes: list[Cause] = []
    if len(actions) > 1:
        causes.append(
            Cause("FieldValueForbidden", "Forbidden: may not specify more than 1 handler type", f"{field}.{actions[1]}")
        )
    port = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
    if actions[0] in {"httpGet", "tcpSocket"} and not isinstance(port, str):
        causes += check_port(f"{field}.{actions[0]}.port", port or 0)
    for number in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if probe.get(number, 0) < 0:
            causes.append(invalid_value(f"{field}.{number}", probe[number], "must be greater than or equal to 0"))
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        causes.append(invalid_value(f"{field}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


def _resources(field: str, resources: Spec) -> list[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    causes: list[Cause] = []
    for group, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            where = f"{field}.{group}[{name}]"
            if name not in _RESOURCES and "/" not in name and not name.startswith("hugepages-"):
                words = "must be a standard resource type or fully qualified"
                causes.append(Cause("FieldValueInvalid", f'Invalid value: "{name}": {words}', where))
            elif quantity.parse(amount) < 0:
                causes.append(invalid_value(where, amount, "must be greater than or equal to 0"))
    for name, amount in requests.items():
        if name in limits and quantity.parse(amount) > quantity.parse(limits[name]):
            words = f"must be less than or equal to {name} limit of {limits[name]}"
            causes.append(invalid_value(f"{field}.requests", amount, words))
    return causes
