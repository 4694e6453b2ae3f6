"""The planner's conversation, on a sandbox over HTTPS: what is said, called, changed, and remembered."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from assistant.brain import Brain, Cancelled
from assistant.events import Event, Notice, TextDelta, ToolCalled, ToolFailed, ToolReturned
from assistant.offline import OfflineBrain
from mcp_tools.changes.model import Decision, Plan
from mcp_tools.cluster.target import Target
from mcp_tools.errors import NotFound, ShipmateError, UsageError
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from mcp_tools.sandbox import lifecycle

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


@pytest.fixture
def kubeconfig(sandbox: lifecycle.SandboxInfo) -> Path:
    return sandbox.kubeconfig


class Talk:
    """Somebody who talks to the planner about a namespace of their own, and says yes to what is asked."""

    def __init__(self, kubeconfig: Path, namespace: str, journal: Path) -> None:
        self.namespace = namespace
        self.kept: list[dict[str, Any]] = []
        self.plans: list[Plan] = []
        self.answer = Decision.APPROVED
        self.toolbox = Toolbox(
            Target(kubeconfig=str(kubeconfig), namespace=namespace), approver=self._decide, journal=journal
        )
        self.brain: Brain = OfflineBrain(self.toolbox, self)
        self.events: list[Event] = []

    def add(self, items: list[dict[str, Any]]) -> None:
        self.kept += items

    def say(self, text: str) -> list[Event]:
        self.events = []
        self.brain.respond(text, self.events.append)
        return self.events

    def refused(self, text: str) -> ShipmateError:
        with pytest.raises(ShipmateError) as caught:
            self.say(text)
        return caught.value

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        return [(event.name, event.arguments) for event in self.events if isinstance(event, ToolCalled)]

    def replicas(self, name: str, namespace: str | None = None) -> int:
        path = f"{DEPLOYMENTS.format(namespace or self.namespace)}/{name}"
        return int(self.toolbox.connection.get_object(path)["spec"]["replicas"])

    def _decide(self, plan: Plan) -> Decision:
        self.plans.append(plan)
        return self.answer


@pytest.fixture
def space(kubeconfig: Path) -> Iterator[Callable[..., str]]:
    """Makes namespaces that hold a Deployment of two pods for each name."""
    from mcp_tools.cluster.connection import connect

    connection = connect(Target(kubeconfig=str(kubeconfig)))
    made: list[str] = []

    def make(*deployments: str) -> str:
        namespace = f"p-{uuid.uuid4().hex[:8]}"
        connection.write("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        for name in deployments:
            connection.write("POST", DEPLOYMENTS.format(namespace), _deployment(name))
        made.append(namespace)
        return namespace

    yield make
    for namespace in made:
        connection.write("DELETE", f"/api/v1/namespaces/{namespace}", {})
    connection.close()


@pytest.fixture
def talk(kubeconfig: Path, space: Callable[..., str], tmp_path: Path) -> Iterator[Talk]:
    talk = Talk(kubeconfig, space("backend", "frontend", "web-one", "web-two"), tmp_path / "journal.db")
    yield talk
    talk.brain.close()
    talk.toolbox.close()


def test_a_change_is_called_verified_and_kept(talk: Talk) -> None:
    called, returned = talk.say("scale backend to 3")
    assert called == ToolCalled("call-1", "scale", {"target": "backend", "replicas": 3})
    assert isinstance(returned, ToolReturned)
    assert returned.call_id == "call-1"
    assert returned.result.data["status"] == "verified"
    assert talk.replicas("backend") == 3
    assert talk.kept == [
        {"role": "user", "content": "scale backend to 3"},
        {"role": "assistant", "content": returned.result.summary},
    ]


def test_a_change_that_is_declined_changes_nothing(talk: Talk) -> None:
    talk.answer = Decision.DECLINED
    returned = talk.say("restart backend")[-1]
    assert isinstance(returned, ToolReturned)
    assert returned.result.data["status"] == "declined"
    talk.say("scale backend to 5")
    assert talk.replicas("backend") == 2


def test_whether_something_is_reached_is_no_trouble_to_fix(talk: Talk) -> None:
    service = {"metadata": {"name": "backend"}, "spec": {"selector": {"app": "backend"}, "ports": [{"port": 80}]}}
    talk.toolbox.connection.write("POST", f"/api/v1/namespaces/{talk.namespace}/services", service)
    talk.say("can frontend reach backend?")
    assert talk.calls()[0][1]["to"] == "backend"
    assert "No change of the cluster heals that" in str(talk.refused("fix it"))
    assert talk.calls()[0][0] == "diagnose"
    assert "to" not in talk.calls()[0][1]


def test_it_is_the_object_talked_about_last_in_the_namespace_it_was_in(talk: Talk, space: Callable[..., str]) -> None:
    elsewhere = space("backend")
    talk.say(f"describe backend in {elsewhere}")
    talk.say("scale it to 1")
    assert (talk.replicas("backend", elsewhere), talk.replicas("backend")) == (1, 2)
    talk.say("is frontend ready?")
    talk.say("make it 3")
    assert talk.replicas("frontend") == 3


def test_more_and_fewer_are_counted_from_what_is_there(talk: Talk) -> None:
    talk.say("scale up backend by 2")
    assert [name for name, _ in talk.calls()] == ["describe_resource", "scale"]
    assert talk.replicas("backend") == 4
    talk.say("halve the backends")
    assert talk.replicas("backend") == 2
    talk.say("one more backend")
    assert talk.replicas("backend") == 3
    assert "would be -2" in str(talk.refused("scale down backend by 5"))
    assert talk.replicas("backend") == 3


def test_up_to_fewer_and_from_what_is_not_there_are_refused(talk: Talk) -> None:
    error = talk.refused("scale up backend to 1")
    assert "scale deployment/backend to 1" in error.hint
    assert "not 5" in str(talk.refused("scale backend from 5 to 6"))
    assert talk.replicas("backend") == 2
    assert not talk.plans


def test_what_was_offered_is_done_after_a_yes(talk: Talk) -> None:
    talk.refused("should i scale backend to 3?")
    assert talk.replicas("backend") == 2
    talk.say("yes")
    assert talk.replicas("backend") == 3
    talk.refused("yes")


def test_a_question_back_takes_a_short_answer(talk: Talk) -> None:
    asked = talk.say("scale backend")
    assert [type(event) for event in asked] == [Notice]
    talk.say("to four")
    assert talk.replicas("backend") == 4
    talk.say("restart")
    talk.say("frontend")
    assert talk.plans[-1].title.startswith("Restart deployment/frontend")
    talk.say("shrink backend")
    talk.say("by 3")
    assert talk.replicas("backend") == 1


def test_a_question_back_keeps_the_namespace(talk: Talk, space: Callable[..., str]) -> None:
    elsewhere = space("backend")
    talk.say(f"scale backend in {elsewhere}")
    talk.say("3")
    assert (talk.replicas("backend", elsewhere), talk.replicas("backend")) == (3, 2)
    for sentence in (f"scale to 4 in {elsewhere}", f"scale up to 5 in {elsewhere}"):
        talk.say(sentence)
        talk.say("backend")
    assert (talk.replicas("backend", elsewhere), talk.replicas("backend")) == (5, 2)


def test_a_question_back_can_be_left_alone(talk: Talk) -> None:
    talk.say("scale backend")
    talk.say("status")
    talk.refused("4")
    talk.say("scale backend")
    assert talk.say("never mind") == [TextDelta("All right, nothing was done.")]
    talk.refused("4")
    assert talk.replicas("backend") == 2


def test_a_misspelt_name_offers_the_nearest_and_changes_nothing(talk: Talk) -> None:
    error = talk.refused("scale bakcend to 3")
    assert isinstance(error, NotFound)
    assert error.candidates == (f"deployment/backend in namespace {talk.namespace}",)
    assert isinstance(talk.events[-1], ToolFailed)
    assert not talk.plans
    talk.say("yes")
    assert talk.replicas("backend") == 3


@pytest.mark.parametrize("picked", ["the second one", "2", "web-two", "deployment/web-two", "last"])
def test_one_of_several_candidates_is_picked(talk: Talk, picked: str) -> None:
    error = talk.refused("scale up web by 1")
    assert isinstance(error, NotFound)
    names = [candidate.split()[0] for candidate in error.candidates]
    assert sorted(names) == ["deployment/web-one", "deployment/web-two"]
    wanted = names[1].split("/")[1] if picked in {"the second one", "2", "last"} else "web-two"
    talk.say(picked)
    assert talk.replicas(wanted) == 3
    assert talk.replicas({"web-one": "web-two", "web-two": "web-one"}[wanted]) == 2


def test_an_unclear_yes_to_several_candidates_does_nothing(talk: Talk) -> None:
    talk.refused("restart web")
    assert isinstance(talk.refused("yes"), UsageError)
    assert not talk.plans


def test_a_plural_stands_for_the_one_that_there_is(talk: Talk) -> None:
    talk.say("make it three backends")
    assert talk.calls() == [
        ("scale", {"target": "backends", "replicas": 3}),
        ("scale", {"target": "backend", "replicas": 3}),
    ]
    assert talk.replicas("backend") == 3


def test_what_was_done_is_listed_and_undone(talk: Talk) -> None:
    talk.say("scale backend to 3")
    listed = talk.say("what did you change?")[-1]
    assert isinstance(listed, ToolReturned)
    (change,) = listed.result.data["changes"]
    talk.say(f"undo {change['id']}")
    assert talk.replicas("backend") == 2


def test_what_is_not_understood_says_what_is(talk: Talk) -> None:
    error = talk.refused("backend auf 3 skalieren")
    assert "scale backend to 3" in error.hint
    assert error.exit_code == 2
    assert talk.events == []
    assert talk.kept[-1]["content"] == str(error)


def test_help_names_things_that_are_understood(talk: Talk) -> None:
    (text,) = talk.say("what can you do?")
    assert isinstance(text, TextDelta)
    assert "scale backend to 3" in text.text


def test_looking_asks_nobody(talk: Talk) -> None:
    for sentence in ("status", "pods", "describe backend", "why is it crashing?", "is it ready?", "events", "help"):
        talk.say(sentence)
    assert not talk.plans


def test_secrets_in_a_sentence_are_not_kept(talk: Talk) -> None:
    talk.refused("my password=hunter2hunter2 is wrong")
    assert "hunter2" not in str(talk.kept)


def test_a_turn_that_is_stopped_before_its_tool_changes_nothing(talk: Talk) -> None:
    def emit(event: Event) -> None:
        # While it is looked how many there are, the user stops the change that would follow.
        if isinstance(event, ToolCalled) and event.name == "describe_resource":
            talk.brain.cancel()

    with pytest.raises(Cancelled):
        talk.brain.respond("double backend", emit)
    assert not talk.plans
    assert talk.replicas("backend") == 2
    talk.say("scale backend to 3")
    assert talk.replicas("backend") == 3


def test_stopping_while_a_rollout_is_watched_ends_the_turn(talk: Talk) -> None:
    approved = threading.Event()

    def approve(_: Plan) -> Decision:
        approved.set()
        return Decision.APPROVED

    talk.toolbox.approver = approve
    talk.say("scale backend to 3")
    # An image that nobody can pull never becomes ready: only the cancel ends the watch.
    done: list[Event] = []
    approved.clear()
    worker = threading.Thread(
        target=lambda: talk.brain.respond("set image of backend to registry.invalid/nowhere:1", done.append)
    )
    worker.start()
    assert approved.wait(30)
    while worker.is_alive():
        talk.brain.cancel()
        worker.join(0.2)
    assert isinstance(done[-1], ToolReturned)
    assert done[-1].result.data["status"] in {"interrupted", "rolled_back"}


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]},
            },
        },
    }
