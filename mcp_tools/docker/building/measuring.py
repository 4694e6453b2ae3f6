"""An image measured: how large it is, how long it takes to build, whether and how fast it starts."""

from __future__ import annotations

import json
import re
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.dockerfile.edits import apply
from mcp_tools.docker.dockerfile.model import insert, replace
from mcp_tools.docker.dockerfile.syntax import parse
from mcp_tools.reads.answer import clip
from mcp_tools.redaction import redact_text
from mcp_tools.stack.programs import looked, output

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_tools.docker.building.trial import Tell, Trial

READY_SECONDS = 60.0
STAYS_SECONDS = 2.0
PAUSE = 0.1
ANSWER_SECONDS = 2.0
SOURCES = (
    ".py",
    ".js",
    ".mjs",
    ".ts",
    ".tsx",
    ".jsx",
    ".go",
    ".rs",
    ".java",
    ".kt",
    ".rb",
    ".php",
    ".c",
    ".cs",
    ".html",
    ".css",
)
_ID = re.compile(r"(?:^|,)id=([^,]+)")
_TARGET = re.compile(r"(?:^|,)(?:target|dst|destination)=([^,]+)")


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant of an image.

    Attributes:
        cold: Seconds of a build that takes nothing from a cache.
        warm: Seconds of a build after one source file changed; None where there is none to change.
        size: Bytes.
        layers: How many there are.
        starts: Seconds until it was ready; None where it did not get ready.
        smoke: What was tried and what came of it, in words.
        failure: The log of a build that failed; empty where it built.
    """

    cold: float = 0.0
    warm: float | None = None
    size: int = 0
    layers: int = 0
    starts: float | None = None
    smoke: str = ""
    failure: str = ""

    @property
    def builds(self) -> bool:
        """Whether it was built."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class How:
    """How to build and to try an image.

    Attributes:
        environment: Of the container, for what the program cannot start without.
        smoke: A command that has to end with 0 inside of the container once it is ready.
        command: What the container is to run, if not the image's own.
    """

    build_args: Mapping[str, str]
    target: str | None = None
    environment: Mapping[str, str] | None = None
    smoke: Sequence[str] = ()
    ready_seconds: float = READY_SECONDS
    command: Sequence[str] = ()


def measure_image(tried: Trial, how: How, tell: Tell) -> Measured:
    """Build twice, from nothing and after a change of a source, and start what came of it."""
    cold = tried.build(tell, fresh=True, build_args=how.build_args, target=how.target)
    if not cold.ok:
        return Measured(cold=cold.seconds, failure=cold.log)
    about = json.loads(output("docker", "image", "inspect", tried.tag) or "[{}]")[0]
    warm = None
    if _change_a_source(tried.root):
        again = tried.build(tell, build_args=how.build_args, target=how.target)
        warm = again.seconds if again.ok else None
    tell("starting it", "")
    starts, smoke = start(tried.tag, about.get("Config") or {}, how)
    if starts is not None:
        # The first start also reads the image from the disk.
        again_starts, _ = start(tried.tag, about.get("Config") or {}, how)
        starts = min(starts, again_starts or starts)
    layers = len((about.get("RootFS") or {}).get("Layers") or ())
    return Measured(cold.seconds, warm, int(about.get("Size") or 0), layers, starts, smoke)


def own_caches(text: str, name: str) -> str:
    """The Dockerfile with cache mounts of its own, which no build filled before: only so a cold build is cold."""
    file = parse(text)
    edits = []
    for found in file.instructions:
        for flag in found.flags:
            value = flag.value or ""
            if flag.name != "mount" or "type=cache" not in value:
                continue
            own = _ID.search(value)
            target = _TARGET.search(value)
            if own:
                at = flag.start + len("--mount=") + own.start(1)
                edits.append(replace(at, at + len(own[1]), f"{name}-{own[1]}"))
            elif target:
                edits.append(insert(flag.end, f",id={name}-{target[1].strip('/').replace('/', '-')}"))
    return apply({"Dockerfile": text}, edits)["Dockerfile"]


def _change_a_source(root: Path) -> bool:
    """Add blank lines to a source file, the one that lies highest: a build then begins where it is copied.

    They differ each time, or the builder would know the file from an earlier measurement.
    """
    found = [path for path in root.rglob("*") if path.suffix in SOURCES and path.is_file() and not path.is_symlink()]
    found = [path for path in found if "node_modules" not in path.parts]
    if not found:
        return False
    path = min(found, key=lambda one: (len(PurePosixPath(one.relative_to(root)).parts), str(one)))
    text, mode = path.read_bytes(), path.stat().st_mode
    path.unlink()  # it may be a hard link to the user's own
    blank = "".join(" " if bit == "1" else "\n" for bit in f"{secrets.randbits(32):032b}")
    path.write_bytes(text + b"\n" + blank.encode() + b"\n")
    path.chmod(mode)
    return True


def start(image: str, config: Mapping[str, Any], how: How) -> tuple[float | None, str]:
    """Start an image and wait until it is ready: healthy, answering on its port, or done with 0.

    Returns:
        Seconds until then (None where that did not come), and what was seen, in words.
    """
    ports = [port.partition("/")[0] for port in config.get("ExposedPorts") or {} if port.endswith("/tcp")]
    health = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    checked = health[0] not in {"NONE", ""}
    words = ["docker", "run", "--detach", "--rm=false"]
    words += ["--health-interval=1s", "--health-start-period=0s", "--health-retries=100"] if checked else []
    words += [f"--publish=127.0.0.1::{port}" for port in ports[:1]]
    # The values are in our environment, not in the words.
    words += [part for name in how.environment or {} for part in ("--env", name)]
    began = time.monotonic()
    done = looked(*words, image, *how.command, environment=how.environment)
    if done is None or done.returncode:
        return None, f"it does not start: {clip(redact_text((done.stderr if done else 'no answer').strip()), 200)}"
    container = done.stdout.strip()
    try:
        return _wait(container, began, how, checked=checked, port=ports[0] if ports else "")
    finally:
        looked("docker", "rm", "--force", "--volumes", container)


def _wait(container: str, began: float, how: How, *, checked: bool, port: str) -> tuple[float | None, str]:
    published = _published(container, port) if port else None
    while (waited := time.monotonic() - began) < how.ready_seconds:
        state = json.loads(output("docker", "inspect", "--format", "{{json .State}}", container) or "{}")
        if not state.get("Running"):
            code = state.get("ExitCode")
            if code == 0 and not checked and not port:
                return waited, "it ran and ended with 0"
            return None, f"it ended with exit code {code}: {_last_words(container)}"
        healthy = not checked or (state.get("Health") or {}).get("Status") == "healthy"
        answers = published is None or _answers(published)
        settled = bool(checked or port) or waited > STAYS_SECONDS
        if healthy and answers and settled:
            ready = time.monotonic() - began
            what = [*(["healthy"] if checked else []), *([f"port {port} answers"] if port else [])] or ["it runs"]
            return (ready, ", ".join(what)) if not how.smoke else _smoke(container, how.smoke, ready)
        time.sleep(PAUSE)
    lacking = "it is not healthy" if checked else f"port {port} does not answer"
    return None, f"{lacking} after {how.ready_seconds:.0f} s: {_last_words(container)}"


def _smoke(container: str, words: Sequence[str], ready: float) -> tuple[float | None, str]:
    done = looked("docker", "exec", container, *words)
    told = f"`{clip(redact_text(' '.join(words)), 60)}`"
    if done is not None and done.returncode == 0:
        return ready, f"{told} ends with 0"
    said = (done.stderr or done.stdout).strip() if done else "no answer"
    return None, f"{told} fails: {clip(redact_text(said), 160)}"


def _published(container: str, port: str) -> int | None:
    told = output("docker", "port", container, f"{port}/tcp") or ""
    number = told.strip().splitlines()[0].rpartition(":")[2] if told.strip() else ""
    return int(number) if number.isdigit() else None


def _answers(port: int) -> bool:
    """Whether a program takes the connection: Docker's own proxy does so, too, and then hangs up at once."""
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(connection.recv(1))
    except TimeoutError:
        return True  # it listens, and speaks another language
    except OSError:
        return False


def _last_words(container: str) -> str:
    done = looked("docker", "logs", "--tail", "5", container)
    said = f"{done.stdout}\n{done.stderr}".strip().splitlines() if done else []
    return clip(redact_text(said[-1]), 200) if said else "it said nothing"
