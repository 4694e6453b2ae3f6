"""Running a command in a container, over the official client's WebSocket (the channel protocol of remotecommand)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import ApiError, Unreachable

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MAX_OUTPUT = 30_000
SLICE_SECONDS = 0.5
STDOUT, STDERR, STATUS = 1, 2, 3


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """How a command ended.

    Attributes:
        exit_code: None where it was stopped because time or room was up.
        truncated: There was more than is kept.
    """

    stdout: str
    stderr: str
    exit_code: int | None
    truncated: bool = False


def run_command(
    connection: Connection, namespace: str, pod: str, container: str, argv: Sequence[str], *, timeout: float
) -> CommandOutput:
    """Run a command without a terminal and without input, and wait for its end.

    Args:
        timeout: Seconds after which it is left to itself.

    Raises:
        ApiError: The API server or the kubelet refused it.
        Unreachable: The connection broke.
    """
    query = [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", word) for word in argv)]
    client = connection.open_socket(f"/api/v1/namespaces/{namespace}/pods/{pod}/exec", query)
    out, errors = _Channel(), _Channel()
    ended = False
    deadline = time.monotonic() + timeout
    try:
        while not out.full:
            ended = not client.is_open()
            if not ended:
                client.update(timeout=SLICE_SECONDS)
            out.take(client.read_channel(STDOUT))
            errors.take(client.read_channel(STDERR))
            if ended or time.monotonic() > deadline:
                break
        code = _exit_code(client) if ended else None
    except OSError as error:
        raise Unreachable(f"The connection to pod {pod} broke: {error}.", "Try again.") from error
    finally:
        client.close()
    return CommandOutput(out.text, errors.text, code, truncated=out.full or errors.full or not ended)


class _Channel:
    def __init__(self) -> None:
        self.text = ""
        self.full = False

    def take(self, piece: Any) -> None:
        text = piece if isinstance(piece, str) else bytes(piece or b"").decode("utf-8", "replace")
        self.text += text
        if len(self.text) > MAX_OUTPUT:
            self.text, self.full = self.text[:MAX_OUTPUT], True


def _exit_code(client: Any) -> int:
    import yaml

    # The error channel holds a metav1.Status: Success, or the exit code among its causes.
    status = yaml.safe_load(client.read_channel(STATUS)) or {}
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    message = str(status.get("message") or "The command could not be run.")
    raise ApiError(message, "", status=int(status.get("code") or 0))
