"""The tool for the todo stack as a whole."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mcp_tools.errors import NotAllowed, UsageError
from mcp_tools.stack.settings import NAMESPACE, Environment
from mcp_tools.tools.base import Hands, Tool, ToolInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.changes.carrying import Change
    from mcp_tools.reads.answer import Answer
    from mcp_tools.stack.compose import Deployment as ByCompose
    from mcp_tools.stack.deploying import Deployment


class StackInput(ToolInput):
    """What to do with the stack."""

    action: Literal["deploy", "upgrade", "rollback", "status", "open", "destroy"]
    how: Literal["manifests", "helm", "compose"] | None = None
    minikube: Annotated[bool, Field(default=False, description="On minikube, started if need be")]
    environment: Environment | None = None
    version: Annotated[
        str | None,
        Field(default=None, max_length=128, pattern=r"^[\w][\w.-]*$", description="Image tag; upgrade: default built"),
    ]
    namespace: Annotated[str, Field(default=NAMESPACE, min_length=1, max_length=63)]
    url: Annotated[
        str | None,
        Field(default=None, max_length=300, pattern=r"^https?://[^\s/]+$", description="Where browsers reach it"),
    ]


def _stack(hands: Hands, given: StackInput) -> Answer:
    from mcp_tools.changes.report import report
    from mcp_tools.stack import standing

    if given.how == "compose":
        return _compose(hands, given)
    if given.minikube:
        return _minikube(hands, given)
    if given.action == "status":
        return standing.status(hands.connection, given.namespace)
    if given.action == "open":
        return standing.reach(hands.connection, given.namespace, hands.forwards)
    if given.action == "rollback":
        return report(_back(hands, given.namespace))
    if given.action == "destroy":
        wanted = standing.destroy(hands.connection, given.namespace)
        return report(hands.engine.run(wanted, hands.approver, hands.reporter))
    return _deploy(hands, given)


def _compose(hands: Hands, given: StackInput) -> Answer:
    from mcp_tools.changes.report import report
    from mcp_tools.stack import compose

    _require_own_machine(hands)
    if given.minikube or given.environment not in {None, "dev"} or given.namespace != NAMESPACE:
        raise UsageError(
            "With Docker Compose the todo stack runs on this machine, for development: it knows no namespaces.",
            "Name neither minikube nor a namespace nor another environment.",
        )
    if given.action in {"status", "open"}:
        return compose.status()
    if given.action == "destroy":
        return report(hands.outside.run(compose.destroy(), hands.approver, hands.reporter))
    if given.action == "rollback":
        planned = compose.roll_back(hands.journal)
    else:
        planned = compose.deploy(version=given.version, rebuild=given.action == "upgrade", url=given.url)
    change = hands.outside.run(planned.work, hands.approver, hands.reporter)
    return _with_address(report(change), change, planned, lambda: "`status of the todo stack with compose` tells more")


def _minikube(hands: Hands, given: StackInput) -> Answer:
    from mcp_tools.changes.model import Outcome
    from mcp_tools.changes.report import report
    from mcp_tools.stack import minikube

    _require_own_machine(hands)
    found = minikube.look()
    deploys = given.action in {"deploy", "upgrade"}
    if not deploys:
        minikube.require_running(found)
    work = minikube.start(found) if deploys else None
    if work:
        change = hands.outside.run(work, hands.approver, hands.reporter)
        if change.outcome is not Outcome.VERIFIED:
            answer = report(change)
            later = " Ask for the deployment again after that." if change.outcome is Outcome.PLANNED else ""
            return dataclasses.replace(answer, summary=answer.summary + later)
    there = hands.at(found.profile, minikube.settings_there(hands.stack))
    answer = _stack(there, given.model_copy(update={"minikube": False}))
    if not answer.data.get("url"):
        return answer
    ways = minikube.reach(found, given.namespace, answer.data["url"])
    return dataclasses.replace(answer, summary=f"{answer.summary} {ways}")


def _require_own_machine(hands: Hands) -> None:
    if not hands.local_files:
        raise UsageError(
            "Programs of this machine are run for its own user only.", "Deploy on a cluster that runs instead."
        )


def _back(hands: Hands, namespace: str) -> Change:
    from mcp_tools.stack import standing

    connection, engine = hands.connection, hands.engine
    seen_through = functools.partial(standing.seen_through, connection, namespace)
    last = standing.last_upgrade(hands.journal, connection.context, engine.cluster, namespace)
    by_helm = standing.revision_before(connection, namespace, last)
    if by_helm:
        return engine.run(seen_through(by_helm), hands.approver, hands.reporter)
    number = standing.require_one_before(last, namespace)
    return engine.undo(number, hands.approver, hands.reporter, but_secrets=True, seen_through=seen_through)


def _deploy(hands: Hands, given: StackInput) -> Answer:
    from mcp_tools.changes.report import report
    from mcp_tools.stack.deploying import Ask, deploy
    from mcp_tools.stack.standing import instead

    rebuild = given.action == "upgrade" and given.version is None
    if rebuild and not hands.local_files:
        raise NotAllowed(
            "Over HTTP nothing is built, and no .env file of the server's disk is read.",
            "Name a version whose images the nodes have or can pull.",
        )
    how = None if given.how == "compose" else given.how
    ask = Ask(given.namespace, given.environment, given.version, rebuild, given.url, how, hands.local_files)
    planned = deploy(hands.connection, ask, hands.stack)
    change = hands.engine.run(planned.request, hands.approver, hands.reporter)
    return _with_address(
        report(change), change, planned, lambda: instead(hands.connection, given.namespace, planned.url)
    )


def _with_address(
    answer: Answer, change: Change, planned: Deployment | ByCompose, otherwise: Callable[[], str]
) -> Answer:
    from mcp_tools.changes.model import Outcome
    from mcp_tools.stack.standing import answers_at

    data: dict[str, Any] = {**answer.data, "checks": [dataclasses.asdict(check) for check in planned.checks]}
    if change.outcome not in {Outcome.VERIFIED, Outcome.UNCHANGED}:
        return dataclasses.replace(answer, data=data)
    there = answers_at(planned.url)
    where = f" {planned.url} " + ("answers." if there else f"does not answer from this machine: {otherwise()}.")
    return dataclasses.replace(answer, summary=answer.summary + where, data={**data, "url": planned.url})


TOOLS = (
    Tool(
        "todo_stack",
        "Todo stack",
        "Deploy the todo application as a whole, upgrade it to what its sources make, go back, see how it is, take it "
        "down. Checks first, one plan, builds and loads images, tried as a user would, rolled back on failure.",
        StackInput,
        _stack,
        destructive=True,
        looking=frozenset({"status", "open"}),
    ),
)
