"""A run of a runbook: step by step through the toolbox, each verified before the next begins."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.brain import Cancelled
from assistant.events import Checked, Emit, Notice, StepBegun, ToolCalled, ToolFailed, ToolReturned, is_change
from mcp_tools.changes.model import Outcome
from mcp_tools.errors import Declined, ShipmateError, UsageError
from mcp_tools.reads.answer import clip, count
from mcp_tools.runbooks.conditions import Verdict, judge
from mcp_tools.runbooks.filling import expectation, filled, shown, values_of
from mcp_tools.runbooks.library import shipped_dir, users_dir
from mcp_tools.runbooks.model import OnFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.runbooks.model import Call, Runbook, RunbookStep, Scalar
    from mcp_tools.toolbox import Toolbox, ToolResult

AGAIN_SECONDS = 1.0
"""Between two looks of a check that does not hold yet."""
WHY_WIDTH = 400
GOOD = frozenset({Outcome.VERIFIED.value, Outcome.UNCHANGED.value})
UNDO = "undo_change"


class RunbookFailed(ShipmateError):
    """A step or its check failed; the message says where it stopped, the hint what was done and how to go on."""

    code = "runbook_failed"


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be run.

    Attributes:
        given: The parameters as they were typed.
        start: The number of the step to begin with.
    """

    runbook: Runbook
    given: Mapping[str, str] = field(default_factory=dict)
    start: int = 1


@dataclass(frozen=True, slots=True)
class _Done:
    """A change that the run made and that stands."""

    number: int
    step: int
    title: str
    undo: str | None


class RunbookRun:
    """One run, as something that answers: faces treat it like any other turn.

    Attributes:
        id: What the journal knows the run by.
        failed: The numbers of the steps that failed and did not end it.

    Raises:
        UsageError: A parameter is wrong or missing, or there is no such step.
    """

    name = "offline"

    def __init__(self, toolbox: Toolbox, ask: Ask) -> None:
        self.id = secrets.token_hex(4)
        self.failed: list[int] = []
        self._toolbox = toolbox
        self._runbook = ask.runbook
        self._start = ask.start
        self._values: dict[str, Scalar] = values_of(ask.runbook, ask.given)
        self._shown = shown(ask.runbook, self._values)
        self._done: list[_Done] = []
        self._planned = 0
        self._calls = 0
        self._stop = threading.Event()
        if not 1 <= ask.start <= len(ask.runbook.steps):
            raise UsageError(
                f"The runbook {ask.runbook.name} has no step {ask.start}.", f"It has {len(ask.runbook.steps)}."
            )

    def respond(self, text: str, emit: Emit) -> None:  # noqa: ARG002  the runbook says it all
        """Carry out the steps.

        Raises:
            RunbookFailed: A step failed that ends it.
            ApprovalNeeded: Nobody is there to say yes to a change.
            Cancelled: `cancel` was called.
        """
        runbook = self._runbook
        given = ", ".join(f"{name}={value}" for name, value in self._shown.items() if value is not None)
        emit(Notice(f"Runbook {runbook.name}, run {self.id}" + (f": {given}." if given else ".")))
        for step in runbook.steps[self._start - 1 :]:
            if self._stop.is_set():
                raise Cancelled
            emit(StepBegun(step.number, len(runbook.steps), step.title))
            origin = f"runbook {runbook.name}, run {self.id}, step {step.number}"
            with self._toolbox.on_behalf_of(origin):
                why = self._carry_out(step, emit)
                if why:
                    self._failed(step, why, emit)
        emit(Notice(self._ended()))

    def cancel(self) -> None:
        """End the run after the step that is at work; stop waiting for a rollout."""
        self._stop.set()
        self._toolbox.interrupt()

    def close(self) -> None:
        """Nothing to close."""

    def _carry_out(self, step: RunbookStep, emit: Emit) -> str:
        """Do a step and check it; gives why it failed, or nothing."""
        result = self._call(step.block, emit)
        if isinstance(result, ShipmateError):
            if result.exit_code in {3, 4, 130}:
                # Nobody to ask, or somebody who said no: that is no matter of the runbook.
                raise self._told(result, step)
            return result.message
        if is_change(result):
            why = self._changed(step, result)
            if why is None:
                emit(Checked(None, "Not checked: it is only planned."))
                return ""
            if why:
                return why
        elif self._planned and step.block.expect:
            emit(Checked(None, "Not checked: changes before it are only planned."))
            return ""
        return self._check(step, result, emit)

    def _changed(self, step: RunbookStep, result: ToolResult) -> str | None:
        """Keep what a change did; gives why it failed, nothing where it did not, and None where it is only planned."""
        data, status = result.data, str(result.data["status"])
        if status == Outcome.PLANNED.value:
            self._planned += 1
            return None
        if status in {Outcome.VERIFIED.value, Outcome.INTERRUPTED.value} and data.get("change_id"):
            self._done.append(_Done(int(data["change_id"]), step.number, str(data["title"]), data.get("undo")))
        if status == Outcome.DECLINED.value:
            raise self._told(Declined(result.summary), step)
        return "" if status in GOOD else result.summary

    def _check(self, step: RunbookStep, result: ToolResult, emit: Emit) -> str:
        block = step.block
        wanted = [expectation(condition, self._values) for condition in block.expect]
        until = time.monotonic() + block.within
        while True:
            looked = self._look(block.check) if block.check else result
            verdicts = (
                [Verdict(holds=False, text=looked.message)]
                if isinstance(looked, ShipmateError)
                else judge(wanted, looked.data)
            )
            wrong = [verdict.text for verdict in verdicts if not verdict.holds]
            if not wrong or time.monotonic() >= until:
                break
            if self._stop.wait(AGAIN_SECONDS):
                raise Cancelled
            if block.check is None:
                again = self._look(block)
                result = result if isinstance(again, ShipmateError) or is_change(again) else again
        for verdict in verdicts:
            emit(Checked(verdict.holds, verdict.text))
        return "; ".join(wrong)

    def _look(self, call: Call) -> ToolResult | ShipmateError:
        from mcp_tools.tools.registry import BY_NAME

        arguments = filled(call, self._values)
        if not BY_NAME[call.tool].looks(arguments):
            return UsageError(f"{call.tool} is not called a second time.")
        try:
            return self._toolbox.call(call.tool, arguments)
        except ShipmateError as error:
            return error

    def _call(self, call: Call, emit: Emit) -> ToolResult | ShipmateError:
        self._calls += 1
        call_id = f"step-{self._calls}"
        emit(ToolCalled(call_id, call.tool, filled(call, self._shown)))
        try:
            result = self._toolbox.call(call.tool, filled(call, self._values))
        except ShipmateError as error:
            emit(ToolFailed(call_id, call.tool, error))
            return error
        emit(ToolReturned(call_id, call.tool, result))
        return result

    def _failed(self, step: RunbookStep, why: str, emit: Emit) -> None:
        match step.block.on_failure:
            case OnFailure.CONTINUE:
                self.failed.append(step.number)
                emit(Notice(f"Step {step.number} did not come out well; it goes on all the same."))
            case OnFailure.STOP:
                raise self._told(RunbookFailed(why), step)
            case OnFailure.UNDO:
                self._take_back(emit)
                raise self._told(RunbookFailed(why), step)

    def _take_back(self, emit: Emit) -> None:
        """Put back what the run changed, each as a change of its own; what cannot be is left, and told."""
        for done in reversed(self._done):
            if done.undo is None:
                continue
            self._calls += 1
            call_id, arguments = f"step-{self._calls}", {"change_id": done.number}
            emit(Notice(f"Putting back change {done.number}: {done.title}."))
            emit(ToolCalled(call_id, UNDO, arguments))
            try:
                result = self._toolbox.call(UNDO, arguments)
            except ShipmateError as error:
                emit(ToolFailed(call_id, UNDO, error))
                continue
            emit(ToolReturned(call_id, UNDO, result))
            if result.data.get("status") in GOOD:
                self._done.remove(done)

    def _told(self, error: ShipmateError, step: RunbookStep) -> ShipmateError:
        """The error with where the run stands, and what to do next."""
        total = len(self._runbook.steps)
        error.message = f"Step {step.number} of {total} ({step.title}): {clip(error.message, WHY_WIDTH)}"
        stands = "; ".join(f"step {done.step}: {done.title}" for done in self._done)
        undo = ", then ".join(f"`{done.undo}`" for done in reversed(self._done) if done.undo)
        given = "".join(
            f" --set {name}={value}" for name, value in self._shown.items() if value is not None and self._told_of(name)
        )
        parts = [
            f"Done before, and standing: {stands}." if stands else "Nothing that the run changed stands.",
            f"Undo with {undo}." if undo else "",
            f"Go on with `shipmate runbook run {self._again()}{given} --from {step.number}`.",
            error.hint,
        ]
        error.hint = " ".join(part for part in parts if part)
        return error

    def _again(self) -> str:
        """How this runbook is named on the command line, and where it works."""
        source, space = self._runbook.source, self._toolbox.target.namespace
        known = source.parent in {users_dir(), shipped_dir()}
        return (self._runbook.name if known else f"--file {source}") + (f" -n {space}" if space else "")

    def _told_of(self, name: str) -> bool:
        return self._runbook.parameters[name].type != "secret"

    def _ended(self) -> str:
        ran = len(self._runbook.steps) - self._start + 1
        said = f"Runbook {self._runbook.name}: {count(ran, 'step')} carried out"
        if self.failed:
            said += f"; not as expected: {', '.join(f'step {number}' for number in self.failed)}"
        if self._planned:
            return f"{said}; {count(self._planned, 'change')} planned, nothing was changed."
        undo = ", then ".join(f"`{done.undo}`" for done in reversed(self._done) if done.undo)
        return f"{said}." + (f" Undo with {undo}." if undo else "")
