"""Pod Security Standards, enforced by a namespace's labels (k8s.io/pod-security-admission/policy)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects.errors import forbidden

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]
Finding = tuple[str, str]
_LABEL = "pod-security.kubernetes.io/"
_DEFAULT_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    }
)
_VOLUMES = frozenset(
    {"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
_SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_TEMPLATES = {
    "Deployment.apps": ("spec", "template"),
    "ReplicaSet.apps": ("spec", "template"),
    "StatefulSet.apps": ("spec", "template"),
    "DaemonSet.apps": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job.batch": ("spec", "template"),
    "CronJob.batch": ("spec", "jobTemplate", "spec", "template"),
    "PodTemplate": ("template",),
}


def check(registry: Registry, kind: Kind, obj: Object) -> list[str]:
    """Hold a pod, or a workload's template, against its namespace's labels.

    Returns:
        Warnings.

    Raises:
        Refused: 403, a pod violates what is enforced.
    """
    spec = _pod_spec(kind, obj)
    if spec is None:
        return []
    space = registry.store.get(registry.kinds.named("Namespace"), "", obj["metadata"].get("namespace", ""))
    labels = (space or {"metadata": {}})["metadata"].get("labels") or {}
    if kind.qualified == "Pod" and (found := _violations(labels, "enforce", spec)):
        raise forbidden(kind, obj["metadata"].get("name", ""), f"violates {found}")
    found = _violations(labels, "warn", spec)
    return [f"would violate {found}"] if found else []


def _pod_spec(kind: Kind, obj: Object) -> Object | None:
    if kind.qualified == "Pod":
        return obj.get("spec") or {}
    path = _TEMPLATES.get(kind.qualified)
    if path is None:
        return None
    for part in path:
        obj = obj.get(part) or {}
    return obj.get("spec") or {}


def _violations(labels: dict[str, str], mode: str, spec: Object) -> str:
    level = labels.get(f"{_LABEL}{mode}", "privileged")
    if level not in {"baseline", "restricted"}:
        return ""
    version = labels.get(f"{_LABEL}{mode}-version", "latest")
    checks = list(_BASELINE.items())
    if level == "restricted":
        checks = [item for item in checks if item[0] not in _OVERRIDDEN] + list(_RESTRICTED.items())
    found = []
    for _, look in checks:
        if finding := look(spec):
            reason, detail = finding
            found.append(f"{reason} ({detail})" if detail else reason)
    return f'PodSecurity "{level}:{version}": {", ".join(found)}' if found else ""


def _containers(spec: Object) -> Iterable[Object]:
    # The order in which the API server visits them.
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()
    yield from spec.get("ephemeralContainers") or ()


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _named(word: str, names: list[str]) -> str:
    return f"{word}{'s' if len(names) > 1 else ''} {_quoted(names)}"


def _those(spec: Object, test: Callable[[Object], bool]) -> list[str]:
    return [container["name"] for container in _containers(spec) if test(container.get("securityContext") or {})]


def _host_namespaces(spec: Object) -> Finding | None:
    found = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return ("host namespaces", ", ".join(found)) if found else None


def _host_paths(spec: Object) -> Finding | None:
    found = [volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath")]
    return ("hostPath volumes", _named("volume", found)) if found else None


def _host_ports(spec: Object) -> Finding | None:
    found, ports = [], set()
    for container in _containers(spec):
        own = {port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")}
        if own:
            found.append(container["name"])
            ports |= own
    if not found:
        return None
    verb = "use" if len(found) > 1 else "uses"
    word = "hostPorts" if len(ports) > 1 else "hostPort"
    return "hostPort", f"{_named('container', found)} {verb} {word} {', '.join(map(str, sorted(ports)))}"


def _probe_hosts(spec: Object) -> Finding | None:
    found, hosts = [], []
    for container in _containers(spec):
        actions = [container.get(kind) or {} for kind in ("livenessProbe", "readinessProbe", "startupProbe")]
        actions += [(container.get("lifecycle") or {}).get(kind) or {} for kind in ("postStart", "preStop")]
        own = [
            action[kind]["host"]
            for action in actions
            for kind in ("httpGet", "tcpSocket")
            if (action.get(kind) or {}).get("host")
        ]
        if own:
            found.append(container["name"])
            hosts += own
    if not found:
        return None
    unique = sorted(set(hosts))
    verb = "use" if len(found) > 1 else "uses"
    word = "hosts" if len(unique) > 1 else "host"
    return (
        "probe or lifecycle host",
        f"{_named('container', found)} {verb} probe or lifecycle {word} {_quoted(unique)}",
    )


def _privileged(spec: Object) -> Finding | None:
    found = _those(spec, lambda context: bool(context.get("privileged")))
    return (
        ("privileged", f"{_named('container', found)} must not set securityContext.privileged=true") if found else None
    )


def _proc_mount(spec: Object) -> Finding | None:
    found = _those(spec, lambda context: context.get("procMount", "Default") != "Default")
    if not found:
        return None
    return "procMount", f'{_named("container", found)} must not set securityContext.procMount to "Unmasked"'


def _selinux(spec: Object) -> Finding | None:
    setters, types = [], []
    other = False
    contexts = [("pod", spec.get("securityContext") or {})]
    contexts += [(c["name"], c.get("securityContext") or {}) for c in _containers(spec)]
    for name, context in contexts:
        options = context.get("seLinuxOptions") or {}
        bad = options.get("type", "") not in _SELINUX
        if bad or options.get("user") or options.get("role"):
            setters.append(name)
            types += [options["type"]] if bad else []
            other = other or bool(options.get("user") or options.get("role"))
    if not setters:
        return None
    names = [name for name in setters if name != "pod"]
    who = " and ".join((["pod"] if "pod" in setters else []) + ([_named("container", names)] if names else []))
    what = [f"type{'s' if len(set(types)) > 1 else ''} {_quoted(dict.fromkeys(types))}"] if types else []
    what += ["user may not be set; role may not be set"] if other else []
    return "seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(what)}"


def _seccomp_baseline(spec: Object) -> Finding | None:
    def bad(context: Object) -> bool:
        return (context.get("seccompProfile") or {}).get("type") == "Unconfined"

    names = _those(spec, bad)
    who = (["pod"] if bad(spec.get("securityContext") or {}) else []) + ([_named("container", names)] if names else [])
    if not who:
        return None
    return "seccompProfile", f'{" and ".join(who)} must not set securityContext.seccompProfile.type to "Unconfined"'


def _sysctls(spec: Object) -> Finding | None:
    found = [item["name"] for item in (spec.get("securityContext") or {}).get("sysctls") or ()]
    found = [name for name in found if name not in _SAFE_SYSCTLS]
    return ("forbidden sysctls", ", ".join(found)) if found else None


def _host_process(spec: Object) -> Finding | None:
    def bad(context: Object) -> bool:
        return bool((context.get("windowsOptions") or {}).get("hostProcess"))

    names = _those(spec, bad)
    who = (["pod"] if bad(spec.get("securityContext") or {}) else []) + ([_named("container", names)] if names else [])
    if not who:
        return None
    return "hostProcess", f"{' and '.join(who)} must not set securityContext.windowsOptions.hostProcess=true"


def _app_armor(spec: Object) -> Finding | None:
    def bad(context: Object) -> bool:
        return (context.get("appArmorProfile") or {}).get("type") == "Unconfined"

    names = _those(spec, bad)
    who = (["pod"] if bad(spec.get("securityContext") or {}) else []) + ([_named("container", names)] if names else [])
    if not who:
        return None
    return "forbidden AppArmor profile", f'{" and ".join(who)} must not set AppArmor profile type to "Unconfined"'


def _added(spec: Object, allowed: frozenset[str]) -> str:
    names, capabilities = [], set()
    for container in _containers(spec):
        added = set(((container.get("securityContext") or {}).get("capabilities") or {}).get("add") or ())
        if bad := added - allowed:
            names.append(container["name"])
            capabilities |= bad
    if not names:
        return ""
    which = _quoted(sorted(capabilities))
    return f"{_named('container', names)} must not include {which} in securityContext.capabilities.add"


def _capabilities_baseline(spec: Object) -> Finding | None:
    found = _added(spec, _DEFAULT_CAPABILITIES)
    return ("non-default capabilities", found) if found else None


def _capabilities_restricted(spec: Object) -> Finding | None:
    keeps = _those(spec, lambda context: "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()))
    drop = f'{_named("container", keeps)} must set securityContext.capabilities.drop=["ALL"]' if keeps else ""
    found = "; ".join(filter(None, (drop, _added(spec, frozenset({"NET_BIND_SERVICE"})))))
    return ("unrestricted capabilities", found) if found else None


def _escalation(spec: Object) -> Finding | None:
    found = _those(spec, lambda context: context.get("allowPrivilegeEscalation") is not False)
    if not found:
        return None
    detail = f"{_named('container', found)} must set securityContext.allowPrivilegeEscalation=false"
    return "allowPrivilegeEscalation != false", detail


def _restricted_volumes(spec: Object) -> Finding | None:
    names, types = [], set()
    for volume in spec.get("volumes") or ():
        if bad := set(volume) - _VOLUMES:
            names.append(volume["name"])
            types |= bad
    if not names:
        return None
    verb = "use" if len(names) > 1 else "uses"
    word = "types" if len(types) > 1 else "type"
    return (
        "restricted volume types",
        f"{_named('volume', names)} {verb} restricted volume {word} {_quoted(sorted(types))}",
    )


def _non_root(spec: Object) -> Finding | None:
    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    explicit = _those(spec, lambda context: context.get("runAsNonRoot") is False)
    if explicit:
        who = (["pod"] if pod is False else []) + [_named("container", explicit)]
        return "runAsNonRoot != true", f"{' and '.join(who)} must not set securityContext.runAsNonRoot=false"
    if pod is True:
        return None
    silent = _those(spec, lambda context: context.get("runAsNonRoot") is None)
    if not silent:
        return None
    if pod is False:
        return "runAsNonRoot != true", "pod must not set securityContext.runAsNonRoot=false"
    return (
        "runAsNonRoot != true",
        f"pod or {_named('container', silent)} must set securityContext.runAsNonRoot=true",
    )


def _run_as_user(spec: Object) -> Finding | None:
    names = _those(spec, lambda context: context.get("runAsUser") == 0)
    pod = (spec.get("securityContext") or {}).get("runAsUser") == 0
    who = (["pod"] if pod else []) + ([_named("container", names)] if names else [])
    return ("runAsUser=0", f"{' and '.join(who)} must not set runAsUser=0") if who else None


def _seccomp_restricted(spec: Object) -> Finding | None:
    good = {"RuntimeDefault", "Localhost"}
    pod = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type")
    explicit = _those(spec, lambda c: (c.get("seccompProfile") or {}).get("type", "Localhost") not in good)
    if explicit or (pod is not None and pod not in good):
        who = (["pod"] if pod is not None and pod not in good else []) + (
            [_named("container", explicit)] if explicit else []
        )
        return "seccompProfile", f'{" and ".join(who)} must not set securityContext.seccompProfile.type to "Unconfined"'
    silent = [] if pod in good else _those(spec, lambda context: not context.get("seccompProfile"))
    if not silent:
        return None
    wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return "seccompProfile", f"pod or {_named('container', silent)} {wanted}"


# Checks of the baseline that a stricter one of the restricted level takes the place of.
_OVERRIDDEN = frozenset({"capabilities_baseline", "hostPathVolumes", "seccompProfile_baseline"})
_BASELINE: dict[str, Callable[[Object], Finding | None]] = {
    "appArmorProfile": _app_armor,
    "capabilities_baseline": _capabilities_baseline,
    "hostNamespaces": _host_namespaces,
    "hostPathVolumes": _host_paths,
    "hostPorts": _host_ports,
    "hostProbesAndHostLifecycle": _probe_hosts,
    "privileged": _privileged,
    "procMount": _proc_mount,
    "seLinuxOptions": _selinux,
    "seccompProfile_baseline": _seccomp_baseline,
    "sysctls": _sysctls,
    "windowsHostProcess": _host_process,
}
_RESTRICTED: dict[str, Callable[[Object], Finding | None]] = {
    "allowPrivilegeEscalation": _escalation,
    "capabilities_restricted": _capabilities_restricted,
    "restrictedVolumes": _restricted_volumes,
    "runAsNonRoot": _non_root,
    "runAsUser": _run_as_user,
    "seccompProfile_restricted": _seccomp_restricted,
}
