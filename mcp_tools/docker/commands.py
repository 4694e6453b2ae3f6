"""A command in a container: what only looks runs at once, all else is a change that is asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mcp_tools.changes.executing import only_looks, require_command
from mcp_tools.changes.model import ABSENT, FieldChange, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.cluster.streams import CommandOutput
from mcp_tools.docker.containers import Container, find
from mcp_tools.docker.engine import Api, context_name, engine
from mcp_tools.docker.lifecycle import reference
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.changes.model import Reporter

LOOK_SECONDS = 15.0
EXEC_SECONDS = 60.0
MAX_BYTES = 100_000


def run_in(target: str, argv: Sequence[str]) -> Answer | Work:
    """Run a command in a container that runs: an answer where it only looks, else what is to be approved.

    Raises:
        UsageError: There is no command, or the container does not run.
        NotFound, Ambiguous: No such container, or several.
        NoEngine, ApiError: As `engine`.
    """
    require_command(argv)
    words = " ".join(argv)
    with engine() as api:
        found = find(api, target)
        if found.state != "running":
            raise UsageError(f"Container {found.name} does not run ({found.status or found.state}).", "Start it first.")
        if only_looks(argv):
            return _answer(found, argv, _execute(api, found, argv, LOOK_SECONDS))

    def carry_out(reporter: Reporter) -> CommandOutput:
        with engine() as api:
            reporter(Progress(Phase.APPLYING, f"running `{words}` in container {found.name}"))
            return _execute(api, found, argv, EXEC_SECONDS)

    return Work(
        "docker_exec",
        f"Run `{words}` in container {found.name} ({found.image})",
        context_name(),
        reference(found.name),
        (FieldChange(("command",), ABSENT, words),),
        exists=True,
        carry_out=heeding(carry_out),
        arguments={"container": found.name, "argv": list(argv)},
        notes=("What a command does cannot be dry-run, watched or undone.",),
        labels=found.labels,
    )


def _answer(found: Container, argv: Sequence[str], output: CommandOutput) -> Answer:
    ended = "did not end in time" if output.exit_code is None else f"ended with {output.exit_code}"
    data = {
        "target": found.target,
        "command": list(argv),
        "exit_code": output.exit_code,
        "stdout": output.stdout,
        "stderr": output.stderr,
        "truncated": output.truncated,
    }
    return Answer(f"`{' '.join(argv)}` in {found} {ended}.", data)


def _execute(api: Api, found: Container, argv: Sequence[str], seconds: float) -> CommandOutput:
    running = api.exec_create(found.id, list(argv))["Id"]
    kept: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
    cut = threading.Event()

    def read() -> None:
        for parts in api.exec_start(running, stream=True, demux=True):
            for name, piece in zip(kept, parts, strict=True):
                room = MAX_BYTES - len(kept[name])
                kept[name].extend((piece or b"")[:room])
                if len(piece or b"") > room:
                    cut.set()

    # The SDK waits for the next piece without an end.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(seconds)
    code = None if reader.is_alive() else api.exec_inspect(running)["ExitCode"]
    stdout, stderr = (bytes(part).decode("utf-8", "replace") for part in kept.values())
    return CommandOutput(stdout, stderr, code, truncated=cut.is_set())
