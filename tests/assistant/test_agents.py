"""Agents: what they may do is held below the tools, what they did is kept, and the chat hands over to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from agent_helpers import KEY, until
from wire_server import call, calls, stream, text

from assistant.agents.card import card_of
from assistant.agents.definition import AgentDefinition, AgentProblem, mandate_of, read
from assistant.agents.library import agents, shipped_dir
from assistant.agents.roles import specialists
from assistant.agents.running import AgentRun
from assistant.agents.runs import Run, Runs
from assistant.agents.scheduling import Scheduler, last_time, next_time
from assistant.agents.settings import AgentsSettings, Price
from assistant.backends.errors import BudgetSpent, ModelConfused
from assistant.events import Event, HandedOver, TextDelta, ToolReturned
from assistant.offline.model import Refuse
from assistant.offline.planner import is_change, plan
from assistant.settings import ModelSettings, Settings
from mcp_tools.changes.model import Decision
from mcp_tools.changes.policy import AutoApproval, Policy
from mcp_tools.cluster.target import Target
from mcp_tools.errors import NotAllowed, ShipmateError
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from agent_helpers import Talk
    from wire_server import Wire

    from mcp_tools.sandbox.lifecycle import SandboxInfo

SHIPPED = {"deployer", "morning-check", "optimiser", "security-reviewer", "troubleshooter"}
ALL = AutoApproval(contexts=["*"], actions=["*"])


wall = dt.datetime.fromisoformat


def agent(**given: Any) -> AgentDefinition:
    whole = {
        "name": "tester",
        "description": "Tests.",
        "instructions": "Do as you are told.",
        "task": "Look.",
        "offline": ["status"],
        "tools": ["looking", "scale", "apply_plan", "undo_change", "change_several"],
        "approval": "plan",
        **given,
    }
    return AgentDefinition.model_validate(whole)


@dataclass
class Ground:
    """A namespace with a Deployment `web` of one pod, a model on the wire, and an agent that runs there."""

    sandbox: SandboxInfo
    namespace: str
    home: Path
    wire: Wire
    users: Policy = field(default_factory=Policy)
    prices: AgentsSettings = field(default_factory=AgentsSettings)
    events: list[Event] = field(default_factory=list)
    boxes: list[Toolbox] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return Target(kubeconfig=str(self.sandbox.kubeconfig), namespace=self.namespace)

    def approve(self, plan: Any) -> Decision:
        """Says yes to everything it is asked."""
        self.asked.append(plan.title)
        return Decision.APPROVED

    def box(self, definition: AgentDefinition | None = None, *, attended: bool = False) -> Toolbox:
        mandate = mandate_of(definition, attended=attended) if definition else None
        made = Toolbox(
            self.target,
            approver=self.approve,
            journal=self.home / "journal.db",
            policy=self.users,
            mandate=mandate,
        )
        self.boxes.append(made)
        return made

    def run(self, definition: AgentDefinition, sentence: str = "", *, model: bool = True) -> str:
        self.events.clear()
        chosen = ModelSettings("openai", "m", self.wire.url, KEY, "OPENAI_API_KEY", 20.0) if model else None
        settings = Settings(self.target, chosen, policy=self.users, agents=self.prices)
        box = self.box(definition)
        assert box.mandate
        run = AgentRun(settings, definition, box, box.mandate)
        try:
            run.respond(sentence, self.events.append)
        finally:
            run.close()
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    def runs(self) -> list[Run]:
        kept = Runs()
        try:
            return kept.latest()
        finally:
            kept.close()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def replicas(self) -> int:
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/web"
        return int(self.box().connection.get_object(path)["spec"]["replicas"])


@pytest.fixture
def ground(talk: Talk, sandbox: SandboxInfo, wire: Wire, home: Path) -> Iterator[Ground]:
    made = Ground(sandbox, talk.namespace, home, wire)
    yield made
    for box in made.boxes:
        box.close()


def test_these_are_shipped_and_say_what_they_do_without_a_model(home: Path) -> None:
    found = agents()
    assert found.problems == ()
    assert set(found.files) == SHIPPED
    assert {one.name for one in found.specialists()} == SHIPPED - {"morning-check"}
    assert [one.name for one in found.scheduled()] == ["morning-check"]
    for file in found.files.values():
        steps = {sentence: plan(sentence) for sentence in file.definition.offline}
        assert not [said for said, step in steps.items() if isinstance(step, Refuse) or is_change(step)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("name: deployer", "name: deploier"), "calls itself 'deploier'"),
        (("  - looking", "  - lookng"), "no tool 'lookng'"),
        (("approval: ask", "approval: always"), "approval: Input should be 'refuse', 'plan' or 'ask'"),
        (("approval: ask", 'approval: ask\nschedule: "0 25 * * *"'), "no schedule that ever comes"),
        (("approval: ask", 'approval: ask\nschedule: "0 0 30 2 *"'), "no schedule that ever comes"),
        (("approval: ask", "approval: ask\npolicy: {allow: everything}"), "policy.allow"),
        (("approval: ask", "approval: [ask"), "cannot be read"),
    ],
)
def test_a_mistake_in_an_agent_is_named(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    shipped = shipped_dir()
    assert shipped
    text_of = (shipped / "deployer.yaml").read_text(encoding="utf-8")
    own = tmp_path / "deployer.yaml"
    own.write_text(text_of.replace(*change))
    with pytest.raises(AgentProblem, match=says):
        read(own)


def test_a_model_that_tries_to_go_beyond_changes_nothing(ground: Ground) -> None:
    remove = {"tool": "delete_resource", "arguments": {"target": "deployment/web"}}

    def apply(handler: Any) -> None:
        plan_id = ground.of(ToolReturned)[0].result.data["plan_id"]
        stream(*calls(call("apply_plan", {"plan_id": plan_id}, call_id="d")))(handler)

    ground.wire.script = [
        stream(*calls(call("scale", {"target": "web", "replicas": 7}))),
        stream(*calls(call("delete_resource", {"target": "deployment/web"}, call_id="b"))),
        stream(*calls(call("change_several", {"steps": [remove, remove]}, call_id="c"))),
        apply,
        stream(*text("It is only planned.")),
    ]
    assert ground.run(agent(), "scale web to 7 and be done with it") == "It is only planned."
    scaled, removed, several, applied = [message["content"] for message in ground.wire.sent_back()]
    assert '"status":"planned"' in scaled
    assert "There is no tool" in removed
    assert "may not use delete_resource" in several
    assert '"status":"planned"' in applied
    assert ground.replicas() == 1
    assert ground.asked == []
    (run,) = ground.runs()
    assert run.changes == ()
    assert {plan.title for plan in run.deferred} == {
        f"Scale deployment/web in namespace {ground.namespace} from 1 to 7 replicas"
    }
    assert ground.box().call("apply_plan", {"plan_id": run.deferred[0].plan_id}).data["status"] == "verified"
    assert ground.replicas() == 7


@pytest.mark.parametrize(
    ("users", "own", "status"),
    [([ALL], [ALL], "verified"), ([ALL], [], "planned"), ([], [ALL], "planned")],
    ids=["both say yes", "only the user", "only the agent's file"],
)
def test_what_the_policy_approves_beforehand_is_approved_by_both(
    ground: Ground, users: list[AutoApproval], own: list[AutoApproval], status: str
) -> None:
    ground.users = Policy(auto_approve=users)
    ground.wire.script = [stream(*calls(call("scale", {"target": "web", "replicas": 2}))), stream(*text("So."))]
    ground.run(agent(policy={"auto_approve": [one.model_dump() for one in own]}), "scale web to 2")
    assert [event.result.data["status"] for event in ground.of(ToolReturned)] == [status]
    assert ground.replicas() == (2 if status == "verified" else 1)
    (run,) = ground.runs()
    assert len(run.changes) == (status == "verified")


def test_a_policy_narrows_and_never_widens(ground: Ground) -> None:
    scaled = {"target": "web", "replicas": 2}
    ground.users = Policy(protected_labels={"keep": "yes"}, namespaces=[ground.namespace, "elsewhere"])
    narrow: list[tuple[dict[str, Any], str]] = [
        ({"approval": "refuse"}, "read-only mode"),
        ({"policy": {"namespaces": ["other"]}}, "Nothing may be changed in namespace"),
        ({"policy": {"contexts": ["other"]}}, "Nothing may be changed in context"),
    ]
    for given, says in narrow:
        with pytest.raises(NotAllowed, match=says):
            ground.box(agent(**{"approval": "ask", **given}), attended=True).call("scale", scaled)
    wide = agent(approval="ask", policy={"namespaces": ["*"], "protected_labels": {}, "protected_namespaces": []})
    box = ground.box(wide, attended=True)
    with pytest.raises(NotAllowed, match="Nothing may be changed in namespace todo-app"):
        box.call("scale", {"target": "backend", "namespace": "todo-app", "replicas": 1})
    ground.box().call("patch_resource", {"target": "deployment/web", "labels": {"keep": "yes"}})
    with pytest.raises(NotAllowed, match="bears the label keep=yes"):
        box.call("scale", scaled)


def test_who_is_there_is_asked_where_the_agent_may_ask(ground: Ground) -> None:
    asks = agent(approval="ask")
    assert ground.box(asks, attended=True).call("scale", {"target": "web", "replicas": 2}).data["status"] == "verified"
    assert len(ground.asked) == 1
    assert ground.box(asks).call("scale", {"target": "web", "replicas": 3}).data["status"] == "planned"
    assert len(ground.asked) == 1


def test_an_approver_of_a_call_does_not_go_around_the_mandate(ground: Ground) -> None:
    box = ground.box(agent())
    answer = box.call("scale", {"target": "web", "replicas": 2}, approver=lambda _: Decision.APPROVED)
    assert answer.data["status"] == "planned"
    with pytest.raises(NotAllowed, match="may not use rollout"):
        box.call("rollout", {"target": "web", "action": "restart"})


def test_a_run_is_kept_with_its_tokens_and_what_they_cost(ground: Ground) -> None:
    ground.prices = AgentsSettings(currency="EUR", prices={"openai:m": Price(input=2.0, output=10.0)})
    ground.wire.script = [stream(*calls(call("cluster_overview", {}))), stream(*text("All is well."))]
    ground.run(agent())
    (run,) = ground.runs()
    assert (run.agent, run.status, run.model, run.started_by) == ("tester", "done", "openai:m", "hand")
    assert (run.input_tokens, run.output_tokens) == (20, 10)
    assert run.cost == pytest.approx(0.00014)
    assert run.currency == "EUR"
    assert run.answer == "All is well."
    assert run.namespace == ground.namespace


def test_what_an_agent_changed_bears_its_run_in_the_history(ground: Ground) -> None:
    ground.users = Policy(auto_approve=[ALL])
    ground.wire.script = [stream(*calls(call("scale", {"target": "web", "replicas": 2}))), stream(*text("Done."))]
    ground.run(agent(policy={"auto_approve": [ALL.model_dump()]}), "scale web to 2")
    (change,) = ground.box().call("list_changes", {}).data["changes"]
    (run,) = ground.runs()
    assert change["part_of"] == f"agent tester, run {run.id}"
    assert run.changes == (change["id"],)


def test_a_run_ends_at_its_limits_and_is_kept_as_failed(ground: Ground) -> None:
    look = [stream(*calls(call("list_resources", {"kind": "pods", "limit": n + 1}, call_id=f"c{n}"))) for n in range(9)]
    ground.wire.script = list(look)
    with pytest.raises(ModelConfused, match="called tools 3 times"):
        ground.run(agent(limits={"turns": 3}))
    definition = agent()
    definition.limits.tokens = 30
    ground.wire.script = list(look)
    with pytest.raises(BudgetSpent, match="30 tokens of 30"):
        ground.run(definition)
    assert [run.status for run in ground.runs()] == ["failed", "failed"]
    assert ground.runs()[0].input_tokens == 20


def test_without_a_model_the_next_run_tells_what_changed_since_the_last(ground: Ground) -> None:
    check = agent(offline=["status", "what changed since the last run?"], approval="refuse")
    connection = ground.box().connection
    maps = f"/api/v1/namespaces/{ground.namespace}/configmaps"
    connection.write("POST", maps, {"metadata": {"name": "short-lived"}})
    assert "This is the first run here" in ground.run(check, model=False)
    ground.box().call("scale", {"target": "web", "replicas": 2})
    ground.box().call("configure_workload", {"target": "web", "env": {"MODE": "fast"}})
    connection.write("POST", maps, {"metadata": {"name": "new"}})
    connection.write("DELETE", f"{maps}/short-lived", {})
    ground.run(check, model=False)
    changed = next(event.result.data for event in ground.of(ToolReturned) if event.name == "changed")
    assert [one["what"] for one in changed["changes"]] == [
        f"Set environment MODE of deployment/web in namespace {ground.namespace} (container app)",
        f"Scale deployment/web in namespace {ground.namespace} from 1 to 2 replicas",
    ]
    assert "configmap/new" in [one["object"] for one in changed["objects"]]
    assert [one["object"] for one in changed["gone"]] == ["configmap/short-lived"]
    (rollout,) = changed["rollouts"]
    assert rollout["object"] == "deployment/web"
    assert "MODE" in rollout["what"]


def test_a_model_is_given_what_changed_with_its_task(ground: Ground) -> None:
    for _ in range(2):
        ground.wire.script = [stream(*text("All is well."))]
        ground.run(agent(approval="refuse"))
        ground.box().call("scale", {"target": "web", "replicas": 2})
    first, second = [request["messages"] for request in ground.wire.requests]
    assert "Do as you are told." in first[0]["content"]
    assert "first run" in first[-1]["content"]
    assert "from 1 to 2 replicas" in second[-1]["content"]
    assert {tool["function"]["name"] for tool in ground.wire.requests[0]["tools"]}.isdisjoint({"scale", "todo_stack"})


def test_the_chat_hands_over_to_a_specialist_that_has_its_own_tools_alone(talk: Talk) -> None:
    from assistant.agent.brain import AgentBrain

    model = ModelSettings("openai", "m", talk.wire.url, KEY, "OPENAI_API_KEY", 20.0)
    brain = talk._brain = AgentBrain(model, talk.toolbox, talk.conversation, specialists=specialists())
    talk.wire.script = [
        stream(*calls(call("hand_over_to_security_reviewer", {}))),
        stream(*calls(call("scale", {"target": "web", "replicas": 4}, call_id="b"))),
        stream(*text("I only look.")),
    ]
    assert talk("who may delete pods, and scale web to 4") == "I only look."
    assert [(event.to, event.what) for event in talk.of(HandedOver)] == [("security-reviewer", "takes over")]
    main, special = [{tool["function"]["name"] for tool in request["tools"]} for request in talk.wire.requests[:2]]
    assert {"scale", "hand_over_to_deployer", "hand_over_to_security_reviewer"} <= main
    assert "check_access" in special
    assert not {"scale", "hand_over_to_deployer"} & special
    assert "You review." in talk.wire.requests[1]["messages"][0]["content"]
    assert talk.replicas() == 1
    talk.wire.script = [stream(*text("Shipmate again."))]
    assert talk("thanks") == "Shipmate again."
    assert brain.name == "openai:m"


def test_a_specialist_changes_what_the_user_says_yes_to_and_the_optimiser_only_plans(talk: Talk) -> None:
    from assistant.agent.brain import AgentBrain

    model = ModelSettings("openai", "m", talk.wire.url, KEY, "OPENAI_API_KEY", 20.0)
    talk._brain = AgentBrain(model, talk.toolbox, talk.conversation, specialists=specialists())
    for who, replicas in (("deployer", 2), ("optimiser", 3)):
        talk.wire.script = [
            stream(*calls(call(f"hand_over_to_{who}", {}, call_id=who))),
            stream(*calls(call("scale", {"target": "web", "replicas": replicas}, call_id=f"{who}-2"))),
            stream(*text("So.")),
        ]
        talk(f"scale web to {replicas}")
    assert talk.replicas() == 2
    assert [event.result.data["status"] for event in talk.of(ToolReturned)] == ["planned"]


def test_with_a_model_what_names_a_runbook_or_agent_is_done_to_the_letter(ground: Ground) -> None:
    from assistant.brain import make_brain
    from assistant.conversation import Conversation

    model = ModelSettings("openai", "m", ground.wire.url, KEY, "OPENAI_API_KEY", 20.0)
    settings = Settings(ground.target, model)
    box = ground.box()
    until(lambda: box.call("describe_resource", {"target": "web", "rollout": True}).data["complete"])
    brain = make_brain(settings, box, Conversation.begin(ground.home / "talk.db"))
    try:
        brain.respond("run the runbook scale for web with replicas=2", ground.events.append)
        assert ground.replicas() == 2
        assert ground.wire.requests == []
        ground.wire.script = [stream(*text("Hello."))]
        brain.respond("hello", ground.events.append)
        assert len(ground.wire.requests) == 1
    finally:
        brain.close()


def test_schedules_are_read_as_cron_means_them() -> None:
    daily = agent(schedule="0 7 * * *")
    noon = wall("2026-03-29T12:00:00")
    assert next_time(daily, noon) == wall("2026-03-30T07:00:00")
    assert last_time(daily, noon) == wall("2026-03-29T07:00:00")
    assert last_time(daily, wall("2026-03-29T07:00:00")) == wall("2026-03-29T07:00:00")
    assert last_time(daily, wall("2026-03-29T06:59:59")) == wall("2026-03-28T07:00:00")


def test_what_was_due_is_run_once_and_one_that_cannot_run_keeps_no_other_from_it(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = agent(name="first", schedule="0 7 * * *"), agent(name="second", schedule="30 * * * *")

    def settings(one: AgentDefinition) -> Settings:
        if one.name == "first":
            raise ShipmateError("The first has no model.", "Give it one.")
        return Settings(ground.target)

    now = wall("2026-03-29T12:00:00")
    clock = Scheduler([first, second], settings, lambda: now)
    assert clock.once() == 1
    assert "The first has no model." in capsys.readouterr().err
    assert [(run.agent, run.started_by, run.status) for run in ground.runs()] == [("second", "schedule", "done")]
    assert clock.once() == 0
    assert len(ground.runs()) == 1
    later = Scheduler([second], settings, lambda: now + dt.timedelta(hours=1))
    assert later.once() == 0
    assert len(ground.runs()) == 2


def test_a_scheduled_run_asks_nobody(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.agents import starting

    monkeypatch.setattr(starting.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(starting.sys.stderr, "isatty", lambda: True, raising=False)
    ground.wire.script = [stream(*calls(call("scale", {"target": "web", "replicas": 5}))), stream(*text("So."))]
    model = ModelSettings("openai", "m", ground.wire.url, KEY, "OPENAI_API_KEY", 20.0)
    settings = replace(Settings(ground.target), model=model)
    assert starting.start(agent(approval="ask"), settings, sentence="scale web to 5", started_by="schedule") == 0
    assert ground.replicas() == 1
    assert len(ground.runs()[0].deferred) == 1


def test_a_card_has_what_the_protocol_asks_for() -> None:
    card = card_of([agent()], "http://127.0.0.1:8765/mcp")
    needed = {"name", "description", "version", "supportedInterfaces", "capabilities", "skills"}
    assert needed | {"defaultInputModes", "defaultOutputModes"} == set(card)
    assert card["supportedInterfaces"][0]["url"] == "http://127.0.0.1:8765/mcp"
    (skill,) = card["skills"]
    assert {"id", "name", "description", "tags"} <= set(skill)
    assert card_of([agent(), agent(name="other")], "http://x/mcp")["name"] == "shipmate"
