"""Running a command in a container, with what goes in and comes out of it (the channel protocol of remotecommand)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from mcp_tools.errors import ApiError, Unreachable

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MAX_OUTPUT = 30_000
PIECE = 32_768
SLICE_SECONDS = 0.5
STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255


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
    connection: Connection,
    namespace: str,
    pod: str,
    container: str,
    argv: Sequence[str],
    *,
    timeout: float,
    stdin: BinaryIO | None = None,
    take: Callable[[bytes], None] | None = None,
) -> CommandOutput:
    """Run a command without a terminal, and wait for its end.

    Args:
        timeout: Seconds after which it is left to itself.
        stdin: What it reads. Before version 5 of the protocol (Kubernetes 1.30) its end cannot be told, so that a
            command has to know how much there is.
        take: Given the standard output piece by piece, which then is neither kept nor bounded; may raise to stop.

    Raises:
        ApiError: The API server or the kubelet refused it.
        Unreachable: The connection broke.
    """
    from websocket import WebSocketException

    query = [
        *([("stdin", "true")] if stdin else []),
        *(("container", container), ("stdout", "true"), ("stderr", "true")),
        *(("command", word) for word in argv),
    ]
    client = connection.open_socket(f"/api/v1/namespaces/{namespace}/pods/{pod}/exec", query, binary=True)
    out, errors, status = _Channel(), _Channel(), _Channel()
    exchange = _Exchange(client, timeout)
    try:
        if stdin is not None:
            exchange.send(stdin)
        for channel, piece in exchange.messages():
            if channel == STDOUT:
                (take or out.take)(piece)
            elif channel in {STDERR, STATUS}:
                (errors if channel == STDERR else status).take(piece)
            if out.full:
                break
        code = _exit_code(status.text) if exchange.ended or status.text else None
    except (OSError, WebSocketException) as error:
        raise Unreachable(f"The connection to pod {pod} broke: {error}.", "Try again.") from error
    finally:
        client.close()
    return CommandOutput(out.text, errors.text, code, truncated=out.full or errors.full or code is None)


class _Exchange:
    """One run: frames are read one at a time, so that a flood of output meets its bound before it fills the memory."""

    def __init__(self, client: Any, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self.ended = False

    def send(self, stdin: BinaryIO) -> None:
        self._client.sock.settimeout(self._timeout)
        while piece := stdin.read(PIECE):
            self._client.sock.send_binary(bytes([STDIN]) + piece)
        self._client.close_channel(STDIN)

    def messages(self) -> Iterator[tuple[int, bytes]]:
        from websocket import ABNF, WebSocketConnectionClosedException, WebSocketTimeoutException

        self._client.sock.settimeout(SLICE_SECONDS)
        told = False
        while not self.ended and time.monotonic() < self._deadline:
            try:
                opcode, frame = self._client.sock.recv_data_frame(True)  # noqa: FBT003  control frames too
            except WebSocketTimeoutException:
                continue
            except (WebSocketConnectionClosedException, OSError):
                if not told:
                    raise
                break
            if opcode == ABNF.OPCODE_CLOSE:
                self.ended = True
            elif opcode in {ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT} and frame.data and frame.data[0] != CLOSE:
                told = told or frame.data[0] == STATUS
                yield frame.data[0], frame.data[1:]


class _Channel:
    def __init__(self) -> None:
        self._data = b""
        self.full = False

    @property
    def text(self) -> str:
        return self._data.decode("utf-8", "replace")

    def take(self, piece: bytes) -> None:
        if not self.full:
            self._data += piece
        if len(self._data) > MAX_OUTPUT:
            self._data, self.full = self._data[:MAX_OUTPUT], True


def _exit_code(text: str) -> int:
    import yaml

    # The error channel holds a metav1.Status: Success, or the exit code among its causes.
    status = yaml.safe_load(text) or {}
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    message = str(status.get("message") or "The command could not be run.")
    raise ApiError(message, "", status=int(status.get("code") or 0))
