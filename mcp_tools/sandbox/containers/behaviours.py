"""How a simulated container behaves: a description, from its image, its command, or an annotation on its pod.

The annotation `sandbox.shipmate.dev/behavior` holds words, separated by commas: `crash` (exits with 1 soon after its
start), `crash=30` (after 30 s), `exit=0` (with this code), `oom`, `unready` (never answers), `status=500` (answers its
probes with this status), `boot=12` (seconds until it listens), `load=0.9` (uses this part of its CPU limit), `leak=60`
(uses ever more memory and is killed for it after 60 s), `cpu=0.2` (needs so many cores, whatever it requests),
`memory=200` (needs so many MiB, and is killed where its limit is less), `grow=20` (needs them after 20 s only), `quiet`
(logs nothing).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import Any

from mcp_tools.sandbox.containers.programs import is_program

ANNOTATION = "sandbox.shipmate.dev/behavior"
_SOON = 0.4
_AT_ONCE = 0.05
_PATIENCE = 3.0
_OOM_CODE = 137
_MIB = 2**20
_TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 42, in <module>',
    "    main()",
    '  File "/app/main.py", line 17, in main',
    '    raise RuntimeError("made to fail")',
    "RuntimeError: made to fail",
)


@dataclass(frozen=True, slots=True)
class End:
    """How a container ends by itself.

    Attributes:
        after: Seconds after its start.
        exit_code: Of the process.
        reason: As the kubelet reports it.
        lines: The last words in its log.
    """

    after: float
    exit_code: int
    reason: str = "Error"
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a container does.

    Attributes:
        boot: Seconds from its start until it listens.
        ports: On which it listens; `None` for whatever it is asked on.
        status: The HTTP status with which it answers probes; 0 for no answer.
        opening: Lines that it logs while it starts.
        traffic: Name of the generator of its later lines (see `logs`); empty for none.
        period: Seconds between two of them.
        needs: Environment variables without which it ends with a traceback.
        connects: Environment variables that hold URLs of what it must reach before it serves.
        leak: Its memory grows until its end.
        calls: Environment variables that hold URLs of what it calls while it serves.
        memory: What it needs at the least, in bytes.
        paths: That it answers over HTTP; empty for all.
        voice: The language of its errors.
        fills: Seconds until it has filled its ephemeral storage.
        load: The part of its CPU limit that it uses; 0 for the usual wave.
        cpu: The cores that it needs; 0 for the usual wave.
        holds: The bytes of memory that it uses; 0 for the usual wave.
        grow: Seconds until it uses them.
        user: Under which it runs unless the pod says otherwise; 0 is root.
        writes: Directories that it must be able to write to.
        end: How it ends; `None` runs for ever.
        interactive: It is a shell that waits for what is typed.
        stop: Seconds that it takes to stop when asked.
    """

    boot: float = 0.3
    ports: tuple[int, ...] | None = None
    status: int = 200
    opening: tuple[str, ...] = ()
    traffic: str = ""
    period: float = 5.0
    needs: tuple[str, ...] = ()
    connects: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    memory: int = 0
    paths: tuple[str, ...] = ()
    voice: str = "python"
    fills: float = 0.0
    leak: bool = False
    load: float = 0.0
    cpu: float = 0.0
    holds: int = 0
    grow: float = 0.0
    user: int = 0
    writes: tuple[str, ...] = ()
    end: End | None = None
    interactive: bool = False
    stop: float = 0.3


class BadBehaviour(ValueError):
    """The annotation says something that is not known; the message says what."""


def annotated(base: Behaviour, text: str) -> Behaviour:
    """The behaviour that an annotation makes of another.

    Raises:
        BadBehaviour: A word of it is not known.
    """
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = word.partition("=")
        number = _number(word, value) if value else None
        match name:
            case "crash":
                base = replace(base, end=End(_SOON if number is None else number, 1, lines=_TRACEBACK))
            case "exit":
                code = int(number or 0)
                base = replace(base, end=End(_SOON, code, "Error" if code else "Completed"))
            case "oom":
                base = replace(base, end=End(_SOON if number is None else number, _OOM_CODE, "OOMKilled"))
            case "unready":
                base = replace(base, status=0)
            case "status" if number is not None:
                base = replace(base, status=int(number))
            case "boot" | "load" | "cpu" | "grow" if number is not None:
                said: dict[str, Any] = {name: number}
                base = replace(base, **said)
            case "memory" if number is not None:
                base = replace(base, memory=int(number * _MIB), holds=int(number * _MIB))
            case "leak" if number is not None:
                base = replace(base, leak=True, end=End(number, _OOM_CODE, "OOMKilled"))
            case "quiet":
                base = replace(base, opening=(), traffic="")
            case _:
                raise BadBehaviour(f"{ANNOTATION} does not know {word[:60]!r}")
    return base


def _number(word: str, value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?s?", value):
        raise BadBehaviour(f"{ANNOTATION} cannot read {word[:60]!r}")
    return float(value.rstrip("s"))


def lacking(base: Behaviour, missing: list[str]) -> Behaviour:
    """What becomes of a container whose environment lacks what it needs."""
    lines = (
        "Traceback (most recent call last):",
        '  File "/app/src/config.py", line 18, in load',
        f'    value = os.environ["{missing[0]}"]',
        '  File "<frozen os>", line 685, in __getitem__',
        f"KeyError: '{missing[0]}'",
    )
    return replace(base, opening=(), traffic="", end=End(_SOON, 1, lines=lines))


def cut_off(base: Behaviour, url: str, error: str) -> Behaviour:
    """What becomes of a container that cannot reach what it needs."""
    lines = (
        "Traceback (most recent call last):",
        '  File "/app/src/database.py", line 31, in connect',
        "    connection = await engine.connect()",
        error,
        f"sqlalchemy.exc.OperationalError: cannot connect to {url}",
    )
    return replace(base, opening=(f"connecting to {url}",), traffic="", boot=60.0, end=End(_PATIENCE, 1, lines=lines))


_LOOP = re.compile(r"while\s+(?:true|:)\s*;?\s*do\b(.*)\bdone", re.DOTALL)
_SHELLS = frozenset({"sh", "bash", "ash"})
_FOREVER = 10_000_000.0
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


def commanded(base: Behaviour, command: list[str], args: list[str]) -> Behaviour:
    """The behaviour of an image that is started with a command of its own.

    Understands the small shell scripts of examples and tests: `echo`, `sleep`, `exit`, `true`, `false` and an endless
    loop of them. Anything else is taken to run for ever.
    """
    words = [*command, *args]
    if not words or (not command and args[0].startswith("-")):
        return base  # options for the image's own program
    if words[0].rsplit("/", 1)[-1] in _SHELLS and "-c" in words:
        script = words[words.index("-c") + 1] if words.index("-c") + 1 < len(words) else ""
        return _script(base, script)
    return _script(base, shlex.join(words))


def _script(base: Behaviour, script: str) -> Behaviour:
    if loop := _LOOP.search(script):
        printed, slept, _ = _run(loop[1])
        return replace(
            base, opening=tuple(printed), traffic="repeat" if printed else "", period=max(1.0, slept or 1.0), end=None
        )
    printed, slept, code = _run(script)
    if code is None:
        return replace(base, opening=tuple(printed), traffic="")
    base = replace(base, boot=_AT_ONCE)
    end = None if slept >= _FOREVER else End(slept + 0.1, code, "Error" if code else "Completed")
    return replace(base, opening=tuple(printed), traffic="", end=end)


def _run(script: str) -> tuple[list[str], float, int | None]:
    """What a script prints, how long it sleeps, and its exit code; `None` for a command that is not known."""
    printed: list[str] = []
    slept = 0.0
    code: int | None = 0
    for statement in re.split(r"&&|;|\n", script):
        try:
            words = shlex.split(statement, comments=True)
        except ValueError:
            return printed, slept, None
        match words:
            case []:
                continue
            case ["echo", *rest]:
                printed.append(" ".join(rest))
                code = 0
            case ["sleep", amount]:
                slept += _FOREVER if amount == "infinity" else _seconds(amount)
                code = 0
            case ["exit", number] if number.isdecimal():
                return printed, slept, int(number) % 256
            case ["true" | "date" | "set" | "hostname", *_]:
                code = 0
            case ["false"]:
                code = 1
            case [word, *_] if word.endswith((".md", ".txt", ".json", ".yaml")):
                printed.append(f"sh: 1: {word}: Permission denied")
                code = _NOT_EXECUTABLE
            case [word, *_] if not is_program(word):
                printed.append(f"sh: 1: {word}: not found")
                code = _NOT_FOUND
            case _:
                return printed, slept, None
    return printed, slept, code


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]+)?)([smhd]?)", text)
    if not found:
        return 0.0
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def behaviour_of(base: Behaviour, container: dict[str, Any], annotations: dict[str, str]) -> Behaviour:
    """The behaviour of a container: of its image, changed by its command and by its pod's annotation.

    Raises:
        BadBehaviour: The annotation says something that is not known.
    """
    found = commanded(base, container.get("command") or [], container.get("args") or [])
    if container.get("stdin") and _waits_for_input(base, container):
        found = replace(found, end=None, interactive=True)
    return annotated(found, annotations.get(ANNOTATION, ""))


def _waits_for_input(base: Behaviour, container: dict[str, Any]) -> bool:
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    if not words:
        return base.end is not None and base.end.exit_code == 0
    return words[0].rsplit("/", 1)[-1] in _SHELLS and "-c" not in words
