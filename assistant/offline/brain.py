"""One turn without a model: read the sentence, call the tool, say what came of it."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from typing import TYPE_CHECKING, Any

from assistant.brain import Cancelled
from assistant.events import Emit, Notice, TextDelta, ToolCalled, ToolFailed, ToolReturned
from assistant.offline.model import Clarify, NotUnderstood, Relative, Reply, Step, ToolCall
from assistant.offline.planner import plan
from mcp_tools.errors import NotFound, ShipmateError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox, ToolResult

ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "1": 0, "2": 1, "3": 2, "4": 3}
CANDIDATE = re.compile(r"(?P<target>\S+)(?: in namespace (?P<namespace>\S+))?")


class OfflineBrain:
    """The planner with a memory of one conversation: what was talked about last, and what was asked back."""

    name = "offline"

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._last: str | None = None
        self._template = ""
        self._choices: tuple[str, ...] = ()
        self._waiting: ToolCall | None = None
        self._ids = itertools.count(1)
        self._cancelled = False

    def respond(self, text: str, emit: Emit) -> None:
        """Answer one sentence.

        Raises:
            NotUnderstood: The sentence is none that the planner knows.
            ShipmateError: What the tool met.
            Cancelled: `cancel` was called before the tool ran.
        """
        self._cancelled = False
        resumed = self._resumed(text)
        template, self._template, self._choices, self._waiting = self._template, "", (), None
        step: Step = self._planned(text, template) if resumed is None else resumed
        if isinstance(step, Relative):
            step = self._absolute(step, emit)
        if isinstance(step, Reply):
            emit(TextDelta(step.text))
        elif isinstance(step, Clarify):
            self._template, self._choices = step.template, step.suggestions
            emit(Notice(_asked(step)))
        else:
            self._call(step, emit)

    def cancel(self) -> None:
        """End the turn before its next tool, or stop waiting for the rollout of the one that runs."""
        self._cancelled = True
        self._toolbox.interrupt()

    def close(self) -> None:
        """Nothing to close; here so that both brains have one face."""

    def _planned(self, text: str, template: str) -> Step:
        try:
            return plan(text, self._last)
        except NotUnderstood:
            answer = re.sub(r"^(?:to|the)\s+", "", text.strip().lower().rstrip(".!"))
            if template and answer and len(answer.split()) == 1:
                return plan(template.format(answer), self._last)
            raise

    def _resumed(self, text: str) -> ToolCall | None:
        """The call that was left open, with the candidate that this sentence picks."""
        if self._waiting is None or not self._choices:
            return None
        answer = re.sub(r"^the\s+|\s+one$", "", text.strip().lower().rstrip(".!"))
        picked = None
        if answer in ORDINALS and -len(self._choices) <= ORDINALS[answer] < len(self._choices):
            picked = self._choices[ORDINALS[answer]]
        else:
            named = [c for c in self._choices if answer and answer in {c, *c.split()[0].split("/"), c.split()[0]}]
            picked = named[0] if len(named) == 1 else None
            if answer in {"yes", "y", "yes please", "that"} and len(self._choices) == 1:
                picked = self._choices[0]
        found = CANDIDATE.fullmatch(picked) if picked else None
        if found is None:
            return None
        more = {"namespace": found["namespace"]} if found["namespace"] else {}
        arguments = {**self._waiting.arguments, "target": found["target"], **more}
        return dataclasses.replace(self._waiting, arguments=arguments, alternatives=())

    def _absolute(self, step: Relative, emit: Emit) -> ToolCall | Clarify:
        where = {"namespace": step.namespace} if step.namespace else {}
        question = ToolCall("rollout_status", {"target": step.target, **where}, step.alternatives)
        result, target = self._attempt(question, emit)
        now = int(result.data["replicas"]["desired"])
        wanted = math.ceil(now * step.factor) + step.add
        if wanted < 0:
            return Clarify(f"{target} has {now} replicas; that would be {wanted}. Nothing is changed.")
        return ToolCall("scale", {"target": target, "replicas": wanted, **where})

    def _call(self, call: ToolCall, emit: Emit) -> None:
        if call.note:
            emit(Notice(call.note))
        result, target = self._attempt(call, emit)
        self._last = _remembered(result.data) or target or self._last

    def _attempt(self, call: ToolCall, emit: Emit) -> tuple[ToolResult, str | None]:
        """Call the tool with the target as it was said, then with what its plural may stand for."""
        targets = [call.arguments.get("target"), *call.alternatives]
        for position, target in enumerate(targets):
            arguments = {**call.arguments, **({"target": target} if target else {})}
            last = position == len(targets) - 1
            if self._cancelled:
                raise Cancelled
            call_id = f"call-{next(self._ids)}"
            emit(ToolCalled(call_id, call.name, arguments))
            try:
                result = self._toolbox.call(call.name, arguments)
            except NotFound as error:
                emit(ToolFailed(call_id, call.name, error))
                if not last:
                    continue
                self._waiting, self._choices = call, error.candidates
                raise
            except ShipmateError as error:
                emit(ToolFailed(call_id, call.name, error))
                self._waiting, self._choices = call, tuple(getattr(error, "candidates", ()))
                raise
            emit(ToolReturned(call_id, call.name, result))
            return result, target
        raise NotUnderstood("There was nothing to call.", "")


def _asked(step: Clarify) -> str:
    if not step.suggestions:
        return step.message
    return f"{step.message} ({', '.join(f'`{suggestion}`' for suggestion in step.suggestions)})"


def _remembered(data: dict[str, Any]) -> str | None:
    target = data.get("target")
    if isinstance(target, str):
        return target.split(" ", 1)[0]
    described = data.get("object")
    if isinstance(described, dict):
        return f"{str(described['kind']).lower()}/{described['name']}"
    return None
