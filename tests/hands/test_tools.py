"""The tools as a model meets them: few, short, strict about their arguments, and bounded in what they say."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, Person, deployment, deployments
from helm_helpers import stored

from mcp_tools.changes.model import Decision
from mcp_tools.changes.policy import Policy
from mcp_tools.cluster.target import Target
from mcp_tools.errors import UsageError
from mcp_tools.toolbox import Toolbox
from mcp_tools.tools.registry import BY_NAME, TOOLS

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo

MANIFEST = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}, "data": {"a": "1"}})
READS: dict[str, dict[str, Any]] = {
    "cluster_overview": {},
    "list_resources": {"kind": "po"},
    "describe_resource": {"target": "backend"},
    "get_logs": {"target": "backend"},
    "check_access": {"verb": "get", "resource": "pods"},
    "diff_manifest": {"manifest": MANIFEST},
    "diagnose": {},
    "list_changes": {},
    "helm_releases": {},
}
CHANGES: dict[str, dict[str, Any]] = {
    "scale": {"target": "backend", "replicas": 3},
    "configure_workload": {"target": "backend", "env": {"COLOUR": "blue"}},
    "rollout": {"target": "backend", "action": "pause"},
    "patch_resource": {"target": "backend", "labels": {"team": "todo"}},
    "apply_manifest": {"manifest": MANIFEST},
    "create_resource": {"kind": "deployment", "name": "new", "image": "nginx:1.27"},
    "delete_resource": {"target": "backend"},
    "node_maintenance": {"node": "sandbox-1", "action": "cordon"},
    "change_several": {
        "steps": [
            {"tool": "configure_workload", "arguments": {"target": "backend", "env": {"COLOUR": "blue"}}},
            {"tool": "scale", "arguments": {"target": "backend", "replicas": 3}},
            {"tool": "apply_manifest", "arguments": {"manifest": MANIFEST}},
        ]
    },
    "connect_pod": {"action": "exec", "target": "backend", "command": ["rm", "/tmp/cache"]},
    "todo_stack": {"action": "destroy"},
    "change_release": {"action": "uninstall", "release": "shop", "namespace": "kept-release"},
}
DOCKER: dict[str, dict[str, Any]] = {
    "inspect_docker": {"action": "containers"},
    "change_docker": {"action": "stop", "target": "web"},
}
"""Tried where there is an engine: in `test_docker_real.py`."""
ON_A_CHANGE = {"apply_plan": {"plan_id": "0" * 8}, "undo_change": {}}


def tokens(value: Any) -> float:
    """An upper estimate: the usual vocabularies take 3 to 4 bytes of such JSON a token, and need the network here."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) / 3


@pytest.fixture
def box(sandbox: SandboxInfo, tmp_path: Path) -> Iterator[Toolbox]:
    target = Target(kubeconfig=str(sandbox.kubeconfig))
    box = Toolbox(target, approver=Person(Decision.DEFERRED).approve, journal=tmp_path / "journal.db")
    yield box
    box.close()


@pytest.fixture(scope="module", autouse=True)
def kept_release(kube: Kube) -> Iterator[None]:
    kube.make("/api/v1/namespaces", {"metadata": {"name": "kept-release"}})
    kube.make("/api/v1/namespaces/kept-release/secrets", stored("shop"))
    yield
    kube.delete("/api/v1/namespaces/kept-release")


def test_the_definitions_are_few_and_cheap() -> None:
    # Tokenizers count 4.4 bytes a token in these (benchmarks/), which are prose for the most part.
    definitions = [
        {"name": tool.name, "description": tool.description, "parameters": tool.input_schema()} for tool in TOOLS
    ]
    assert len(TOOLS) <= 25
    assert tokens(definitions) * 3 / 4 <= 4_000
    assert len(BY_NAME) == len(TOOLS)
    for tool in TOOLS:
        assert re.fullmatch(r"[a-z][a-z_]{2,40}", tool.name)
        assert tool.input_schema()["additionalProperties"] is False
        assert tool.read_only is not tool.destructive


def test_read_only_mode_offers_what_can_look() -> None:
    offered = {tool.name for tool in Toolbox(Target(), policy=Policy(read_only=True)).tools}
    assert {*READS, "inspect_docker", "connect_pod", "todo_stack"} == offered


def test_every_tool_is_tried_below() -> None:
    assert set(BY_NAME) == {*READS, *CHANGES, *DOCKER, *ON_A_CHANGE}
    assert {tool.name for tool in TOOLS if tool.read_only} == {*READS, "inspect_docker"}


@pytest.mark.parametrize("name", BY_NAME)
def test_an_argument_that_is_unknown_or_missing_or_of_another_type_is_refused(box: Toolbox, name: str) -> None:
    given = {**READS, **CHANGES, **DOCKER, **ON_A_CHANGE}[name]
    with pytest.raises(UsageError, match=f"{name}.*namespce"):
        box.call(name, {**given, "namespce": "x"})
    for required in BY_NAME[name].input_schema().get("required", []):
        with pytest.raises(UsageError, match=required):
            box.call(name, {key: value for key, value in given.items() if key != required})
        with pytest.raises(UsageError, match=required):
            box.call(name, {**given, required: {"no": "such"}})
    with pytest.raises(UsageError, match=f"no tool '{name}s'"):
        box.call(f"{name}s", given)


@pytest.mark.parametrize("name", READS)
def test_a_read_answers_with_a_sentence_and_bounded_plain_data(box: Toolbox, name: str) -> None:
    result = box.call(name, READS[name])
    assert result.summary.endswith(".")
    assert result.data["summary"] == result.summary
    assert tokens(result.data) <= (10_000 if name == "get_logs" else 4_000)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_only_planned_says_what_it_would_do_and_does_nothing(
    box: Toolbox, kube: Kube, name: str
) -> None:
    version = kube.get(deployments("todo-app", "backend"))["metadata"]["resourceVersion"]
    result = box.call(name, CHANGES[name])
    assert result.data["status"] == "planned"
    assert result.data["diff"] or "rm /tmp/cache" in result.data["title"]
    assert result.data["context"] == "shipmate-sandbox"
    assert result.data["plan_id"] in result.summary
    assert kube.get(deployments("todo-app", "backend"))["metadata"]["resourceVersion"] == version


@pytest.fixture(scope="module")
def crowd(kube: Kube, sandbox: SandboxInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    """A namespace with a hundred pods, three of which cannot pull their image."""
    space = f"crowd-{uuid.uuid4().hex[:6]}"
    kube.make("/api/v1/namespaces", {"metadata": {"name": space}})
    target = Target(kubeconfig=str(sandbox.kubeconfig), namespace=space)
    journal = tmp_path_factory.mktemp("crowd") / "journal.db"
    box = Toolbox(target, approver=Person().approve, journal=journal)
    script = "while true; do echo " + "word " * 300 + "; sleep 1; done"
    container = {"command": ["sh", "-c", script], "image": "busybox:latest"}
    kube.make(deployments(space), deployment("a-service-with-a-rather-long-name", replicas=1, container=container))
    kube.make(deployments(space), deployment("zz-broken", replicas=3, container={"image": "nginx:absent"}))
    result = box.call("scale", {"target": "a-service-with-a-rather-long-name", "replicas": 100})
    assert result.data["status"] == "verified"
    assert tokens(result.data) <= 3_000
    assert result.data["more_pods"] == 70
    yield box
    box.close()
    kube.delete(f"/api/v1/namespaces/{space}")


def test_a_list_of_many_pods_is_counted_bounded_and_shows_what_is_wrong_first(crowd: Toolbox) -> None:
    page = crowd.call("list_resources", {"kind": "pods"})
    assert page.data["total"] == 103
    assert page.data["counts"]["Running"] == 100
    status = page.data["columns"].index("Status")
    assert {row[status] for row in page.data["rows"][:3]} <= {"ImagePullBackOff", "ErrImagePull"}
    assert tokens(page.data) <= 3_000
    rest = crowd.call("list_resources", {"kind": "pods", "continue_token": page.data["continue_token"]})
    names = [row[0] for row in (*page.data["rows"], *rest.data["rows"])]
    assert len(set(names)) == len(names) == 103
    assert rest.data["continue_token"] is None
    with pytest.raises(UsageError, match="continue token"):
        crowd.call("list_resources", {"kind": "pods", "continue_token": "made up"})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("cluster_overview", {}),
        ("cluster_overview", {"show": "health"}),
        ("describe_resource", {"target": "a-service-with-a-rather-long-name"}),
        ("describe_resource", {"target": "a-service-with-a-rather-long-name", "rollout": True}),
        ("list_resources", {"kind": "events"}),
        ("list_resources", {"kind": "pods", "usage": True}),
        ("list_resources", {"contains": "service"}),
    ],
)
def test_no_answer_about_many_pods_is_long(crowd: Toolbox, name: str, given: dict[str, Any]) -> None:
    result = crowd.call(name, given)
    assert tokens(result.data) <= 4_000
    if name == "describe_resource" and "rollout" not in given:
        assert "100 of 100 pods ready" in result.summary
    if name == "cluster_overview":
        assert ("nginx:absent" if given else "zz-broken") in result.summary


def test_logs_are_bounded_by_lines_and_by_what_they_take_together(crowd: Toolbox) -> None:
    few = crowd.call("get_logs", {"target": "a-service-with-a-rather-long-name", "tail_lines": 3})
    assert len(few.data["lines"]) == 3
    assert few.data["truncated"]
    assert sum(int(told.partition("x ")[0]) for told in few.data["digest"]) > 3
    many = crowd.call("get_logs", {"target": "a-service-with-a-rather-long-name", "tail_lines": 500})
    assert 3 < len(many.data["lines"]) < 500
    assert tokens(many.data) <= 10_000
    assert many.data["truncated"]
    assert all(len(line) <= 1_100 and "word" in line for line in many.data["lines"])
    assert len(many.data["pods"]) == 10


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("connect_pod", {"action": "exec", "target": "backend"}, "needs command"),
        ("connect_pod", {"action": "exec", "target": "backend", "command": ["ls"], "port": 80}, "no port"),
        ("connect_pod", {"action": "copy_in", "target": "backend", "path": "/x"}, "needs local_path"),
        ("connect_pod", {"action": "copy_in", "target": "backend", "path": "/x", "overwrite": True}, "no overwrite"),
        ("connect_pod", {"action": "list_forwards", "target": "backend"}, "nothing else"),
        ("connect_pod", {"action": "forward", "target": "backend", "path": "/x"}, "no path"),
    ],
)
def test_an_argument_that_goes_with_another_action_is_refused(
    box: Toolbox, name: str, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        box.call(name, given)


def test_a_kind_that_is_not_served_is_named_with_its_neighbours(box: Toolbox) -> None:
    with pytest.raises(UsageError, match="deployments"):
        box.call("list_resources", {"kind": "deploymens"})


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "services", "usage": True},
        {"kind": "pods", "usage": True, "label_selector": "app=backend"},
        {"kind": "pods", "about": "backend"},
        {"about": "backend", "sort_by": "age"},
        {"contains": "todo", "about": "backend"},
    ],
)
def test_a_list_refuses_what_it_would_have_to_leave_out(box: Toolbox, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        box.call("list_resources", given)


def test_the_secrets_of_the_stack_are_in_no_answer(box: Toolbox, kube: Kube) -> None:
    (secret,) = kube.get("/api/v1/namespaces/todo-app/secrets")["items"]
    told = [box.call("describe_resource", {"target": f"secret/{secret['metadata']['name']}"}).data]
    told.append(box.call("list_resources", {"contains": "secret"}).data)
    told.append(box.call("list_resources", {"kind": "secrets"}).data)
    words = json.dumps(told)
    for value in secret["data"].values():
        assert value not in words
    assert set(secret["data"]) <= set(re.findall(r"\w+", words))
