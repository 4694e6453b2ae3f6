"""What `exec` can run in a simulated container: the few programs with which people look around in one."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.containers.network import Outcome, Target, target_of
from mcp_tools.sandbox.containers.programs import is_program

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]
_NOT_FOUND = 127
_SHELLS = {"sh", "bash", "ash", "/bin/sh", "/bin/bash", "/bin/ash"}
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  where kubelets mount it


@dataclass(frozen=True, slots=True)
class Place:
    """The container in which commands run.

    Attributes:
        pod: As stored.
        container: Of its spec.
        variables: Its environment.
        user: The id under which it runs.
        lookup: From a kind and a name in the pod's namespace to an object.
        reach: What becomes of a connection from here.
        address: From a host name to its address; empty where there is none.
        answer: The HTTP status and body that a reachable target gives.
        now: Seconds since 1970.
    """

    pod: Object
    container: Object
    variables: dict[str, str]
    user: int
    lookup: Callable[[str, str], Object | None]
    reach: Callable[[Target], Outcome]
    address: Callable[[str], str]
    answer: Callable[[Target, str], tuple[int, str]]
    now: float


@dataclass(slots=True)
class Result:
    """What a command wrote, and its exit code."""

    out: str = ""
    err: str = ""
    code: int = 0
    folder: str = field(default="/app")


def is_shell(command: list[str]) -> bool:
    """Whether a command starts a shell that waits for lines."""
    return bool(command) and command[0] in _SHELLS and "-c" not in command


def can_start(command: list[str]) -> bool:
    """Whether there is such a program."""
    return is_program(command[0]) or command[0].rsplit("/", 1)[-1] in _PROGRAMS


def run(place: Place, command: list[str]) -> Result:
    """Run a command to its end."""
    if command and command[0] in _SHELLS:
        if "-c" not in command:
            return Result()
        index = command.index("-c") + 1
        return script(place, command[index] if index < len(command) else "")
    return _program(place, command)


def script(place: Place, text: str) -> Result:
    """Run a line, or several, as a shell does: `;`, `&&`, `||` and variables; no pipes."""
    total = Result()
    for joint, statement in _statements(text):
        if (joint == "&&" and total.code) or (joint == "||" and not total.code):
            continue
        try:
            words = shlex.split(_expanded(place, statement), comments=True)
        except ValueError as error:
            return Result(total.out, total.err + f"sh: syntax error: {error}\n", 2)
        if not words:
            continue
        if words[0] == "exit":
            code = int(words[1]) % 256 if len(words) > 1 and words[1].isdecimal() else total.code
            return Result(total.out, total.err, code)
        found = _program(place, words)
        total = Result(total.out + found.out, total.err + found.err, found.code)
    return total


def _statements(text: str) -> Iterator[tuple[str, str]]:
    joint = ";"
    for part in re.split(r"(&&|\|\||;|\n)", text):
        if part in {"&&", "||", ";", "\n"}:
            joint = part
        elif part.strip():
            yield joint, part.strip()


def _expanded(place: Place, text: str) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: place.variables.get(found[1], ""), text)


def _program(place: Place, words: list[str]) -> Result:
    name = words[0].rsplit("/", 1)[-1] if words else ""
    program = _PROGRAMS.get(name)
    if program is not None:
        return program(place, words[1:])
    if is_program(name) and name:
        return Result(err=f"{name}: not simulated in the sandbox\n", code=1)
    return Result(err=f"sh: 1: {name}: not found\n", code=_NOT_FOUND)


def _echo(place: Place, words: list[str]) -> Result:
    del place
    return Result(" ".join(word for word in words if word != "-e") + "\n")


def _env(place: Place, words: list[str]) -> Result:
    if words:
        value = place.variables.get(words[0])
        return Result(f"{value}\n") if value is not None else Result(code=1)
    own = {"HOSTNAME": place.pod["metadata"]["name"], "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/"}
    return Result("".join(f"{key}={value}\n" for key, value in {**own, **place.variables}.items()))


def _hostname(place: Place, words: list[str]) -> Result:
    if words and words[0] in {"-i", "-I"}:
        return Result(f"{(place.pod.get('status') or {}).get('podIP', '')}\n")
    return Result(f"{place.pod['metadata']['name']}\n")


def _id(place: Place, words: list[str]) -> Result:
    if words == ["-u"]:
        return Result(f"{place.user}\n")
    name = "(root)" if place.user == 0 else ""
    return Result(f"uid={place.user}{name} gid={place.user}{name} groups={place.user}{name}\n")


def _whoami(place: Place, words: list[str]) -> Result:
    del words
    if place.user == 0:
        return Result("root\n")
    return Result(err=f"whoami: cannot find name for user ID {place.user}: No such file or directory\n", code=1)


def _date(place: Place, words: list[str]) -> Result:
    del words
    return Result(rfc3339(place.now) + "\n")


def _ps(place: Place, words: list[str]) -> Result:
    del words
    command = [*(place.container.get("command") or ()), *(place.container.get("args") or ())]
    return Result(
        f"PID   USER     TIME  COMMAND\n    1 {place.user:<8} 0:01 {shlex.join(command) or place.container['name']}\n"
    )


def files_of(place: Place) -> dict[str, str]:
    """The files of a container that can be known: what is mounted, and what the kubelet writes."""
    meta = place.pod["metadata"]
    search = f"search {meta['namespace']}.svc.cluster.local svc.cluster.local cluster.local"
    found = {
        "/etc/hostname": meta["name"] + "\n",
        "/etc/resolv.conf": f"{search}\nnameserver 10.96.0.10\noptions ndots:5\n",
        "/etc/hosts": f"127.0.0.1\tlocalhost\n{(place.pod.get('status') or {}).get('podIP', '')}\t{meta['name']}\n",
    }
    volumes = {volume["name"]: volume for volume in place.pod["spec"].get("volumes") or ()}
    for mount in place.container.get("volumeMounts") or ():
        base = mount["mountPath"].rstrip("/")
        if base == _TOKEN_FOLDER:
            found[f"{base}/namespace"] = meta["namespace"]
            continue
        for name, content in _volume_files(place, volumes.get(mount["name"]) or {}).items():
            if not mount.get("subPath"):
                found[f"{base}/{name}"] = content
            elif mount["subPath"] == name:
                found[base] = content
    return found


def _volume_files(place: Place, volume: Object) -> dict[str, str]:
    for source, name_field, kind in (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret")):
        if not volume.get(source):
            continue
        obj = place.lookup(kind, volume[source].get(name_field, "")) or {}
        data = obj.get("data") or {}
        if kind == "Secret":
            data = {key: base64.b64decode(value).decode("utf-8", "replace") for key, value in data.items()}
        items = {item["key"]: item["path"] for item in volume[source].get("items") or ()}
        return {items.get(key, key): value for key, value in data.items() if not items or key in items}
    return {}


def _cat(place: Place, words: list[str]) -> Result:
    files = files_of(place)
    result = Result()
    for path in words:
        if path in files:
            result.out += files[path]
        else:
            result.err += f"cat: {path}: No such file or directory\n"
            result.code = 1
    return result


def _ls(place: Place, words: list[str]) -> Result:
    folder = next((word.rstrip("/") for word in words if not word.startswith("-")), "/app")
    files = files_of(place)
    mounts = [mount["mountPath"] for mount in place.container.get("volumeMounts") or ()]
    inside = {path[len(folder) + 1 :].split("/")[0] for path in [*files, *mounts] if path.startswith(f"{folder}/")}
    known = {"", "/app", "/etc", "/tmp", *mounts}  # noqa: S108  a folder of the simulated container
    if folder in files:
        return Result(f"{folder}\n")
    if folder not in known and not inside:
        return Result(err=f"ls: cannot access '{folder}': No such file or directory\n", code=2)
    return Result("".join(f"{name}\n" for name in sorted(inside)))


def _nslookup(place: Place, words: list[str]) -> Result:
    host = words[0] if words else ""
    start = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n"
    if place.reach(Target(host, 53)) == "no answer":
        return Result(err=";; connection timed out; no servers could be reached\n", code=1)
    address = place.address(host)
    if not address:
        return Result(start, f"** server can't find {host}: NXDOMAIN\n", 1)
    return Result(f"{start}Name:\t{host}\nAddress: {address}\n")


_WORDS = {"refused": "Connection refused", "timeout": "Connection timed out"}


def _fetch(place: Place, words: list[str], program: str) -> Result:
    url = next((word for word in words if not word.startswith("-") and ("." in word or "/" in word or ":" in word)), "")
    target = target_of(url if "://" in url else f"http://{url}")
    if target is None:
        return Result(err=f"{program}: missing URL\n", code=2)
    outcome = place.reach(target)
    if outcome in {"unknown", "no answer"}:
        if program == "curl":
            return Result(err=f"curl: (6) Could not resolve host: {target.host}\n", code=6)
        return Result(err=f"wget: bad address '{target.host}'\n", code=1)
    if outcome:
        if program == "curl":
            code = 7 if outcome == "refused" else 28
            return Result(
                err=f"curl: ({code}) Failed to connect to {target.host} port {target.port}: {_WORDS[outcome]}\n",
                code=code,
            )
        return Result(err=f"wget: can't connect to remote host: {_WORDS[outcome]}\n", code=1)
    path = "/" + url.split("://", 1)[-1].partition("/")[2]
    status, body = place.answer(target, path)
    if program == "wget" and status >= 400:  # noqa: PLR2004  HTTP
        return Result(err=f"wget: server returned error: HTTP/1.1 {status}\n", code=1)
    return Result(body)


def _curl(place: Place, words: list[str]) -> Result:
    return _fetch(place, words, "curl")


def _wget(place: Place, words: list[str]) -> Result:
    return _fetch(place, words, "wget")


def _netcat(place: Place, words: list[str]) -> Result:
    plain = [word for word in words if not word.startswith("-")]
    if len(plain) < 2 or not plain[1].isdecimal():  # noqa: PLR2004  host and port
        return Result(err="usage: nc -z HOST PORT\n", code=1)
    outcome = place.reach(Target(plain[0], int(plain[1])))
    if not outcome:
        return Result(err=f"Connection to {plain[0]} {plain[1]} port [tcp/*] succeeded!\n")
    return Result(err=f"nc: {plain[0]} ({plain[1]}): {_WORDS.get(outcome, 'Name does not resolve')}\n", code=1)


def _silent(code: int) -> Callable[[Place, list[str]], Result]:
    return lambda _place, _words: Result(code=code)


def _pwd(place: Place, words: list[str]) -> Result:
    del place, words
    return Result("/app\n")


_PROGRAMS: dict[str, Callable[[Place, list[str]], Result]] = {
    "echo": _echo,
    "env": _env,
    "printenv": _env,
    "hostname": _hostname,
    "id": _id,
    "whoami": _whoami,
    "date": _date,
    "ps": _ps,
    "cat": _cat,
    "ls": _ls,
    "nslookup": _nslookup,
    "curl": _curl,
    "wget": _wget,
    "nc": _netcat,
    "pwd": _pwd,
    "true": _silent(0),
    "false": _silent(1),
    "sleep": _silent(0),
    "cd": _silent(0),
    "export": _silent(0),
}
