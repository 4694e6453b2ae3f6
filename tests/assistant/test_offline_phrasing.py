"""What a report offers to type is read by the planner as the very change that was meant."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.offline.model import ToolCall
from assistant.offline.phrasing import phrase
from assistant.offline.planner import plan

PLACE = {"target": "deployment/backend", "namespace": "todo-app"}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("scale", {**PLACE, "replicas": 2}),
    *(("rollout", {**PLACE, "action": action}) for action in ("undo", "restart", "resume")),
    ("delete_resource", {"target": "ingress/shop-two", "namespace": "todo-app"}),
    ("node_maintenance", {"node": "sandbox-1", "action": "uncordon"}),
    ("configure_workload", {**PLACE, "container": "backend", "limits": {"memory": "768Mi", "cpu": "1"}}),
    ("configure_workload", {**PLACE, "container": "backend", "requests": {"cpu": "100m"}}),
    ("patch_resource", {"target": "service/backend", "namespace": "todo-app", "fields": {"spec.type": "NodePort"}}),
    ("patch_resource", {**PLACE, "fields": {"spec.template.spec.securityContext.fsGroup": 10001}}),
    ("patch_resource", {**PLACE, "fields": {"spec.template.spec.nodeSelector": None}}),
]


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
def test_the_sentence_asks_for_the_same_call(tool: str, arguments: dict[str, Any]) -> None:
    step = plan(phrase(ToolCall(tool, arguments)))
    assert isinstance(step, ToolCall), step
    assert step.name == tool
    kind, _, name = str(arguments.get("target", "")).partition("/")
    read = dict(step.arguments)
    plural, _, called = str(read.pop("target", "")).partition("/")
    assert (plural.startswith(kind[:-1]), called) == (True, name)
    assert read == {key: value for key, value in arguments.items() if key != "target"}


def test_what_no_sentence_says_whole_is_not_offered() -> None:
    assert not phrase(ToolCall("patch_resource", {**PLACE, "fields": {"spec.ports[0].port": 80}}))
    assert not phrase(ToolCall("patch_resource", {**PLACE, "fields": {"spec.selector": {"app": "web"}}}))
    assert not phrase(ToolCall("apply_manifest", {"manifest": "kind: Pod"}))
