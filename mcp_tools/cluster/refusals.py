"""From an API server's refusal to a typed error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.rights import missing_right
from mcp_tools.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.errors import ShipmateError

# A patch that cannot be decoded is refused with the whole object in the message; the reason comes after it.
_ECHOED = re.compile(r'(?:"" is invalid: patch: )?Invalid value: "\{(?:[^"\\]|\\.)*\}": ')


class Status(msgspec.Struct):
    """The part of `metav1.Status` that a person can use."""

    message: str = ""
    reason: str = ""
    code: int = 0


def refusal(status: int, body: bytes, context: str) -> ShipmateError:
    """The typed error for an answer of 400 and more, with the server's own words and what to do next."""
    try:
        answer = msgspec.json.decode(body, type=Status)
    except msgspec.MsgspecError:
        answer = Status(message=body[:300].decode("utf-8", "replace").strip())
    message = _ECHOED.sub("", answer.message) or f"The API server answered {status}."
    details: Mapping[str, Any] = {"status": status, "reason": answer.reason}
    match status:
        case 401:
            return Unauthenticated(
                f"The cluster of context {context!r} refused the credentials.",
                "Log in again, or check the user entry of the kubeconfig.",
            )
        case 403:
            return Forbidden(message, missing_right(message), **details)
        case 404:
            return NotFound(message)
        case 409:
            return Conflict(message, "Look at it again and repeat the request.", **details)
        case 410:
            return ApiError(message, "The list moved on meanwhile; ask for it again from its beginning.", **details)
        case 400 | 422:
            return Invalid(message, "", **details)
        case 429:
            return ApiError(message, "The API server is busy; try again in a moment.", **details)
    return ApiError(message, "The API server has trouble; try again in a moment.", **details)
