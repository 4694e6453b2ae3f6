"""What a release's manifest in the place of another changes on the cluster, object by object, as Helm writes it."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.applying import documents_of, kinds_defined, want
from mcp_tools.changes.diff import Edit, added, compare, edited
from mcp_tools.changes.model import ABSENT, Verb
from mcp_tools.changes.operations import Wanted
from mcp_tools.cluster.connection import APPLY_PATCH
from mcp_tools.errors import Conflict, UnknownKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found
    from mcp_tools.helm.releases import Hook

MANAGER = "helm"
MAX_OBJECTS = 500
MAX_MANIFEST = 8_000_000
KEEP = "helm.sh/resource-policy"
_CONFLICTS = re.compile(r'conflict with "([^"]*)"')


@dataclass(frozen=True, slots=True)
class Compared:
    """What happens to the objects of a release.

    Attributes:
        parts: One an object, in the order of the manifest, then those that go; an object that stays as it is, too.
        force: Fields that others manage have to be taken over.
    """

    parts: tuple[Wanted, ...]
    force: bool = False

    @property
    def touched(self) -> int:
        """The number of objects to which anything happens."""
        return sum(part.verb is Verb.DELETE or part.changes != () for part in self.parts)


def compared(connection: Connection, release: str, namespace: str, old: str, new: str) -> Compared:
    """From the manifest that a release has to the one that it gets.

    Args:
        old: Empty where there is no release yet.
        new: Empty where the release goes.

    Raises:
        ShipmateError: An object cannot be read, or the server refuses it.
    """
    after = [_marked(document, release, namespace) for document in documents(new)]
    before = {_key(document, namespace): document for document in documents(old)}
    coming = kinds_defined(after)
    parts: list[Wanted] = []
    force = False
    for document in after:
        wanted = want(connection, document, namespace, coming)
        earlier = before.pop(_key(document, namespace), None)
        if wanted.found.object:
            wanted, taken = _updated(connection, wanted, earlier)
            force = force or taken
        parts.append(dataclasses.replace(wanted, in_release=True))
    parts += _removed(connection, before.values(), namespace)
    return Compared(tuple(parts), force)


def hooked(connection: Connection, hooks: Iterable[Hook], moments: Sequence[str], namespace: str) -> tuple[Wanted, ...]:
    """The objects that Helm makes on the way at these moments (`pre-upgrade`), as made anew: that is how it does it."""
    parts = []
    for hook in hooks:
        if not set(hook.events or ()) & set(moments):
            continue
        for document in documents(hook.manifest):
            wanted = want(connection, document, namespace)
            parts.append(
                dataclasses.replace(
                    wanted,
                    title=f"Run the hook {wanted.found}",
                    found=dataclasses.replace(wanted.found, object={}),
                    changes=added(document),
                    body=None,
                    in_release=True,
                )
            )
    return tuple(parts)


def documents(manifest: str) -> list[dict[str, Any]]:
    """The objects of a release's manifest; a `UsageError` where it cannot be read."""
    if not any(line.strip() and not line.startswith(("#", "---")) for line in manifest.splitlines()):
        return []
    return documents_of(manifest, most=MAX_OBJECTS, size=MAX_MANIFEST)


def _marked(document: dict[str, Any], release: str, namespace: str) -> dict[str, Any]:
    """With what Helm adds to every object of a release (pkg/action/validate.go)."""
    metadata = document["metadata"]
    labels = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    names = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    annotations = {**(metadata.get("annotations") or {}), **names}
    return {**document, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def _key(document: dict[str, Any], namespace: str) -> tuple[str, ...]:
    group = document["apiVersion"].rpartition("/")[0]
    metadata = document["metadata"]
    return group, document["kind"], metadata.get("namespace") or namespace, metadata["name"]


def _updated(connection: Connection, wanted: Wanted, earlier: dict[str, Any] | None) -> tuple[Wanted, bool]:
    live = wanted.found.object
    notes: tuple[str, ...] = ()
    taken = False
    try:
        after = _dry_run(connection, wanted.found, wanted.body or {}, force=False)
    except Conflict as conflict:
        after = _dry_run(connection, wanted.found, wanted.body or {}, force=True)
        others = sorted(set(_CONFLICTS.findall(conflict.message)) - {MANAGER})
        taken = bool(others)
        if others:
            notes = (f"{wanted.found}: fields that {', '.join(others)} manages are taken over: {conflict.message}",)
    if earlier is not None and not _applied(live):
        # Helm 3 merges on its own side: what a chart gave before and does not any more goes.
        gone = [change.path for change in compare(_bare(earlier), _bare(wanted.body or {})) if change.new is ABSENT]
        after = _without(after, gone)
    return dataclasses.replace(wanted, changes=compare(live, after), body=None, notes=notes), taken


def _dry_run(connection: Connection, found: Found, body: dict[str, Any], *, force: bool) -> dict[str, Any]:
    query = [("fieldManager", MANAGER), ("force", str(force).lower()), ("dryRun", "All")]
    path = found.kind.path(found.namespace, found.name)
    return connection.write("PATCH", path, body, content_type=APPLY_PATCH, query=query, repeatable=True)


def _applied(live: dict[str, Any]) -> bool:
    fields = live["metadata"].get("managedFields") or []
    return any((entry.get("manager"), entry.get("operation")) == (MANAGER, "Apply") for entry in fields)


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    metadata = document["metadata"]
    own = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    marks = ("app.kubernetes.io/managed-by", "meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
    bare = {name: {key: value for key, value in marked.items() if key not in marks} for name, marked in own.items()}
    return {**document, "metadata": bare}


def _without(document: dict[str, Any], paths: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    for path in paths:
        try:
            document = edited(document, (Edit(path, ABSENT),))
        except KeyError:
            # The list element it stood in is gone already.
            continue
    return document


def _removed(connection: Connection, left: Iterable[dict[str, Any]], namespace: str) -> list[Wanted]:
    parts = []
    for document in left:
        try:
            found = want(connection, document, namespace).found
        except UnknownKind:
            # Its definition is gone, and it with it.
            continue
        if found.object and not _keeps(found.object):
            title = f"Delete {found}, which the chart has no more"
            parts.append(Wanted("delete", title, found, verb=Verb.DELETE, changes=(), in_release=True))
    return parts


def _keeps(live: dict[str, Any]) -> bool:
    return ((live.get("metadata") or {}).get("annotations") or {}).get(KEEP) == "keep"
