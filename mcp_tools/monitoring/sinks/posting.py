"""JSON to an address, in bounded time; what goes wrong is said without the address, which may hold a secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from mcp_tools.errors import UsageError
from mcp_tools.monitoring.sinks.base import SinkFailed
from mcp_tools.redaction import redact_text

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
SHOWN = 200
GOOD_FROM, BAD_FROM, TROUBLE_FROM = 200, 300, 500
WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


class Poster:
    """Posts to one address.

    Args:
        url: `http://` or `https://`.
        token: Sent as a bearer token, where there is one.
        answer_seconds: How long the receiver may take.

    Raises:
        UsageError: The address is none.
    """

    def __init__(self, url: str, token: str = "", answer_seconds: float = ANSWER_SECONDS) -> None:
        import urllib3

        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError("The address of a sink is no http:// or https:// address.", "Check [monitor.sinks].")
        self.where = parts.hostname
        self._url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": "shipmate"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=answer_seconds), retries=False
        )

    def post(self, body: Any) -> None:
        """Send it once; redirects are not followed.

        Raises:
            SinkFailed: It did not arrive, or was not taken.
        """
        import urllib3.exceptions

        try:
            response = self._pool.request(
                "POST", self._url, body=msgspec.json.encode(body), headers=self._headers, preload_content=False
            )
            try:
                said = response.read(SHOWN, decode_content=True)
                response.drain_conn() if response.status < BAD_FROM else response.close()
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise SinkFailed(f"{self.where} does not take it: {_reason(error)}.") from error
        if GOOD_FROM <= response.status < BAD_FROM:
            return
        words = redact_text(said.decode("utf-8", "replace").strip().replace("\n", " "))
        raise SinkFailed(
            f"{self.where} answered {response.status}{f': {words}' if words else ''}.",
            final=response.status < TROUBLE_FROM and response.status not in WORTH_ANOTHER_TRY,
            wait=_seconds(response.headers.get("Retry-After")),
        )

    def close(self) -> None:
        """Close the sockets."""
        self._pool.clear()


def _reason(error: Exception) -> str:
    """The last words of urllib3's error: what comes before names the whole address."""
    import urllib3.exceptions

    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return str(error).rsplit(": ", 1)[-1].strip("()'\" .") or type(error).__name__


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.strip().isdigit() else None
