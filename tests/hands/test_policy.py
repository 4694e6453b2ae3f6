"""What a user's policy forbids is forbidden below every tool; what it approves is only what can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mcp_tools.changes.model import Decision
from mcp_tools.changes.policy import Policy
from mcp_tools.errors import NotAllowed

if TYPE_CHECKING:
    from hands_helpers import Kube, Person

    from mcp_tools.toolbox import Toolbox


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
    box.call("restart", {"target": "web"})
    strict = make_box(policy=Policy(auto_approve=[rule], never_auto_approve=["shipmate-*"]))
    strict.call("scale", {"target": "web", "replicas": 3})
    assert [plan.preapproved for plan in person.plans] == [True, False, False]
