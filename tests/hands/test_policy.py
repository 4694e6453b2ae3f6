"""What a user's policy forbids is forbidden below every tool; what it approves is only what can be undone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import done, there
from mcp import Client, StdioServerParameters

from mcp_tools.changes.model import Decision
from mcp_tools.changes.policy import Policy
from mcp_tools.errors import NotAllowed, ShipmateError, UsageError

if TYPE_CHECKING:
    from hands_helpers import Kube, Person

    from mcp_tools.sandbox.lifecycle import SandboxInfo
    from mcp_tools.toolbox import Toolbox


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Policy(read_only=True), "read-only"),
        (Policy(contexts=["kind-*"]), "context"),
        (Policy(namespaces=["other-*"]), "may be changed"),
        (Policy(protected_namespaces=["*"]), "is protected"),
        (Policy(protected_labels={"keep": ""}), "bears the label keep"),
    ],
    ids=["read-only", "contexts", "namespaces", "protected namespaces", "protected labels"],
)
def test_a_policy_forbids_below_every_tool(
    make_box: Callable[..., Toolbox], kube: Kube, web: str, person: Person, policy: Policy, says: str
) -> None:
    kube.merge(web, {"metadata": {"labels": {"keep": "yes"}}})
    plan = make_box().call("describe_resource", {"target": "web"})
    assert plan
    box = make_box(policy=policy)
    for tool, arguments in (
        ("scale", {"target": "web", "replicas": 3}),
        ("delete_resource", {"target": "deployment/web"}),
        ("patch_resource", {"target": "web", "labels": {"keep": None}}),
    ):
        with pytest.raises(NotAllowed, match=says):
            box.call(tool, arguments)
    assert not person.plans
    assert kube.get(web)["spec"]["replicas"] == 2


def test_a_plan_from_before_the_policy_is_forbidden_too(
    make_box: Callable[..., Toolbox], kube: Kube, web: str, person: Person
) -> None:
    person.decision = Decision.DEFERRED
    plan_id = make_box().call("scale", {"target": "web", "replicas": 3}).data["plan_id"]
    person.decision = Decision.APPROVED
    with pytest.raises(NotAllowed):
        make_box(policy=Policy(read_only=True)).call("apply_plan", {"plan_id": plan_id})
    assert kube.get(web)["spec"]["replicas"] == 2


def test_only_what_can_be_undone_is_approved_beforehand_and_never_in_production(
    make_box: Callable[..., Toolbox], web: str, person: Person
) -> None:
    rule = {"contexts": ["*"], "actions": ["*"]}
    person.decision = Decision.DECLINED
    box = make_box(policy=Policy(auto_approve=[rule]))
    box.call("scale", {"target": "web", "replicas": 3})
    box.call("rollout", {"target": "web", "action": "restart"})
    strict = make_box(policy=Policy(auto_approve=[rule], never_auto_approve=["shipmate-*"]))
    strict.call("scale", {"target": "web", "replicas": 3})
    assert [plan.preapproved for plan in person.plans] == [True, False, False]


CONFIG = "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: {}}}, data: {{a: '1'}}}}"
ROLE = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: t-reader}, rules: []}"


def configs(space: str) -> str:
    return f"/api/v1/namespaces/{space}/configmaps/c"


def refused(box: Toolbox, tool: str, **arguments: Any) -> str:
    with pytest.raises(ShipmateError) as caught:
        box.call(tool, arguments)
    assert isinstance(caught.value, (NotAllowed, UsageError)), caught.value
    return str(caught.value)


def test_an_allow_list_of_namespaces_has_no_way_around(
    make_box: Callable[..., Toolbox], kube: Kube, space: str, web: str, person: Person
) -> None:
    box = make_box(policy=Policy(namespaces=[space]))
    node = kube.get("/api/v1/nodes")["items"][0]["metadata"]["name"]
    elsewhere = CONFIG.format("default")
    nameless = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}"
    for tool, arguments in (
        ("apply_manifest", {"manifest": elsewhere}),
        ("apply_manifest", {"manifest": f"{CONFIG.format(space)}\n---\n{elsewhere}"}),
        (
            "apply_manifest",
            {"manifest": nameless, "namespace": "default"},
        ),
        ("apply_manifest", {"manifest": ROLE}),
        ("apply_manifest", {"manifest": "{apiVersion: v1, kind: Namespace, metadata: {name: t-new}}"}),
        ("scale", {"target": "backend", "namespace": "todo-app", "replicas": 0}),
        ("scale", {"target": "backend", "namespace": f"{space}/../todo-app", "replicas": 0}),
        ("delete_resource", {"target": "namespace/todo-app"}),
        ("delete_resource", {"target": "deployment/backend", "namespace": f"{space}/../todo-app"}),
        ("delete_resource", {"target": "deployment/backend", "namespace": f"{space}%2F..%2Ftodo-app"}),
        ("node_maintenance", {"node": node, "action": "cordon"}),
        (
            "change_several",
            {
                "steps": [
                    {"tool": "scale", "arguments": {"target": "web", "replicas": 3}},
                    {"tool": "scale", "arguments": {"target": "backend", "namespace": "todo-app", "replicas": 0}},
                ]
            },
        ),
    ):
        said = refused(box, tool, **arguments)
        assert "Nothing may be changed in" in said or "is no name of" in said, said
    assert not person.plans
    assert kube.get(web)["spec"]["replicas"] == 2
    assert not there(kube, configs(space))
    assert not there(kube, configs("default"))
    done(box, "scale", target="web", replicas=1)


def test_undo_and_an_old_plan_are_bound_by_todays_policy(
    make_box: Callable[..., Toolbox], kube: Kube, web: str, person: Person
) -> None:
    box = make_box()
    done(box, "scale", target="web", replicas=3)
    person.decision = Decision.DEFERRED
    plan_id = box.call("scale", {"target": "web", "replicas": 1}).data["plan_id"]
    person.decision = Decision.APPROVED
    strict = make_box(policy=Policy(protected_namespaces=["T-*"]))
    assert "is protected" in refused(strict, "undo_change")
    assert "is protected" in refused(strict, "apply_plan", plan_id=plan_id)
    # The label came after the plan, between the question and the answer.
    person.before = lambda _: kube.merge(web, {"metadata": {"labels": {"shipmate/protected": "true"}}}) and None
    assert "bears the label" in refused(box, "apply_plan", plan_id=plan_id)
    person.before = None
    assert "bears the label" in refused(box, "undo_change")
    assert "bears the label" in refused(box, "patch_resource", target="web", labels={"shipmate/protected": None})
    assert kube.get(web)["spec"]["replicas"] == 3


def test_a_protected_label_protects_what_is_in_the_namespace_and_the_namespace_around_it(
    make_box: Callable[..., Toolbox], kube: Kube, space: str, web: str, person: Person
) -> None:
    mark = {"metadata": {"labels": {"shipmate/protected": "true"}}}
    off = {"metadata": {"labels": {"shipmate/protected": None}}}
    box = make_box()
    kube.merge(f"/api/v1/namespaces/{space}", mark)
    assert f"Namespace {space} bears the label" in refused(box, "scale", target="web", replicas=3)
    assert "bears the label" in refused(box, "apply_manifest", manifest=CONFIG.format(space))
    kube.merge(f"/api/v1/namespaces/{space}", off)
    kube.merge(web, mark)
    assert "deployments" in refused(box, "delete_resource", target=f"namespace/{space}")
    assert not person.plans
    kube.merge(web, off)
    done(box, "scale", target="web", replicas=3)


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        ({}, False),
        ({"never_auto_approve": ["SHIPMATE-*"]}, True),
        ({"never_auto_approve": ["*://127.0.0.1:*"]}, True),
        ({"auto_approve": [{"contexts": ["*"], "actions": ["restart"]}]}, True),
        ({"auto_approve": [{"contexts": ["dev-*"], "actions": ["*"]}]}, True),
        ({"auto_approve": [{"contexts": ["*"], "actions": ["*"], "namespaces": ["dev-*"]}]}, True),
    ],
    ids=["approved", "another case", "the address", "another action", "another context", "another namespace"],
)
def test_only_what_a_rule_says_is_approved_without_a_question(
    make_box: Callable[..., Toolbox], web: str, person: Person, policy: dict[str, Any], asked: bool
) -> None:
    rule = {"contexts": ["*"], "actions": ["*"]}
    person.decision = Decision.DECLINED
    make_box(policy=Policy(**{"auto_approve": [rule], **policy})).call("scale", {"target": "web", "replicas": 3})
    assert person.plans[-1].preapproved is not asked


def test_what_belongs_to_the_cluster_as_a_whole_is_always_asked_for(
    make_box: Callable[..., Toolbox], person: Person
) -> None:
    person.decision = Decision.DECLINED
    box = make_box(policy=Policy(auto_approve=[{"contexts": ["*"], "actions": ["*"]}]))
    box.call("apply_manifest", {"manifest": ROLE})
    assert not person.plans[-1].preapproved


@pytest.fixture
def command(sandbox: SandboxInfo, space: str, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """The program and the environment of a user whose policy file protects the namespace."""
    place = tmp_path / "config" / "shipmate"
    place.mkdir(parents=True)
    (place / "config.toml").write_text(f'[policy]\nprotected_namespaces = ["{space}"]\n')
    places = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    words = [sys.executable, "-P", "-m", "assistant.cli", "--kubeconfig", str(sandbox.kubeconfig), "-n", space]
    return words, {**os.environ, **places, "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.mark.parametrize(("option", "says"), [("--yes", "is protected"), ("--read-only", "read-only")])
def test_a_typed_sentence_is_bound_by_the_policy_file(
    command: tuple[list[str], dict[str, str]], kube: Kube, web: str, option: str, says: str
) -> None:
    words, env = command
    sentence = ["ask", "scale web to 3", "--model", "offline", option]
    asked = subprocess.run([*words, *sentence], env=env, capture_output=True, text=True, check=False)
    assert asked.returncode == 1, asked
    assert says in asked.stderr + asked.stdout, asked
    assert kube.get(web)["spec"]["replicas"] == 2


@pytest.mark.anyio
async def test_a_client_of_mcp_is_bound_by_the_policy_file(
    command: tuple[list[str], dict[str, str]], kube: Kube, web: str
) -> None:
    words, env = command
    async with Client(StdioServerParameters(command=words[0], args=[*words[1:], "mcp"], env=env)) as client:
        result = await client.call_tool("scale", {"target": "web", "replicas": 3})
    assert result.is_error
    assert "is protected" in str(result.content)
    assert kube.get(web)["spec"]["replicas"] == 2
