"""How the program runs: as whom, as process 1, on which port, asked how it is."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.bases import DROPS_ROOT, NEEDS_ROOT, USERS, base_of, probe_of
from mcp_tools.docker.dockerfile.context import clean_path
from mcp_tools.docker.dockerfile.edits import Edit
from mcp_tools.docker.dockerfile.model import Finding, Look, finding, line_before, remove, replace, rule
from mcp_tools.docker.dockerfile.rules.caching import package_json
from mcp_tools.docker.dockerfile.shell import SHELLS, commands_of
from mcp_tools.docker.dockerfile.stages import Stage, environment, operands

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.syntax import Instruction

ROOT_NAMES = frozenset({"", "root", "0"})
_SHELL_SIGNS = re.compile(r"[|&;<>()`]|\$\(")
_PORT_OPTION = re.compile(r"(?:--?port|-p|--http-port|--listen-port)$")
_BIND_OPTION = re.compile(r"(?:--?bind|-b|--listen|--addr|--address|--host|-H)$")
MAX_PORT = 65535


def program_of(look: Look) -> Instruction | None:
    """The instruction that starts the program."""
    final = look.final
    return (final.last("CMD") or final.last("ENTRYPOINT")) if final else None


def exposed(stage: Stage) -> dict[int, Instruction]:
    """The TCP ports that a stage exposes."""
    found: dict[int, Instruction] = {}
    for one in stage.whole:
        if one.keyword == "EXPOSE":
            for word in stage.said(one).split():
                port = word.partition("/")[0]
                if port.isdigit():
                    found.setdefault(int(port), one)
    return found


def _ending(look: Look) -> Instruction | None:
    """The first of the instructions at the end of the last stage that say how it runs: what is new goes before."""
    final = look.final
    ending: Instruction | None = None
    for one in reversed(final.body if final else ()):
        if one.keyword in {"RUN", "COPY", "ADD", "WORKDIR", "SHELL"}:
            break
        if one.keyword in {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK"}:
            ending = one
    return ending


@rule("root-user", "The program runs as root", "high", "DL3002")
def root_user(look: Look) -> Iterator[Finding]:
    """Docker: "USER"; Kubernetes' restricted Pod Security Standard refuses it."""
    final = look.final
    if final is None or final.opening is None:
        return
    base, user = base_of(final.root), final.last("USER")
    name = final.said(user).partition(":")[0].strip() if user else ""
    told = "nonroot" in final.root or "unprivileged" in final.root or "chainguard" in final.root
    if name not in ROOT_NAMES or (user is None and (told or base.repository in DROPS_ROOT or not final.root)):
        return
    if program_of(look) is None and base.repository not in {"scratch", "python", "node"}:
        return  # a base for others, or the program of an image that is not known
    reason = "Whoever breaks into the program is root in the container"
    if user is None and not base.is_known:
        yield finding(final.opening.line, f"{reason}, unless {final.root} names another user: nothing here does")
        return
    if base.program in NEEDS_ROOT:
        hint = " (there is nginxinc/nginx-unprivileged)" if base.program == "nginx" else ""
        yield finding(final.opening.line, f"{reason}; {base.program} has to be told to do without{hint}")
        return
    low = [port for port in exposed(final) if port < 1024]  # noqa: PLR2004  the privileged ports
    ending = _ending(look)
    edits: tuple[Edit, ...] = ()
    if user is not None and user in final.body and ending:
        edits = (replace(user.start, user.start + len(user.text.rstrip()), f"{user.indent}USER 10001:10001"),)
        later = [one for one in final.body if one.line > user.line and one.keyword == "RUN"]
        edits = () if later else edits
    elif user is None and ending and not low:
        edits = (line_before(ending, "USER 10001:10001"),)
    yield finding(user.line if user else (ending or final.opening).line, reason, *edits, risk=3)


@rule("user-name", "A user by name where a number is needed", "low", "DL3066")
def user_name(look: Look) -> Iterator[Finding]:
    """Kubernetes: `runAsNonRoot` can only judge a number."""
    final = look.final
    user = final.last("USER") if final else None
    if final is None or user is None:
        return
    name, _, group = final.said(user).strip().partition(":")
    if name in ROOT_NAMES or name.isdigit():
        return
    number = _number_of(look, final, name)
    edits: tuple[Edit, ...] = ()
    if number and user in final.body and not group:
        edits = (replace(*user.value.place, number),)
    reason = f"Kubernetes refuses {name} where runAsNonRoot is set: it cannot know that it is not root"
    yield finding(user.line, reason, *edits)


def _number_of(look: Look, final: Stage, name: str) -> str:
    known = USERS.get(base_of(final.root).program) or USERS[""]
    for stage in look.shipped:
        for _, one in look.runs(stage):
            if one.name in {"useradd", "adduser"} and name in one.arguments:
                words = list(one.arguments)
                for option in ("-u", "--uid"):
                    if option in words[:-1] and words[words.index(option) + 1].isdigit():
                        return words[words.index(option) + 1]
                return ""
    return known[1] if known[0] == name else USERS[""][1] if name == "nobody" else ""


@rule("healthcheck", "Nobody can ask whether the program is well", "low", "DL3055")
def healthcheck(look: Look) -> Iterator[Finding]:
    """Docker: "HEALTHCHECK"; Compose waits for it with `service_healthy`. Kubernetes has probes of its own."""
    final = look.final
    ports = exposed(final) if final else {}
    command = program_of(look)
    if final is None or len(ports) != 1 or final.last("HEALTHCHECK") or command is None:
        return
    if not base_of(final.root).is_known:
        return  # it may have one
    port, ending = next(iter(ports)), _ending(look)
    probe = probe_of(base_of(final.root), port)
    edits = (line_before(_program_start(final) or ending, probe),) if probe and ending else ()
    yield finding(
        command.line,
        f"Docker and Compose cannot tell a program that hangs on port {port} from one that works",
        *edits,
        risk=1,
    )


def _program_start(final: Stage) -> Instruction | None:
    return next((one for one in final.body if one.keyword in {"CMD", "ENTRYPOINT"}), None)


@rule("shell-form", "A shell is process 1, and passes no signal on", "medium", "DL3025")
def shell_form(look: Look) -> Iterator[Finding]:
    """Docker: "Shell and exec form"; the program never hears SIGTERM and is killed after ten seconds."""
    final = look.final
    if final is None or final.base == "" or _default_shell(final) is False:
        return
    for keyword in ("ENTRYPOINT", "CMD"):
        found = final.last(keyword)
        if found is None or found.json is not None or found not in final.body or not found.value.text:
            continue
        text = found.value.text
        if text.startswith("["):
            yield from _broken_json(found)
            continue
        words = _simple(text)
        first = text.split(maxsplit=1)[0]
        if first == "exec":
            continue
        if words and "$" not in text:
            new = json.dumps(words, ensure_ascii=False)
        elif not _SHELL_SIGNS.search(text):
            new = json.dumps(["sh", "-c", f"exec {text}"], ensure_ascii=False)
        else:
            new = ""
        edits = (replace(*found.value.place, new),) if new else ()
        reason = "/bin/sh is process 1 and keeps SIGTERM for itself: a stop takes ten seconds and ends in a kill"
        yield finding(found.line, reason, *edits, risk=1)


def _default_shell(final: Stage) -> bool:
    shell = final.last("SHELL")
    return shell is None or "sh" in (shell.json or ("sh",))[0]


def _simple(text: str) -> list[str]:
    if _SHELL_SIGNS.search(text) or "=" in text.split(maxsplit=1)[0]:
        return []
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _broken_json(found: Instruction) -> Iterator[Finding]:
    text = found.value.text
    fixed = re.sub(r",\s*\]$", "]", text.replace("'", '"'))
    try:
        words = json.loads(fixed)
    except ValueError:
        words = None
    edits = (replace(*found.value.place, json.dumps(words, ensure_ascii=False)),) if isinstance(words, list) else ()
    yield finding(
        found.line, f"{found.keyword} looks like a list and is no JSON: a shell is given all of it as a command", *edits
    )


@rule("pid-1", "A package manager is process 1, and passes no signal on", "medium")
def package_manager_first(look: Look) -> Iterator[Finding]:
    """Npm and yarn start a shell that starts the program: SIGTERM is lost on the way."""
    found = program_of(look)
    if found is None:
        return
    command = next(iter(commands_of(found)), None)
    starts = command is not None and (
        command.name in {"npm", "yarn", "pnpm"} and command.arguments[:1] in {("start",), ("run",)}
    )
    if not starts or command is None:
        return
    script = command.arguments[1] if command.arguments[0] == "run" and len(command.arguments) > 1 else "start"
    scripts = package_json(look).get("scripts")
    says = str(scripts.get(script, "")) if isinstance(scripts, dict) else ""
    words = _simple(says) if says and "$" not in says else []
    edits: tuple[Edit, ...] = ()
    if words and words[0] == "node" and look.final and found in look.final.body:
        edits = (replace(*found.value.place, json.dumps(words)),)
    reason = f"{command.name} is process 1 and runs the program below a shell: SIGTERM does not reach it"
    yield finding(found.line, reason, *edits, risk=1)


@rule("entrypoint-exec", "The entry point's script keeps the program below a shell", "medium")
def entrypoint_exec(look: Look) -> Iterator[Finding]:
    """Docker: "ENTRYPOINT"; a script ends in `exec "$@"` so that the program becomes process 1."""
    final = look.final
    found = final.last("ENTRYPOINT") if final else None
    if final is None or found is None or found.json is None:
        return
    script = next((word for word in found.json if word.endswith(".sh")), "")
    name = script.rpartition("/")[2]
    path = next((one for one in _copied(final) if one.rpartition("/")[2] == name), "") if name else ""
    text = look.context.text(path) if path else ""
    lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    if not lines or any(line.split()[0] == "exec" for line in lines):
        return
    last = lines[-1]
    edits: tuple[Edit, ...] = ()
    if last == last.strip() and not _SHELL_SIGNS.search(last) and last.split()[0] not in {"fi", "done", "esac", "}"}:
        start = text.rindex(last)
        edits = (Edit(path, start, start, "exec "),)
    yield finding(
        found.line,
        f"{path} starts the program without exec: the shell stays process 1 and keeps SIGTERM",
        *edits,
        risk=1,
    )


def _copied(stage: Stage) -> Iterator[str]:
    for one in stage.whole:
        if one.keyword in {"COPY", "ADD"} and one.flag("from") is None:
            for word in operands(one)[:-1]:
                yield clean_path(word.text)


@rule("several-cmd", "Only the last one counts", "medium", "DL4003", "DL4004", "DL3012")
def several(look: Look) -> Iterator[Finding]:
    """Dockerfile reference: of CMD, ENTRYPOINT and HEALTHCHECK the last one takes effect."""
    for stage in look.layout.stages:
        for keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            for found in [one for one in stage.body if one.keyword == keyword][:-1]:
                yield finding(found.line, f"A later {keyword} of this stage replaces this one", remove(found))


@rule("expose-mismatch", "The exposed port is not the one that is listened on", "medium")
def expose_mismatch(look: Look) -> Iterator[Finding]:
    """EXPOSE is what people and tools believe; the command says where the program listens."""
    final, found = look.final, program_of(look)
    ports = exposed(final) if final else {}
    if final is None or found is None or not ports:
        return
    told = _port_of(final, found)
    if told is None or told in ports:
        return
    at = next(iter(ports.values()))
    edits: tuple[Edit, ...] = ()
    if len(ports) == 1 and at in final.body and len(at.value.text.split()) == 1:
        edits = (replace(*at.value.place, str(told)),)
    yield finding(
        at.line,
        f"The program listens on port {told} (line {found.line}), and {', '.join(map(str, ports))} is exposed",
        *edits,
    )


@rule("expose-invalid", "No such port", "high", "DL3011")
def expose_invalid(look: Look) -> Iterator[Finding]:
    """Ports end at 65535."""
    for stage in look.layout.stages:
        for port, found in exposed(stage).items():
            if port > MAX_PORT and found in stage.body:
                yield finding(found.line, f"{port} is no port: they end at {MAX_PORT}")


def _port_of(final: Stage, found: Instruction) -> int | None:
    """The port that a command names."""
    command = next(iter(commands_of(found)), None)
    words = [final.said(found, word) if "$" in word else word for word in command.arguments] if command else []
    words = [
        part for word in words for part in (word.split("=", 1) if word.startswith("--") and "=" in word else [word])
    ]
    for option, value in itertools.pairwise(words):
        port = value.rpartition(":")[2]
        if (_PORT_OPTION.match(option) and value.isdigit()) or (
            _BIND_OPTION.match(option) and ":" in value and port.isdigit()
        ):
            return int(port)
    if command and command.name.startswith("python") and words[:2] == ["-m", "http.server"]:
        return int(words[2]) if len(words) > 2 and words[2].isdigit() else 8000  # noqa: PLR2004  its own default
    own = environment(final).get("PORT", "")
    return int(own) if own.isdigit() and command and command.name in {"node", "python", "python3"} else None


@rule("loopback-bind", "The program listens where nobody outside can reach it", "high")
def loopback_bind(look: Look) -> Iterator[Finding]:
    """127.0.0.1 is the container's own: a published port or a Service finds nobody there."""
    final, found = look.final, program_of(look)
    if final is None or found is None or found not in final.body:
        return
    command = next(iter(commands_of(found)), None)
    for word in command.plain[1:] if command else ():
        value = word.text.rpartition("=")[2] if word.text.startswith("-") else word.text
        host = value.partition(":")[0]
        if host in {"127.0.0.1", "localhost"} and "://" not in word.text and word.text != value[:0]:
            text = found.value.text
            edits = (replace(*found.value.place, text.replace(host, "0.0.0.0", 1)),) if text.count(host) == 1 else ()  # noqa: S104  inside a container
            yield finding(found.line, f"The program listens on {host} inside the container only", *edits)
            return


@rule("dev-server", "A development server in the image", "medium")
def dev_server(look: Look) -> Iterator[Finding]:
    """Flask and others: "Do not use the development server in production"."""
    found = program_of(look)
    command = next(iter(commands_of(found)), None) if found else None
    if found is None or command is None:
        return
    words = command.arguments
    named = (
        (command.name == "flask" and "run" in words)
        or (command.name in {"npm", "yarn", "pnpm"} and "dev" in words[:2])
        or (command.name in {"next", "nodemon"} and (command.name == "nodemon" or words[:1] == ("dev",)))
        or (command.name.startswith("python") and "runserver" in words)
        or "--reload" in words
        or (command.name.startswith("python") and words[:3] == ("-m", "flask", "run"))
    )
    if named and command.name not in SHELLS:
        yield finding(
            found.line,
            f"`{' '.join([command.name, *words[:3]])}` is made for development: slow, and it tells too much",
        )
