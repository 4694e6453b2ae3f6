"""One turn without a model: read the sentence, call the tool, say what came of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from assistant.brain import Cancelled
from assistant.events import Emit, Notice, TextDelta, ToolCalled, ToolFailed, ToolReturned
from assistant.following import FOLLOW, Follower
from assistant.offline.model import (
    Changed,
    Clarify,
    Earlier,
    Heal,
    Manifest,
    Mention,
    NotUnderstood,
    Procedure,
    Refuse,
    Relative,
    Reply,
    Several,
    Silencing,
    Step,
    ToolCall,
    Unsilencing,
)
from mcp_tools.errors import Ambiguous, NotFound, ShipmateError

if TYPE_CHECKING:
    from assistant.brain import Brain
    from assistant.offline.answers import Open
    from assistant.settings import Settings
    from mcp_tools.toolbox import Toolbox, ToolResult


class Conversation(Protocol):
    """Where turns are kept."""

    def add(self, items: list[dict[str, Any]]) -> None:
        """Keep messages of a role and a content, in order."""


_Open = ToolCall | Relative | Manifest | Several | Earlier | Heal | Changed | Refuse | Reply


@dataclass(frozen=True, slots=True)
class Since:
    """What "the last run" means.

    Attributes:
        at: When it began; None where this is the first.
        before: What there was then.
    """

    at: dt.datetime | None = None
    before: AbstractSet[str] = frozenset()


class OfflineBrain:
    """The planner with a memory of one conversation: what was talked about last, and what was asked back.

    Args:
        conversation: Told of every turn, so that it can be gone on with; None keeps nothing.
        settings: For agents that are run from here; None knows no model.
        since: The last run of the agent that this answers for; None for a user, who has no runs.
    """

    name = "offline"

    def __init__(
        self,
        toolbox: Toolbox,
        conversation: Conversation | None = None,
        *,
        settings: Settings | None = None,
        since: Since | None = None,
    ) -> None:
        self._toolbox = toolbox
        self._settings = settings
        self._since = since
        self._within: Brain | None = None
        self._conversation = conversation
        self._last: Mention | None = None
        self._open: Open = None
        self._diagnosed: dict[str, Any] | None = None
        self._ids = itertools.count(1)
        self._cancelled = False
        self._follower = Follower(toolbox)

    def respond(self, text: str, emit: Emit) -> None:
        """Answer one sentence.

        Raises:
            NotUnderstood: The sentence is none that the planner carries out.
            ShipmateError: What the tool met.
            Cancelled: `cancel` was called before the tool ran.
        """
        self._cancelled = False
        try:
            said = self._carry_out(self._understood(text), emit)
        except ShipmateError as error:
            self._keep(text, str(error), emit)
            raise
        self._keep(text, said, emit)

    def cancel(self) -> None:
        """End the turn before its next tool, or stop waiting for the rollout of the one that runs."""
        self._cancelled = True
        self._follower.cancel()
        if self._within is not None:
            self._within.cancel()
        self._toolbox.interrupt()

    def close(self) -> None:
        """Nothing to close; here so that both brains have one face."""

    def _understood(self, text: str) -> Step:
        # The grammar is read when the first sentence is, not when the program starts.
        from assistant.offline.answers import answered
        from assistant.offline.planner import plan

        left, self._open = self._open, None
        answer = answered(text, left)
        if answer is None or isinstance(answer, str):
            return plan(answer or text, self._last)
        return answer

    def _carry_out(self, step: Step, emit: Emit) -> str:
        """Do what a step says; gives what was said about it."""
        if isinstance(step, Reply):
            emit(TextDelta(step.text))
            return step.text
        if isinstance(step, Clarify):
            self._open = step
            emit(Notice(step.message))
            return step.message
        if isinstance(step, Silencing | Unsilencing):
            return self._silence(step, emit)
        if isinstance(step, Procedure):
            return self._procedure(step, emit)
        known = self._resolved(step, emit)
        if isinstance(known, Reply):
            return known.text
        if isinstance(known, Refuse):
            self._open = known
            raise NotUnderstood(known.message, _suggested(known))
        if known.note:
            emit(Notice(known.note))
        result, _ = self._attempt(known, emit)
        return result.summary

    def _silence(self, step: Silencing | Unsilencing, emit: Emit) -> str:
        from mcp_tools.monitoring.rules import load_rules
        from mcp_tools.monitoring.silencing import silenced, unsilenced

        store = self._toolbox.alert_store
        if isinstance(step, Unsilencing):
            said = unsilenced(store, step.what)
        else:
            rules = load_rules(self._toolbox.alerting.rules_file)
            said = silenced(
                store,
                rules,
                step.time,
                object=step.object,
                rule=step.rule,
                namespace=step.namespace,
                why=step.why,
            )
        emit(TextDelta(said))
        return said

    def _resolved(self, step: _Open, emit: Emit) -> ToolCall | Refuse | Reply:
        """What a step that hangs on what there is comes to."""
        match step:
            case Changed():
                return self._changed(step, emit)
            case Several():
                return self._together(step, emit)
            case Earlier():
                return self._earlier(step, emit)
            case Heal():
                return self._healing(step, emit)
            case Manifest():
                return self._with_manifest(step)
            case Relative():
                return self._absolute(step, emit)
        return step

    def _procedure(self, step: Procedure, emit: Emit) -> str:
        from assistant.offline.procedures import carry_out, told

        if step.action != "run":
            text = told(step)
            emit(TextDelta(text))
            return text
        self._within = carry_out(step, self._toolbox, self._settings)
        try:
            self._within.respond(step.request, emit)
        finally:
            self._within.close()
            self._within = None
        return f"The {step.kind} {step.name} was run."

    def _changed(self, step: Changed, emit: Emit) -> Reply | Refuse:
        from assistant.offline.procedures import moment
        from mcp_tools.views import changed

        known = self._since if step.since == "last" else Since()
        if known is None:
            return Refuse("Nobody looked before from here.", ("what changed since yesterday?",))
        since = known.at if step.since == "last" else moment(step.since)
        if since is None:
            text = "This is the first run here: what changes from now on is told by the next."
            emit(TextDelta(text))
            return Reply(text)
        call_id, name = f"call-{next(self._ids)}", "changed"
        emit(ToolCalled(call_id, name, {"since": since.isoformat(timespec="seconds")}))
        result, _ = changed(self._toolbox, since, step.namespace, known.before)
        emit(ToolReturned(call_id, name, result))
        return Reply(result.summary)

    def _together(self, step: Several, emit: Emit) -> ToolCall | Refuse:
        steps = []
        for one in step.steps:
            known = self._absolute(one, emit) if isinstance(one, Relative) else one
            if isinstance(known, Refuse):
                return known
            steps.append({"tool": known.name, "arguments": known.arguments})
        return ToolCall("change_several", {"steps": steps})

    def _earlier(self, step: Earlier, emit: Emit) -> ToolCall | Refuse:
        """The rollback to the revision before the first of a day; days begin where the user is."""
        result, _ = self._attempt(ToolCall("helm_releases", {"action": "history", **step.release}), emit, quietly=True)
        wanted = dt.datetime.now().astimezone().date() - dt.timedelta(days=step.day == "yesterday")
        kept = sorted(result.data["revisions"], key=lambda row: row["revision"])
        made = [dt.datetime.fromisoformat(row["at"]).astimezone().date() for row in kept]
        first = next((index for index, day in enumerate(made) if day == wanted), None)
        name = f"Release {step.release['release']}"
        if first is None:
            return Refuse(f"{name} was not changed {step.day} ({wanted}); nothing was done.", hint=result.summary)
        if first == 0:
            return Refuse(f"{name} keeps no revision from before {step.day}; nothing was done.", hint=result.summary)
        place = {"namespace": result.data["namespace"]}
        arguments = {"action": "rollback", **step.release, **place, "revision": kept[first - 1]["revision"]}
        return ToolCall(
            "change_release", arguments, note=f"Revision {kept[first]['revision']} was the first of {wanted}."
        )

    def _healing(self, step: Heal, emit: Emit) -> ToolCall | Refuse | Reply:
        """The fix of the first cause that has one; its diagnosis is shown unless that was just done."""
        from mcp_tools.redaction import MASK

        known = step.where is None and self._diagnosed is not None
        look = ToolCall("diagnose", step.where or self._diagnosed or {})
        result, _ = self._attempt(look, emit, quietly=known)
        found = result.data["findings"]
        if not found:
            if known:
                emit(TextDelta(result.summary))
            return Reply(result.summary)
        cause = next((item for item in found if item.get("fixes")), None)
        if cause is None:
            return Refuse("No change of the cluster heals that; nothing was done.", hint=found[0].get("advice", ""))
        fixes = cause["fixes"]
        if step.option > len(fixes):
            return Refuse(f"There is no fix {step.option} of that: it has {len(fixes)}. Nothing was changed.")
        fix = fixes[step.option - 1]
        if MASK in str(fix["arguments"]):
            return Refuse("That fix holds a secret, which is not passed on; nothing was done.", hint=fix["fix"])
        return ToolCall(fix["tool"], fix["arguments"], note=f"{fix['fix']}.")

    def _with_manifest(self, step: Manifest) -> ToolCall:
        from assistant.manifests import read_manifest

        text = read_manifest(step.source, self._toolbox.policy.manifest_urls)
        return ToolCall(step.step.name, {"manifest": text, **step.step.arguments})

    def _absolute(self, step: Relative, emit: Emit) -> ToolCall | Refuse:
        """The number that a relative change comes to, from how many replicas there are now."""
        if step.note:
            emit(Notice(step.note))
        where = {"namespace": step.namespace} if step.namespace else {}
        look = ToolCall("describe_resource", {"target": step.target, **where, "rollout": True}, step.alternatives)
        result, found = self._attempt(look, emit, then=step)
        now = int(result.data["replicas"]["desired"])
        wanted = math.ceil(now * step.factor) + step.add if step.to is None else step.to
        space = f" -n {found.namespace}" if found.namespace else ""
        command = f"scale {found.target} to {wanted}{space}"
        if wanted < 0:
            return Refuse(f"{found.target} has {now} replicas; that would be {wanted}. Nothing was changed.")
        if step.was is not None and step.was != now:
            return Refuse(f"{found.target} has {now} replicas, not {step.was}. Nothing was changed.", (command,))
        if (wanted - now) * step.direction < 0:
            way = "down" if wanted < now else "up"
            return Refuse(
                f"{found.target} has {now} replicas: {wanted} would scale it {way}. Nothing was changed.", (command,)
            )
        arguments: dict[str, Any] = {"target": found.target, "replicas": wanted}
        return ToolCall("scale", arguments | ({"namespace": found.namespace} if found.namespace else {}))

    def _attempt(
        self, call: ToolCall, emit: Emit, then: Relative | None = None, *, quietly: bool = False
    ) -> tuple[ToolResult, Mention]:
        """Call the tool with the target as it was said, then with what its plural may stand for.

        Args:
            then: The step that the call is a part of; what is tried again when a candidate is picked.
            quietly: The answer was shown before.
        """
        calls = [
            call,
            *(dataclasses.replace(call, arguments=call.arguments | {"target": t}) for t in call.alternatives),
        ]
        for position, tried in enumerate(calls):
            if self._cancelled:
                raise Cancelled
            call_id = f"call-{next(self._ids)}"
            emit(ToolCalled(call_id, call.name, tried.arguments))
            try:
                result = self._use(call.name, tried.arguments, emit)
            except ShipmateError as error:
                emit(ToolFailed(call_id, call.name, error))
                if isinstance(error, NotFound) and position < len(calls) - 1:
                    continue
                self._offer(then or call, error)
                raise
            if then is None and call.name != FOLLOW and not quietly:
                # What was looked at only to know the number is no answer, and followed lines were shown already.
                emit(ToolReturned(call_id, call.name, result))
            mentioned = _mentioned(result.data)
            self._last = mentioned or self._last
            if "findings" in result.data:
                self._diagnosed = tried.arguments
            return result, mentioned or Mention(tried.arguments.get("target", ""), tried.arguments.get("namespace"))
        raise AssertionError

    def _use(self, name: str, arguments: dict[str, Any], emit: Emit) -> ToolResult:
        if name != FOLLOW:
            return self._toolbox.call(name, arguments)
        self._follower.run(arguments, emit)
        if self._cancelled:
            raise Cancelled
        from mcp_tools.toolbox import ToolResult

        return ToolResult("The log ended.", {})

    def _offer(self, step: ToolCall | Relative, error: ShipmateError) -> None:
        from assistant.offline.answers import Choice

        if isinstance(error, NotFound | Ambiguous) and error.candidates:
            self._open = Choice(step, error.candidates)

    def _keep(self, text: str, said: str, emit: Emit) -> None:
        if self._conversation is None:
            return
        from mcp_tools.redaction import redact_text

        turn = [
            {"role": "user", "content": redact_text(text)},
            {"role": "assistant", "content": redact_text(said)},
        ]
        try:
            self._conversation.add(turn)
        except ShipmateError as error:
            # The sentence was answered or refused already, and that is what counts.
            emit(Notice(f"This conversation is not kept: {error}"))


def _suggested(step: Refuse) -> str:
    commands = " or ".join(f"`{suggestion}`" for suggestion in step.suggestions)
    return f"{f'Say {commands}.' if commands else ''} {step.hint}".strip()


def _mentioned(data: dict[str, Any]) -> Mention | None:
    """The object that a tool's answer is about."""
    target = data.get("target")
    if isinstance(target, str):
        name, _, namespace = target.partition(" in namespace ")
        return Mention(name, namespace or None)
    described = data.get("object")
    if isinstance(described, dict):
        return Mention(f"{str(described['kind']).lower()}/{described['name']}", described.get("namespace"))
    return None
