"""What a pod's own settings do to its containers: users, read-only file systems, ports, memory, commands, files.

Every function looks at fields alone, so that the cause of a failure is where a reader of the pod can find it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcp_tools import quantity
from mcp_tools.sandbox.containers.behaviours import Behaviour, End, commanded
from mcp_tools.sandbox.containers.programs import is_program

if TYPE_CHECKING:
    from collections.abc import Iterable

Object = dict[str, Any]
Lookup = Callable[[str, str], Object | None]
_LOWEST_FREE_PORT = 1024


def user_of(container: Object, pod: Object, image_user: int) -> int:
    """The user id under which a container runs."""
    own, shared = container.get("securityContext") or {}, pod["spec"].get("securityContext") or {}
    return int(own.get("runAsUser", shared.get("runAsUser", image_user)))


def root_refused(container: Object, pod: Object, image_user: int) -> str:
    """Why the kubelet does not create a container that must not run as root; empty when it does."""
    own, shared = container.get("securityContext") or {}, pod["spec"].get("securityContext") or {}
    if not own.get("runAsNonRoot", shared.get("runAsNonRoot")) or user_of(container, pod, image_user) != 0:
        return ""
    meta = pod["metadata"]
    where = f'(pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})'
    if "runAsUser" in own or "runAsUser" in shared:
        return f"container's runAsUser breaks non-root policy {where}"
    return f"container has runAsNonRoot and image will run as root {where}"


def start_failure(container: Object, pod: Object, lookup: Lookup) -> str:
    """What the runtime says when it cannot start a container's process; empty when it can."""
    start = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        "unable to start container process: "
    )
    command = container.get("command") or ()
    if command and not is_program(command[0]):
        return f'{start}exec: "{command[0]}": executable file not found in $PATH: unknown'
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        source = (volumes.get(mount["name"]) or {}).get("configMap")
        path, key = mount["mountPath"], mount.get("subPath")
        if not source or not key or not re.search(r"\.\w+$", path):
            continue
        found = lookup("ConfigMap", source.get("name", "")) or {}
        items = {item["path"] for item in source.get("items") or ()} or set(found.get("data") or {})
        if key not in items:
            place = f"/var/lib/kubelet/pods/{pod['metadata']['uid']}/volume-subpaths"
            origin = f"{place}/{mount['name']}/{container['name']}/{index}"
            return (
                f'{start}error during container init: error mounting "{origin}" to rootfs at "{path}": mount '
                f"{origin}:{path} (via /proc/self/fd/6), flags: 0x5001: not a directory: Are you trying to mount a "
                "directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected "
                "type: unknown"
            )
    return ""


def hindered(base: Behaviour, container: Object, pod: Object, taken: Iterable[int]) -> Behaviour:
    """What becomes of a container that its settings do not let work; the same behaviour when they do.

    Args:
        base: How it would behave.
        container: Of the pod's spec.
        pod: It belongs to.
        taken: Ports on which other containers of the pod listen.
    """
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    if base.memory and limit is not None and quantity.whole(limit) < base.memory:
        killed = End(max(1.2, base.grow), 137, "OOMKilled")
        return replace(base, end=killed) if base.grow else replace(base, end=killed, boot=5.0)
    user = user_of(container, pod, base.user)
    mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts") or ()}
    read_only = (container.get("securityContext") or {}).get("readOnlyRootFilesystem")
    for path in base.writes:
        mount = mounts.get(path)
        if mount is None and read_only:
            return _failing(base, _cannot_write(base, path, 30, "Read-only file system"))
        if mount is None and user not in {0, base.user} and path != "/tmp":  # noqa: S108  world-writable in every image
            return _failing(base, _cannot_write(base, path, 13, "Permission denied"))
        if mount is not None and user != 0 and _is_foreign(pod, mount["name"]):
            return _failing(base, _cannot_write(base, path, 13, "Permission denied"))
    for port in base.ports or ():
        if port in set(taken):
            return _failing(base, _cannot_bind(base, port, 98, "Address already in use"))
        capabilities = ((container.get("securityContext") or {}).get("capabilities") or {}).get("add") or ()
        if port < _lowest_free_port(pod) and user != 0 and not {"NET_BIND_SERVICE", "ALL"} & set(capabilities):
            return _failing(base, _cannot_bind(base, port, 13, "Permission denied"))
    return base


def _lowest_free_port(pod: Object) -> int:
    """From here on ports are for everybody; the pod may say otherwise."""
    settings = (pod["spec"].get("securityContext") or {}).get("sysctls") or ()
    found = next((item["value"] for item in settings if item["name"] == "net.ipv4.ip_unprivileged_port_start"), None)
    return _LOWEST_FREE_PORT if found is None else int(found)


def _is_foreign(pod: Object, volume: str) -> bool:
    """A persistent volume belongs to root unless the pod's fsGroup makes it its own."""
    found: Object = next((item for item in pod["spec"].get("volumes") or () if item["name"] == volume), {})
    return bool(found.get("persistentVolumeClaim")) and not (pod["spec"].get("securityContext") or {}).get("fsGroup")


def _failing(base: Behaviour, lines: tuple[str, ...]) -> Behaviour:
    return replace(base, traffic="", boot=60.0, opening=(), end=End(0.6, 1, lines=lines))


def traceback(place: str, call: str, error: str) -> tuple[str, ...]:
    """The last words of a Python program."""
    return ("Traceback (most recent call last):", f'  File "{place}", in <module>', f"    {call}", error)


def _cannot_write(base: Behaviour, path: str, number: int, words: str) -> tuple[str, ...]:
    match base.voice:
        case "nginx":
            return (f'nginx: [emerg] mkdir() "{path}/client_temp" failed ({number}: {words})',)
        case "postgres":
            return (f'initdb: error: could not create directory "{path}/pg_wal": {words}',)
        case "node":
            code = "EROFS" if number == 30 else "EACCES"  # noqa: PLR2004  errno
            return (f"Error: {code}: {words.lower()}, mkdir '{path}/cache'", f"    code: '{code}'")
    kind = "OSError" if number == 30 else "PermissionError"  # noqa: PLR2004  errno
    error = f"{kind}: [Errno {number}] {words}: '{path}/uploads'"
    return traceback('/app/src/main.py", line 21', "Path(settings.upload_dir).mkdir(exist_ok=True)", error)


def _cannot_bind(base: Behaviour, port: int, number: int, words: str) -> tuple[str, ...]:
    match base.voice:
        case "nginx":
            return (f"nginx: [emerg] bind() to 0.0.0.0:{port} failed ({number}: {words})",)
        case "node":
            code = "EADDRINUSE" if number == 98 else "EACCES"  # noqa: PLR2004  errno
            return (f"Error: listen {code}: {words.lower()} 0.0.0.0:{port}", f"    code: '{code}'")
    return (
        f"ERROR:    [Errno {number}] error while attempting to bind on address ('0.0.0.0', {port}): {words.lower()}",
    )


def hook_failure(command: list[str]) -> int:
    """The exit code of a lifecycle hook's command."""
    if command and not is_program(command[0]):
        return 127
    end = commanded(Behaviour(), command, []).end
    return end.exit_code if end else 0
