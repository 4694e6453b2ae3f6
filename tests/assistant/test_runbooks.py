"""Every shipped runbook to its end, and stopped by a check, on a sandbox."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from agent_helpers import until

from assistant.events import Checked, Event, Notice, StepBegun, ToolCalled, ToolReturned
from assistant.runbooks.running import Ask, RunbookFailed, RunbookRun
from mcp_tools.changes.model import Decision, Plan
from mcp_tools.cluster.target import Target
from mcp_tools.errors import ApprovalNeeded, NotFound, ShipmateError, UsageError
from mcp_tools.runbooks.library import library, shipped_dir
from mcp_tools.runbooks.model import RunbookProblem
from mcp_tools.runbooks.parsing import parse, read
from mcp_tools.toolbox import Toolbox, nobody

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo

SHIPPED = {"deploy", "restore", "roll-back", "rotate-secret", "scale", "troubleshoot-pods"}
STEP = """---
name: one
description: One step.
parameters:
  workload: {description: which one}
---
# One

1. Look.

    ```yaml
    tool: describe_resource
    arguments: {target: "{{ workload }}"}
    expect:
      - {path: object.kind, operator: equals, value: Deployment}
    ```
"""


@dataclass
class Place:
    """A namespace with a Deployment `web` of one pod and a Secret `db`, and what ran there."""

    box: Toolbox
    namespace: str
    events: list[Event] = field(default_factory=list)
    decision: Decision = Decision.APPROVED

    def decide(self, _: Plan) -> Decision:
        return self.decision

    def run(self, name: str, start: int = 1, **given: str) -> RunbookRun:
        self.events.clear()
        run = RunbookRun(self.box, Ask(library().get(name), given, start))
        run.respond("", self.events.append)
        return run

    def stopped(self, name: str, start: int = 1, **given: str) -> RunbookFailed:
        with pytest.raises(RunbookFailed) as met:
            self.run(name, start, **given)
        return met.value

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def make(self, kind: str, body: dict[str, Any]) -> None:
        group = "/apis/apps/v1" if kind == "deployments" else "/api/v1"
        self.box.connection.write("POST", f"{group}/namespaces/{self.namespace}/{kind}", body)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        group = "/apis/apps/v1" if kind == "deployments" else "/api/v1"
        return dict(self.box.connection.get_object(f"{group}/namespaces/{self.namespace}/{kind}/{name}"))

    def break_something(self) -> None:
        self.make("deployments", deployment("beside", "nginx:no-such-tag"))
        until(lambda: self.box.call("diagnose", {}).data["findings"])

    def changes(self) -> list[dict[str, Any]]:
        return list(self.box.call("list_changes", {}).data["changes"])


def deployment(name: str, image: str = "nginx:1.27") -> dict[str, Any]:
    container = {
        "name": "app",
        "image": image,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


@pytest.fixture
def place(sandbox: SandboxInfo, home: Path) -> Iterator[Place]:
    namespace = f"r-{uuid.uuid4().hex[:8]}"
    box = Toolbox(Target(kubeconfig=str(sandbox.kubeconfig), namespace=namespace), journal=home / "journal.db")
    made = Place(box, namespace)
    box.approver = made.decide
    box.connection.write("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    made.make("deployments", deployment("web"))
    made.make("secrets", {"metadata": {"name": "db"}, "stringData": {"PASSWORD": "hunter22-before"}})
    until(lambda: made.get("deployments", "web").get("status", {}).get("readyReplicas"))
    yield made
    box.connection.write("DELETE", f"/api/v1/namespaces/{namespace}", {})
    box.close()


def test_these_are_shipped_and_can_be_used(home: Path) -> None:
    found = library()
    assert found.problems == ()
    assert set(found.runbooks) == SHIPPED


def test_scaling_is_checked_and_journalled_with_its_run_and_step(place: Place) -> None:
    run = place.run("scale", workload="web", replicas="2")
    assert place.get("deployments", "web")["spec"]["replicas"] == 2
    assert [event.number for event in place.of(StepBegun)] == [1, 2, 3, 4]
    assert "replicas.ready is 2 (equal to 2)" in [event.text for event in place.of(Checked)]
    (change,) = place.changes()
    assert change["part_of"] == f"runbook scale, run {run.id}, step 3"


def test_a_check_that_fails_takes_back_what_the_run_changed(place: Place) -> None:
    place.break_something()
    met = place.stopped("scale", workload="web", replicas="2")
    assert "Step 4 of 4" in met.message
    assert "nginx:no-such-tag" in met.message
    assert "Nothing that the run changed stands." in met.hint
    assert place.get("deployments", "web")["spec"]["replicas"] == 1
    assert [change["action"] for change in place.changes()] == ["undo", "scale"]


def test_troubleshooting_goes_on_after_what_it_finds_and_says_at_the_end(place: Place) -> None:
    assert place.run("troubleshoot-pods", workload="web").failed == []
    place.break_something()
    met = place.stopped("troubleshoot-pods", workload="beside")
    assert "Step 6 of 6 (Say whether it works)" in met.message
    assert [event.number for event in place.of(StepBegun)] == [1, 2, 3, 4, 5, 6]
    assert len(place.of(ToolReturned)) == 6


def test_a_secret_is_rotated_and_shown_nowhere(place: Place, home: Path) -> None:
    secret = "hunter22-after-and-longer"
    before = place.get("deployments", "web")["metadata"]["generation"]
    place.run("rotate-secret", secret="db", key="PASSWORD", workload="web", value=secret)
    assert not [event for event in place.of(Notice) if "shipmate undo" in event.text]
    encoded = base64.b64encode(secret.encode()).decode()
    assert place.get("secrets", "db")["data"]["PASSWORD"] == encoded
    assert place.get("deployments", "web")["metadata"]["generation"] > before
    told = repr(place.events) + "".join(path.read_bytes().decode("latin-1") for path in home.glob("journal.db*"))
    assert secret not in told
    assert encoded not in told


def test_a_secret_of_another_key_is_left_alone(place: Place) -> None:
    met = place.stopped("rotate-secret", secret="db", key="PASSWROD", workload="web")
    assert "Step 1 of 5" in met.message
    assert "PASSWROD" in met.message
    assert place.changes() == []


def test_a_value_that_is_not_given_is_made_up_anew(place: Place) -> None:
    seen = set()
    for _ in range(2):
        place.run("rotate-secret", secret="db", key="PASSWORD", workload="web")
        seen.add(place.get("secrets", "db")["data"]["PASSWORD"])
    assert all(len(base64.b64decode(value)) >= 43 for value in seen)
    assert len(seen) == 2


def test_what_was_deleted_is_restored_and_nothing_changed_is_nothing_to_restore(place: Place) -> None:
    assert "changes is []" in place.stopped("restore").message
    place.box.call("delete_resource", {"target": "deployment/web"})
    with pytest.raises(NotFound):
        place.get("deployments", "web")
    place.run("restore")
    assert place.get("deployments", "web")["spec"]["replicas"] == 1


def test_a_workload_is_rolled_back_where_there_is_a_revision_before(place: Place) -> None:
    met = place.stopped("roll-back", workload="web")
    assert "length(revisions) is 1, and should be at least 2" in met.message
    place.box.call("configure_workload", {"target": "web", "env": {"MODE": "fast"}})
    place.run("roll-back", workload="web")
    (container,) = place.get("deployments", "web")["spec"]["template"]["spec"]["containers"]
    assert "env" not in container


def test_the_stack_is_deployed_and_what_is_wrong_beside_it_ends_the_run(sandbox: SandboxInfo, home: Path) -> None:
    box = Toolbox(Target(kubeconfig=str(sandbox.kubeconfig), namespace="todo-app"), journal=home / "journal.db")
    place = Place(box, "todo-app")
    box.approver = place.decide
    try:
        place.run("deploy")
        assert "ready is true (equal to true)" in [event.text for event in place.of(Checked)]
        pod = {"runAsNonRoot": True, "runAsUser": 101, "seccompProfile": {"type": "RuntimeDefault"}}
        body = deployment("beside", "nginx:no-such-tag")
        spec = body["spec"]["template"]["spec"]
        spec["securityContext"] = pod
        spec["containers"][0]["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        place.make("deployments", body)
        until(lambda: box.call("diagnose", {}).data["findings"])
        assert "Step 3 of 3" in place.stopped("deploy").message
    finally:
        box.connection.write("DELETE", "/apis/apps/v1/namespaces/todo-app/deployments/beside", {})
        box.close()


def test_a_dry_run_plans_every_change_and_makes_none(place: Place) -> None:
    place.decision = Decision.DEFERRED
    place.run("scale", workload="web", replicas="5")
    assert place.get("deployments", "web")["spec"]["replicas"] == 1
    assert place.changes() == []


def test_nobody_to_ask_ends_it_with_the_way_to_go_on(place: Place) -> None:
    place.box.approver = nobody
    with pytest.raises(ApprovalNeeded) as met:
        place.run("scale", workload="web", replicas="2")
    assert "Step 3 of 4" in met.value.message
    assert f"run scale -n {place.namespace} --set workload=web --set replicas=2 --from 3" in met.value.hint


def test_it_begins_with_the_step_that_is_named(place: Place) -> None:
    place.run("scale", 3, workload="web", replicas="2")
    assert [event.name for event in place.of(ToolCalled)] == ["scale", "diagnose"]
    with pytest.raises(UsageError, match="no step 9"):
        place.run("scale", 9, workload="web", replicas="2")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"workload": "web"}, "needs replicas"),
        ({"workload": "web", "replicas": "many"}, "whole number"),
        ({"workload": "web", "replicas": "1001"}, "at most 1000"),
        ({"workload": "web", "replicas": "2", "colour": "red"}, "no 'colour'"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_done(given: dict[str, str], says: str, home: Path) -> None:
    with pytest.raises(UsageError) as met:
        RunbookRun(Toolbox(Target(sandbox=True)), Ask(library().get("scale"), given))
    assert says in str(met.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("describe_resource", "describe"), "one.md:9: there is no tool 'describe'"),
        (("target:", "taget:"), "one.md:9: describe_resource takes no argument 'taget'"),
        (('"{{ workload }}"', "{{ workload }}"), "this is no YAML"),
        (("{{ workload }}", "{{ wrkload }}"), "wrkload, which is no parameter"),
        (("{{ workload }}", "{{ workload | eval }}"), "no filter 'eval'"),
        (("operator: equals", "operator: like"), "expect.0.operator"),
        (("object.kind", "object..kind"), "no path into an answer"),
        (("1. Look", "2. Look"), "numbered 2"),
        (("1. Look", "Look"), "has no step"),
        (("# One\n", "# One\n\n```yaml\ntool: diagnose\n```\n"), "one.md:9: this block of YAML is in no numbered step"),
        (("name: one", "name: two"), "calls itself 'two'"),
        (("---\n#", "#"), "does not begin with front matter"),
    ],
)
def test_a_mistake_in_a_runbook_is_named_with_its_place(change: tuple[str, str], says: str) -> None:
    assert parse(STEP, Path("one.md")).steps[0].title == "Look"
    with pytest.raises(RunbookProblem, match=says):
        parse(STEP.replace(*change), Path("one.md"))


def test_values_stay_values(place: Place) -> None:
    runbook = parse(STEP, Path("one.md"))
    with pytest.raises(RunbookFailed, match="Step 1"):
        RunbookRun(place.box, Ask(runbook, {"workload": "{{ workload }}; rm -rf /"})).respond("", place.events.append)
    (called,) = place.of(ToolCalled)
    assert called.arguments == {"target": "{{ workload }}; rm -rf /"}


def test_the_users_own_stands_before_a_shipped_one_and_a_broken_one_hides_nothing(home: Path) -> None:
    own = home / "config" / "shipmate" / "runbooks"
    own.mkdir(parents=True)
    shipped = shipped_dir()
    assert shipped
    text = (shipped / "scale.md").read_text(encoding="utf-8")
    (own / "scale.md").write_text(text.replace("description: More or fewer", "description: Ours, more or fewer"))
    (own / "broken.md").write_text("nothing")
    found = library()
    assert found.get("scale").description.startswith("Ours")
    assert set(found.runbooks) == SHIPPED
    with pytest.raises(ShipmateError, match=r"broken\.md"):
        found.get("broken")
    with pytest.raises(NotFound) as met:
        found.get("scael")
    assert met.value.candidates == ("scale",)
    assert read(own / "scale.md").name == "scale"
