"""What stops, bounds and ends a turn, and what is told of it afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import DONE, call, calls, chunk, status, stream, text

from assistant.agent.history import BUDGET, bounded
from assistant.backends import errors
from assistant.brain import Cancelled
from assistant.conversation import ConversationProblem, Item
from assistant.events import TextDelta, ToolCalled, ToolFailed, ToolReturned
from assistant.turn import TurnResult
from mcp_tools.changes.model import Decision, Plan
from mcp_tools.errors import Declined, NotFound, UsageError
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from agent_helpers import Talk

    from mcp_tools.tools.base import Tool


def scale(replicas: int, target: str = "web", **more: Any) -> dict[str, Any]:
    return call("scale", {"target": target, "replicas": replicas}, **more)


def test_a_stop_before_the_first_request_is_not_lost(talk: Talk) -> None:
    class Slow(Toolbox):
        """One that is still being connected to when the user stops."""

        @property
        def tools(self) -> tuple[Tool, ...]:
            talk.brain.cancel()
            return super().tools

    talk.toolbox = Slow(talk.toolbox.target)
    talk.wire.script = [stream(*text("Too late."))]
    with pytest.raises(Cancelled):
        talk("hello")
    assert not talk.wire.requests


def test_of_several_changes_those_after_a_stop_are_not_made(talk: Talk) -> None:
    def stop(_: Plan) -> Decision:
        talk.brain.cancel()
        return Decision.APPROVED

    talk.toolbox.approver = stop
    asked = [
        call("rollout", {"target": "web", "action": "restart"}, call_id="one"),
        scale(3, call_id="two"),
        scale(4, call_id="three"),
    ]
    talk.wire.script = [stream(*calls(*asked))]
    with pytest.raises(Cancelled):
        talk("restart it and scale it")
    assert [change["title"].split()[0] for change in talk.changes()] == ["Restart"]
    assert [type(event.error) for event in talk.of(ToolFailed)] == [Declined, Declined]

    talk.wire.script = [stream(*text("Only the restart was sent."))]
    talk("what was done?")
    told = {output["tool_call_id"]: output["content"] for output in talk.wire.sent_back()}
    assert '"status":"interrupted"' in told["one"]
    assert "stopped" in told["two"]
    assert "stopped" in told["three"]


def test_a_tool_s_error_keeps_its_kind_for_the_face(talk: Talk, capfd: pytest.CaptureFixture[str]) -> None:
    talk.wire.script = [stream(*calls(scale(2, "wbe"))), stream(*text("There is no wbe; did you mean web?"))]
    talk("scale wbe to 2")
    (failed,) = talk.of(ToolFailed)
    assert isinstance(failed.error, NotFound)
    assert any("web" in candidate for candidate in failed.error.candidates)
    assert "web" in talk.wire.sent_back()[0]["content"]
    written = capfd.readouterr()
    assert written.out + written.err == ""


def test_a_change_asked_for_in_other_letters_is_the_same_change(talk: Talk) -> None:
    spelled = [{"target": "web"}, {"target": "web", "namespace": None}, {"target": " web "}]
    again = [
        stream(*calls(call("rollout", {**given, "action": "restart"}, call_id=f"c{n}")))
        for n, given in enumerate(spelled)
    ]
    talk.wire.script = [*again, stream(*text("Restarted."))]
    assert talk("restart web") == "Restarted."
    assert len(talk.changes()) == 1
    assert len(talk.of(ToolReturned)) == 1


def test_a_turn_in_which_every_call_fails_ends(talk: Talk) -> None:
    talk.wire.script = [stream(*calls(call("no_such_tool", {}, call_id=f"c{number}"))) for number in range(30)]
    with pytest.raises(errors.ModelConfused, match="without success"):
        talk("do something")
    assert len(talk.wire.requests) == 8
    assert "There are: cluster_overview" in talk.wire.sent_back()[0]["content"]


def test_a_failure_after_a_no_does_not_speak_of_changes(talk: Talk) -> None:
    talk.toolbox.approver = lambda _: Decision.DECLINED
    talk.wire.script = [stream(*calls(scale(2))), stream(*text(finish="length"))]
    with pytest.raises(errors.AnswerTooLong) as caught:
        talk("scale web to 2")
    assert "Before that" not in str(caught.value)


def test_what_cannot_be_kept_after_a_change_is_told_with_the_change(talk: Talk, home: Path) -> None:
    def spoil(_: Plan) -> Decision:
        place = home / "talk.db"
        place.unlink(missing_ok=True)
        place.mkdir()
        return Decision.APPROVED

    talk.toolbox.approver = spoil
    talk.wire.script = [stream(*calls(scale(2))), stream(*text("Done."))]
    with pytest.raises(ConversationProblem, match="Done and verified: Scale"):
        talk("scale web to 2")


def test_arguments_that_are_no_json_are_not_sent_again(talk: Talk) -> None:
    cut = chunk({"tool_calls": [call("scale", '{"target": "web", "rep')]})
    talk.wire.script = [stream(cut, chunk({}, "length"), DONE), stream(*text("That went wrong."))]
    talk("scale web to 2")
    (made,) = [message["tool_calls"] for message in talk.wire.requests[1]["messages"] if message.get("tool_calls")]
    assert made[0]["function"]["arguments"] == "{}"
    assert isinstance(talk.of(ToolFailed)[0].error, UsageError)
    assert talk.of(ToolCalled)


def test_an_answer_that_broke_off_counts_once(talk: Talk) -> None:
    preamble = chunk({"role": "assistant", "content": "I look. "})
    look = chunk({"tool_calls": [call("describe_resource", {"target": "web", "rollout": True})]})
    half = stream(*text("It is fi")[:1], cut=True)
    talk.wire.script = [
        stream(preamble, look, chunk({}, "tool_calls"), DONE),
        half,
        half,
        stream(*text("It is fine.")),
    ]
    talk("how is web?")
    result = TurnResult()
    for event in talk.events:
        result.note(event)
    assert result.text == "I look. It is fine."
    assert len(talk.of(TextDelta)) == 4


def test_a_model_with_little_room_is_asked_with_less_of_the_conversation(talk: Talk) -> None:
    for number in range(30):
        words = [{"role": "user", "content": f"question {number}"}, {"role": "assistant", "content": "y" * 2_000}]
        talk.conversation.add(words)
    full = status(400, "This model's maximum context length is 8192 tokens", error_code="context_length_exceeded")
    talk.wire.script = [full, full, stream(*text("Short.")), stream(*text("Still."))]
    assert talk("question 30") == "Short."
    assert talk("question 31") == "Still."
    sizes = [len(body) for body in talk.wire.raw]
    asked = [request["messages"] for request in talk.wire.requests]
    assert sizes[0] > sizes[1] > sizes[2]
    assert len(asked[3]) <= len(asked[2]) + 2
    assert all(messages[1]["content"].startswith("question") for messages in asked)


def test_a_turn_that_is_too_long_by_itself_is_sent_with_its_oldest_outputs_shortened() -> None:
    items: list[Item] = [{"role": "user", "content": "look at everything"}]
    for number in range(30):
        items.append({"type": "function_call", "call_id": f"c{number}", "name": "get_logs", "arguments": "{}"})
        items.append({"type": "function_call_output", "call_id": f"c{number}", "output": "x" * 20_000})
    sent = bounded(items)
    assert len(json.dumps(sent)) < BUDGET * 1.2
    assert [item.get("call_id") for item in sent] == [item.get("call_id") for item in items]
    assert sent[-1] == items[-1]
    assert "left out" in sent[2]["output"]


def test_loading_behind_the_prompt_does_not_disturb_a_first_answer() -> None:
    program = (
        "import threading, assistant.agent as agent;"
        "threads = [threading.Thread(target=agent.preload) for _ in range(4)];"
        "[thread.start() for thread in threads];"
        "print(agent.agent_brain().__name__);"
        "[thread.join() for thread in threads]"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("AgentBrain", "")
