"""The backend, asked on behalf of the user whose token came with the call."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import httpx2
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_http_request

from todo_mcp.logs import request_id

log = logging.getLogger(__name__)


class Backend:
    """Forwards the caller's token, and keeps nothing of it.

    Args:
        url: Where the backend is.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx2.AsyncClient(base_url=url, timeout=15)

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's own
        """Send one request; `options` are httpx2's.

        Raises:
            ToolError: The backend refused, or does not answer; its text is for the agent and its user.
        """
        token = get_http_request().headers.get("authorization")
        if not token:
            raise ToolError("Nobody is signed in: the call carries no Authorization header.")
        headers = {"Authorization": token, "X-Request-ID": request_id.get()}
        try:
            response = await self._http.request(method, path, headers=headers, **options)
        except httpx2.TransportError as error:
            log.warning("The backend does not answer: %s", type(error).__name__)
            raise ToolError("The task service does not answer. Try again soon.") from error
        if response.is_error:
            log.info("The backend refused %s with %d", method, response.status_code)
            raise ToolError(_reason(response))
        return response


def _reason(response: httpx2.Response) -> str:
    status = HTTPStatus(response.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "The task service has a problem. Try again soon."
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return status.phrase
    return str(detail)
