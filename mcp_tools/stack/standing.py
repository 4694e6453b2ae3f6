"""The stack that stands: how it is, where it is reached, going back to what was before, and taking it down."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_tools.changes.deleting import delete
from mcp_tools.changes.model import Outcome, Phase, Progress, Verb
from mcp_tools.cluster.resolve import find_object
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.reads.answer import Answer, listed
from mcp_tools.stack.by_helm import RELEASE
from mcp_tools.stack.deploying import ACTION, cause_in
from mcp_tools.stack.images import PROGRAMS
from mcp_tools.stack.looking import is_helms, is_simulated
from mcp_tools.stack.preflight import PART_OF, items
from mcp_tools.stack.smoke import TRYING, through_pod

if TYPE_CHECKING:
    import threading

    from mcp_tools.changes.journal import Entry, Journal
    from mcp_tools.changes.model import Reporter
    from mcp_tools.changes.operations import Request, Wanted
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.forwarding import Forwards
    from mcp_tools.stack.objects import Object

ANSWER_SECONDS = 3.0
HTTP = 80
DEPLOY = "`deploy the todo stack` makes it."
FAR_BACK = 200


def status(connection: Connection, namespace: str) -> Answer:
    """How the stack of a namespace is.

    Returns:
        `namespace`, `url`, `answers` (from this machine), `parts` (name, image, ready, wanted), `ready`, `cause`.

    Raises:
        NotFound: It is not deployed there.
    """
    found = _workloads(connection, namespace)
    parts = [_part(document) for document in found]
    ready = all(part["ready"] >= part["wanted"] for part in parts)
    url = _url(connection, namespace)
    answers = answers_at(url)
    cause = "" if ready else cause_in(connection, namespace)
    slow = [f"{part['name']} {part['ready']} of {part['wanted']}" for part in parts if part["ready"] < part["wanted"]]
    state = "is ready" if ready else f"is not ready ({listed(slow)})"
    words = [f"The todo stack in namespace {namespace} {state}."]
    words += [f"{cause[:1].upper()}{cause[1:]}"] if cause else []
    words += [
        f"{url} answers."
        if answers
        else f"{url} does not answer from this machine: {instead(connection, namespace, url)}."
    ]
    data = {"namespace": namespace, "url": url, "answers": answers, "ready": ready, "cause": cause, "parts": parts}
    return Answer(" ".join(words), data)


def reach(connection: Connection, namespace: str, forwards: Forwards) -> Answer:
    """As `status`; where the address is a port of this machine and nothing answers there, it is forwarded.

    Returns:
        `forwards` besides, where a port was opened.

    Raises:
        UsageError: The port is taken here.
    """
    told = status(connection, namespace)
    url = urlsplit(told.data["url"])
    if told.data["answers"] or url.hostname != "localhost":
        return told
    opened = forwards.open(connection, "services/frontend", namespace, None, url.port or HTTP)
    summary = f"{told.data['url']} leads to pod {opened.pod} until it is closed or Shipmate ends."
    return Answer(summary, {**told.data, "answers": True, "forwards": [dataclasses.asdict(opened)]})


def answers_at(url: str) -> bool:
    """Whether something answers at an address from this machine, within 3 seconds."""
    import httpx

    try:
        return httpx.get(url, timeout=ANSWER_SECONDS, trust_env=False, follow_redirects=True).is_success
    except httpx.HTTPError:
        return False


def instead(connection: Connection, namespace: str, url: str) -> str:
    """What to do where nothing answers at the stack's address, in a clause."""
    if is_simulated(connection):
        return "the sandbox's addresses lead nowhere, `forward svc/frontend` does"
    host = url.partition("://")[2].partition(":")[0]
    balancer = balancer_of(connection, namespace)
    waits = (
        "; its Service frontend waits for a load balancer, which this cluster has not given" if balancer == "" else ""
    )
    if host == "localhost":
        return f"`open the todo stack` leads there{waits}"
    if not host.replace(".", "").isdigit():
        place = f"the load balancer's address, {balancer}" if balancer else "the ingress controller's address"
        return f"let {host} lead to {place}, as by a line in the hosts file{waits}"
    return (
        "the nodes may not be reachable from here; `deploy the todo stack at http://localhost:3000` and then "
        "`open the todo stack` is a way"
    )


def balancer_of(connection: Connection, namespace: str) -> str | None:
    """The address of the frontend's load balancer; empty while it has none, None where none is asked for."""
    service = connection.get_object(f"/api/v1/namespaces/{namespace}/services/frontend")
    if service["spec"].get("type") != "LoadBalancer":
        return None
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [{}]
    return str(given[0].get("ip") or given[0].get("hostname") or "")


def _url(connection: Connection, namespace: str) -> str:
    config = connection.get_object(f"/api/v1/namespaces/{namespace}/configmaps/backend-config")
    return str((config.get("data") or {}).get("BETTER_AUTH_URL", ""))


def _workloads(connection: Connection, namespace: str) -> list[Object]:
    query = f"labelSelector={PART_OF}%3Dtodo"
    found: list[Object] = []
    for plural in ("statefulsets", "deployments"):
        found += items(connection, f"/apis/apps/v1/namespaces/{namespace}/{plural}?{query}") or []
    if not any(document["metadata"]["name"] in PROGRAMS for document in found):
        raise NotFound(f"The todo stack is not deployed in namespace {namespace}.", DEPLOY)
    return found


def _part(document: Object) -> dict[str, Any]:
    spec, state = document["spec"], document.get("status") or {}
    return {
        "name": document["metadata"]["name"],
        "image": spec["template"]["spec"]["containers"][0]["image"],
        "ready": state.get("readyReplicas", 0),
        "wanted": spec.get("replicas", 1),
    }


def last_upgrade(journal: Journal, context: str, cluster: str, namespace: str) -> Entry | None:
    """The change that made the stack what it is, as far as the journal knows; None where it knows of none."""
    for entry in journal.latest(FAR_BACK, context=context):
        plan = entry.plan
        if plan.action != ACTION or plan.arguments.get("namespace") != namespace or entry.undone_by:
            continue
        if entry.is_of(cluster) and entry.status in {Outcome.VERIFIED.value, Outcome.INTERRUPTED.value}:
            return entry
    return None


def require_one_before(entry: Entry | None, namespace: str) -> int:
    """The number of the change that going back to the version before undoes.

    Raises:
        NotFound: There is none, or nothing was there before it.
    """
    if entry is None:
        known = f"No upgrade of the todo stack in namespace {namespace} is known here."
        raise NotFound(known, "`history` shows changes.")
    if entry.plan.arguments.get("first"):
        once = "The todo stack was deployed once: there is no version before it."
        raise NotFound(once, "`destroy the todo stack` takes it down.")
    return entry.id


def revision_before(connection: Connection, namespace: str, entry: Entry | None) -> Request | None:
    """The way back of a Helm release that is not, or no longer, as a change in the journal made it: Helm knows.

    Args:
        entry: The change; None where the journal knows of none.

    Returns:
        None where the stack is no release, or is as that change made it.

    Raises:
        UsageError: The release has no earlier revision.
    """
    from mcp_tools.helm import changing

    if not any(is_helms(document) for document in _workloads(connection, namespace)):
        return None
    made = [record.body or {} for record in entry.records if record.step.verb is Verb.RELEASE] if entry else []
    if made and changing.stands(connection, made[-1]):
        return None
    return changing.rollback(connection, RELEASE, namespace)


def seen_through(connection: Connection, namespace: str, request: Request) -> Request:
    """A request that moves the stack, with the trial at its end and the cause where that fails."""

    def verify(reporter: Reporter, stop: threading.Event) -> None:
        reporter(Progress(Phase.WATCHING, TRYING))
        through_pod(connection, namespace, _url(connection, namespace), stop, simulated=is_simulated(connection))

    return dataclasses.replace(request, verify=verify, explain=lambda: cause_in(connection, namespace))


def destroy(connection: Connection, namespace: str) -> Wanted:
    """Delete the stack with its namespace.

    Raises:
        NotFound: It is not there.
        UsageError: The namespace is not the stack's own.
    """
    found = find_object(connection, f"namespaces/{namespace}", None, ())
    if (found.object["metadata"].get("labels") or {}).get(PART_OF) != "todo":
        raise UsageError(
            f"Namespace {namespace} was not made for the todo stack: other things may be in it.",
            "Delete the parts by their names.",
        )
    wanted = delete(connection, found)
    claims = items(connection, f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")
    data = ("The tasks in the database inside the cluster are lost with it: export them first.",) if claims else ()
    title = f"Take down the todo stack: delete namespace {namespace}"
    return dataclasses.replace(wanted, title=title, notes=(*data, *wanted.notes))
