"""From the words for an object to exactly one object, or to the candidates."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import Kind, built_in, find_kind
from mcp_tools.cluster.table import list_table
from mcp_tools.errors import Ambiguous, Forbidden, NotFound, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

WORKLOADS = ("deployments", "statefulsets", "daemonsets")
SCALABLE = ("deployments", "statefulsets")
DESCRIBABLE = (*WORKLOADS, "pods", "services", "ingresses", "jobs", "cronjobs", "configmaps", "secrets")


@dataclass(frozen=True, slots=True)
class Found:
    """One object and where it was found."""

    kind: Kind
    namespace: str | None
    name: str
    object: dict[str, Any]

    def __str__(self) -> str:
        """`deployment/backend in namespace todo-app`."""
        return _label(self.kind, self.name, self.namespace)


def find_object(connection: Connection, target: str, namespace: str | None, kinds: tuple[str, ...]) -> Found:
    """The one object that the words name.

    Args:
        target: `kind/name`, or a bare name that is looked up among `kinds`.
        namespace: Where to look; None for the connection's namespace.
        kinds: Plural names, looked through in this order when no kind is given.

    Raises:
        NotFound: Nothing has that name there; carries the nearest names, here and in other namespaces.
        Ambiguous: Several kinds have an object of that name; carries all of them.
        UsageError: The words are no name at all.
    """
    word, slash, name = target.strip().partition("/")
    if not slash:
        word, name = "", word
    if not name or "/" in name or any(character.isspace() for character in name):
        raise UsageError(f"{target!r} names no object.", "Use a name such as backend, or kind/name.")
    where = namespace or connection.namespace
    if word:
        kind = find_kind(connection, word)
        found = _get(connection, kind, where, name)
        if found is None:
            raise _absent(connection, name, where, (kind,))
        return found
    candidates = tuple(built_in(plural) for plural in kinds)
    hits: list[Found] = []
    refused: dict[Kind, Forbidden] = {}
    for kind in candidates:
        try:
            hit = _get(connection, kind, where, name)
        except Forbidden as refusal:
            refused[kind] = refusal
        else:
            hits += [hit] if hit else []
    if len(refused) == len(candidates):
        raise refused[candidates[0]]
    if not hits:
        error = _absent(connection, name, where, tuple(kind for kind in candidates if kind not in refused))
        if refused:
            unseen = ", ".join(kind.plural for kind in refused)
            error.hint = f"{error.hint} You may not look at {unseen}, so it may be one of those."
        raise error
    # A Deployment shadows the Service of its name: work is done on workloads, and `svc/name` is there to say otherwise.
    workloads = [hit for hit in hits if hit.kind.plural in WORKLOADS]
    if len(workloads) > 1 or (not workloads and len(hits) > 1):
        names = tuple(str(hit) for hit in workloads or hits)
        raise Ambiguous(f"{name!r} fits several objects: {', '.join(names)}.", "Say which, as kind/name.", names)
    return (workloads or hits)[0]


def find_pod(connection: Connection, target: str, namespace: str | None) -> Found:
    """The pod that the words name, or one that runs of the workload that they name; errors as `find_object`.

    Raises:
        NotFound: No pod of the workload runs.
    """
    from mcp_tools.cluster.pods import is_ready, list_pods, selector_of

    found = find_object(connection, target, namespace, (*WORKLOADS, "pods"))
    if found.kind.plural == "pods":
        return found
    selector = selector_of(found.object)
    pods = list_pods(connection, found.namespace or "", selector) if selector else []
    running = [pod for pod in pods if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp]
    if not running:
        raise NotFound(f"No pod of {found} runs.", "describe shows why.")
    best = next((pod for pod in running if is_ready(pod)), running[0])
    kind = built_in("pods")
    path = kind.path(found.namespace, best.metadata.name)
    return Found(kind, found.namespace, best.metadata.name, connection.get_object(path))


def _get(connection: Connection, kind: Kind, namespace: str, name: str) -> Found | None:
    where = namespace if kind.namespaced else None
    try:
        return Found(kind, where, name, connection.get_object(kind.path(where, name)))
    except NotFound:
        return None


def _absent(connection: Connection, name: str, namespace: str, kinds: tuple[Kind, ...]) -> NotFound:
    here: dict[str, Kind] = {}
    elsewhere: list[str] = []
    for kind in kinds:
        try:
            table = list_table(connection, kind, namespace if kind.namespaced else None)
        except Forbidden:
            # Who may get an object and not list them gets no suggestions.
            continue
        column = table.column("Name")
        for row in table.rows:
            here.setdefault(str(row[column or 0]), kind)
        elsewhere += _other_namespaces(connection, kind, name)
    near = difflib.get_close_matches(name, here, n=3, cutoff=0.6)
    candidates = tuple([_label(here[other], other, namespace) for other in near] + elsewhere)
    what = kinds[0].name if len(kinds) == 1 else "workload" if kinds[0].plural in WORKLOADS else "object"
    scope = f" in namespace {namespace}" if any(kind.namespaced for kind in kinds) else ""
    hint = f"Did you mean {' or '.join(candidates)}?" if candidates else _there_are(here, namespace)
    return NotFound(f"There is no {what.lower()} {name!r}{scope}.", hint, candidates)


def _other_namespaces(connection: Connection, kind: Kind, name: str) -> list[str]:
    if not kind.namespaced:
        return []
    try:
        table = list_table(connection, kind, None, field_selector=f"metadata.name={name}")
    except Forbidden:
        # A user who may only see one namespace gets suggestions from that one.
        return []
    return [_label(kind, name, str(row[0])) for row in table.rows[:3]]


def _there_are(here: dict[str, Kind], namespace: str) -> str:
    if not here:
        return f"Namespace {namespace} holds nothing of that sort; `-n` names another."
    shown = sorted(here)[:8]
    return f"There: {', '.join(shown)}{', …' if len(here) > len(shown) else ''}."


def _label(kind: Kind, name: str, namespace: str | None) -> str:
    return f"{kind.name.lower()}/{name}" + (f" in namespace {namespace}" if namespace else "")
