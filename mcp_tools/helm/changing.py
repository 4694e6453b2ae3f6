"""Installing, upgrading, rolling back and uninstalling a release, each as one request of the transaction.

A request begins with the release itself, which the user's `helm` writes; its objects follow, so that every one of them
is shown, asked of the policy, and watched.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import compare
from mcp_tools.changes.model import ABSENT, FieldChange, Verb
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.resolve import Found
from mcp_tools.errors import Conflict, Forbidden, NotFound, UsageError
from mcp_tools.helm import releases
from mcp_tools.helm.comparing import Compared, compared, hooked
from mcp_tools.helm.rendering import render, source
from mcp_tools.reads.answer import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcp_tools.changes.model import JsonValue
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.helm.releases import Release, Stored

LOOK = "Look at the release (helm_releases) and ask for what you want."


@dataclass(frozen=True, slots=True)
class _At:
    """A release and where it stands; `now` is None where there is none."""

    release: str
    namespace: str
    now: Release | None

    @property
    def place(self) -> dict[str, Any]:
        stored = self.now.stored if self.now else releases.Stored()
        where = {"release": self.release, "namespace": self.namespace}
        return {**where, "revision": stored.version, "state": stored.info.status}


def upgrade(
    connection: Connection,
    release: str,
    chart: Path | str,
    namespace: str,
    *,
    values: Sequence[Path | str] = (),
    sets: Mapping[str, JsonValue] | None = None,
    keep_values: bool = False,
    version: str | None = None,
) -> Request:
    """Bring a release to what a chart says, and install it where there is none.

    Args:
        chart: A directory, a `.tgz`, `oci://…`, or `repository/chart`.
        values: Files, the last one wins.
        sets: Values by path (`image.tag`), over those of the files.
        keep_values: What the release was given before stays where neither files nor `sets` say otherwise.
        version: Of a chart from a registry or repository.

    Raises:
        UsageError: There is no such chart or file, or no Helm.
        Conflict: Something is being done to the release.
        HelmFailed: The chart or its values are refused.
        ShipmateError: An object cannot be read, or the server refuses it.
    """
    releases.require_name(release)
    now = releases.latest(connection, release, namespace)
    if now:
        _require_finished(now)
    given = source(chart, values, sets, keep=keep_values, version=version)
    new = render(connection, release, namespace, given)
    if version is None and "://" not in given.chart and not given.chart.startswith("/"):
        # What a repository holds may be newer by the time of the yes.
        given = dataclasses.replace(given, version=new.chart.metadata.version if new.chart.metadata else "")
    there = now if now and now.stored.info.status != releases.UNINSTALLED else None
    objects = compared(connection, release, namespace, there.stored.manifest if there else "", new.manifest)
    moments = ("pre-upgrade", "post-upgrade") if there else ("pre-install", "post-install")
    hooks = hooked(connection, new.hooks or (), moments, namespace)
    verb = "upgrade" if there else "install"
    title = (
        f"Upgrade release {release} in namespace {namespace} to {new.chart_name} (now {_named(there.stored)})"
        if there
        else f"Install {new.chart_name} as release {release} in namespace {namespace}"
    )
    body = {
        "action": verb,
        "back_to": _good(connection, there) if there else None,
        "digest": given.digest(),
        **dataclasses.asdict(given),
    }
    lead = _lead(_At(release, namespace, now), verb, title, body, objects=objects, new=new)
    return _request(lead, objects, hooks, brings=_missing_namespace(connection, namespace))


def rollback(connection: Connection, release: str, namespace: str, revision: int | None = None) -> Request:
    """Bring a release back to an earlier revision; frees one that an operation left unfinished.

    Args:
        revision: None is the last good one before the present.

    Raises:
        NotFound: There is no such release or revision.
        ShipmateError: As `upgrade`.
    """
    kept = releases.history(connection, release, namespace)
    now = kept[-1]
    to = releases.at_revision(kept, revision) if revision is not None else _before(kept)
    gone = now.stored.info.status == releases.UNINSTALLED
    objects = compared(connection, release, namespace, "" if gone else now.stored.manifest, to.stored.manifest)
    hooks = hooked(connection, to.stored.hooks or (), ("pre-rollback", "post-rollback"), namespace)
    title = (
        f"Roll release {release} in namespace {namespace} back to revision {to.stored.version} "
        f"({to.stored.chart_name}; now {_named(now.stored)})"
    )
    body = {"action": "rollback", "to": to.stored.version, "back_to": None if gone else _good(connection, now)}
    lead = _lead(_At(release, namespace, now), "rollback", title, body, objects=objects, new=to.stored)
    return _request(lead, objects, hooks)


def uninstall(connection: Connection, release: str, namespace: str, *, forget: bool = False) -> Request:
    """Take a release away with its objects; Helm keeps its history, so that it can be rolled back.

    Args:
        forget: Its history goes, too.

    Raises:
        NotFound: There is no such release.
        ShipmateError: An object cannot be read, or the server refuses it.
    """
    now = releases.history(connection, release, namespace)[-1]
    if now.stored.info.status == releases.UNINSTALLED:
        raise NotFound(f"Release {release} is uninstalled already.", "Its history is kept: it can be rolled back.")
    objects = compared(connection, release, namespace, now.stored.manifest, "")
    hooks = hooked(connection, now.stored.hooks or (), ("pre-delete", "post-delete"), namespace)
    volumes = [str(part.found) for part in objects.parts if part.found.kind.name == "PersistentVolumeClaim"]
    notes = tuple(f"{volume}: its data goes with it, and no undo brings that back." for volume in volumes)
    title = f"Uninstall release {release} in namespace {namespace} ({_named(now.stored)}) with its objects"
    found = now.found
    body = {
        "action": "uninstall",
        "back_to": now.stored.version,
        "forget": forget,
        **_At(release, namespace, now).place,
    }
    lead = Wanted(
        "helm_uninstall",
        title,
        found,
        arguments={"release": release, "revision": now.stored.version},
        verb=Verb.RELEASE,
        changes=(FieldChange(("state",), now.stored.info.status, ABSENT if forget else releases.UNINSTALLED),),
        body={**body, "makes": now.stored.version, "force": False},
        notes=notes,
        reversible=not (volumes or forget) and not now.stored.unfinished,
    )
    return _request(lead, objects, hooks)


def put_back(connection: Connection, found: Found, body: Mapping[str, Any], title: str) -> tuple[Wanted, ...]:
    """The parts that undo what was done to a release.

    Args:
        found: The release as it is.
        body: What `helm` was asked for.

    Raises:
        Conflict: Something was done to the release since.
        ShipmateError: As `rollback`.
    """
    release, namespace = body["release"], body["namespace"]
    if not found.object:
        raise Conflict(f"Release {release} is gone.", LOOK)
    if not stands(connection, body):
        raise Conflict(f"Release {release} is at revision {found.object['revision']} by now, which is another.", LOOK)
    if body["back_to"] is None:
        request = uninstall(connection, release, namespace, forget=not body["revision"])
    else:
        request = rollback(connection, release, namespace, body["back_to"])
    return tuple(dataclasses.replace(part, title=title) for part in request.parts)


def _request(lead: Wanted, objects: Compared, hooks: Sequence[Wanted], brings: Wanted | None = None) -> Request:
    parts = (*([brings] if brings else []), lead, *hooks, *objects.parts)
    return Request(lead.action, lead.title, parts, lead.arguments, reversible=lead.reversible)


def _lead(at: _At, verb: str, title: str, body: dict[str, Any], *, objects: Compared, new: Stored) -> Wanted:
    now = at.now
    found = now.found if now else Found(releases.RELEASE, at.namespace, at.release, {})
    makes = (now.stored.version if now else 0) + 1
    after = {**releases.state(new), "state": releases.DEPLOYED, "revision": found.object.get("revision")}
    changes: tuple[FieldChange, ...] = compare(found.object, {**found.object, **after})
    if changes or objects.touched or not now:
        changes = compare(found.object, {**found.object, **after, "revision": makes})
    return Wanted(
        f"helm_{verb}",
        title,
        found,
        arguments={
            "release": at.release,
            "chart": new.chart_name,
            "revision": makes,
            "objects": count(objects.touched, "object"),
        },
        verb=Verb.RELEASE,
        changes=changes,
        body={**body, **at.place, "makes": makes, "force": objects.force},
    )


def _named(stored: Stored) -> str:
    unfinished = f", {stored.info.status}" if stored.info.status != releases.DEPLOYED else ""
    return f"{stored.chart_name}, revision {stored.version}{unfinished}"


def _require_finished(now: Release) -> None:
    if now.stored.unfinished:
        name, status = now.stored.name, now.stored.info.status
        raise Conflict(
            f"Release {name} is {status} since {now.stored.info.last_deployed}: somebody changes it, or was cut off.",
            "Wait for whoever does; where nobody does, rolling it back (uninstalling, if it was never installed whole) "
            "frees it.",
        )


def _before(kept: list[Release]) -> Release:
    """The last revision that stood before the present one."""
    good = [release for release in kept[:-1] if release.stored.info.status in {releases.DEPLOYED, releases.SUPERSEDED}]
    if kept[-1].stored.info.status == releases.UNINSTALLED:
        return kept[-1]
    if not good:
        raise UsageError(
            f"Release {kept[-1].stored.name} has no earlier revision that stood.", "Upgrade or uninstall it instead."
        )
    return good[-1]


def _good(connection: Connection, now: Release) -> int | None:
    """The revision that stands, to go back to; None where none ever did."""
    if now.stored.info.status == releases.DEPLOYED:
        return now.stored.version
    kept = releases.history(connection, now.stored.name, now.stored.namespace)
    standing = [release.stored for release in kept if release.stored.info.status == releases.DEPLOYED]
    earlier = [release.stored for release in kept if release.stored.info.status == releases.SUPERSEDED]
    return (standing or earlier or [now.stored])[-1].version


def stands(connection: Connection, body: Mapping[str, Any]) -> bool:
    """Whether a release is what was made of it, perhaps under a later number: what failed since was rolled back.

    Args:
        body: What `helm` was asked for.

    Raises:
        NotFound: The release is gone.
    """
    kept = releases.history(connection, body["release"], body["namespace"])
    now = kept[-1].stored
    made = next((one.stored for one in kept if one.stored.version == body["makes"]), None)
    if made is None or (now.info.status == releases.UNINSTALLED) is not (body["action"] == "uninstall"):
        return False
    return (now.manifest, now.config or {}, now.chart_name) == (made.manifest, made.config or {}, made.chart_name)


def _missing_namespace(connection: Connection, namespace: str) -> Wanted | None:
    kind = built_in("namespaces")
    try:
        connection.get_object(kind.path(None, namespace))
    except NotFound:
        found = Found(kind, None, namespace, {})
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        return Wanted("apply", f"Create {found}", found, verb=Verb.APPLY, body=body)
    except Forbidden:
        # Who may not look at it may work in it all the same.
        return None
    return None
