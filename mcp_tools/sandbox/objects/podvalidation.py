"""What the API server refuses in a pod spec (kubernetes/pkg/apis/core/validation)."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    missing_reference,
    not_supported,
    required,
    show,
)
from mcp_tools.sandbox.objects.placementvalidation import check_placement
from mcp_tools.sandbox.objects.ports import check_port, check_port_name
from mcp_tools.sandbox.objects.storagevalidation import check_volume

Spec = dict[str, Any]
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_ID_MAX = 2**31 - 1
_FIELDS = {
    "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations", "spec.nodeName",
    "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
}  # fmt: skip
_RESOURCES = {"cpu", "memory", "ephemeral-storage"}
_PROBE_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc")
_NOT_EPHEMERAL = ("ports", "resources", "resizePolicy", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
_VARIABLE = re.compile(r"[ -<>-~]+")


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
        causes += check_volume(f"{field}.volumes[{index}]", volume, seen)
    taken: set[str] = set()
    containers = spec.get("containers") or []
    if not containers:
        causes.append(required(f"{field}.containers"))
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or ()):
            causes += _container(f"{field}.{group}[{index}]", container, volumes, taken)
    for index, container in enumerate(spec.get("ephemeralContainers") or ()):
        causes += _ephemeral(f"{field}.ephemeralContainers[{index}]", container, taken)
    return causes + _settings(field, spec, restart_policies)


def _settings(field: str, spec: Spec, restart_policies: tuple[str, ...] | None) -> list[Cause]:
    causes: list[Cause] = []
    policy = spec.get("restartPolicy")
    if policy and policy not in _RESTART_POLICIES:
        causes.append(not_supported(f"{field}.restartPolicy", policy, _RESTART_POLICIES))
    causes += _dns(field, spec)
    causes += _ids(f"{field}.securityContext", spec.get("securityContext") or {}, "fsGroup", "runAsUser", "runAsGroup")
    if spec.get("nodeSelector"):
        causes += names.check_labels(f"{field}.nodeSelector", spec["nodeSelector"])
    if spec.get("serviceAccountName"):
        causes += names.check_subdomain(f"{field}.serviceAccountName", spec["serviceAccountName"])
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _ID_MAX:
        words = f"must be between 1 and {_ID_MAX}, inclusive"
        causes.append(invalid_value(f"{field}.activeDeadlineSeconds", deadline, words))
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        causes += _address(f"{field}.hostAliases[{index}].ip", alias.get("ip", ""))
    causes += check_placement(field, spec)
    if restart_policies is not None and policy not in restart_policies:
        causes.append(not_supported(f"{field}.restartPolicy", policy or "", restart_policies))
    return causes


def _dns(field: str, spec: Spec) -> list[Cause]:
    causes: list[Cause] = []
    if spec.get("dnsPolicy") not in _DNS_POLICIES:
        causes.append(not_supported(f"{field}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES))
    if spec.get("dnsPolicy") == "None" and not (spec.get("dnsConfig") or {}).get("nameservers"):
        if spec.get("dnsConfig") is None:
            causes.append(required(f"{field}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None"))
        else:
            words = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            causes.append(required(f"{field}.dnsConfig.nameservers", words))
    return causes


def _address(field: str, text: str) -> list[Cause]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return [invalid_value(field, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []


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
    causes += _ports(field, container.get("ports") or [])
    causes += _environment(field, container)
    for source in container.get("envFrom") or ():
        if not source.get("configMapRef") and not source.get("secretRef"):
            words = "must specify one of: `configMapRef` or `secretRef`"
            causes.append(invalid_value(f"{field}.envFrom", "", words))
    causes += _mounts(field, container.get("volumeMounts") or [], volumes)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) is not None:
            causes += _probe(f"{field}.{probe}", container[probe], probe)
    for hook in ("postStart", "preStop"):
        action = (container.get("lifecycle") or {}).get(hook)
        if action is not None and not any(kind in action for kind in (*_PROBE_ACTIONS, "sleep")):
            causes.append(required(f"{field}.lifecycle.{hook}", "must specify a handler type"))
    policy = container.get("terminationMessagePolicy")
    if policy not in {"File", "FallbackToLogsOnError"}:
        choices = ("File", "FallbackToLogsOnError")
        causes.append(not_supported(f"{field}.terminationMessagePolicy", policy, choices))
    if container.get("imagePullPolicy") not in _PULL_POLICIES:
        causes.append(not_supported(f"{field}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES))
    causes += _resources(f"{field}.resources", container.get("resources") or {})
    return causes + _security(f"{field}.securityContext", container.get("securityContext") or {})


def _ids(field: str, context: Spec, *names_of_ids: str) -> list[Cause]:
    return [
        invalid_value(f"{field}.{name}", context[name], f"must be between 0 and {_ID_MAX}, inclusive")
        for name in names_of_ids
        if context.get(name) is not None and not 0 <= context[name] <= _ID_MAX
    ]


def _security(field: str, context: Spec) -> list[Cause]:
    causes = _ids(field, context, "runAsUser", "runAsGroup")
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            words = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            causes.append(_context_cause(field, context, words))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            words = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            causes.append(_context_cause(field, context, words))
    return causes


def _context_cause(field: str, context: Spec, words: str) -> Cause:
    """With the context as the API server holds it inside."""
    inner = (
        "Capabilities", "Privileged", "SELinuxOptions", "WindowsOptions", "RunAsUser", "RunAsGroup", "RunAsNonRoot",
        "ReadOnlyRootFilesystem", "AllowPrivilegeEscalation", "ProcMount", "SeccompProfile", "AppArmorProfile",
    )  # fmt: skip
    shown = ",".join(f'"{name}":{show(_inner(context.get(_outer(name))))}' for name in inner)
    return Cause("FieldValueInvalid", f"Invalid value: {{{shown}}}: {words}", field)


def _outer(name: str) -> str:
    return "seLinuxOptions" if name == "SELinuxOptions" else name[0].lower() + name[1:]


def _inner(value: Any) -> Any:
    return {key[0].upper() + key[1:]: item for key, item in value.items()} if isinstance(value, dict) else value


def _ephemeral(field: str, container: Spec, taken: set[str]) -> list[Cause]:
    """A container that is added to a running pod; it may ask for little."""
    target = container.get("targetContainerName")
    causes = [missing_reference(f"{field}.targetContainerName", target)] if target and target not in taken else []
    plain = {key: value for key, value in container.items() if key not in _NOT_EPHEMERAL}
    checked = _container(field, plain, set(), taken) if container.get("name") else [required(f"{field}.name")]
    kept = [cause for cause in checked if ".volumeMounts[" not in cause.field]
    return (
        causes
        + kept
        + [
            forbidden_field(f"{field}.{name}", "cannot be set for an Ephemeral Container")
            for name in _NOT_EPHEMERAL
            if container.get(name)
        ]
    )


def _ports(field: str, ports: list[Spec]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where = f"{field}.ports[{index}]"
        if port.get("name"):
            wrong = check_port_name(f"{where}.name", port["name"])
            causes += wrong
            if not wrong and port["name"] in seen:
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
            words = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            causes.append(invalid_value(f"{where}.valueFrom", "", words))
        path = (source.get("fieldRef") or {}).get("fieldPath", "")
        if "fieldRef" in source and path.partition("[")[0] not in _FIELDS:
            words = f"error converting fieldPath: field label not supported: {path}"
            causes.append(invalid_value(f"{where}.valueFrom.fieldRef.fieldPath", path, words))
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
        name = mount.get("name", "")
        if not name:
            causes.append(required(f"{where}.name"))
        if name not in volumes:
            causes.append(missing_reference(f"{where}.name", name))
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
    if actions[0] == "exec" and not (probe["exec"] or {}).get("command"):
        causes.append(required(f"{field}.exec.command"))
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
                causes.append(invalid_value(where, name, words))
                causes.append(invalid_value(where, name, "must be a standard resource for containers"))
            elif quantity.parse(amount) < 0:
                causes.append(invalid_value(where, amount, "must be greater than or equal to 0"))
    for name, amount in requests.items():
        if name in limits and quantity.parse(amount) > quantity.parse(limits[name]):
            words = f"must be less than or equal to {name} limit of {limits[name]}"
            causes.append(invalid_value(f"{field}.requests", amount, words))
    return causes
