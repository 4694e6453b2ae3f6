"""Calls of webhooks by their URL.

Rules of writing are plain functions that never wait. A call that has no answer yet stops the request (`Pending`); who
serves it makes the call, and begins the request anew with the answer.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]
Reply = Object | str
_MOST_BYTES = 3 * 1024 * 1024


class Unanswered(Exception):
    """A webhook said nothing that can be used; the message is the API server's."""


class Pending(Exception):
    """A request cannot go on before a call is made."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.url)
        self.call = call


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one webhook.

    Attributes:
        key: Tells the calls of a request apart.
        url: Of the webhook.
        authority: `caBundle`: PEM in base64; empty for those that the machine trusts.
        seconds: How long to wait.
        review: `AdmissionReview`.
    """

    key: str
    url: str
    authority: str
    seconds: int
    review: Object

    def answered(self, replies: Mapping[str, Reply]) -> Object:
        """The response that came.

        Raises:
            Pending: It was not asked for yet.
            Unanswered: None came, or none that is one.
        """
        if self.key not in replies:
            raise Pending(self)
        reply = replies[self.key]
        where = f'failed to call webhook: Post "{self.url}?timeout={self.seconds}s": '
        if isinstance(reply, str):
            raise Unanswered(where + reply)
        response = reply.get("response")
        if not isinstance(response, dict):
            raise Unanswered("webhook response was absent")
        return response

    def make(self) -> Reply:
        """Ask and wait: what was answered, or why nothing was, in the words of Go's client."""
        import urllib3

        host = urlsplit(self.url).netloc
        try:
            context = ssl.create_default_context()
            if self.authority:
                context.load_verify_locations(cadata=base64.b64decode(self.authority).decode())
            pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=self.seconds)
            answer = pool.request("POST", self.url, json=self.review, preload_content=False)
            body = answer.read(_MOST_BYTES)
        except (urllib3.exceptions.SSLError, ssl.SSLError, binascii.Error, UnicodeDecodeError):
            return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        except urllib3.exceptions.NameResolutionError:
            return f"dial tcp: lookup {urlsplit(self.url).hostname}: no such host"
        except urllib3.exceptions.NewConnectionError:
            return f"dial tcp {host}: connect: connection refused"
        except urllib3.exceptions.TimeoutError:
            return "context deadline exceeded"
        except (urllib3.exceptions.HTTPError, OSError):
            return f"dial tcp {host}: connect: connection refused"
        try:
            found = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            return f"couldn't get version/kind; json parse error: {error}"
        if not isinstance(found, dict):
            return "the answer is no AdmissionReview"
        wanted, said = self.review["request"]["uid"], (found.get("response") or {}).get("uid")
        return found if wanted == said else f'expected response.uid="{wanted}", got "{said}"'
