"""One model at one back end, as the Agents SDK takes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

import httpx2
from agents import ModelSettings as AgentSettings
from agents import OpenAIChatCompletionsModel
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit

from assistant.backends.errors import RequestRefused
from assistant.backends.registry import dialect_of
from assistant.backends.stream import StreamRepair, cut_off

if TYPE_CHECKING:
    from assistant.settings import ModelSettings

CONNECT_SECONDS = 10.0
OFFICIAL_HOST = "api.openai.com"
NO_STREAMS = ("application/json", "text/html")


class Backend:
    """A model, and what its last answer ended with.

    Attributes:
        model: For the Agents SDK.
        parameters: What its requests carry beside the conversation.
        room: Characters of a conversation that are left to it, once it has said that there were too many.
    """

    def __init__(self, settings: ModelSettings) -> None:
        dialect = dialect_of(settings.provider)
        timeout = httpx2.Timeout(settings.timeout_seconds, connect=min(CONNECT_SECONDS, settings.timeout_seconds))
        # The stream is mended in its plain bytes.
        headers: dict[str, str | Omit] = {"Accept-Encoding": "identity"}
        if not dialect.openai_account:
            # The client takes them from the environment, whoever the request is for.
            headers |= {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
        self.room: int | None = None
        self._last: StreamRepair | None = None
        self._client = AsyncOpenAI(
            api_key=settings.api_key,
            base_url=settings.base_url,
            # Requests are sent again by the turn, which tells the user and never repeats a tool call.
            max_retries=0,
            timeout=timeout,
            default_headers=cast("Any", headers),  # it takes what takes a header away too, and does not say so
            # A hook, not a transport of our own: with one, the environment's proxies would not be asked for.
            http_client=DefaultAsyncHttpxClient(timeout=timeout, event_hooks={"response": [self._mend]}),
        )
        self.model = OpenAIChatCompletionsModel(settings.name, self._client)
        is_official = self._client.base_url.host == OFFICIAL_HOST
        self.parameters = AgentSettings(include_usage=True, store=False if dialect.forgets and is_official else None)

    @property
    def finish_reason(self) -> str | None:
        """How the last answer ended: `stop`, `tool_calls`, `length`, `content_filter`, or None."""
        return self._last.finish_reason if self._last else None

    async def close(self) -> None:
        """Close the sockets."""
        await self._client.close()

    async def _mend(self, response: httpx2.Response) -> None:
        self._last = None
        if response.status_code != httpx2.codes.OK:
            return
        kind = response.headers.get("content-type", "")
        if kind.startswith(NO_STREAMS):
            await response.aclose()
            raise RequestRefused(
                f"{response.url.host} answered with {kind.partition(';')[0]} where a stream was asked for.",
                "Check the address (it ends with /v1 mostly), or work without: --model offline.",
            )
        self._last = StreamRepair(_call_ids(response.request.content))
        response.headers.pop("content-length", None)
        response.stream = _Mended(response.stream, self._last)


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
            raise cut_off() from error
        rest = self._repair.end()
        if rest:
            yield rest

    async def aclose(self) -> None:
        await self._inner.aclose()  # type: ignore[union-attr]


def _call_ids(request: bytes) -> frozenset[str]:
    """The ids of the tool calls in the conversation that was sent."""
    messages = json.loads(request).get("messages", [])
    return frozenset(call["id"] for message in messages for call in message.get("tool_calls") or ())
