"""Reaching into pods: commands, debug containers, files, forwarded ports."""

from __future__ import annotations

import re
import shlex
from typing import Any

from assistant.offline.commands.said import Said, parse, spaced, split, target
from assistant.offline.model import Clarify, Mention, Refuse, Step, ToolCall
from assistant.offline.words import kinds

TOOL = "connect_pod"
EXEC = r"exec(?: (?:in|into))? <target>"
DEBUG = (
    r"debug <target> with(?: (?P<said>image|an? image))? <image>",
    r"debug <target>",
)
COPY = r"(?:cp|copy) <from:word>(?: (?:to|into))? <to:word>"
COPY_OUT = (
    r"(?:copy|fetch|download|get) (?:file )?(?P<path>/\S+) (?:from|of|out of) <target>(?: (?:to|into|as) <local:word>)?"
)
COPY_IN = r"(?:copy|upload|put) (?:file )?(?P<local>\S+) (?:to|into) <target> (?:as|at) (?P<path>/\S+)"
FORWARD_KUBECTL = r"(?:port-forward|portforward) <target> (?P<local>\d{1,5})?(?P<colon>:)?(?P<remote>\d{1,5})?"
FORWARD = (
    r"(?:port-forward|portforward|forward) (?:port (?P<remote>\d{1,5}) (?:of|on) )?<target>"
    r"(?: port (?P<remote_after>\d{1,5}))?"
    r"(?: (?:to|on|at) (?:local )?(?:port )?(?:localhost:|127\.0\.0\.1:)?(?P<local>\d{1,5}))?"
)
FORWARD_BACK = (
    r"(?:port-forward|portforward|forward) (?:local )?(?:port )?(?:localhost:)?(?P<local>\d{1,5}) to <target>"
    r"(?:(?: port |:)(?P<remote>\d{1,5}))?"
)
LIST_FORWARDS = r"(?:list|show|get)(?: (?:me|all|my|the|open))* (?:port[- ]?)?forwards"
_ENDS = "(?:close|stop|end|cancel)"
CLOSE = (
    rf"{_ENDS} (?:the |my )?(?:port[- ]?)?forward(?:ing)? (?:of|to|for|from|on) (?:port )?<target>",
    rf"{_ENDS} (?:all )?(?:the |my )?(?:port[- ]?)?forward(?:s|ing)?",
)
RUN = re.compile(r"(?:run|execute)", re.IGNORECASE)
SHELLS = frozenset({"sh", "bash", "ash", "zsh", "/bin/sh", "/bin/bash"})
PROGRAMS = frozenset(
    {"curl", "wget", "nc", "ping", "nslookup", "dig", "env", "printenv", "echo", "kill", "touch", "rm", "mkdir"}
    | {"python", "python3", "node", "psql", "redis-cli", "top", "mount", "find", "sh", "bash", "true", "false", "sync"}
    | {"sleep"}
)
"""What is run in a pod beside the programs that only look; `run nginx in prod` speaks of an image."""
DEBUG_IMAGES = re.compile(r"\S*[:/]\S*|busybox|alpine|debian|ubuntu|netshoot|fedora")
INTERACTIVE = "A terminal in a pod is not offered: say the command after `--`."
_IN_POD = re.compile(r"(?P<pod>[a-z0-9][a-z0-9./-]*):(?P<path>/.*)")


def match(given: Said, raw: str, last: Mention | None) -> Step | None:
    """A call of a tool for pods, a question back, a refusal, or None."""
    return _run(raw, last) or _exec(given, last) or _debug(given, last) or _copy(given, last) or _forward(given, last)


def _call(action: str, what: str, given: Said, **arguments: Any) -> Step:
    step = ToolCall(TOOL, {"action": action, **({"target": what} if what else {}), **arguments, **given.namespace})
    return step if what else Clarify("Which one do you mean?", step, "target")


def _container(given: Said) -> dict[str, str]:
    return {"container": given.flags["container"][0]} if "container" in given.flags else {}


def _run(raw: str, last: Mention | None) -> Step | None:
    """`run ls -l /tmp in backend`: what would be flags elsewhere belongs to the command."""
    try:
        words = [part for word in split(raw) for part in ([word] if " " not in word else shlex.split(word))]
    except ValueError:
        return None
    words = [word for word in words if word.lower() not in {"please", "pls"}]
    if len(words) < 4 or not RUN.fullmatch(words[0]):  # noqa: PLR2004
        return None
    from mcp_tools.changes.executing import LOOKING

    if words[1] not in LOOKING | PROGRAMS:
        return None
    where: dict[str, str] = {}
    if words[-2] in {"-n", "--namespace"}:
        where, words = {"namespace": words[-1]}, words[:-2]
    for used in (2, 1):
        before, rest = words[: -used - 1], words[-used:]
        if len(before) < 2 or words[-used - 1].lower() not in {"in", "inside", "on"}:  # noqa: PLR2004
            continue
        if used == 2 and rest[0].lower() not in {*kinds(), "the"}:  # noqa: PLR2004
            continue
        said = Said(" ".join(rest if rest[0].lower() != "the" else rest[1:]))
        found = parse("<target>", said)
        if found:
            return _call("exec", target(found["target"], last), Said("", {}), command=before[1:], **where)
    return None


def _exec(given: Said, last: Mention | None) -> Step | None:
    found = parse(EXEC, given)
    if not found or not given.only("container", "it", "i", "t", "stdin", "tty") or not given.argv:
        return None
    if given.argv[0] in SHELLS and len(given.argv) == 1:
        return Refuse(INTERACTIVE, hint=f"Such as `exec {found['target']} -- ls -l`.")
    return _call("exec", target(found["target"], last), given, command=list(given.argv), **_container(given))


def _debug(given: Said, last: Mention | None) -> Step | None:
    found = next((found for template in DEBUG if (found := parse(template, given))), None)
    image = given.one("image") or (found or {}).get("image")
    flags = ("image", "container", "target", "it", "i", "t", "stdin", "tty")
    if not found or not image or not given.only(*flags):
        return None
    if "image" not in given.flags and not found.get("said") and not DEBUG_IMAGES.fullmatch(image):
        return None
    shell = not given.argv or (given.argv[0] in SHELLS and len(given.argv) == 1)
    step = _call(
        "exec",
        target(found["target"], last),
        given,
        command=["ps"] if shell else list(given.argv),
        debug_image=image,
        **({"container": given.flags["target"][0]} if "target" in given.flags else _container(given)),
    )
    if shell and isinstance(step, ToolCall):
        return ToolCall(step.name, step.arguments, note=f"{INTERACTIVE} Without one it lists the processes.")
    return step


def _copy(given: Said, last: Mention | None) -> Step | None:
    if not given.only("container") or given.argv:
        return None
    more: dict[str, Any] = {**_container(given), **({"overwrite": True} if "overwrite" in given.flags else {})}
    for template, action in ((COPY_OUT, "copy_out"), (COPY_IN, "copy_in")):
        found = parse(template, given)
        if found and (":" not in found["target"]):
            local = spaced(found["local"]) or "."
            step = {"path": spaced(found["path"]), "local_path": local, **more}
            return _call(action, target(found["target"], last), given, **step)
    found = parse(COPY, given)
    sides = [_IN_POD.fullmatch(spaced(found[side])) for side in ("from", "to")] if found else []
    if not found or bool(sides[0]) == bool(sides[1]):
        return None
    inside, action = (sides[0], "copy_out") if sides[0] else (sides[1], "copy_in")
    local = spaced(found["to"] if sides[0] else found["from"])
    if inside is None:
        return None
    what, where = _pod(inside["pod"], last)
    step = {"path": inside["path"], "local_path": local, **more}
    return _call(action, what, given, **step, **where)


def _pod(text: str, last: Mention | None) -> tuple[str, dict[str, str]]:
    """Kubectl's `namespace/pod`, or our `kind/name`."""
    word, slash, name = text.partition("/")
    if slash and word not in kinds():
        return name, {"namespace": word}
    return target(text, last), {}


def _forward(given: Said, last: Mention | None) -> Step | None:
    if not given.only("address") or given.argv:
        return None
    if parse(LIST_FORWARDS, given) is not None:
        return ToolCall(TOOL, {"action": "list_forwards"})
    for template in CLOSE:
        found = parse(template, given)
        if found is not None:
            return _close(found.get("target", ""), given, last)
    if given.flags.get("address", ["127.0.0.1"])[0] not in {"127.0.0.1", "localhost"}:
        return Refuse("Ports are opened on 127.0.0.1 only, so nothing is done.")
    found = parse(FORWARD_KUBECTL, given)
    if found and (found["local"] or found["remote"]):
        # A port alone is the same on both sides; `:80` takes any here.
        remote = found["remote"] or found["local"]
        local = found["local"] if found["local"] or not found["colon"] else ""
        return _open(found["target"], remote, local, given, last)
    for template in (FORWARD, FORWARD_BACK):
        found = parse(template, given)
        if found:
            remote = found["remote"] or found.get("remote_after", "")
            return _open(found["target"], remote, found["local"], given, last)
    return None


def _open(what: str, remote: str, local: str, given: Said, last: Mention | None) -> Step:
    ports = {**({"port": int(remote)} if remote else {}), **({"local_port": int(local)} if local else {})}
    return _call("forward", target(what, last), given, **ports)


def _close(what: str, given: Said, last: Mention | None) -> Step:
    arguments: dict[str, Any] = {"action": "close_forward"}
    if what.isdigit():
        arguments["local_port"] = int(what)
    elif what:
        arguments["target"] = target(what, last)
    return ToolCall(TOOL, {**arguments, **given.namespace})
