"""Changes outside of any cluster: by a program of this machine (Docker Compose, minikube), or on a Docker engine.

They pass the same gates as the engine's: the user's policy, a plan with its diff, a decision, the journal, and the way
back when they fail.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from mcp_tools.changes.carrying import WANTED_BACK, Change
from mcp_tools.changes.engine import MAX_PREPARED, PREPARES
from mcp_tools.changes.model import Decision, Outcome, Phase, Plan, Progress, Reporter, Step, Verb
from mcp_tools.changes.preparing import prepare
from mcp_tools.changes.records import Record
from mcp_tools.changes.recovery import lives, process_mark
from mcp_tools.errors import ShipmateError, Stopped
from mcp_tools.redaction import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Approver, FieldChange, ObjectRef
    from mcp_tools.changes.policy import Policy
    from mcp_tools.cluster.streams import CommandOutput

T = TypeVar("T")
MAY_HAVE_RUN = "its process ended in the middle of it: it may have run in part"
STOPPED = "the user stopped it: it may have run in part"


@dataclass(frozen=True, slots=True)
class Work:
    """What a program of this machine is to do.

    Attributes:
        context: The name under which the policy and the journal know where it happens, such as `docker-compose`.
        target: What it is done to.
        changes: What differs afterwards; none where there is nothing to do.
        exists: The target is there already.
        arguments: What the journal keeps of it; `back` is the sentence that goes back, where there is one.
        prepare: Called once there is a yes, before anything is changed; what it raises ends it with nothing done.
        carry_out: Does it and sees it through, and gives what a command printed; what it raises is answered by
            `take_back`.
        take_back: Puts back what was there, and says so in a clause.
        back: What an undo needs to know, redacted in the journal; None where there is no undo.
        undoes: The number of the change that this puts back.
        labels: Of the target, for the policy.

    The event that these are given is set where the user stops them: their programs are ended, and they raise `Stopped`.
    """

    action: str
    title: str
    context: str
    target: ObjectRef
    changes: tuple[FieldChange, ...]
    exists: bool
    carry_out: Callable[[Reporter, threading.Event], CommandOutput | None]
    take_back: Callable[[Reporter, threading.Event], str] | None = None
    prepare: Callable[[Reporter, threading.Event], None] | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    back: dict[str, Any] | None = None
    undoes: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def heeding(work: Callable[[Reporter], T]) -> Callable[[Reporter, threading.Event], T]:
    """Work in this process, which a user's stop ends at the next that it tells."""

    def run(reporter: Reporter, stop: threading.Event) -> T:
        def tell(progress: Progress) -> None:
            if stop.is_set():
                raise Stopped("It was stopped.", "What was done so far stays, unless it is wanted back.")
            reporter(progress)

        return work(tell)

    return run


@dataclass(frozen=True, slots=True)
class _Prepared:
    plan: Plan
    work: Work
    change_id: int


class Outside:
    """Carries out changes outside of any cluster."""

    def __init__(self, journal: Journal, policy: Policy) -> None:
        self._journal = journal
        self._policy = policy
        self._prepared: dict[str, _Prepared] = {}
        self._stop = threading.Event()
        self._wanted_back = False

    def interrupt(self, *, roll_back: bool = False) -> None:
        """End the program at work, from another thread or a signal handler.

        Args:
            roll_back: Put back what was there; without it what was done stays.
        """
        self._wanted_back = self._wanted_back or roll_back
        self._stop.set()

    @property
    def stopping(self) -> threading.Event:
        """Set where the user stops what is looked at or tried before there is a plan; unset when it is asked for."""
        self._begin()
        return self._stop

    def run(self, work: Work, approver: Approver, reporter: Reporter) -> Change:
        """Plan, ask the approver, carry out, telling the reporter whenever something moves.

        Raises:
            ShipmateError: The policy forbids it, nobody can be asked, or its preparation failed; nothing was changed
                then. Once something was changed, the end is told by the `Change` that is returned.
        """
        self._begin()
        self._settle(work.context, reporter)
        self._check(work)
        step = Step(Verb.RUN, work.target, work.changes, uid=work.target.name if work.exists else "")
        plan = Plan(
            id=secrets.token_hex(4),
            action=work.action,
            title=work.title,
            steps=(step,),
            context=work.context,
            warnings=work.notes,
            reversible=work.back is not None and MASK not in str(redact(work.back)),
            arguments={**work.arguments, PREPARES: True},
            undoes=work.undoes,
        )
        if step.idle:
            return Change(Outcome.UNCHANGED, plan)
        change_id = self._journal.add_plan(plan, (Record(step, body=work.back),), server="", cluster="")
        prepared = self._prepared[plan.id] = _Prepared(plan, work, change_id)
        while len(self._prepared) > MAX_PREPARED:
            self._prepared.pop(next(iter(self._prepared)))
        return self._decide(prepared, approver, reporter)

    def protects(self, target: str, labels: Mapping[str, str]) -> bool:
        """Whether the policy keeps a thing as it is; arguments as `Policy.protection`."""
        return bool(self._policy.protection(target, labels))

    def holds(self, plan_id: str) -> bool:
        """Whether this made a plan of that id which waits for its yes."""
        return plan_id in self._prepared

    def apply(self, plan_id: str, approver: Approver, reporter: Reporter) -> Change:
        """Carry out a plan that was kept, after the approver saw it again.

        Raises:
            PlanExpired: It is not of this process, was used, or is too old.
            ShipmateError: As `run`.
        """
        self._begin()
        self._journal.planned(plan_id)
        return self._decide(self._prepared[plan_id], approver, reporter)

    def _decide(self, prepared: _Prepared, approver: Approver, reporter: Reporter) -> Change:
        plan, number = prepared.plan, prepared.change_id
        # A plan that was kept may be older than the policy.
        self._check(prepared.work)
        decision = approver(plan)
        if decision is Decision.DEFERRED:
            return Change(Outcome.PLANNED, plan, number)
        self._journal.claim(plan.id, process_mark())
        self._prepared.pop(plan.id, None)
        if decision is Decision.DECLINED:
            return self._end(prepared, Outcome.DECLINED, None)
        if prepared.work.prepare:
            prepare(prepared.work.prepare, number, self._journal, reporter, self._stop)
        change = self._carry_out(prepared, reporter)
        reporter(Progress(Phase.DONE, change.outcome.value.replace("_", " ")))
        return change

    def _carry_out(self, prepared: _Prepared, reporter: Reporter) -> Change:
        try:
            output = prepared.work.carry_out(reporter, self._stop)
        except Stopped:
            if self._wanted_back and prepared.work.take_back:
                return self._take_back(prepared, WANTED_BACK, reporter)
            return self._end(prepared, Outcome.INTERRUPTED, STOPPED)
        except ShipmateError as error:
            return self._take_back(prepared, error.message.rstrip("."), reporter)
        except KeyboardInterrupt:
            return self._end(prepared, Outcome.INTERRUPTED, STOPPED)
        if output is not None and output.exit_code != 0:
            ended = "it did not end in time" if output.exit_code is None else f"it ended with {output.exit_code}"
            return self._end(prepared, Outcome.FAILED, ended, output)
        return self._end(prepared, Outcome.VERIFIED, None, output)

    def _check(self, work: Work) -> None:
        self._policy.check_outside(work.context, work.title, str(work.target), work.labels)

    def _take_back(self, prepared: _Prepared, failure: str, reporter: Reporter) -> Change:
        if prepared.work.take_back is None:
            return self._end(prepared, Outcome.FAILED, failure)
        self._begin()
        reporter(Progress(Phase.ROLLING_BACK, f"rolling back: {failure}"))
        self._journal.taking_back(prepared.change_id, f"{failure}; it was being rolled back")
        try:
            back = prepared.work.take_back(reporter, self._stop)
        except ShipmateError as error:
            reason = f"{failure}; the rollback did not work: {error.message.rstrip('.')}"
            return self._end(prepared, Outcome.FAILED, reason)
        return self._end(prepared, Outcome.ROLLED_BACK, f"{failure}; {back}")

    def _begin(self) -> None:
        """Forget what an earlier work was told."""
        self._stop.clear()
        self._wanted_back = False

    def _end(
        self, prepared: _Prepared, outcome: Outcome, reason: str | None, output: CommandOutput | None = None
    ) -> Change:
        self._journal.finish(prepared.change_id, outcome, reason)
        return Change(outcome, prepared.plan, prepared.change_id, reason, output=output)

    def _settle(self, context: str, reporter: Reporter) -> None:
        """Close what was in flight in a process that died: its end is known to nobody."""
        for entry in self._journal.in_flight(context):
            if entry.is_outside and not lives(entry):
                self._journal.finish(entry.id, Outcome.INTERRUPTED, MAY_HAVE_RUN)
                said = (
                    f"Change {entry.id} was in flight when Shipmate ended: {entry.plan.title}. It may have run in part."
                )
                reporter(Progress(Phase.RECOVERED, said))
