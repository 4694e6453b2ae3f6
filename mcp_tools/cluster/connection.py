"""Raw requests to the API server through the official client's transport and credentials.

Bytes go in and out: the typed models of the client cost about a second and are never imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from mcp_tools.cluster.kubeconfig import open_client
from mcp_tools.cluster.rights import missing_right
from mcp_tools.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ShipmateError,
    Unauthenticated,
    Unreachable,
)

if TYPE_CHECKING:
    from mcp_tools.cluster.target import Target

CONNECT_SECONDS = 3.0
FIRST_ANSWER_SECONDS = 4.0
READ_SECONDS = 20.0
READ_RETRIES = 3

# A patch that cannot be decoded is refused with the whole object in the message; the reason comes after it.
_ECHOED = re.compile(r'(?:"" is invalid: patch: )?Invalid value: "\{(?:[^"\\]|\\.)*\}": ')
JSON = "application/json"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
"""JSON is YAML: an applied body needs no other encoding."""


class Status(msgspec.Struct):
    """The part of `metav1.Status` that a person can use."""

    message: str = ""
    reason: str = ""
    code: int = 0


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
    """

    def __init__(self, client: Any, context: str, namespace: str, server: str) -> None:
        self._client = client
        self.context = context
        self.namespace = namespace
        self.server = server
        self.server_version = ""

    def get(self, path: str, query: Sequence[tuple[str, Any]] = (), *, accept: str = JSON) -> bytes:
        """GET a path; answers 429 and 5xx by trying again a few times.

        Returns:
            The body as it came.

        Raises:
            Unreachable, Unauthenticated, Forbidden, NotFound, ApiError: As the server answered or did not.
        """
        return self._send("GET", path, query, accept=accept)

    def get_object(self, path: str) -> dict[str, Any]:
        """GET one object as plain data; errors as `get`."""
        found: dict[str, Any] = msgspec.json.decode(self.get(path))
        return found

    def write(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        content_type: str = JSON,
        query: Sequence[tuple[str, Any]] = (),
    ) -> dict[str, Any]:
        """POST, PUT, PATCH or DELETE; never tried again, since nobody knows whether the first one arrived.

        Returns:
            The object (or Status) that the server answered with.

        Raises:
            Conflict: Somebody else wrote in between.
            Unreachable, Unauthenticated, Forbidden, Invalid, NotFound, ApiError: As the server answered or did not.
        """
        raw = self._send(method, path, query, body=msgspec.json.encode(body), content_type=content_type)
        answer: dict[str, Any] = msgspec.json.decode(raw)
        return answer

    def check(self) -> ServerVersion:
        """Ask for the server's version: the proof that it is there and takes our credentials."""
        try:
            raw = self._send("GET", "/version", (), timeout=FIRST_ANSWER_SECONDS, retries=0)
            self.server_version = str(json.loads(raw)["gitVersion"])
        except (NotFound, ValueError, KeyError, TypeError) as error:
            raise Unreachable(
                f"What answers at {self.server} is not a Kubernetes API server.", "Check the server in the kubeconfig."
            ) from error
        return ServerVersion(self.server_version)

    def stream_lines(self, path: str, query: Sequence[tuple[str, Any]] = ()) -> Iterator[bytes]:
        """GET a path and yield its lines as they come, for logs that are followed and watches."""
        response = self._open("GET", path, query, timeout=READ_SECONDS)
        pending = b""
        try:
            for chunk in response.stream(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from lines
            if pending:
                yield pending
        finally:
            response.release_conn()

    def open_socket(self, path: str, query: Sequence[tuple[str, Any]]) -> Any:
        """Open a WebSocket to a streaming subresource; errors as `get`.

        Returns:
            The official client's `WSClient`; the caller closes it.
        """
        from kubernetes.stream.ws_client import WSClient
        from websocket import WebSocketBadStatusException, WebSocketException

        _, url, headers, _, _ = self._client.param_serialize("GET", path, auth_settings=["BearerToken"])
        address = f"{re.sub('^http', 'ws', url)}?{urlencode(query)}"
        try:
            return WSClient(self._client.configuration, address, headers, capture_all=False)
        except WebSocketBadStatusException as error:
            raise self._refused(error.status_code, error.resp_body or b"") from error
        except (WebSocketException, OSError) as error:
            raise self._unreachable(error) from error

    def close(self) -> None:
        """Close the pooled sockets."""
        self._client.close()

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
        retries: int = READ_RETRIES,
    ) -> bytes:
        import urllib3.exceptions

        response = self._open(
            method, path, query, accept=accept, body=body, content_type=content_type, timeout=timeout, retries=retries
        )
        try:
            data: bytes = response.data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        return data

    def _open(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, Any]],
        *,
        accept: str = JSON,
        body: bytes | None = None,
        content_type: str | None = None,
        timeout: float,
        retries: int = 0,
    ) -> Any:
        import urllib3
        import urllib3.exceptions

        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        if content_type:
            headers["Content-Type"] = content_type
        # A write that met 429 or 5xx may have been carried out; only reads are asked again.
        policy: Any = False
        if method == "GET" and retries:
            policy = urllib3.Retry(
                total=None,
                connect=0,
                read=0,
                redirect=0,
                other=0,
                status=retries,
                status_forcelist=(429, 500, 502, 503, 504),
                backoff_factor=0.2,
                respect_retry_after_header=False,
                raise_on_status=False,
            )
        try:
            _, url, sent_headers, _, _ = self._client.param_serialize(
                method, path, header_params=headers, auth_settings=["BearerToken"]
            )
            response = self._client.rest_client.pool_manager.request(
                method,
                f"{url}?{urlencode(query, doseq=True)}" if query else url,
                body=body,
                headers=sent_headers,
                preload_content=False,
                retries=policy,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        except ShipmateError:
            raise
        except Exception as error:  # a credential plugin that is asked again for a fresh token
            raise Unauthenticated(
                f"The credentials of context {self.context!r} cannot be renewed: {error}", "Log in again."
            ) from error
        if response.status >= 400:  # noqa: PLR2004
            raise self._refused(response.status, response.data)
        return response

    def _unreachable(self, error: Exception) -> Unreachable:
        detail = str(error).rsplit(": ", 1)[-1].strip("()'\" ") or type(error).__name__
        return Unreachable(
            f"The cluster of context {self.context!r} does not answer at {self.server}: {detail}.",
            "Check that it runs and that the address is right; `shipmate doctor` shows what is configured.",
        )

    def _refused(self, status: int, body: bytes) -> ShipmateError:
        try:
            answer = msgspec.json.decode(body, type=Status)
        except msgspec.MsgspecError:
            answer = Status(message=body[:300].decode("utf-8", "replace").strip())
        message = _ECHOED.sub("", answer.message) or f"The API server answered {status}."
        details: Mapping[str, Any] = {"status": status, "reason": answer.reason}
        match status:
            case 401:
                return Unauthenticated(
                    f"The cluster of context {self.context!r} refused the credentials.",
                    "Log in again, or check the user entry of the kubeconfig.",
                )
            case 403:
                return Forbidden(message, missing_right(message), **details)
            case 404:
                return NotFound(message)
            case 409:
                return Conflict(message, "Look at it again and repeat the request.", **details)
            case 400 | 422:
                return Invalid(message, "", **details)
            case 429:
                return ApiError(message, "The API server is busy; try again in a moment.", **details)
        return ApiError(message, "The API server has trouble; try again in a moment.", **details)


def connect(target: Target) -> Connection:
    """Open a connection to the target and prove that the cluster answers, within about five seconds.

    Raises:
        NoCluster, UsageError: No cluster is named, or the name is wrong.
        Unreachable, Unauthenticated: It is named and cannot be used.
    """
    setup = open_client(target)
    connection = Connection(setup.client, setup.context, setup.namespace, setup.server)
    try:
        connection.check()
    except Forbidden:
        # /version is open to every authenticated user unless an administrator closed it: it did answer.
        connection.server_version = "unknown"
    except BaseException:
        connection.close()
        raise
    return connection
