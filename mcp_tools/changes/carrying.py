"""Carrying out what was agreed to: stage by stage, watched to the end, taken back where it fails."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Approver, Decision, Outcome, Phase, Plan, Progress, Reporter, Verb
from mcp_tools.changes.records import Record
from mcp_tools.changes.rollout import ROLLOUTS, moves_pods
from mcp_tools.changes.standing import overruled
from mcp_tools.changes.steps import InDoubt, Ready, Writer
from mcp_tools.errors import ConnectionProblem, ShipmateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.changes.allowing import Gate
    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.operations import Request
    from mcp_tools.changes.rollout import Rollout
    from mcp_tools.changes.watch import Verdict, Watcher
    from mcp_tools.cluster.resolve import Found
    from mcp_tools.cluster.streams import CommandOutput

UNWATCHED = "nobody waited for the end of the rollout"
LEFT_TO_HELM = f"{UNWATCHED}, which helm brings about by itself"
REFUSED_STAGE = "the user said no to a later step, so the steps before were taken back"
WANTED_BACK = "the user stopped it and wanted it back"


@dataclass(frozen=True, slots=True)
class Change:
    """How a request for a change ended.

    Attributes:
        outcome: The end.
        plan: What was planned; for `UNCHANGED` its changes are empty and its id is not usable.
        change_id: The journal's number; None where nothing was kept.
        reason: Why it failed or was not carried out; None where it went as planned.
        rollout: The last look at a workload of it, the one that failed if one did.
        output: What a command gave.
    """

    outcome: Outcome
    plan: Plan
    change_id: int | None = None
    reason: str | None = None
    rollout: Rollout | None = None
    output: CommandOutput | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what it takes to carry it out. `request` is None for one of an earlier run."""

    plan: Plan
    steps: tuple[Ready, ...]
    change_id: int
    request: Request | None = None


class Carrier:
    """Carries out plans of one engine.

    Args:
        timeout: Seconds a rollout may take before it is rolled back.
        stop: Set from another thread to end a wait.
    """

    def __init__(
        self, journal: Journal, writer: Writer, watcher: Watcher, gate: Gate, *, timeout: float, stop: threading.Event
    ) -> None:
        self._journal = journal
        self._writer = writer
        self._watcher = watcher
        self._gate = gate
        self._timeout = timeout
        self._stop = stop
        self.wanted_back = False

    def begin(self) -> None:
        """Forget what an earlier change was told."""
        self._gate.renew()
        self._stop.clear()
        self.wanted_back = False

    def carry_out(self, prepared: Prepared, reporter: Reporter, approver: Approver | None) -> Change:
        """Stage by stage: send, then watch to the end; take back what was sent when a step or a rollout fails.

        Args:
            approver: Asked for each stage before it is carried out; None where the whole plan was agreed to.
        """
        sent: list[Ready] = []
        rollout: Rollout | None = None
        stages = _stages(prepared.steps)
        try:
            for number, stage in enumerate(stages, start=1):
                if approver and approver(_stage_plan(prepared.plan, stage, number)) is not Decision.APPROVED:
                    return self._refused(prepared, sent, reporter)
                seen = self._stage(prepared, stage, sent, reporter)
                if isinstance(seen, Change):
                    return _cut_short(seen, len(prepared.steps) - len(sent))
                rollout = seen or rollout
            failure = self._verified(prepared, reporter)
            if self._stop.is_set() and (failure or self.wanted_back):
                return self._stopped(prepared, sent, reporter, rollout)
            if failure:
                return self._roll_back(prepared, sent, reporter, failure, rollout)
            return self._confirm(_as_sent(prepared, sent), rollout)
        except KeyboardInterrupt:
            return self._leave(_as_sent(prepared, sent), UNWATCHED, None)
        except ShipmateError as error:
            if not sent:
                raise
            return self._leave(_as_sent(prepared, sent), f"its end could not be seen: {error.message}", None)

    def _refused(self, prepared: Prepared, sent: list[Ready], reporter: Reporter) -> Change:
        if sent:
            return self._roll_back(prepared, sent, reporter, REFUSED_STAGE, None)
        return self._end(prepared, Outcome.DECLINED, None, None)

    def _stage(
        self, prepared: Prepared, stage: tuple[Ready, ...], sent: list[Ready], reporter: Reporter
    ) -> Change | Rollout | None:
        """Send what belongs together and see it through; adds to `sent`.

        Returns:
            The end of the change, or the last look at a rollout that went well.
        """
        for ready in stage:
            if sent and self._stop.is_set():
                return self._stopped(prepared, sent, reporter)
            if not ready.step.in_release:
                reporter(Progress(Phase.APPLYING, f"{_DOING[ready.step.verb]} {ready.found}"))
            try:
                self._gate.check_again(prepared.plan, ready.step, self._writer.look(ready.step.target))
                sent.append(self._writer.send(ready))
            except InDoubt as error:
                left = self._leave(_as_sent(prepared, sent), error.message, None)
                if not sent:
                    raise
                return left
            except ShipmateError as error:
                if not sent:
                    self._journal.finish(prepared.change_id, Outcome.FAILED, error.message)
                    raise
                return self._roll_back(prepared, sent, reporter, error.message, None)
            to_come = prepared.steps[len(sent) :]
            self._journal.carried_out(prepared.change_id, tuple(map(record_of, (*sent, *to_come))))
            if ready.step.takes_away and not ready.step.in_release:
                held = self._writer.wait_until_gone(ready)
                if held and self._stop.is_set():
                    return self._end(_as_sent(prepared, sent), Outcome.INTERRUPTED, f"{ready.found}: {held}", None)
                if held:
                    return self._end(_as_sent(prepared, sent), Outcome.FAILED, f"{ready.found}: {held}", None)
        return self._see_through(_as_sent(prepared, sent), sent[-len(stage) :], reporter)

    def _see_through(self, prepared: Prepared, stage: list[Ready], reporter: Reporter) -> Change | Rollout | None:
        rollout: Rollout | None = None
        output = next((ready.output for ready in stage if ready.output), None)
        if output is not None:
            return dataclasses.replace(self._end(prepared, *_command_end(output), None), output=output)
        for verdict in self._verdicts(stage, reporter):
            rollout = verdict.rollout
            if verdict.interrupted:
                return self._stopped(prepared, list(prepared.steps), reporter, rollout)
            if verdict.lost:
                return self._leave(prepared, verdict.lost, rollout)
            if verdict.failure:
                return self._roll_back(prepared, list(prepared.steps), reporter, verdict.failure, rollout)
        return rollout

    def _verdicts(self, stage: list[Ready], reporter: Reporter) -> Iterator[Verdict]:
        """What was seen of the release and of each workload of a stage, one after the other."""
        release = self._writer.release_end(stage, reporter)
        if release:
            yield release
        for ready in stage:
            if _rolls_out(ready):
                yield self._watcher.watch(ready.found, self._timeout, Phase.WATCHING, reporter)

    def _verified(self, prepared: Prepared, reporter: Reporter) -> str | None:
        """Why a change does not do what it was made for; None where it does."""
        if not (prepared.request and prepared.request.verify):
            return None
        try:
            prepared.request.verify(reporter, self._stop)
        except ConnectionProblem:
            raise
        except ShipmateError as error:
            return error.message
        return None

    def _confirm(self, prepared: Prepared, rollout: Rollout | None) -> Change:
        for ready in prepared.steps:
            if ready.step.takes_away or ready.step.in_release:
                continue
            live = self._writer.look(ready.step.target).object
            if not live and ready.found.object.get("metadata", {}).get("deletionTimestamp"):
                # It was on its way out, and what held it is what the step took away.
                continue
            clause = overruled(ready.step, live or self._writer.find(ready.step.target).object)
            if clause:
                # Not ours to take back: somebody wants it otherwise.
                return self._end(prepared, Outcome.FAILED, f"while it rolled out, {clause}", rollout)
        return self._end(prepared, Outcome.VERIFIED, None, rollout)

    def _stopped(
        self, prepared: Prepared, sent: list[Ready], reporter: Reporter, seen: Rollout | None = None
    ) -> Change:
        """The user pressed Ctrl-C: what was sent stays, or is taken back."""
        if self.wanted_back:
            self.begin()
            return self._roll_back(prepared, sent, reporter, WANTED_BACK, seen)
        # An undo that was cut short has to be asked for again.
        whole = prepared.plan.undoes is None or len(sent) == len(prepared.steps)
        outcome = Outcome.INTERRUPTED if whole else Outcome.FAILED
        at_work = any(ready.running and not ready.running.ended for ready in sent)
        # To end it now would leave a release that failed, which the user wants kept.
        return self._end(_as_sent(prepared, sent), outcome, LEFT_TO_HELM if at_work else UNWATCHED, seen)

    def _roll_back(
        self, prepared: Prepared, sent: list[Ready], reporter: Reporter, failure: str, seen: Rollout | None
    ) -> Change:
        # What was refused or never sent has its reason already.
        explain = prepared.request.explain if prepared.request and seen else None
        if explain and (cause := explain()):
            failure = f"{failure}; {cause}"
        reporter(Progress(Phase.ROLLING_BACK, f"rolling back: {failure}"))
        prepared = _as_sent(prepared, sent)
        self._journal.taking_back(prepared.change_id, f"{failure}; it was being rolled back")
        put_back_to: list[Found] = []
        try:
            for ready in reversed(sent):
                found = self._writer.take_back(ready)
                if found.object and _rolls_out(ready):
                    put_back_to.append(found)
        except ConnectionProblem as error:
            return self._leave(prepared, f"{failure}; the rollback did not come to its end: {error.message}", seen)
        except ShipmateError as error:
            return self._end(prepared, Outcome.FAILED, f"{failure}; the rollback did not work: {error.message}", seen)
        reason, rollout = failure, None
        for found in put_back_to:
            verdict = self._watcher.watch(found, self._timeout, Phase.ROLLING_BACK, reporter)
            rollout = verdict.rollout
            if verdict.failure:
                reason += f"; what was there before is set again, and is not healthy either: {verdict.failure}"
            elif verdict.interrupted:
                reason += "; what was there before is set again, and nobody waited for its rollout"
            elif verdict.lost:
                reason += f"; what was there before is set again, and its rollout could not be seen: {verdict.lost}"
        return self._end(prepared, Outcome.ROLLED_BACK, reason, rollout)

    def _leave(self, prepared: Prepared, reason: str, rollout: Rollout | None) -> Change:
        """End without knowing the end: it stays open in the journal, and `recover` finds out."""
        self._journal.leave(prepared.change_id, reason)
        return Change(Outcome.INTERRUPTED, prepared.plan, prepared.change_id, reason, rollout)

    def _end(self, prepared: Prepared, outcome: Outcome, reason: str | None, rollout: Rollout | None) -> Change:
        self._journal.finish(prepared.change_id, outcome, reason, tuple(map(record_of, prepared.steps)))
        return Change(outcome, prepared.plan, prepared.change_id, reason, rollout)


_DOING = {
    Verb.PATCH: "applying to",
    Verb.APPLY: "applying",
    Verb.DELETE: "deleting",
    Verb.EVICT: "evicting",
    Verb.EXEC: "running a command in",
    Verb.DEBUG: "adding a debug container to",
    Verb.COPY_IN: "copying into",
    Verb.COPY_OUT: "copying out of",
    Verb.RELEASE: "handing to Helm:",
}


def _command_end(output: CommandOutput) -> tuple[Outcome, str | None]:
    if output.exit_code is None:
        return Outcome.INTERRUPTED, "it did not end in time and was left to itself"
    if output.exit_code:
        return Outcome.FAILED, f"exit code {output.exit_code}"
    return Outcome.VERIFIED, None


def _stages(steps: tuple[Ready, ...]) -> list[tuple[Ready, ...]]:
    return [tuple(group) for _, group in itertools.groupby(steps, key=lambda ready: ready.step.stage)]


def _stage_plan(plan: Plan, stage: tuple[Ready, ...], number: int) -> Plan:
    """The part of a plan that is asked for on its own."""
    titles = plan.arguments.get("titles")
    title = f"Step {number}: {titles[stage[0].step.stage]}" if titles else plan.title
    steps = tuple(ready.step for ready in stage)
    return dataclasses.replace(plan, title=title, steps=steps, warnings=(), stage=number)


def _cut_short(change: Change, left: int) -> Change:
    """An end before the last step says how much was not begun."""
    if not left or change.outcome in {Outcome.ROLLED_BACK, Outcome.VERIFIED}:
        return change
    steps = "a further step was" if left == 1 else f"{left} further steps were"
    return dataclasses.replace(change, reason=f"{change.reason}; {steps} not begun")


def _as_sent(prepared: Prepared, sent: list[Ready]) -> Prepared:
    """The plan with what was really changed: a step that was not sent changed nothing."""
    if not sent:
        return prepared
    plan = dataclasses.replace(prepared.plan, steps=tuple(ready.step for ready in sent))
    return dataclasses.replace(prepared, plan=plan, steps=tuple(sent))


def record_of(ready: Ready) -> Record:
    """A step as the journal keeps it."""
    step, body = ready.step, ready.body
    before = ready.found.object if step.verb is Verb.DELETE and not step.in_release else None
    if step.verb is Verb.RELEASE:
        from mcp_tools.helm.running import kept

        body = kept(body or {})
    return Record(step, ready.edits, body, ready.force, before)


def _rolls_out(ready: Ready) -> bool:
    if ready.found.kind.plural not in ROLLOUTS or ready.step.takes_away:
        return False
    return ready.step.creates or moves_pods(ready.found.object, ready.step.changes)
