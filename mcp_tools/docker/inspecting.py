"""One container in full, without what only the engine needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.docker.containers import find
from mcp_tools.docker.engine import engine
from mcp_tools.reads.answer import Answer, clip

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER = "0001-"
CHECKS = 3
SHOWN = 40
NANO = 1_000_000_000
MIB = 1024**2


def inspect(target: str) -> Answer:
    """Tell all that matters of a container.

    Returns:
        `container`: name, id, image, state, health (with its last checks), command, environment (masked where it looks
        secret), ports, mounts, networks, restart policy, limits, rights and labels; what is not set is left out.

    Raises:
        NotFound, Ambiguous: No such container, or several.
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        found = find(api, target)
        raw = api.inspect_container(found.id)
    data = {key: value for key, value in _told(raw).items() if value not in (None, "", [], {}, False)}
    return Answer(
        f"Container {found.name} ({found.image}): {found.status or found.state}.",
        {"target": found.target, "container": data},
    )


def health(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The health check's state with its last outputs; empty where there is no check."""
    state = (raw.get("State") or {}).get("Health") or {}
    if not state or state.get("Status") in {None, "", "none"}:
        return {}
    checks = [
        {"at": check.get("End", "")[:19], "exit_code": check.get("ExitCode"), "output": clip(_bare(check))}
        for check in (state.get("Log") or [])[-CHECKS:]
    ]
    return {"status": state["Status"], "failing_streak": state.get("FailingStreak", 0), "checks": checks}


def environment(raw: Mapping[str, Any]) -> dict[str, str]:
    """The variables by name, so that the redaction knows them by it."""
    pairs = (item.partition("=") for item in (raw.get("Config") or {}).get("Env") or [])
    return {name: clip(value) for name, _, value in pairs}


def _told(raw: Mapping[str, Any]) -> dict[str, Any]:
    config, host, state = raw["Config"], raw["HostConfig"], raw["State"]
    networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    return {
        "name": raw["Name"].removeprefix("/"),
        "id": raw["Id"][:12],
        "image": config["Image"],
        "image_id": raw["Image"][:19],
        "state": state["Status"],
        "exit_code": state["ExitCode"] if state["Status"] in {"exited", "dead"} else None,
        "oom_killed": state.get("OOMKilled", False),
        "error": state.get("Error", ""),
        "started": _time(state.get("StartedAt", "")),
        "finished": _time(state.get("FinishedAt", "")),
        "restarts": raw.get("RestartCount", 0),
        "restart_policy": _restart_policy(host),
        "health": health(raw),
        "entrypoint": config.get("Entrypoint"),
        "command": config.get("Cmd"),
        "user": config.get("User", ""),
        "working_dir": config.get("WorkingDir", ""),
        "env": environment(raw),
        "ports": _ports(raw),
        "mounts": [_mount(mount) for mount in raw.get("Mounts") or []],
        "networks": {name: _network(one) for name, one in networks.items()},
        "limits": _limits(host),
        "privileged": host.get("Privileged", False),
        "capabilities_added": host.get("CapAdd"),
        "read_only": host.get("ReadonlyRootfs", False),
        "log_driver": (host.get("LogConfig") or {}).get("Type", ""),
        "labels": {key: clip(str(value)) for key, value in list((config.get("Labels") or {}).items())[:SHOWN]},
    }


def _restart_policy(host: Mapping[str, Any]) -> str:
    name = str((host.get("RestartPolicy") or {}).get("Name") or "no")
    return "" if name == "no" else name


def _bare(check: Mapping[str, Any]) -> str:
    return " ".join(str(check.get("Output", "")).split())


def _time(stamp: str) -> str:
    return "" if stamp.startswith(NEVER) else stamp[:19]


def _ports(raw: Mapping[str, Any]) -> list[str]:
    """Published ports of the configuration, which one that does not run has as well."""
    told = []
    for inside, bindings in ((raw.get("HostConfig") or {}).get("PortBindings") or {}).items():
        for binding in bindings or []:
            address = f"{binding['HostIp']}:" if binding.get("HostIp") else ""
            told.append(f"{address}{binding.get('HostPort') or 'any'}:{inside.removesuffix('/tcp')}")
    return told


def _mount(mount: Mapping[str, Any]) -> str:
    source = mount.get("Name") or mount.get("Source") or mount.get("Type", "")
    return f"{source}:{mount.get('Destination', '')}{'' if mount.get('RW', True) else ':ro'}"


def _network(network: Mapping[str, Any]) -> str:
    aliases = ", ".join(network.get("Aliases") or [])
    return " ".join(part for part in (network.get("IPAddress", ""), f"({aliases})" if aliases else "") if part)


def _limits(host: Mapping[str, Any]) -> dict[str, str]:
    cpus = host.get("NanoCpus") or 0
    limits = {
        "memory": f"{host['Memory'] // MIB} MiB" if host.get("Memory") else "",
        "cpus": f"{cpus / NANO:g}" if cpus else "",
        "pids": str(host["PidsLimit"]) if (host.get("PidsLimit") or 0) > 0 else "",
    }
    return {name: value for name, value in limits.items() if value}
