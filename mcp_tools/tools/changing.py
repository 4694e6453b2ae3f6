"""Tools that change something, each through the one transaction, and those that look at what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mcp_tools.errors import NotFound, ShipmateError, UsageError
from mcp_tools.tools.base import Hands, Tool, ToolInput
from mcp_tools.tools.reading import Namespace, TargetInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.changes.journal import Entry
    from mcp_tools.changes.operations import Request, Wanted
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.reads.answer import Answer

SEVERAL = "change_several"


class ScaleInput(TargetInput):
    """What to scale to how many, or between which numbers."""

    replicas: Annotated[int | None, Field(default=None, ge=0, le=10_000, strict=True, description="Absolute number")]
    min: Annotated[int | None, Field(default=None, ge=1, le=10_000, strict=True, description="With max: by an HPA")]
    max: Annotated[int | None, Field(default=None, ge=1, le=10_000, strict=True)]
    cpu_percent: Annotated[int, Field(default=80, ge=1, le=1000, description="Of the CPU request, on average")]


class ConfigureInput(TargetInput):
    """What a container is given."""

    container: Annotated[str | None, Field(default=None, description="Needed when there are several")]
    image: Annotated[str | None, Field(default=None, min_length=1, max_length=512, description="repository:tag")]
    env: Annotated[dict[str, str | None], Field(default={}, description="null removes")]
    requests: Annotated[dict[str, str], Field(default={}, description="cpu: 250m, memory: 512Mi")]
    limits: Annotated[dict[str, str], Field(default={})]
    connect_to: Annotated[str | None, Field(default=None, description="Service whose address goes into the env")]
    measured: Annotated[bool, Field(default=False, description="Resources as measured")]


class RolloutInput(TargetInput):
    """What to do with a rollout."""

    action: Annotated[
        Literal["restart", "undo", "pause", "resume", "serve"],
        Field(description="serve: lead a Service's traffic to it"),
    ]
    revision: Annotated[int | None, Field(default=None, ge=1, description="For undo; default: the one before")]
    service: Annotated[str | None, Field(default=None, max_length=253, description="For serve")]
    percent: Annotated[
        int, Field(default=100, ge=0, le=100, strict=True, description="For serve; below 100 a canary, by replicas")
    ]


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


class CreateInput(ToolInput):
    """What is to be made."""

    kind: Annotated[str, Field(min_length=1, max_length=63, description="Of the usual kinds; others by apply_manifest")]
    name: Annotated[str, Field(min_length=1, max_length=253)]
    namespace: Namespace
    image: Annotated[str | None, Field(default=None, max_length=512)]
    replicas: Annotated[int | None, Field(default=None, ge=0, le=10_000, strict=True)]
    port: Annotated[int | None, Field(default=None, ge=1, le=65_535, strict=True)]
    target_port: Annotated[int | None, Field(default=None, ge=1, le=65_535, strict=True)]
    command: Annotated[tuple[str, ...], Field(default=(), max_length=100)]
    env: Annotated[dict[str, str], Field(default={})]
    data: Annotated[dict[str, str], Field(default={}, description="ConfigMap, Secret (plain), quota")]
    target: Annotated[
        str | None,
        Field(
            default=None, description="Workload of a Service, policy or PDB; Service of an Ingress; Role of a binding"
        ),
    ]
    host: str | None = None
    path: str | None = None
    schedule: str | None = None
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] | None = None
    size: Annotated[str | None, Field(default=None, description="Of a PVC")]
    rules: Annotated[tuple[str, ...], Field(default=(), description="Of a Role: get,list pods,services")]
    subjects: Annotated[
        tuple[str, ...],
        Field(default=(), description="Of a binding: serviceaccount/NAME; of a policy: workloads let in"),
    ]


class NodeInput(ToolInput):
    """Which node, and what to do with it."""

    node: Annotated[str, Field(min_length=1, max_length=253)]
    action: Literal["cordon", "uncordon", "drain"]


class StepInput(ToolInput):
    """One of several changes."""

    tool: Annotated[str, Field(description="A tool that changes something")]
    arguments: dict[str, Any]


class SeveralInput(ToolInput):
    """Changes that belong together."""

    steps: Annotated[list[StepInput], Field(min_length=1, max_length=20)]


class PlanInput(ToolInput):
    """A plan that was shown."""

    plan_id: Annotated[str, Field(min_length=1, max_length=64)]


class UndoInput(ToolInput):
    """A change that stands."""

    change_id: Annotated[int | None, Field(default=None, ge=1, description="Default: the last one")]


class HistoryInput(ToolInput):
    """How far to look back."""

    limit: Annotated[int, Field(default=20, ge=1, le=200)]


def _scale(connection: Connection, given: ScaleInput) -> Wanted | Request:
    from mcp_tools.changes.autoscaling import autoscale
    from mcp_tools.changes.operations import scale
    from mcp_tools.cluster.resolve import SCALABLE, find_object

    found = find_object(connection, given.target, given.namespace, SCALABLE)
    match given.replicas, given.min, given.max:
        case int(replicas), None, None:
            return scale(found, replicas)
        case None, int(low), int(high):
            return autoscale(connection, found, low, high, given.cpu_percent)
    raise UsageError(
        "It takes a number of replicas, or the smallest and the largest.", "Give replicas, or min and max."
    )


def _configure(connection: Connection, given: ConfigureInput) -> Wanted | Request:
    from mcp_tools.changes.configuring import configure
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    if given.measured:
        raise UsageError("What was measured is set by itself, not as a step of a plan.", "Ask for it alone.")
    found = find_object(connection, given.target, given.namespace, WORKLOADS)
    env = given.env
    if given.connect_to:
        from mcp_tools.changes.connecting import address_of

        env = {**address_of(connection, found, given.connect_to), **env}
    return configure(found, given.container, image=given.image, env=env, requests=given.requests, limits=given.limits)


def _configured(hands: Hands, given: ConfigureInput) -> Answer:
    if not given.measured:
        return _run(hands, _configure(hands.connection, given))
    from mcp_tools.sizing.changing import measured_change

    if given.image or given.env or given.requests or given.limits or given.connect_to:
        raise UsageError("What was measured goes with nothing else to set.", "Leave out one or the other.")
    request = measured_change(
        hands.connection,
        hands.usage,
        hands.measuring,
        given.target,
        given.namespace,
        container=given.container,
        reporter=hands.reporter,
    )
    return _run(hands, request)


def _rollout(connection: Connection, given: RolloutInput) -> Wanted | Request:
    from mcp_tools.changes.operations import restart
    from mcp_tools.changes.revising import pause, resume, roll_back
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    try:
        found = find_object(connection, given.target, given.namespace, WORKLOADS)
    except NotFound as error:
        if given.action == "undo" and _is_release(connection, given.target, given.namespace):
            command = f"helm rollback {given.target} {given.revision or ''}".strip()
            error.hint = f"It is a Helm release: `{command}`."
        raise
    if given.action == "undo":
        return roll_back(connection, found, given.revision)
    if given.action == "serve":
        from mcp_tools.changes.traffic import shift

        if not given.service:
            raise UsageError("Which Service is to lead to it?", "Give service.")
        return shift(connection, given.service, found, given.percent)
    return {"restart": restart, "pause": pause, "resume": resume}[given.action](found)


def _is_release(connection: Connection, target: str, namespace: str | None) -> bool:
    from mcp_tools.helm.releases import latest

    try:
        return latest(connection, target, namespace) is not None
    except ShipmateError:
        # No name of a release, or nothing that may be looked at: then it is none as far as can be told.
        return False


def _patch(connection: Connection, given: PatchInput) -> Wanted | Request:
    from mcp_tools.changes.patching import patch
    from mcp_tools.cluster.resolve import DESCRIBABLE, find_object

    found = find_object(connection, given.target, given.namespace, DESCRIBABLE)
    return patch(found, given.fields, given.labels, given.annotations)


def _delete(connection: Connection, given: TargetInput) -> Wanted | Request:
    from mcp_tools.changes.deleting import delete
    from mcp_tools.cluster.resolve import DESCRIBABLE, find_object

    found = find_object(connection, given.target, given.namespace, DESCRIBABLE)
    return delete(connection, found)


def _manifest(connection: Connection, given: ManifestInput) -> Wanted | Request:
    from mcp_tools.changes.applying import apply_manifest

    return apply_manifest(connection, given.manifest, given.namespace)


def _create(connection: Connection, given: CreateInput) -> Wanted:
    from mcp_tools.changes.creating import Creation, create

    return create(connection, Creation(**given.model_dump()))


def _node(connection: Connection, given: NodeInput) -> Wanted | Request:
    from mcp_tools.changes.patching import cordon
    from mcp_tools.cluster.resolve import find_object

    found = find_object(connection, f"nodes/{given.node}", None, ())
    if given.action == "drain":
        from mcp_tools.changes.draining import drain

        return drain(connection, found)
    return cordon(found, schedulable=given.action == "uncordon")


def _several(connection: Connection, given: SeveralInput) -> Request:
    from mcp_tools.changes.composing import compose

    return compose(connection, [_operation(step) for step in given.steps])


def _operation(step: StepInput) -> Callable[[Connection], Wanted | Request]:
    tool = next((tool for tool in TOOLS if tool.name == step.tool and tool.plan), None)
    if tool is None or tool.plan is None or tool.name == SEVERAL:
        able = ", ".join(tool.name for tool in TOOLS if tool.plan and tool.name != SEVERAL)
        raise UsageError(f"{step.tool!r} cannot be a step of a plan.", f"These can: {able}.")
    plan, given = tool.plan, tool.checked(step.arguments)
    return lambda connection: plan(connection, given)


def _apply(hands: Hands, given: PlanInput) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.holder(given.plan_id).apply(given.plan_id, hands.approver, hands.reporter))


def _undo(hands: Hands, given: UndoInput) -> Answer:
    from mcp_tools.changes.report import report

    if entry := _of_docker(hands, given.change_id):
        from mcp_tools.docker.undoing import put_back

        hands.journal.undoable(entry.id, entry.plan.context)
        return report(hands.outside.run(put_back(entry), hands.approver, hands.reporter))
    return report(hands.engine.undo(given.change_id, hands.approver, hands.reporter))


def _of_docker(hands: Hands, number: int | None) -> Entry | None:
    """The change that is meant, where it is one of the Docker engine; None is the last one of cluster and engine."""
    if number is not None:
        entry = hands.journal.get(number)
        return entry if entry and entry.is_outside and entry.plan.reversible else None
    if not hands.local_files:
        return None
    from mcp_tools.docker.undoing import newest

    if not (entry := newest(hands.journal)):
        return None
    try:
        last = hands.journal.last_reversible(hands.connection.context, hands.engine.cluster)
    except ShipmateError:
        # No cluster that could be looked at: then there is only the one.
        return entry
    return None if last and last.id > entry.id else entry


def _history(hands: Hands, given: HistoryInput) -> Answer:
    from mcp_tools.changes.report import history

    return history(hands.journal, given.limit)


def _run(hands: Hands, wanted: Wanted | Request) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.engine.run(wanted, hands.approver, hands.reporter))


def _change(
    name: str,
    title: str,
    description: str,
    model: type[ToolInput],
    plan: Callable[[Connection, Any], Wanted | Request],
    *,
    idempotent: bool = False,
    handler: Callable[[Hands, Any], Answer] | None = None,
) -> Tool:
    def handle(hands: Hands, given: Any) -> Answer:
        return _run(hands, plan(hands.connection, given))

    return Tool(name, title, description, model, handler or handle, destructive=True, idempotent=idempotent, plan=plan)


TOOLS = (
    _change(
        "scale",
        "Scale",
        "Set a workload's number of replicas, or let a HorizontalPodAutoscaler choose it.",
        ScaleInput,
        _scale,
        idempotent=True,
    ),
    _change(
        "configure_workload",
        "Configure",
        "Set a container's image, environment, requests and limits.",
        ConfigureInput,
        _configure,
        idempotent=True,
        handler=_configured,
    ),
    _change(
        "rollout",
        "Rollout",
        "Restart a workload, go back to an earlier revision, pause or resume, or switch traffic (blue/green, canary).",
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
    _change(
        "create_resource",
        "Create",
        "Make a Deployment, Service, Ingress, ConfigMap, Secret, Job, Role, NetworkPolicy, quota… from few words.",
        CreateInput,
        _create,
    ),
    _change("delete_resource", "Delete", "Delete an object with what it owns.", TargetInput, _delete, idempotent=True),
    _change(
        "node_maintenance",
        "Node",
        "Keep new pods off a node, let them on again, or evict its pods.",
        NodeInput,
        _node,
        idempotent=True,
    ),
    _change(
        SEVERAL,
        "Several changes",
        "Several changes as one plan, one approval: each step waits for the one before and may "
        "build on what it makes; all are taken back if one fails.",
        SeveralInput,
        _several,
    ),
    Tool(
        "undo_change",
        "Undo",
        "Put back what a change replaced, unless somebody changed it since.",
        UndoInput,
        _undo,
        destructive=True,
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
