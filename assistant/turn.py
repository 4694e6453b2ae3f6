"""One turn of the conversation: the brain works in a thread, the face stays the only one who touches the terminal.

Whatever the brain and its tools have to say travels through one queue to the thread that called `run_turn`; a question
waits there for its answer. That makes Ctrl-C simple: it arrives in the face's thread and asks the brain to stop.
"""

from __future__ import annotations

import enum
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from assistant.brain import Cancelled
from assistant.events import (
    Event,
    LogLine,
    TextDelta,
    TextWithdrawn,
    ToolCalled,
    ToolFailed,
    ToolReturned,
    UsageReported,
    is_change,
)
from mcp_tools.changes.model import Decision, Outcome, Plan, Progress
from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from assistant.brain import Brain
    from mcp_tools.toolbox import Toolbox

WAKE_SECONDS = 0.2
MOST_WAITING = 1000
WAIT_SECONDS = 0.01
USAGE = 2
INTERRUPTED = 130
"""What a shell reports for a process that SIGINT ended."""
_EXIT_OF = {
    Outcome.DECLINED.value: 3,
    Outcome.ROLLED_BACK.value: 1,
    Outcome.FAILED.value: 1,
    Outcome.INTERRUPTED.value: INTERRUPTED,
}


class Stop(enum.Enum):
    """What a user who stops a turn wants of a change that is rolling out."""

    KEEP = "keep"
    ROLL_BACK = "roll back"
    GO_ON = "go on"
    """Not to stop after all."""


class Face(Protocol):
    """What a person, a pipe or a program sees of a turn."""

    def show(self, event: Event) -> None:
        """Something was said or done."""

    def progress(self, progress: Progress) -> None:
        """A change moved on."""

    def decide(self, plan: Plan) -> Decision:
        """Show a plan and answer for the user.

        Raises:
            ApprovalNeeded: Nobody is there to ask.
        """

    def stopping(self) -> Stop:
        """The user pressed Ctrl-C: what is to become of what is in flight."""


@dataclass
class TurnResult:
    """How a turn ended.

    Attributes:
        text: What the brain said.
        returned: The tools that gave an answer, in order, with the arguments they were called with.
        error: Why there is no answer, or none that can be relied on.
        unapproved: A change needed an approval that nobody was there to give; a model may have talked on.
        cancelled: The user stopped it.
        stopping: The user wanted it stopped, and it may have come to its end all the same.
        followed: Log lines were the answer.
    """

    text: str = ""
    returned: list[ToolReturned] = field(default_factory=list)
    arguments: dict[str, ToolCalled] = field(default_factory=dict)
    failed: ToolFailed | None = None
    usage: UsageReported | None = None
    error: ShipmateError | None = None
    unapproved: ShipmateError | None = None
    cancelled: bool = False
    stopping: bool = False
    followed: bool = False

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed, 2 usage, 3 declined, 4 approval needed, 130 stopped by the user."""
        if self.error is not None:
            return self.error.exit_code
        if self.cancelled:
            return INTERRUPTED
        if self.unapproved is not None:
            return self.unapproved.exit_code
        if self.failed is not None:
            return self.failed.error.exit_code
        if not self.returned and not self.text and not self.followed:
            # There was a question back, and nobody to answer it.
            return USAGE
        ends = [item.result.data["status"] for item in self.returned if is_change(item.result)]
        return _EXIT_OF.get(ends[-1], 0) if ends else 0

    @property
    def opened_forwards(self) -> bool:
        """A port was forwarded, which lasts only as long as the process."""
        return any(
            "forwards" in item.result.data
            and self.arguments[item.call_id].arguments.get("action") in {"forward", "open"}
            for item in self.returned
            if item.call_id in self.arguments
        )

    def note(self, event: Event) -> None:
        """Keep what the end of the turn depends on."""
        match event:
            case TextDelta(text):
                self.text += text
            case TextWithdrawn(length):
                self.text = self.text[: len(self.text) - length]
            case ToolCalled():
                self.arguments[event.call_id] = event
            case ToolReturned():
                self.returned.append(event)
                # A model that met an error and then found its way has not failed.
                if self.failed is not None and self.failed.name == event.name:
                    self.failed = None
            case ToolFailed():
                self.failed = event
            case UsageReported():
                self.usage = event
            case LogLine():
                self.followed = True
            case _:
                pass


@dataclass(slots=True)
class _Question:
    plan: Plan
    answered: threading.Event = field(default_factory=threading.Event)
    decision: Decision = Decision.DECLINED
    error: ShipmateError | None = None


class _CtrlC:
    pass


class _End:
    pass


_Item = Event | Progress | _Question | _CtrlC | _End | BaseException


def run_turn(brain: Brain, toolbox: Toolbox, text: str, face: Face) -> TurnResult:
    """Let the brain answer a sentence, and the face show and decide; returns when nothing is in flight any more."""
    items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    result = TurnResult()
    cancelled = threading.Event()

    def approve(plan: Plan) -> Decision:
        if cancelled.is_set():
            return Decision.DECLINED
        question = _Question(plan)
        items.put(question)
        question.answered.wait()
        if question.error is not None:
            raise question.error
        return question.decision

    def emit(event: Event) -> None:
        # Whoever talks faster than it can be shown waits, so that a flood of log lines does not fill the memory.
        while items.qsize() > MOST_WAITING:
            time.sleep(WAIT_SECONDS)
        items.put(event)

    def work() -> None:
        try:
            brain.respond(text, emit)
        except Cancelled:
            result.cancelled = True
        except ShipmateError as error:
            result.error = error
        except BaseException as error:  # noqa: BLE001  raised again in the face's thread
            items.put(error)
        finally:
            items.put(_End())

    def stop() -> None:
        wish = face.stopping()
        if wish is Stop.GO_ON:
            return
        cancelled.set()
        result.stopping = True
        toolbox.interrupt(roll_back=wish is Stop.ROLL_BACK)
        brain.cancel()

    toolbox.approver, toolbox.reporter = approve, items.put
    threading.Thread(target=work, name="turn", daemon=True).start()
    with _on_ctrl_c(lambda *_: items.put(_CtrlC())):
        _drain(items, face, result, stop, brain.cancel)
    return result


def _drain(
    items: queue.SimpleQueue[_Item],
    face: Face,
    result: TurnResult,
    stop: Callable[[], None],
    hang_up: Callable[[], None],
) -> None:
    """Deliver what comes until the end comes."""
    hung_up: BrokenPipeError | None = None
    while True:
        try:
            # The signal may reach another thread, which does not wake this one.
            item = items.get(timeout=WAKE_SECONDS)
        except queue.Empty:
            continue
        if isinstance(item, _End):
            break
        try:
            _deliver(item, face, result, stop)
        except BrokenPipeError as error:
            # Nobody reads the answer any more; what was begun is seen through all the same.
            hung_up = error
            if isinstance(item, LogLine):
                hang_up()
    if hung_up is not None:
        raise hung_up


def _deliver(item: _Item, face: Face, result: TurnResult, stop: Callable[[], None]) -> None:
    match item:
        case _Question():
            try:
                with _on_ctrl_c(signal.default_int_handler):
                    item.decision = face.decide(item.plan)
            except KeyboardInterrupt:
                stop()
            except ShipmateError as error:
                item.error = result.unapproved = error
            finally:
                # A question that nobody answered is a no.
                item.answered.set()
        case _CtrlC():
            with _on_ctrl_c(signal.default_int_handler):
                stop()
        case Progress():
            face.progress(item)
        case BaseException():
            raise item
        case _End():
            pass
        case _:
            result.note(item)
            face.show(item)


@contextmanager
def _on_ctrl_c(handler: Callable[..., object]) -> Iterator[None]:
    """Let Ctrl-C call the handler instead of raising wherever the program happens to be, in the middle of a line even.

    Only where a person is asked does it raise `KeyboardInterrupt`: that ends the question.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
