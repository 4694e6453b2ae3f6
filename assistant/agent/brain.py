"""One turn with a model: the Agents SDK's loop, asked again where that helps, stopped where the user wants it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from agents import (
    Agent,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    RunConfig,
    Runner,
    handoff,
    set_tracing_disabled,
)
from agents.run_config import CallModelData, ModelInputData

from assistant.agent.history import BUDGET, LEAST, bounded, repaired, size_of
from assistant.agent.prompt import system_prompt
from assistant.agent.role import Role
from assistant.agent.tools import Bridge
from assistant.backends.client import Backend
from assistant.backends.errors import (
    AnswerRefused,
    AnswerTooLong,
    BackendError,
    BudgetSpent,
    ContextTooLong,
    ModelConfused,
)
from assistant.backends.faults import explain
from assistant.brain import Cancelled
from assistant.events import Emit, HandedOver, Notice, TextDelta, TextWithdrawn, UsageReported
from mcp_tools.changes.model import Outcome
from mcp_tools.errors import ShipmateError
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents import RunResultStreaming
    from agents.items import TResponseInputItem

    from assistant.conversation import Conversation
    from assistant.settings import ModelSettings
    from mcp_tools.toolbox import Toolbox

MAX_TURNS = 24
"""Requests to the model in one turn of the user."""
MAX_FAILURES = 8
"""Calls of tools that fail one after the other."""
LONGEST_WAIT = 60.0
FIRST_WAIT = 1.0
UNTOUCHED = (Outcome.UNCHANGED.value, Outcome.PLANNED.value, Outcome.DECLINED.value)
"""How a change ends that changed nothing."""
SHIPMATE = Role("Shipmate", "", "", MAX_TURNS)
HANDING_OVER = (
    "For work that needs more than a look or one change, hand over to the specialist whose description fits, at once "
    "and without announcing it; a specialist answers the user itself."
)


class AgentBrain:
    """A model with the tools, and a memory of the conversation.

    Args:
        model: Which model, where, with which key.
        toolbox: Its tools; changes ask its approver.
        conversation: Where what was said is kept and read from.
        role: Whose part it plays.
        specialists: Whom it may hand over to.
    """

    def __init__(
        self,
        model: ModelSettings,
        toolbox: Toolbox,
        conversation: Conversation,
        *,
        role: Role = SHIPMATE,
        specialists: Sequence[Role] = (),
    ) -> None:
        set_tracing_disabled(True)
        self._choice = model
        self._toolbox = toolbox
        self._conversation = conversation
        self._role = role
        self._specialists = specialists
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="agent", daemon=True)
        self._thread.start()
        self._stop = threading.Event()
        self._backend: Backend | None = None
        self._bridge: Bridge | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """`provider:model`."""
        return str(self._choice)

    def respond(self, text: str, emit: Emit) -> None:
        """Answer one sentence.

        Raises:
            BackendError: The model gave no answer; says so too when a change was carried out before.
            ConversationProblem: What was said cannot be kept.
            Cancelled: The user stopped it.
        """
        self._stop.clear()
        asyncio.run_coroutine_threadsafe(self._respond(redact_text(text), emit), self._loop).result()

    def cancel(self) -> None:
        """Stop the model at once; a tool that runs is told to stop waiting, and is waited for."""
        self._stop.set()
        self._toolbox.interrupt()
        self._loop.call_soon_threadsafe(self._cancel)

    def close(self) -> None:
        """Close the sockets, the tools and the loop."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _cancel(self) -> None:
        if self._bridge is None or self._task is None:
            return
        self._bridge.cancelled.set()
        if not self._bridge.busy:
            self._task.cancel()

    async def _close(self) -> None:
        if self._bridge is not None:
            await self._bridge.close()
        if self._backend is not None:
            await self._backend.close()

    async def _respond(self, text: str, emit: Emit) -> None:
        if self._backend is None or self._bridge is None:
            self._backend, self._bridge = Backend(self._choice), Bridge(self._toolbox)
            await self._bridge.open()
        bridge = self._bridge
        bridge.begin(emit)
        said: list[TResponseInputItem] = [{"role": "user", "content": text}]
        history: list[Any] = repaired(self._conversation.items())
        if self._stop.is_set():
            raise Cancelled
        turn = _Turn(
            self._choice,
            self._backend,
            bridge,
            agent=self._agent(bridge),
            role=self._role,
            items=[*history, *said],
            emit=emit,
        )
        self._task = asyncio.ensure_future(turn.run())
        try:
            try:
                await self._task
            finally:
                new: list[Any] = repaired(turn.items, bridge.answers)[len(history) :]
                self._conversation.add(new)
        except asyncio.CancelledError:
            raise Cancelled from None
        except ShipmateError as error:
            _tell_changes(error, bridge)
            raise

    def _agent(self, bridge: Bridge) -> Agent[None]:
        told = self._role.instructions or (HANDING_OVER if self._specialists else "")
        agent = self._playing(bridge, self._role.name, told, self._toolbox)
        agent.handoffs = [
            handoff(
                self._playing(
                    bridge, role.name, role.instructions, self._toolbox.under(role.mandate) if role.mandate else None
                ),
                tool_name_override=role.tool,
                tool_description_override=role.description,
            )
            for role in self._specialists
        ]
        return agent

    def _playing(self, bridge: Bridge, name: str, told: str, toolbox: Toolbox | None) -> Agent[None]:
        assert self._backend is not None  # noqa: S101  made a moment ago
        box = toolbox or self._toolbox
        rules = system_prompt(box.tools).text
        return Agent(
            name=name,
            instructions=f"{rules}\n\n{told}" if told else rules,
            model=self._backend.model,
            model_settings=self._backend.parameters,
            tools=list(bridge.tools(self._cancel, box)),
        )


class _Turn:
    """One sentence's way to its answer. `items` is what was said so far, for the history and for asking again."""

    def __init__(
        self,
        choice: ModelSettings,
        backend: Backend,
        bridge: Bridge,
        *,
        agent: Agent[None],
        role: Role,
        items: list[Any],
        emit: Emit,
    ) -> None:
        self.items = items
        self._role = role
        self._playing = agent.name
        self._result: RunResultStreaming | None = None
        self._choice = choice
        self._backend = backend
        self._bridge = bridge
        self._agent = agent
        self._emit = emit
        self._spent = [0, 0]
        self._sent = 0
        self._unfinished = 0
        """Characters of an answer that is not whole yet."""

    async def run(self) -> None:
        """Ask until there is an answer; errors as `AgentBrain.respond`."""
        failures = 0
        try:
            while True:
                done = len(self.items)
                try:
                    return await self._ask()
                except ContextTooLong as error:
                    self._leave_out(error)
                except BackendError as error:
                    # What was done since the last failure counts: only a request that fails again and again ends it.
                    failures = failures + 1 if len(self.items) == done else 1
                    if failures > error.retries:
                        raise
                    await self._wait(error, failures)
                    if self._unfinished:
                        self._emit(TextWithdrawn(self._unfinished))
        finally:
            self._emit(UsageReported(*self._spent))

    async def _ask(self) -> None:
        self._unfinished = 0
        result = self._result = Runner.run_streamed(
            self._agent,
            list(self.items),
            max_turns=self._role.turns,
            run_config=RunConfig(
                tracing_disabled=True,
                call_model_input_filter=self._to_send,
                tool_not_found_behavior="return_error_to_model",
                tool_error_formatter=self._bridge.unknown,
            ),
        )
        try:
            async for event in result.stream_events():
                if event.type == "agent_updated_stream_event":
                    self._handed_over(event.new_agent.name)
                if event.type != "raw_response_event":
                    continue
                if event.data.type == "response.output_text.delta":
                    self._unfinished += len(event.data.delta)
                    self._emit(TextDelta(event.data.delta))
                elif event.data.type == "response.completed":
                    self._unfinished = 0
            self._check_end()
        except MaxTurnsExceeded as error:
            raise ModelConfused(
                f"{self._choice} called tools {self._role.turns} times without an answer.", "Ask for less at once."
            ) from error
        except ModelRefusalError as error:
            raise AnswerRefused(
                f"{self._choice} declines to answer: {redact_text(error.refusal)}", "Say it in other words."
            ) from error
        except ModelBehaviorError as error:
            self._check_end()
            raise ModelConfused(
                f"{self._choice} answered what cannot be used: {redact_text(str(error))}",
                "Try again, or another --model.",
            ) from error
        except asyncio.CancelledError:
            result.cancel()
            raise
        except Exception as error:
            known = explain(error, self._choice)
            if known is None:
                raise
            raise known from error
        finally:
            self.items = self._with_lost_calls(_said(result))
            usage = result.context_wrapper.usage
            self._spent[0] += usage.input_tokens
            self._spent[1] += usage.output_tokens

    def _with_lost_calls(self, items: list[Any]) -> list[Any]:
        """The items with the calls that the loop forgot because it was stopped while they ran."""
        known = {item["call_id"] for item in items if item.get("type") == "function_call"}
        lost = [made for call_id, made in self._bridge.calls.items() if call_id not in known]
        return repaired([*items, *lost], self._bridge.answers)

    def _handed_over(self, name: str) -> None:
        if name != self._playing:
            self._playing = name
            self._emit(HandedOver(name, "takes over"))

    def _check_budget(self) -> None:
        """End what costs more than it may, before the request that would cost more still."""
        used = self._result.context_wrapper.usage.total_tokens if self._result else 0
        spent = sum(self._spent) + used
        if self._role.tokens is not None and spent >= self._role.tokens:
            raise BudgetSpent(
                f"{self._role.name} has used {spent} tokens of {self._role.tokens} without coming to an end.",
                "Ask for less, or raise `limits.tokens` of the agent.",
            )

    def _to_send(self, data: CallModelData[Any]) -> ModelInputData:
        self._check_budget()
        if self._bridge.failures >= MAX_FAILURES:
            raise ModelConfused(
                f"{self._choice} called tools {MAX_FAILURES} times in a row without success.",
                "Say more precisely what is meant, or choose another --model.",
            )
        sent = bounded([dict(item) for item in data.model_data.input], self._backend.room or BUDGET)
        self._sent = size_of(sent)
        return ModelInputData(sent, data.model_data.instructions)  # type: ignore[arg-type]

    def _leave_out(self, error: ContextTooLong) -> None:
        """Make do with less of the history, where there is less to make do with."""
        room = self._sent // 2
        if room < LEAST or self._sent > (self._backend.room or BUDGET):
            raise error
        self._backend.room = room
        self._emit(Notice(f"The conversation is too long for {self._choice}: its oldest part is left out."))

    def _check_end(self) -> None:
        if self._backend.finish_reason == "length":
            raise AnswerTooLong(
                f"{self._choice} stopped in the middle: its limit of output was reached.", "Ask for less at once."
            )

    async def _wait(self, error: BackendError, failures: int) -> None:
        seconds = error.wait if error.wait is not None else FIRST_WAIT * 2 ** (failures - 1)
        if seconds > LONGEST_WAIT:
            error.hint = f"It asks to wait {seconds:.0f} s. {error.hint}"
            raise error
        self._emit(Notice(f"{error.message.rstrip('.')}. Asking again in {seconds:.0f} s."))
        await asyncio.sleep(seconds)


def _said(result: RunResultStreaming) -> list[Any]:
    return [dict(item) for item in result.to_input_list()]


def _tell_changes(error: ShipmateError, bridge: Bridge) -> None:
    """Add to an error what was changed before it: nobody is to think that nothing happened."""
    ends = [change.summary for change in bridge.changed if change.data.get("status") not in UNTOUCHED]
    if ends:
        error.message = f"{error.message} Before that, in this turn: {' '.join(ends)}"
        error.hint = f"{error.hint} What was done stands; `shipmate history` lists it."
