"""The face of a console: a terminal with somebody at it, or a pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from rich.text import Text

from assistant.approvals import Consent, decide
from assistant.events import (
    Checked,
    Event,
    HandedOver,
    LogLine,
    Notice,
    StepBegun,
    TextDelta,
    ToolCalled,
    ToolFailed,
    ToolReturned,
)
from assistant.render.consoles import printable
from assistant.render.followed import FollowedLines
from assistant.render.marks import render_mark
from assistant.render.plan import render_plan
from assistant.render.prose import Prose
from assistant.render.results import render_brief, render_result
from assistant.render.tables import emit
from assistant.turn import Stop
from mcp_tools.changes.model import Decision, Phase

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from mcp_tools.changes.model import Plan, Progress
    from mcp_tools.errors import ShipmateError

T = TypeVar("T")
MAX_ASKED = 3
DETAIL_WIDTH = 100
YES_OR_NO = {"y": True, "yes": True, "": False, "n": False, "no": False}
STEPWISE = {
    "y": Decision.APPROVED,
    "yes": Decision.APPROVED,
    "": Decision.DECLINED,
    "n": Decision.DECLINED,
    "no": Decision.DECLINED,
    "s": Decision.STEP_BY_STEP,
    "step": Decision.STEP_BY_STEP,
    "step by step": Decision.STEP_BY_STEP,
}
WISHES = {
    "k": Stop.KEEP,
    "keep": Stop.KEEP,
    "r": Stop.ROLL_BACK,
    "roll back": Stop.ROLL_BACK,
    "w": Stop.GO_ON,
    "watch": Stop.GO_ON,
}


class ConsoleFace:
    """Shows a turn on consoles.

    Args:
        answer: Where the answer goes; nothing else goes there.
        chrome: Where diffs, questions, progress and remarks go.
        consent: What was said about changes beforehand.
        narrated: A model tells the answer in words; without it the tools' results are the answer.
        quiet: Show no answer at all, only what is asked and what happens; the caller renders the answer.
    """

    def __init__(
        self, answer: Console, chrome: Console, consent: Consent, *, narrated: bool, quiet: bool = False
    ) -> None:
        self._answer = answer
        self._chrome = chrome
        self._consent = consent
        self._narrated = narrated
        self._quiet = quiet
        self._prose = Prose(answer)
        self._spinner: Status | None = None
        self._rolling = False
        self._following = False
        self._followed = FollowedLines(chrome if quiet else answer, chrome)
        self._started = time.monotonic()
        self._told = ""

    def show(self, event: Event) -> None:
        """Something was said or done."""
        if not isinstance(event, TextDelta):
            self._prose.end()
        match event:
            case TextDelta(text):
                self._rest()
                if not self._quiet:
                    self._prose.add(text)
            case Notice(text):
                self._chrome.print(Text(printable(text), style="warn"))
            case ToolCalled():
                self._called(event)
            case ToolReturned():
                self._returned(event)
            case ToolFailed(_, name, error):
                self._rest()
                if self._narrated:
                    self._chrome.print(Text(f"  {name}: {printable(error.message)}", style="bad"))
            case LogLine():
                self._rest()
                self._following = True
                self._followed.show(event)
            case StepBegun() | Checked() | HandedOver():
                self._rest()
                self._chrome.print(render_mark(event))
            case _:
                pass

    def _called(self, event: ToolCalled) -> None:
        if self._narrated:
            given = " ".join(f"{key}={printable(str(value))}" for key, value in event.arguments.items())
            self._chrome.print(Text.assemble(("▸ ", "name"), (event.name, "name"), (f" {given}", "faint")))
        self._busy("working")

    def _returned(self, event: ToolReturned) -> None:
        self._rest()
        if self._narrated:
            emit(self._chrome, render_brief(event.name, event.result))
        elif not self._quiet:
            emit(self._answer, render_result(event.name, event.result))

    def progress(self, progress: Progress) -> None:
        """A change moved on."""
        if progress.phase is Phase.DONE:
            self._rolling = False
            self._rest()
            return
        if progress.phase is Phase.RECOVERED:
            self._chrome.print(Text(printable(progress.message), style="warn"))
            return
        if progress.detail and progress.message == self._told:
            self._busy(printable(progress.detail)[:DETAIL_WIDTH])
            return
        self._told = progress.message
        elapsed = time.monotonic() - self._started
        self._rolling = progress.phase is Phase.WATCHING
        style = "warn" if progress.phase is Phase.ROLLING_BACK else "faint"
        line = Text.assemble((f"  {elapsed:5.1f} s  ", "faint"), (printable(progress.message), style))
        self._chrome.print(line)
        self._busy(progress.phase.value)

    def decide(self, plan: Plan) -> Decision:
        """Show the plan, and answer for the user; errors as `approvals.decide`."""
        self._rest()
        self._prose.end()
        self._chrome.print(render_plan(plan))
        if plan.preapproved and self._consent is not Consent.DRY_RUN:
            self._chrome.print(Text("  Approved by your policy.", style="faint"))
        decision = decide(self._consent, plan, lambda: self._agree(plan))
        self._started = time.monotonic()
        return decision

    def _agree(self, plan: Plan) -> Decision:
        if plan.stage is None and plan.stages > 1:
            answer = self._asked(f"Apply these {plan.stages} steps? [y/N], or [s]tep by step: ", STEPWISE)
            return answer or Decision.DECLINED
        return Decision.APPROVED if self.confirm("Apply this?") else Decision.DECLINED

    def stopping(self) -> Stop:
        """The user pressed Ctrl-C; a rollout that is watched is kept, taken back or watched on, as they say."""
        self._rest()
        self._prose.end()
        if self._following:
            return Stop.KEEP
        wish = self._wish() if self._rolling and self._consent is Consent.ASK else Stop.KEEP
        if wish is Stop.GO_ON:
            self._busy("watching")
        else:
            self._chrome.print(Text("Stopping as soon as nothing is half done…", style="warn"))
        return wish

    def _wish(self) -> Stop:
        self._chrome.print()
        question = Text("The change is rolling out: [k]eep it, [r]oll it back, or [w]atch on? ", style="head")
        for _ in range(MAX_ASKED):
            self._chrome.print(question, end="")
            try:
                answer = input().strip().lower()
            except (EOFError, KeyboardInterrupt):
                break
            if answer in WISHES:
                return WISHES[answer]
        return Stop.KEEP

    def end(self) -> None:
        """The turn is over: nothing moves any more."""
        self._rest()
        self._prose.end()

    def error(self, error: ShipmateError) -> None:
        """Say what went wrong and what to do next."""
        self.end()
        self._chrome.print(Text(printable(error.message), style="bad"))
        if error.hint:
            self._chrome.print(Text(printable(error.hint)))

    def confirm(self, question: str) -> bool:
        """Ask for a yes or no; anything unclear is asked again, and the end of the input is a no."""
        return self._asked(f"{question} [y/N] ", YES_OR_NO) or False

    def _asked(self, question: str, answers: dict[str, T]) -> T | None:
        for _ in range(MAX_ASKED):
            try:
                self._chrome.print(Text(question, style="head"), end="")
                answer = input().strip().lower()
            except EOFError:
                self._chrome.print()
                return None
            if answer in answers:
                return answers[answer]
        return None

    def _busy(self, what: str) -> None:
        self._rest()
        if self._chrome.is_terminal:
            self._spinner = self._chrome.status(Text(f"{what}…", style="faint"), spinner="dots")
            self._spinner.start()

    def _rest(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None
