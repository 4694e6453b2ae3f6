"""The MCP tools as the Agents SDK takes them, called through an in-process MCP client.

Approval, policy and redaction stand below the tools; what is here is what only a model needs: errors that it can learn
from, and no change twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import msgspec
from agents import FunctionTool
from fastmcp import Client
from pydantic import ValidationError

from assistant.events import Emit, ToolCalled, ToolFailed, ToolReturned
from mcp_tools.errors import (
    ApprovalNeeded,
    Conflict,
    Declined,
    Forbidden,
    Invalid,
    PlanExpired,
    ShipmateError,
    UsageError,
)
from mcp_tools.server import build_server
from mcp_tools.toolbox import ToolResult

if TYPE_CHECKING:
    from agents.run_config import ToolErrorFormatterArgs
    from agents.tool_context import ToolContext
    from mcp_types import Tool

    from mcp_tools.toolbox import Toolbox
    from mcp_tools.tools.base import Tool as OwnTool

OUTPUT_WIDTH = 60_000
"""Characters of one answer; the tools are bounded well below it."""
HARMLESS = (UsageError, Conflict, Forbidden, Invalid, PlanExpired, ApprovalNeeded, Declined)
"""Errors that say that nothing was changed: the model may try the same again, such as after a conflict."""
STOPPED = "Not done: the user stopped the turn before this call."


class ToolFailure(ShipmateError):
    """A tool answered with an error; the model was told."""

    code = "tool"


class Bridge:
    """The tools of one toolbox, for one turn at a time.

    Attributes:
        calls: The calls of this turn that were answered, as items of the history, by call id.
        answers: What each of them gave the model.
        changed: How the changes of this turn ended, oldest first.
        failures: Calls that failed since the last one that did not.
        cancelled: The turn is to end with the tool that is running.
    """

    def __init__(self, toolbox: Toolbox) -> None:
        # It would write each error of a tool to the terminal; here the face shows it.
        logging.getLogger("fastmcp").setLevel(logging.CRITICAL)
        self._toolbox = toolbox
        self._heard = _Heard(toolbox)
        self._client = Client(build_server(cast("Toolbox", self._heard), interactive=True))
        self._own = {tool.name: tool for tool in toolbox.tools}
        self._specs: list[Tool] = []
        self._emit: Emit = _nowhere
        self._seen: set[tuple[str, str]] = set()
        self._in_flight = 0
        self._one_change = asyncio.Lock()
        self._lock = threading.Lock()
        self.calls: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, str] = {}
        self.changed: list[ToolResult] = []
        self.failures = 0
        self.cancelled = threading.Event()

    async def open(self) -> None:
        """Connect, and read the tools' definitions."""
        await self._client.__aenter__()  # type: ignore[no-untyped-call]
        self._specs = await self._client.list_tools()

    async def close(self) -> None:
        """Disconnect."""
        await self._client.__aexit__(None, None, None)  # type: ignore[no-untyped-call]

    def begin(self, emit: Emit) -> None:
        """A turn begins."""
        self._emit = emit
        self._seen, self.calls, self.answers, self.changed, self.failures = set(), {}, {}, [], 0
        self.cancelled.clear()

    @property
    def busy(self) -> bool:
        """A tool is running: whoever cancels has to wait for it."""
        with self._lock:
            return self._in_flight > 0

    def tools(self, cancel: Callable[[], None], box: Toolbox | None = None) -> list[FunctionTool]:
        """The tools, always in the same order, so that the model's prompt cache holds.

        Args:
            cancel: Called when a tool has ended and the turn is to end with it.
            box: Whose they are and who carries them out, where that is not the bridge's own toolbox.
        """
        own = box or self._toolbox
        offered = {tool.name for tool in own.tools}
        return [self._tool(spec, cancel, own) for spec in self._specs if spec.name in offered]

    def _tool(self, spec: Tool, cancel: Callable[[], None], box: Toolbox) -> FunctionTool:
        async def invoke(context: ToolContext[Any], arguments: str) -> str:
            with self._lock:
                self._in_flight += 1
            # Only one part is played at a time: what runs side by side belongs to the same.
            self._heard.toolbox = box
            try:
                text = await self._invoke(spec, context.tool_call_id, arguments)
            finally:
                with self._lock:
                    self._in_flight -= 1
            call_id = context.tool_call_id
            self.calls[call_id] = {
                "type": "function_call",
                "call_id": call_id,
                "name": spec.name,
                "arguments": arguments,
            }
            self.answers[call_id] = text
            if self.cancelled.is_set():
                cancel()
            return text

        return FunctionTool(
            name=spec.name,
            description=spec.description or "",
            params_json_schema=spec.input_schema,
            on_invoke_tool=invoke,
            strict_json_schema=False,
        )

    def unknown(self, wrong: ToolErrorFormatterArgs[Any]) -> str | None:
        """What the model is told of a tool that does not exist."""
        if wrong.kind != "tool_not_found":
            return None
        self.failures += 1
        names = ", ".join(spec.name for spec in self._specs)
        return json.dumps({"error": f"There is no tool {wrong.tool_name!r}. There are: {names}."})

    async def _invoke(self, spec: Tool, call_id: str, arguments: str) -> str:
        if self.cancelled.is_set():
            return json.dumps({"error": STOPPED})
        try:
            given = msgspec.json.decode(arguments or "{}", type=dict[str, Any])
        except msgspec.MsgspecError as error:
            wrong = UsageError(f"The arguments of {spec.name} cannot be read: {error}.", "Send one JSON object.")
            return self._failed(call_id, spec.name, {}, wrong)
        if self._is_repeated(spec, given):
            twice = UsageError(
                f"{spec.name} was called with the same arguments in this turn already; it is not done twice.",
                "Use the answer that you have.",
            )
            return self._failed(call_id, spec.name, given, twice)
        self._emit(ToolCalled(call_id, spec.name, given))
        if self._looks(spec, given):
            answer = await self._client.call_tool_mcp(spec.name, given)
        else:
            # Changes that were asked for side by side are shown, approved and watched one after the other.
            async with self._one_change:
                if self.cancelled.is_set():
                    return self._failed(call_id, spec.name, None, Declined(STOPPED))
                answer = await self._client.call_tool_mcp(spec.name, given)
        if answer.is_error:
            text = " ".join(getattr(part, "text", "") for part in answer.content)
            met = self._heard.error(text)
            if isinstance(met, HARMLESS):
                self._seen.discard(self._key(spec, given))
            return self._failed(call_id, spec.name, None, met)
        self.failures = 0
        data = dict(answer.structured_content or {})
        result = ToolResult(str(data.get("summary", "")), data)
        if not self._looks(spec, given):
            self.changed.append(result)
        self._emit(ToolReturned(call_id, spec.name, result))
        text = msgspec.json.encode(data).decode()
        return text if len(text) <= OUTPUT_WIDTH else f"{text[:OUTPUT_WIDTH]}… (cut; ask for less)"

    def _failed(self, call_id: str, name: str, arguments: dict[str, Any] | None, error: ShipmateError) -> str:
        self.failures += 1
        if arguments is not None:
            self._emit(ToolCalled(call_id, name, arguments))
        self._emit(ToolFailed(call_id, name, error))
        return json.dumps({"error": str(error)}, ensure_ascii=False)

    def _is_repeated(self, spec: Tool, arguments: dict[str, Any]) -> bool:
        if self._looks(spec, arguments):
            return False
        key = self._key(spec, arguments)
        if key in self._seen:
            return True
        self._seen.add(key)
        return False

    def _looks(self, spec: Tool, arguments: dict[str, Any]) -> bool:
        return self._own[spec.name].looks(arguments)

    def _key(self, spec: Tool, arguments: dict[str, Any]) -> tuple[str, str]:
        """What is the same for two calls that ask for the same, however they are spelled."""
        try:
            return spec.name, self._own[spec.name].input_model.model_validate(arguments).model_dump_json()
        except ValidationError:
            return spec.name, json.dumps(arguments, sort_keys=True)


class _Heard:
    """The toolbox at work, with an ear for its errors: of those, only the words come through MCP."""

    def __init__(self, toolbox: Toolbox) -> None:
        self.toolbox = toolbox
        self._errors: dict[str, ShipmateError] = {}

    @property
    def tools(self) -> tuple[OwnTool, ...]:
        """As the toolbox."""
        return self.toolbox.tools

    def call(self, name: str, arguments: dict[str, Any], **people: Any) -> ToolResult:
        """As the toolbox."""
        try:
            return self.toolbox.call(name, arguments, **people)
        except ShipmateError as error:
            self._errors[str(error)] = error
            raise

    def error(self, words: str) -> ShipmateError:
        """The error that was raised with these words."""
        return self._errors.pop(words, None) or ToolFailure(words)


def _nowhere(_: object) -> None:
    """Between turns nobody listens."""
