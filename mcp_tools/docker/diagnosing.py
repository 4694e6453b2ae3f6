"""What is wrong with a container: how it ended, what its check says, who holds its port, and the line that matters.

Exit codes are those of `docker run` (125 to 127) and of signals (128 and more).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.containers import Container, every, find
from mcp_tools.docker.engine import engine
from mcp_tools.docker.inspecting import health
from mcp_tools.docker.logs import read_log
from mcp_tools.reads.answer import Answer, clip, count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_tools.docker.engine import Api
    from mcp_tools.reads.lines import Line

TAIL = 300
LAST = 5
STEADY = dt.timedelta(minutes=10)
MIB = 1024**2
SIGNALS = {
    "132": "by an illegal instruction (is the image for another CPU?)",
    "134": "by its own abort",
    "137": "by SIGKILL: it did not end when it was asked to, or somebody killed it",
    "139": "by a segmentation fault",
    "143": "by SIGTERM: it was asked to end",
}
CODES = {
    125: "Docker could not run it",
    126: "its command is there and cannot be run: is it executable, and for this CPU?",
    127: "its command is not in the image",
}
_PORT = re.compile(r"(?:Bind for |listen tcp4? )(?P<address>[\d.:\[\]]*?):(?P<port>\d+)\b")
_NOT_THERE = re.compile(r'exec: "?(?P<what>[^":]+)"?: (?:executable file not found|stat [^:]*: no such file)')


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        what: What happened, as a sentence.
        evidence: What shows it.
        fix: What to do; may be empty.
    """

    what: str
    evidence: tuple[str, ...] = ()
    fix: str = ""


def diagnose(target: str) -> Answer:
    """Tell what is wrong with a container.

    Returns:
        `target`, `findings` (the cause first): `what`, `evidence`, `fix`; `log`: the last lines.

    Raises:
        NotFound, Ambiguous: No such container, or several.
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        found = find(api, target)
        raw = api.inspect_container(found.id)
        lines = _log(api, found.id)
        others = every(api) if _PORT.search(_error(raw)) else []
    found_ones = _findings(found, raw, lines, others)
    data = {
        "target": found.target,
        "findings": [
            {"what": one.what, "evidence": [clip(text) for text in one.evidence], "fix": one.fix} for one in found_ones
        ],
        "log": [line.text for line in lines[-LAST:]],
    }
    if not found_ones and found.state == "exited":
        return Answer(f"Container {found.name} is done: it ended with exit code 0. {found.status}.", data)
    if not found_ones:
        said = f" Its log has errors, though: {words}" if (words := _worst(lines)) else ""
        return Answer(f"Nothing is wrong with {found}: {found.status or found.state}.{_stopped(said)}", data)
    first = found_ones[0]
    shown = f" {first.evidence[0]}" if first.evidence else ""
    return Answer(f"{first.what}{_stopped(clip(shown))}", data)


def ended_how(state: Mapping[str, Any], memory: int = 0) -> str:
    """How a container ended, as a clause.

    Args:
        state: Of its inspection.
        memory: Its limit in bytes, 0 for none.
    """
    code = int(state.get("ExitCode") or 0)
    if state.get("OOMKilled"):
        limit = f" ({memory // MIB} MiB)" if memory else ""
        return f"was killed for using more memory than it may{limit}"
    if code in CODES:
        return f"ended with exit code {code}: {CODES[code]}"
    if how := SIGNALS.get(str(code)):
        return f"ended with exit code {code}, {how}"
    return f"ended with exit code {code}"


def _findings(
    found: Container, raw: Mapping[str, Any], lines: Sequence[Line], others: list[Container]
) -> list[Finding]:
    state, host = raw["State"], raw["HostConfig"]
    restarts = int(raw.get("RestartCount") or 0)
    results: list[Finding] = []
    if error := _error(raw):
        results.append(_start(found, error, others))
    check = health(raw)
    ended = state["Status"] in {"exited", "dead", "restarting"}
    looping = state["Status"] == "restarting" or (restarts > 0 and state["Status"] == "running" and _young(state))
    said = tuple(text for text in (_worst(lines),) if text)
    if (ended or looping) and not error and (state.get("ExitCode") or state.get("OOMKilled") or looping):
        how = ended_how(state, int(host.get("Memory") or 0))
        again = f" and Docker has restarted it {count(restarts, 'time')}" if restarts else ""
        what = f"Container {found.name} {how}{again}."
        if state["Status"] == "running":
            what = f"Container {found.name} keeps ending: Docker has restarted it {count(restarts, 'time')}."
        results.append(Finding(what, said, _advice(found, state)))
    if check.get("status") == "unhealthy":
        output = next((one["output"] for one in reversed(check["checks"]) if one["exit_code"]), "")
        test = " ".join((raw["Config"].get("Healthcheck") or {}).get("Test") or [])
        evidence = tuple(text for text in (f"The check says: {output}" if output else "", *said) if text)
        what = (
            f"Container {found.name} runs and is unhealthy: its check failed {check['failing_streak']} times in a row."
        )
        results.append(Finding(what, evidence, f"The check is `{clip(test, 200)}`."))
    if state["Status"] == "paused":
        results.append(
            Finding(f"Container {found.name} is paused.", (), f"`docker unpause {found.name}` lets it go on.")
        )
    if state["Status"] == "created" and not error:
        results.append(Finding(f"Container {found.name} was never started.", (), f"`docker start {found.name}`"))
    return results


def _start(found: Container, error: str, others: list[Container]) -> Finding:
    """Why the engine could not start it."""
    if port := _PORT.search(error):
        number = port["port"]
        holder = next((one for one in others if one.id != found.id and _publishes(one, number)), None)
        by = f"container {holder.name} has it" if holder else "a program of this machine has it"
        fix = (
            f"`docker stop {holder.name}`, or publish another port."
            if holder
            else f"`ss -ltnp sport = :{number}` tells."
        )
        return Finding(f"Container {found.name} cannot start: port {number} is taken ({by}).", (error,), fix)
    if absent := _NOT_THERE.search(error):
        what = f"Container {found.name} cannot start: {absent['what']} is not in the image {found.image}."
        return Finding(what, (error,), "Correct the command or the entrypoint.")
    return Finding(f"Container {found.name} could not be started.", (error,))


def _publishes(one: Container, port: str) -> bool:
    return any(text.split("/")[0].split(":")[-2] == port for text in one.ports)


def _advice(found: Container, state: Mapping[str, Any]) -> str:
    if state.get("OOMKilled"):
        return "Give it more memory (`docker update --memory`), or let it use less."
    return "" if state["Status"] != "exited" else f"`docker start {found.name}` starts it again as it is."


def _young(state: Mapping[str, Any]) -> bool:
    """Whether it runs for so short a time that its restarts are no story of long ago."""
    try:
        started = dt.datetime.fromisoformat(f"{state.get('StartedAt', '')[:19]}+00:00")
    except ValueError:
        return False
    return dt.datetime.now(dt.UTC) - started < STEADY


def _error(raw: Mapping[str, Any]) -> str:
    return " ".join(str(raw["State"].get("Error") or "").split())


def _log(api: Api, container_id: str) -> list[Line]:
    from docker.errors import APIError

    try:
        return read_log(api, container_id, TAIL)
    except APIError:
        # A log driver that cannot be read back: the state alone has to tell.
        return []


def last_words(api: Api, container_id: str) -> str:
    """What a container's log ends with, the error in it if there is one; empty where it cannot be read."""
    from mcp_tools.diagnosis.logs.digest import digest

    return clip(digest([line.text for line in _log(api, container_id)]).last_words)


def _worst(lines: Sequence[Line]) -> str:
    """The line of the log that matters: a trace, else the last error, else what it ends with."""
    from mcp_tools.diagnosis.logs.digest import digest

    read = digest([f"{line.time} {line.text}" if line.time else line.text for line in lines])
    if read.first_error is None:
        return ""
    return f"It said: {read.last_words or read.first_error.text}"


def _stopped(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
