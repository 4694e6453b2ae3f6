"""Tools that change something, each through the one transaction, and those that look at what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mcp_tools.tools.base import Hands, Tool, ToolInput
from mcp_tools.tools.reading import Namespace, TargetInput

if TYPE_CHECKING:
    from mcp_tools.changes.operations import Request, Wanted
    from mcp_tools.reads.answer import Answer

PLAN_FIRST = "Dry-runs, shows the diff for approval, applies, watches, rolls back on failure."


class ScaleInput(TargetInput):
    """What to scale to how many."""

    replicas: Annotated[int, Field(ge=0, le=10_000, strict=True, description="Absolute number")]


class AutoscaleInput(TargetInput):
    """Between which numbers of replicas."""

    min: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    max: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    cpu_percent: Annotated[int, Field(default=80, ge=1, le=1000, description="Of the CPU request, on average")]


class ImageInput(TargetInput):
    """Which container gets which image."""

    image: Annotated[str, Field(min_length=1, max_length=512, description="repository:tag")]
    container: Annotated[str | None, Field(default=None, description="Needed when there are several")]


class ConfigureInput(TargetInput):
    """What a container is given."""

    container: Annotated[str | None, Field(default=None, description="Needed when there are several")]
    env: Annotated[dict[str, str | None], Field(default={}, description="null removes")]
    requests: Annotated[dict[str, str], Field(default={}, description="cpu: 250m, memory: 512Mi")]
    limits: Annotated[dict[str, str], Field(default={})]


class RolloutInput(TargetInput):
    """What to do with a rollout."""

    action: Literal["undo", "pause", "resume"]
    revision: Annotated[int | None, Field(default=None, ge=1, description="For undo; default: the one before")]


class PatchInput(TargetInput):
    """Which fields to set."""

    fields: Annotated[
        dict[str, Any], Field(default={}, description="spec.template.spec.containers[app].tty: value; null removes")
    ]
    labels: Annotated[dict[str, str | None], Field(default={})]
    annotations: Annotated[dict[str, str | None], Field(default={})]


class ManifestInput(ToolInput):
    """What is to be there."""

    manifest: Annotated[str, Field(min_length=1, max_length=1_000_000, description="YAML, one or more documents")]
    namespace: Namespace


class NodeInput(ToolInput):
    """Which node, and what to do with it."""

    node: Annotated[str, Field(min_length=1, max_length=253)]
    action: Literal["cordon", "uncordon", "drain"]


class ExecInput(TargetInput):
    """What to run, and where."""

    command: Annotated[list[str], Field(min_length=1, max_length=100, description='Its words: ["ls","-l"]; no shell')]
    container: Annotated[str | None, Field(default=None, description="Needed when there are several")]


class PlanInput(ToolInput):
    """A plan that was shown."""

    plan_id: Annotated[str, Field(min_length=1, max_length=64)]


class UndoInput(ToolInput):
    """A change that stands."""

    change_id: Annotated[int | None, Field(default=None, ge=1, description="Default: the last one")]


class HistoryInput(ToolInput):
    """How far to look back."""

    limit: Annotated[int, Field(default=20, ge=1, le=200)]


def _scale(hands: Hands, given: ScaleInput) -> Answer:
    from mcp_tools.changes.operations import scale
    from mcp_tools.cluster.resolve import SCALABLE, find_object

    return _run(hands, scale(find_object(hands.connection, given.target, given.namespace, SCALABLE), given.replicas))


def _restart(hands: Hands, given: TargetInput) -> Answer:
    from mcp_tools.changes.operations import restart
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    return _run(hands, restart(find_object(hands.connection, given.target, given.namespace, WORKLOADS)))


def _set_image(hands: Hands, given: ImageInput) -> Answer:
    from mcp_tools.changes.operations import set_image
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    found = find_object(hands.connection, given.target, given.namespace, WORKLOADS)
    return _run(hands, set_image(found, given.image, given.container))


def _configure(hands: Hands, given: ConfigureInput) -> Answer:
    from mcp_tools.changes.configuring import configure
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    found = find_object(hands.connection, given.target, given.namespace, WORKLOADS)
    return _run(hands, configure(found, given.container, env=given.env, requests=given.requests, limits=given.limits))


def _rollout(hands: Hands, given: RolloutInput) -> Answer:
    from mcp_tools.changes.revising import pause, resume, roll_back
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    found = find_object(hands.connection, given.target, given.namespace, WORKLOADS)
    if given.action == "undo":
        return _run(hands, roll_back(hands.connection, found, given.revision))
    return _run(hands, pause(found) if given.action == "pause" else resume(found))


def _patch(hands: Hands, given: PatchInput) -> Answer:
    from mcp_tools.changes.patching import patch
    from mcp_tools.cluster.resolve import DESCRIBABLE, find_object

    found = find_object(hands.connection, given.target, given.namespace, DESCRIBABLE)
    return _run(hands, patch(found, given.fields, given.labels, given.annotations))


def _delete(hands: Hands, given: TargetInput) -> Answer:
    from mcp_tools.changes.deleting import delete
    from mcp_tools.cluster.resolve import DESCRIBABLE, find_object

    found = find_object(hands.connection, given.target, given.namespace, DESCRIBABLE)
    return _run(hands, delete(hands.connection, found))


def _manifest(hands: Hands, given: ManifestInput) -> Answer:
    from mcp_tools.changes.applying import apply_manifest

    return _run(hands, apply_manifest(hands.connection, given.manifest, given.namespace))


def _node(hands: Hands, given: NodeInput) -> Answer:
    from mcp_tools.changes.patching import cordon
    from mcp_tools.cluster.resolve import find_object

    found = find_object(hands.connection, f"nodes/{given.node}", None, ())
    if given.action == "drain":
        from mcp_tools.changes.draining import drain

        return _run(hands, drain(hands.connection, found))
    return _run(hands, cordon(found, schedulable=given.action == "uncordon"))


def _autoscale(hands: Hands, given: AutoscaleInput) -> Answer:
    from mcp_tools.changes.autoscaling import autoscale
    from mcp_tools.cluster.resolve import SCALABLE, find_object

    found = find_object(hands.connection, given.target, given.namespace, SCALABLE)
    return _run(hands, autoscale(hands.connection, found, given.min, given.max, given.cpu_percent))


def _exec(hands: Hands, given: ExecInput) -> Answer:
    from mcp_tools.changes.executing import only_looks, run_in_pod
    from mcp_tools.cluster.resolve import find_pod
    from mcp_tools.reads.commands import look

    found = find_pod(hands.connection, given.target, given.namespace)
    wanted = run_in_pod(found, given.command, given.container)
    if only_looks(given.command):
        return look(hands.connection, found, wanted.arguments["container"], given.command)
    return _run(hands, wanted)


def _apply(hands: Hands, given: PlanInput) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.engine.apply(given.plan_id, hands.approver, hands.reporter))


def _undo(hands: Hands, given: UndoInput) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.engine.undo(given.change_id, hands.approver, hands.reporter))


def _history(hands: Hands, given: HistoryInput) -> Answer:
    from mcp_tools.changes.report import history

    return history(hands.journal, given.limit)


def _run(hands: Hands, wanted: Wanted | Request) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.engine.run(wanted, hands.approver, hands.reporter))


def _change(name: str, title: str, description: str, model: type[ToolInput], handler: Any, **hints: bool) -> Tool:
    return Tool(name, title, f"{description} {PLAN_FIRST}", model, handler, destructive=True, **hints)


TOOLS = (
    _change("scale", "Scale", "Set a workload's number of replicas.", ScaleInput, _scale, idempotent=True),
    _change(
        "autoscale",
        "Autoscale",
        "Let a HorizontalPodAutoscaler choose a workload's replicas.",
        AutoscaleInput,
        _autoscale,
        idempotent=True,
    ),
    _change("restart", "Restart", "Replace a workload's pods, a few at a time.", TargetInput, _restart),
    _change("set_image", "Set image", "Give a container another image.", ImageInput, _set_image, idempotent=True),
    _change(
        "configure_workload",
        "Configure",
        "Set a container's environment, requests and limits.",
        ConfigureInput,
        _configure,
        idempotent=True,
    ),
    _change(
        "rollout",
        "Rollout",
        "Go back to an earlier revision of a workload, or pause or resume its rollout.",
        RolloutInput,
        _rollout,
    ),
    _change(
        "patch_resource",
        "Patch",
        "Set fields, labels or annotations of any object (a Service's type or selector, a PVC's size).",
        PatchInput,
        _patch,
        idempotent=True,
    ),
    _change(
        "apply_manifest",
        "Apply manifest",
        "Create or update objects from YAML: all or none (server-side apply).",
        ManifestInput,
        _manifest,
        idempotent=True,
    ),
    _change("delete_resource", "Delete", "Delete an object with what it owns.", TargetInput, _delete, idempotent=True),
    Tool(
        "exec_in_pod",
        "Run a command",
        "Run a command in a pod, or in one pod of a workload. Those that only look run at once, others need approval.",
        ExecInput,
        _exec,
        destructive=True,
    ),
    _change(
        "node_maintenance",
        "Node",
        "Keep new pods off a node, let them on again, or evict its pods.",
        NodeInput,
        _node,
        idempotent=True,
    ),
    _change(
        "undo_change", "Undo", "Put back what a change replaced, unless somebody changed it since.", UndoInput, _undo
    ),
    Tool(
        "apply_plan",
        "Apply a plan",
        "Carry out a plan that a change tool returned with status planned, after the user agreed to its diff.",
        PlanInput,
        _apply,
        destructive=True,
    ),
    Tool(
        "list_changes",
        "History",
        "What was changed through Shipmate: when, where, the diff, how it ended, what undoes it.",
        HistoryInput,
        _history,
        read_only=True,
        idempotent=True,
    ),
)
