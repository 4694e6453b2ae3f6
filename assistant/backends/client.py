"""One model at one back end, as the Agents SDK takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx2
from agents import OpenAIChatCompletionsModel
from openai import AsyncOpenAI

from assistant.backends.errors import AnswerCutOff
from assistant.backends.stream import StreamRepair

if TYPE_CHECKING:
    from assistant.settings import ModelSettings

CONNECT_SECONDS = 10.0
EVENT_STREAM = "text/event-stream"


class Backend:
    """A model, and what its last answer ended with.

    Attributes:
        model: For the Agents SDK.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._transport = _Transport()
        timeout = httpx2.Timeout(settings.timeout_seconds, connect=min(CONNECT_SECONDS, settings.timeout_seconds))
        self._client = AsyncOpenAI(
            api_key=settings.api_key,
            base_url=settings.base_url,
            # Requests are sent again by the turn, which tells the user and never repeats a tool call.
            max_retries=0,
            timeout=timeout,
            # The stream is mended in its plain bytes.
            default_headers={"Accept-Encoding": "identity"},
            http_client=httpx2.AsyncClient(transport=self._transport, timeout=timeout),
        )
        self.model = OpenAIChatCompletionsModel(settings.name, self._client)

    @property
    def finish_reason(self) -> str | None:
        """How the last answer ended: `stop`, `tool_calls`, `length`, `content_filter`, or None."""
        return self._transport.last.finish_reason if self._transport.last else None

    async def close(self) -> None:
        """Close the sockets."""
        await self._client.close()


class _Transport(httpx2.AsyncHTTPTransport):
    def __init__(self) -> None:
        super().__init__()
        self.last: StreamRepair | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.status_code != httpx2.codes.OK or EVENT_STREAM not in response.headers.get("content-type", ""):
            return response
        self.last = StreamRepair()
        headers = [(key, value) for key, value in response.headers.raw if key.lower() != b"content-length"]
        return httpx2.Response(
            response.status_code,
            headers=headers,
            stream=_Mended(response.stream, self.last),
            extensions=response.extensions,
        )


class _Mended(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream | httpx2.SyncByteStream, repair: StreamRepair) -> None:
        self._inner = inner
        self._repair = repair

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:  # type: ignore[union-attr]
                whole = self._repair.feed(chunk)
                if whole:
                    yield whole
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.TimeoutException):
                raise
            raise _cut_off() from error
        rest = self._repair.end()
        if rest:
            yield rest
        if not self._repair.complete:
            raise _cut_off()

    async def aclose(self) -> None:
        await self._inner.aclose()  # type: ignore[union-attr]


def _cut_off() -> AnswerCutOff:
    return AnswerCutOff("The model's answer was cut off in the middle.", "Ask again, or work without: --model offline.")
