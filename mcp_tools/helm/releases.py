"""Releases as Helm keeps them, one Secret of type `helm.sh/release.v1` a revision; reading them needs no Helm."""

from __future__ import annotations

import base64
import binascii
import difflib
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import Kind, built_in
from mcp_tools.cluster.resolve import Found
from mcp_tools.errors import ApiError, NotFound, UsageError
from mcp_tools.helm.values import masked

if TYPE_CHECKING:
    from mcp_tools.changes.model import ObjectRef
    from mcp_tools.cluster.connection import Connection

RELEASE = Kind("helm.sh", "v1", "Release", "releases")
"""What a release is called in a plan; no API server serves it."""
STORED = "helm.sh/release.v1"
MAX_INFLATED = 32 * 1024 * 1024
PAGE = 50
UNINSTALLED, DEPLOYED, SUPERSEDED, FAILED = "uninstalled", "deployed", "superseded", "failed"
_UNFINISHED = ("pending-", "uninstalling")
# What Helm takes for a name (pkg/chart/common/util, ValidateReleaseName).
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
MAX_NAME = 53


class _Info(msgspec.Struct):
    last_deployed: str = ""
    description: str = ""
    status: str = ""
    notes: str = ""


class _ChartMetadata(msgspec.Struct, rename="camel"):
    name: str = ""
    version: str = ""
    app_version: str = ""


class _Chart(msgspec.Struct):
    metadata: _ChartMetadata | None = None
    values: dict[str, Any] | None = None


class Hook(msgspec.Struct):
    """An object that Helm makes at one moment of a release's life and does not count to it.

    Attributes:
        events: When: `pre-install`, `post-upgrade`, `test` and so on.
    """

    name: str = ""
    kind: str = ""
    manifest: str = ""
    events: list[str] | None = None


class Stored(msgspec.Struct):
    """A release as Helm writes it down, and as its dry run prints it."""

    name: str = ""
    namespace: str = ""
    version: int = 0
    info: _Info = msgspec.field(default_factory=_Info)
    chart: _Chart = msgspec.field(default_factory=_Chart)
    config: dict[str, Any] | None = None
    manifest: str = ""
    hooks: list[Hook] | None = None

    @property
    def chart_name(self) -> str:
        """`shop-0.1.0`, as Helm's own lists have it."""
        metadata = self.chart.metadata or _ChartMetadata()
        return f"{metadata.name}-{metadata.version}"

    @property
    def app_version(self) -> str:
        """The version of what the chart installs."""
        return self.chart.metadata.app_version if self.chart.metadata else ""

    @property
    def unfinished(self) -> bool:
        """Something is being done to it, or was until it was cut off."""
        return self.info.status.startswith(_UNFINISHED)


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] = {}


class _Secret(msgspec.Struct):
    metadata: _Meta
    data: dict[str, str] = {}


class _ListMeta(msgspec.Struct, rename={"continue_": "continue"}):
    continue_: str = ""


class _Secrets(msgspec.Struct):
    items: list[_Secret] = []
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


@dataclass(frozen=True, slots=True)
class Release:
    """One revision of a release, with what tells the Secret that holds it."""

    stored: Stored
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def found(self) -> Found:
        """The release as an object of the cluster: its revision, status, chart, and values without secrets."""
        stored = self.stored
        metadata = {
            "name": stored.name,
            "namespace": stored.namespace,
            "uid": self.uid,
            "resourceVersion": self.resource_version,
            "labels": self.labels,
        }
        return Found(RELEASE, stored.namespace, stored.name, {"metadata": metadata, **state(stored)})


def state(stored: Stored) -> dict[str, Any]:
    """What a plan shows of a release: a status it would leave out, as that of any object."""
    return {
        "revision": stored.version,
        "state": stored.info.status,
        "chart": stored.chart_name,
        "values": masked(stored.config or {}),
    }


def latest_of_each(connection: Connection, namespace: str | None) -> list[Release]:
    """The newest revision of every release in a namespace, None for all; errors as `Connection.get`."""
    newest: dict[tuple[str, str], _Secret] = {}
    # The newest revision of a release is never superseded, so that most of the Secrets need not be read.
    for secret in _secrets(connection, namespace, f"owner=helm,status!={SUPERSEDED}"):
        key = (secret.metadata.namespace, secret.metadata.labels.get("name", ""))
        if key not in newest or _revision(secret) > _revision(newest[key]):
            newest[key] = secret
    return [_release(newest[key]) for key in sorted(newest)]


def history(connection: Connection, name: str, namespace: str | None) -> list[Release]:
    """All revisions of a release that are kept, oldest first.

    Raises:
        NotFound: There is no such release; carries the nearest names.
        ShipmateError: As `Connection.get`.
    """
    require_name(name)
    where = namespace or connection.namespace
    found = _secrets(connection, where, f"owner=helm,name={name}")
    if not found:
        raise _absent(connection, name, where)
    return [_release(secret) for secret in sorted(found, key=_revision)]


def latest(connection: Connection, name: str, namespace: str | None) -> Release | None:
    """The newest revision of a release, None where there is none; errors as `Connection.get`."""
    try:
        return history(connection, name, namespace)[-1]
    except NotFound:
        return None


def at_revision(revisions: list[Release], revision: int | None) -> Release:
    """One of a release's revisions; None is the newest.

    Raises:
        NotFound: It is not kept.
    """
    if revision is None:
        return revisions[-1]
    for release in revisions:
        if release.stored.version == revision:
            return release
    kept = ", ".join(str(release.stored.version) for release in revisions)
    raise NotFound(f"Release {revisions[-1].stored.name} has no revision {revision}.", f"Kept are: {kept}.")


def look(connection: Connection, target: ObjectRef) -> Found:
    """A release as an object, with an empty `object` where there is none; errors as `Connection.get`."""
    found = latest(connection, target.name, target.namespace)
    return found.found if found else Found(RELEASE, target.namespace, target.name, {})


def is_unfinished(found: Found) -> bool:
    """Whether something is being done to a release, or was until it was cut off."""
    return str(found.object.get("state", "")).startswith(_UNFINISHED)


def decoded(raw: bytes | str) -> Stored:
    """A release from Helm's JSON.

    Raises:
        ApiError: It is none.
    """
    try:
        return msgspec.json.decode(raw, type=Stored)
    except msgspec.MsgspecError as error:
        raise ApiError(f"The release cannot be read: {error}", "Was it written by another Helm?") from error


def require_name(name: str) -> None:
    """Refuse what Helm takes for no name.

    Raises:
        UsageError: It is none.
    """
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a release.", f"Lower-case letters, digits and -, {MAX_NAME} characters at most."
        )


def _secrets(connection: Connection, namespace: str | None, selector: str) -> list[_Secret]:
    path = built_in("secrets").path(namespace)
    found: list[_Secret] = []
    query: list[tuple[str, Any]] = [("labelSelector", selector), ("fieldSelector", f"type={STORED}"), ("limit", PAGE)]
    token = ""
    while True:
        raw = connection.get(path, [*query, *([("continue", token)] if token else [])])
        page = msgspec.json.decode(raw, type=_Secrets)
        found += page.items
        token = page.metadata.continue_
        if not token:
            return found


def _revision(secret: _Secret) -> int:
    version = secret.metadata.labels.get("version", "")
    return int(version) if version.isdigit() else 0


def _release(secret: _Secret) -> Release:
    meta = secret.metadata
    try:
        # The API's base64 around Helm's base64 around gzip.
        packed = base64.b64decode(base64.b64decode(secret.data.get("release", "")))
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        raw = unpacker.decompress(packed, MAX_INFLATED)
    except (binascii.Error, zlib.error) as error:
        raise ApiError(f"Secret {meta.name} holds no release that can be read: {error}.", "") from error
    if unpacker.unconsumed_tail:
        raise ApiError(f"The release in Secret {meta.name} is larger than {MAX_INFLATED // 1024**2} MiB.", "")
    stored = decoded(raw)
    stored.namespace = stored.namespace or meta.namespace
    return Release(stored, meta.uid, meta.resource_version, meta.labels)


def _absent(connection: Connection, name: str, namespace: str) -> NotFound:
    names = [release.stored.name for release in latest_of_each(connection, namespace)]
    near = tuple(difflib.get_close_matches(name, names, n=3, cutoff=0.6))
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There: {', '.join(names[:8])}." if names else ""
    return NotFound(
        f"There is no Helm release {name!r} in namespace {namespace}.", hint or "`-n` names another namespace.", near
    )
