"""Questions about releases; each gives an `Answer` with bounded data, secrets masked."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.operations import brought_by, waits_for
from mcp_tools.changes.steps import Writer
from mcp_tools.cluster.pods import age
from mcp_tools.helm import releases
from mcp_tools.helm.comparing import documents
from mcp_tools.helm.values import computed, is_given, leaves, masked
from mcp_tools.reads.answer import LINE_WIDTH, Answer, clip, count, listed
from mcp_tools.reads.comparing import MAX_FIELDS, row
from mcp_tools.redaction import redact

if TYPE_CHECKING:
    from mcp_tools.changes.operations import Request
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.helm.releases import Release, Stored

MAX_ROWS = 100
MAX_CHANGED = 8
MAX_MANIFEST = 10_000
"""Characters of a manifest that are shown."""
STUCK = "somebody changes it right now, or was cut off; where nobody does, a rollback frees it"


def list_releases(connection: Connection, namespace: str | None, *, all_namespaces: bool = False) -> Answer:
    """The releases of a namespace, those in trouble first.

    Returns:
        `releases` (name, namespace, revision, status, chart, app_version, updated), `total`, `counts` by status.

    Raises:
        ShipmateError: As `Connection.get`.
    """
    where = None if all_namespaces else namespace or connection.namespace
    found = sorted(
        (release.stored for release in releases.latest_of_each(connection, where)),
        key=lambda stored: stored.info.status in {releases.DEPLOYED, releases.UNINSTALLED},
    )
    counts: dict[str, int] = {}
    for stored in found:
        counts[stored.info.status] = counts.get(stored.info.status, 0) + 1
    rows = [
        {"name": stored.name, "namespace": stored.namespace, **_standing(stored), "app_version": stored.app_version}
        for stored in found[:MAX_ROWS]
    ]
    place = f"in namespace {where}" if where else "in all namespaces"
    others = ", ".join(f"{number} {status}" for status, number in counts.items() if status != releases.DEPLOYED)
    summary = f"{count(len(found), 'Helm release')} {place}{f': {others}' if others else ''}."
    stuck = [stored.name for stored in found if stored.unfinished]
    if stuck:
        summary += f" {listed(stuck)}: {STUCK}."
    return Answer(summary, {"releases": rows, "total": len(found), "counts": counts})


def status(connection: Connection, name: str, namespace: str | None, revision: int | None) -> Answer:
    """How a release stands, and of what it consists.

    Returns:
        `name`, `namespace`, `revision`, `status`, `chart`, `updated`, `description`, `objects`, `hooks`, `notes`.

    Raises:
        NotFound: There is no such release or revision.
        ShipmateError: As `Connection.get`.
    """
    stored = _one(connection, name, namespace, revision).stored
    objects = _objects(stored)
    data = {
        "name": stored.name,
        "namespace": stored.namespace,
        **_standing(stored),
        "app_version": stored.app_version,
        "description": clip(stored.info.description, LINE_WIDTH),
        "objects": objects[:MAX_ROWS],
        "hooks": [f"{hook.kind.lower()}/{hook.name}: {', '.join(hook.events or ())}" for hook in stored.hooks or ()],
        "notes": clip(stored.info.notes.strip(), 2 * LINE_WIDTH),
    }
    stuck = f" {STUCK[0].upper()}{STUCK[1:]}." if stored.unfinished else ""
    summary = (
        f"Release {stored.name} in namespace {stored.namespace} is {stored.info.status}: {stored.chart_name}, "
        f"revision {stored.version}, {count(len(objects), 'object')}.{stuck}"
    )
    return Answer(summary, data)


def history(connection: Connection, name: str, namespace: str | None) -> Answer:
    """The revisions that are kept, newest first.

    Returns:
        `revisions` (revision, status, chart, updated, at, description, and the paths of the values that were
        `changed`).

    Raises:
        NotFound: There is no such release.
        ShipmateError: As `Connection.get`.
    """
    kept = [release.stored for release in releases.history(connection, name, namespace)]
    rows = []
    for before, stored in zip([None, *kept], kept, strict=False):
        changed = _changed(before.config or {}, stored.config or {}) if before else []
        told: dict[str, Any] = {"changed": changed[:MAX_CHANGED]} if changed else {}
        rows.append(
            {**_standing(stored), "at": stored.info.last_deployed, "description": clip(stored.info.description), **told}
        )
    rows.reverse()
    last = kept[-1]
    summary = (
        f"Release {last.name} in namespace {last.namespace}: {count(len(kept), 'revision')} kept, "
        f"the newest, {last.version}, is {last.info.status}."
    )
    return Answer(summary, {"name": last.name, "namespace": last.namespace, "revisions": rows[:MAX_ROWS]})


def values(
    connection: Connection, name: str, namespace: str | None, revision: int | None, *, everything: bool = False
) -> Answer:
    """The values a release was made with.

    Args:
        everything: Those of the chart that nobody changed, too.

    Returns:
        `values` (path, value, `origin`: `user` or `chart`, and the chart's `default` where the user's differs),
        `total`, `shown`.

    Raises:
        NotFound: There is no such release or revision.
        ShipmateError: As `Connection.get`.
    """
    stored = _one(connection, name, namespace, revision).stored
    given, defaults = stored.config or {}, stored.chart.values or {}
    by_default = dict(leaves(masked(defaults)))
    rows = []
    for path, value in leaves(masked(computed(defaults, given))):
        mine = is_given(given, path)
        if not (mine or everything):
            continue
        differs = mine and path in by_default and by_default[path] != value
        rows.append(
            {
                "path": ".".join(step.replace(".", "\\.") for step in path),
                "value": _short(value),
                "origin": "user" if mine else "chart",
                **({"default": _short(by_default[path])} if differs else {}),
            }
        )
    by_user = sum(line["origin"] == "user" for line in rows)
    what = f"{count(by_user, 'value')} given by the user" + (
        f", {len(rows) - by_user} by the chart" if everything else ""
    )
    summary = f"Release {stored.name} in namespace {stored.namespace}, revision {stored.version}: {what}."
    return Answer(summary, {"values": rows[:MAX_ROWS], "total": len(rows), "shown": min(len(rows), MAX_ROWS)})


def manifest(
    connection: Connection, name: str, namespace: str | None, revision: int | None, *, whole: bool = False
) -> Answer:
    """The objects of a release.

    Args:
        whole: Their manifests, too.

    Returns:
        `objects`, and with `whole` the `manifest` as YAML, cut where it is long.

    Raises:
        NotFound: There is no such release or revision.
        ShipmateError: As `Connection.get`.
    """
    stored = _one(connection, name, namespace, revision).stored
    objects = _objects(stored)
    data: dict[str, Any] = {"objects": objects[:MAX_ROWS], "total": len(objects)}
    if whole:
        import yaml

        text = yaml.safe_dump_all(map(redact, documents(stored.manifest)), sort_keys=False, allow_unicode=True)
        data["manifest"] = clip(text, MAX_MANIFEST)
    summary = (
        f"Release {stored.name}, revision {stored.version}: {count(len(objects), 'object')}: {listed(objects, 8)}."
    )
    return Answer(summary, data)


def difference(connection: Connection, request: Request) -> Answer:
    """What a change of a release would do; nothing is written.

    Returns:
        `objects` (object, state, fields), the release first; `more_fields` that are not shown; `notes`.

    Raises:
        ShipmateError: The server refuses an object.
    """
    writer = Writer(connection, threading.Event())
    brought: set[str] = set()
    rows, notes = [], []
    room, left_out = MAX_FIELDS, 0
    for wanted in request.parts:
        ready = writer.prepare(wanted, comes_with_plan=waits_for(wanted, brought))
        brought |= brought_by(wanted)
        if ready.step.idle:
            continue
        line = row(ready, room)
        notes += line.pop("notes")
        rows.append({**line, "state": "goes"} if ready.step.takes_away else line)
        room -= len(line["fields"])
        left_out += len(ready.step.changes) - len(line["fields"])
    if not rows:
        return Answer("Nothing would change: the release is as asked for already.", {"objects": [], "more_fields": 0})
    names = [line["object"] for line in rows[1:]]
    what = f"{count(len(names), 'object')} would change: {listed(names, 6)}" if names else "no object would change"
    summary = f"{request.title}: {what}. Nothing was changed."
    return Answer(summary, {"objects": rows, "more_fields": left_out, "notes": notes})


def _one(connection: Connection, name: str, namespace: str | None, revision: int | None) -> Release:
    return releases.at_revision(releases.history(connection, name, namespace), revision)


def _standing(stored: Stored) -> dict[str, Any]:
    return {
        "revision": stored.version,
        "status": stored.info.status,
        "chart": stored.chart_name,
        "updated": age(stored.info.last_deployed),
    }


def _objects(stored: Stored) -> list[str]:
    named = []
    for document in documents(stored.manifest):
        metadata = document["metadata"]
        space = metadata.get("namespace") or stored.namespace
        elsewhere = f" in namespace {space}" if space != stored.namespace else ""
        named.append(f"{document['kind'].lower()}/{metadata['name']}{elsewhere}")
    return named


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    olds, news = dict(leaves(before)), dict(leaves(after))
    return sorted(".".join(path) for path in olds.keys() | news.keys() if olds.get(path) != news.get(path))


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return clip(text) if isinstance(value, str | dict | list) else value
