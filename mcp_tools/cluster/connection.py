"""Raw requests to the API server through the official client's transport and credentials.

Bytes go in and out: the typed models of the client cost about a second and are never imported.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from mcp_tools.cluster.access import Access
from mcp_tools.cluster.lines import Lines
from mcp_tools.cluster.refusals import refusal
from mcp_tools.errors import (
    ApiError,
    Forbidden,
    NotFound,
    ShipmateError,
    Unauthenticated,
    Unreachable,
)

if TYPE_CHECKING:
    from mcp_tools.cluster.kubeconfig import ClientSetup
    from mcp_tools.cluster.target import Target

CONNECT_SECONDS = 3.0
FIRST_ANSWER_SECONDS = 4.0
READ_SECONDS = 20.0
WHOLE_SECONDS = 60.0
"""How long a body may take that comes a little at a time."""
RETRIES = 3
BACK_OFF = 0.2
LONGEST_WAIT = 10.0
"""A server that asks for a longer pause than this is busy, and is said to be."""
BUSY = 429
BAD, UNAUTHORIZED = 400, 401
TROUBLE = frozenset({BUSY, 500, 502, 503, 504})
MAX_LINE = 262_144
CHUNK = 1 << 16

JSON = "application/json"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
"""JSON is YAML: an applied body needs no other encoding."""


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """What `/version` answers."""

    git_version: str


class Connection:
    """A cluster that has answered. Make one with `connect`.

    Attributes:
        context: The context's name, as it is shown before every change.
        namespace: Where names are looked up unless a request says otherwise.
        server: The API server's address.
        server_version: Such as `v1.34.4`.
        kubeconfig: Its files, as `KUBECONFIG` takes them; empty for a pod's own service account.
    """

    def __init__(self, access: Access, coming: Mapping[str, dict[str, Any]] = MappingProxyType({})) -> None:
        self._access = access
        self.context = access.setup.context
        self.namespace = access.setup.namespace
        self.server = access.setup.server
        self.kubeconfig = access.setup.files
        self.server_version = ""
        self._coming = coming

    def expecting(self, coming: Mapping[str, dict[str, Any]]) -> Connection:
        """The cluster as it will be: `get_object` finds these objects, by path, as if they were there already."""
        view = Connection(self._access, coming)
        view.server_version = self.server_version
        return view

    def get(self, path: str, query: Sequence[tuple[str, Any]] = (), *, accept: str = JSON) -> bytes:
        """GET a path; asked again a few times where the server is busy, in trouble, or the connection breaks.

        Returns:
            The body as it came.

        Raises:
            Unreachable, Unauthenticated, Forbidden, NotFound, ApiError: As the server answered or did not.
        """
        return self._send("GET", path, query, accept=accept, repeatable=True)

    def get_object(self, path: str) -> dict[str, Any]:
        """GET one object as plain data; errors as `get`."""
        if path in self._coming:
            return self._coming[path]
        return self._decoded(self.get(path))

    def write(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        content_type: str = JSON,
        query: Sequence[tuple[str, Any]] = (),
        repeatable: bool = False,
    ) -> dict[str, Any]:
        """POST, PUT, PATCH or DELETE.

        It is sent again only when the server turned it away unread: with 401, when there are new credentials, and with
        429 and a time to wait.

        Args:
            repeatable: Doing it twice does no harm (a dry run), so that it is tried again as a read is.

        Returns:
            The object (or Status) that the server answered with.

        Raises:
            Conflict: Somebody else wrote in between.
            Unreachable, Unauthenticated, Forbidden, Invalid, NotFound, ApiError: As the server answered or did not.
        """
        sent = msgspec.json.encode(body)
        raw = self._send(method, path, query, body=sent, content_type=content_type, repeatable=repeatable)
        return self._decoded(raw)

    def check(self) -> ServerVersion:
        """Ask for the server's version: the proof that it is there and takes our credentials."""
        try:
            raw = self._send("GET", "/version", (), timeout=FIRST_ANSWER_SECONDS)
            self.server_version = str(json.loads(raw)["gitVersion"])
        except (NotFound, ValueError, KeyError, TypeError) as error:
            raise Unreachable(
                f"What answers at {self.server} is not a Kubernetes API server.", "Check the server in the kubeconfig."
            ) from error
        return ServerVersion(self.server_version)

    def stream_lines(
        self, path: str, query: Sequence[tuple[str, Any]] = (), *, timeout: float = READ_SECONDS
    ) -> Iterator[bytes]:
        """GET a path and yield its lines as they come, for logs that are followed; errors as `open_lines`."""
        with self.open_lines(path, query, timeout=timeout) as lines:
            yield from lines

    def open_lines(
        self,
        path: str,
        query: Sequence[tuple[str, Any]] = (),
        *,
        accept: str = JSON,
        timeout: float = READ_SECONDS,
        longest: int = MAX_LINE,
    ) -> Lines:
        """GET a path whose answer goes on for a while; the caller closes it. Errors as `get`.

        A connection that breaks on the way, or says nothing for `timeout` seconds, is `Unreachable` while it is read.

        Args:
            longest: Of a line that does not end, so many bytes from its beginning are given.
        """
        try:
            response = self._open("GET", path, query, accept=accept, timeout=timeout)
        except (_Broken, _Trouble) as failure:
            raise failure.error from failure
        return Lines(response, self._unreachable, longest)

    def open_socket(self, path: str, query: Sequence[tuple[str, Any]], *, binary: bool = False) -> Any:
        """Open a WebSocket to a streaming subresource; errors as `get`.

        Args:
            binary: What is read are bytes; without it text.

        Returns:
            The official client's `WSClient`; the caller closes it.
        """
        from kubernetes.stream.ws_client import WSClient
        from websocket import WebSocketBadStatusException, WebSocketException

        for last in (False, True):
            setup = self._current()
            _, url, headers, _, _ = setup.client.param_serialize("GET", path, auth_settings=["BearerToken"])
            address = f"{re.sub('^http', 'ws', url)}?{urlencode(query)}"
            try:
                return WSClient(setup.client.configuration, address, headers, capture_all=False, binary=binary)
            except WebSocketBadStatusException as error:
                if error.status_code == UNAUTHORIZED and not last and self._access.renew(setup):
                    continue
                raise refusal(error.status_code, error.resp_body or b"", self.context) from error
            except (WebSocketException, OSError) as error:
                raise self._unreachable(error) from error
        raise AssertionError("the second round returns or raises")

    def close(self) -> None:
        """Close the pooled sockets."""
        self._access.setup.client.close()

    def _send(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, Any]],
        *,
        accept: str = JSON,
        body: bytes | None = None,
        content_type: str | None = None,
        timeout: float = READ_SECONDS,
        repeatable: bool = False,
    ) -> bytes:
        """Send and read the whole answer, again and again where that is right."""
        pause = BACK_OFF
        for left in range(RETRIES, -1, -1):
            try:
                return self._exchange(
                    method, path, query, accept=accept, body=body, content_type=content_type, timeout=timeout
                )
            except _Broken as broken:
                if not (left and repeatable):
                    raise broken.error from broken
                wait = pause
            except _Trouble as trouble:
                # What the server turned away with 429 and a time to wait was not begun, whatever it is.
                unread = trouble.status == BUSY and trouble.wait is not None
                wait = pause if trouble.wait is None else trouble.wait
                if not (left and (repeatable or unread)) or wait > LONGEST_WAIT:
                    raise trouble.error from trouble
            time.sleep(wait)
            pause *= 2
        raise AssertionError("the last round returns or raises")

    def _exchange(self, method: str, path: str, query: Sequence[tuple[str, Any]], **more: Any) -> bytes:
        """One request and its answer; `_Broken` and `_Trouble` are worth another try."""
        import urllib3.exceptions

        response = self._open(method, path, query, **more)
        data = bytearray()
        deadline = time.monotonic() + WHOLE_SECONDS
        try:
            for chunk in response.stream(CHUNK, decode_content=True):
                data += chunk
                if time.monotonic() > deadline:
                    raise self._unreachable(TimeoutError(f"its answer did not end in {WHOLE_SECONDS:.0f} s"))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._broken(error) from error
        return bytes(data)

    def _open(self, method: str, path: str, query: Sequence[tuple[str, Any]], **more: Any) -> Any:
        """The answer's head, with a body still to be read; once with renewed credentials after a 401."""
        setup = self._current()
        response = self._ask(setup.client, method, path, query, **more)
        if response.status == UNAUTHORIZED and self._access.renew(setup):
            response.drain_conn()
            response = self._ask(self._access.setup.client, method, path, query, **more)
        if response.status < BAD:
            return response
        error = refusal(response.status, self._words(response), self.context)
        if response.status in TROUBLE:
            raise _Trouble(error, response.status, _seconds(response.headers.get("Retry-After")))
        raise error

    def _ask(
        self,
        client: Any,
        method: str,
        path: str,
        query: Sequence[tuple[str, Any]],
        *,
        accept: str = JSON,
        body: bytes | None = None,
        content_type: str | None = None,
        timeout: float,
    ) -> Any:
        import urllib3
        import urllib3.exceptions

        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        if content_type:
            headers["Content-Type"] = content_type
        try:
            _, url, sent_headers, _, _ = client.param_serialize(
                method, path, header_params=headers, auth_settings=["BearerToken"]
            )
            return client.rest_client.pool_manager.request(
                method,
                f"{url}?{urlencode(query, doseq=True)}" if query else url,
                body=body,
                headers=sent_headers,
                preload_content=False,
                retries=False,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._broken(error) from error
        except Exception as error:  # an auth provider that is asked again for a fresh token
            raise Unauthenticated(
                f"The credentials of context {self.context!r} cannot be renewed: {error}", "Log in again."
            ) from error

    def _words(self, response: Any) -> bytes:
        import urllib3.exceptions

        try:
            return bytes(response.data)
        except (urllib3.exceptions.HTTPError, OSError):
            # The status is the answer; its words are lost.
            return b""

    def _current(self) -> ClientSetup:
        """The client to ask with, with credentials that have not ended."""
        setup = self._access.setup
        if setup.expired:
            self._access.renew(setup)
        return self._access.setup

    def _decoded(self, raw: bytes) -> dict[str, Any]:
        try:
            found: dict[str, Any] = msgspec.json.decode(raw, type=dict)
        except msgspec.MsgspecError as error:
            raise ApiError(f"The answer of {self.server} cannot be read: {error}", "Is a proxy in between?") from error
        return found

    def _broken(self, error: Exception) -> _Broken | Unreachable:
        import urllib3.exceptions

        # A server that took its time once would take it again.
        unreachable = self._unreachable(error)
        return unreachable if isinstance(error, urllib3.exceptions.TimeoutError) else _Broken(unreachable)

    def _unreachable(self, error: Exception) -> Unreachable:
        inner = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else error
        detail = str(inner).rsplit(": ", 1)[-1].strip("()'\" .") or type(error).__name__
        return Unreachable(
            f"The cluster of context {self.context!r} does not answer at {self.server}: {detail}.",
            "Check that it runs and that the address is right; `shipmate doctor` shows what is configured.",
        )


class _Broken(Exception):
    """The connection broke on the way."""

    def __init__(self, error: Unreachable) -> None:
        super().__init__(str(error))
        self.error = error


class _Trouble(Exception):
    """The server answered that it is busy or in trouble, and perhaps how long to wait."""

    def __init__(self, error: ShipmateError, status: int, wait: float | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status
        self.wait = wait


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.strip().isdigit() else None


def connect(target: Target) -> Connection:
    """Open a connection to the target and prove that the cluster answers, within about five seconds.

    Raises:
        NoCluster, UsageError: No cluster is named, or the name is wrong.
        Unreachable, Unauthenticated: It is named and cannot be used.
    """
    connection = Connection(Access(target))
    try:
        connection.check()
    except Forbidden:
        # /version is open to every authenticated user unless an administrator closed it: it did answer.
        connection.server_version = "unknown"
    except BaseException:
        connection.close()
        raise
    return connection
