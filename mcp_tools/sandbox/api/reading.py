"""get, list and watch."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.api import tables, views
from mcp_tools.sandbox.api.response import Response, Wanted, negotiate
from mcp_tools.sandbox.objects import versions
from mcp_tools.sandbox.objects.errors import Cause, Refused, bad_request, expired, failure, invalid, not_supported
from mcp_tools.sandbox.objects.selectors import parse_fields, parse_labels
from mcp_tools.sandbox.objects.store import Change, Object, Store

if TYPE_CHECKING:
    from mcp_tools.sandbox.api.request import Address, Request
    from mcp_tools.sandbox.objects.kinds import Kind

WATCH_SECONDS = 1800
BOOKMARK_SECONDS = 30.0
_DIGITS = 18

_NAMED = re.compile(r"(?:^|,)metadata\.name==?([^,=!]+)")

Filter = Callable[[Object], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """Which objects of a kind are meant."""

    kind: Kind
    namespace: str
    keep: Filter


def query_of(request: Request, kind: Kind, address: Address) -> Query:
    """The selectors of a request.

    Raises:
        Refused: 400.
    """
    if request.method == "GET":
        negotiate(request.headers.get("accept", ""))
    request.number("limit")
    labels = request.option("labelSelector")
    fields = request.option("fieldSelector")
    rules: list[Filter] = []
    if labels:
        matches = parse_labels(labels)
        rules.append(lambda obj: matches(obj["metadata"].get("labels") or {}))
    if request.method == "GET" and not address.name and not request.flag("watch"):
        _check_match(request)
    if fields:
        rules.append(parse_fields(fields, kind.key, custom=bool(kind.custom)))
    if address.name:
        rules.append(lambda obj: obj["metadata"]["name"] == address.name)
    return Query(kind, address.namespace, lambda obj: all(rule(obj) for rule in rules))


def get_one(request: Request, kind: Kind, obj: Object, now: float) -> Response:
    """Answer with one object in the wanted form."""
    wanted = negotiate(request.headers.get("accept", ""))
    return Response(200, wanted.encode(_shaped(request, kind, obj, wanted, now)), wanted.media)


def _shaped(request: Request, kind: Kind, obj: Object, wanted: Wanted, now: float) -> Object:
    if wanted.view == "table":
        meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return tables.table(kind, [obj], meta, include=request.option("includeObject"), now=now, version=wanted.version)
    if wanted.view == "metadata":
        return views.metadata_only(obj, wanted.version)
    return versions.present(kind, obj)


def list_many(request: Request, query: Query, items: list[Object], store: Store, now: float) -> Response:
    """Answer with a list in the wanted form, a page of it where `limit` says so.

    Args:
        request: Of the client.
        query: Which objects are meant.
        items: All of the kind and the namespace; those that are not meant are left out here.
        store: For its versions.
        now: For ages.
    """
    wanted = negotiate(request.headers.get("accept", ""))
    _check_version(request, store)
    page, meta = _page(request, items, query.keep, store.version)
    body: Any
    if wanted.view == "table":
        body = tables.table(
            query.kind, page, meta, include=request.option("includeObject"), now=now, version=wanted.version
        )
    elif wanted.view == "metadata":
        body = views.metadata_list(page, meta, wanted.version)
    else:
        body = views.list_of(query.kind, [versions.present(query.kind, item) for item in page], meta)
    return Response(200, wanted.encode(body), wanted.media)


def _check_match(request: Request) -> None:
    asked, match = request.option("resourceVersion"), request.option("resourceVersionMatch")
    causes = []
    if match and request.option("continue"):
        words = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
        causes.append(Cause("FieldValueForbidden", words, "resourceVersionMatch"))
    elif match and not asked:
        words = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        causes.append(Cause("FieldValueForbidden", words, "resourceVersionMatch"))
    if match not in {"", "Exact", "NotOlderThan"}:
        causes.append(not_supported("resourceVersionMatch", match, ("Exact", "NotOlderThan", "")))
    if match == "Exact" and asked == "0":
        words = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        causes.append(Cause("FieldValueForbidden", words, "resourceVersionMatch"))
    if causes:
        raise invalid("ListOptions.meta.k8s.io", "", causes)


def _check_version(request: Request, store: Store) -> None:
    asked = request.option("resourceVersion")
    if not asked:
        return
    if token := request.option("continue"):
        _read_token(token)  # what is wrong with it is told first
    if not asked.isdecimal() or len(asked) > _DIGITS:
        shown = asked[:60]
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{shown}": '
            f'strconv.ParseUint: parsing "{shown}": invalid syntax'
        )
    match = request.option("resourceVersionMatch")
    exact = match == "Exact" or (not match and asked != "0" and (request.number("limit") or 0) > 0)
    if exact and int(asked) < store.oldest:
        raise expired("The resourceVersion for the provided list is too old.")
    if int(asked) > store.version:
        message = f"Timeout: Too large resource version: {asked}, current: {store.version}"
        too_large = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        raise Refused(504, "Timeout", message, {"causes": too_large, "retryAfterSeconds": 1})


def _page(request: Request, items: list[Object], keep: Filter, version: int) -> tuple[list[Object], dict[str, Any]]:
    limit = request.number("limit") or 0
    token = request.option("continue")
    meta: dict[str, Any] = {"resourceVersion": str(version)}
    if token:
        start, meta["resourceVersion"] = _read_token(token)
        items = [item for item in items if _place(item) > start]
    if named := _NAMED.search(request.option("fieldSelector")):
        items = [item for item in items if item["metadata"]["name"] == named[1]]
    found = [(index, item) for index, item in enumerate(items) if keep(item)]
    # There is more where anything follows: nobody looks whether a selector picks it.
    if 0 < limit <= len(found) and found[limit - 1][0] < len(items) - 1:
        found = found[:limit]
        meta["continue"] = _token(_place(found[-1][1]), meta["resourceVersion"])
        if not request.option("labelSelector") and not request.option("fieldSelector").strip("="):
            meta["remainingItemCount"] = len(items) - limit
    return [item for _, item in found], meta


def _place(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _token(place: tuple[str, str], version: str) -> str:
    raw = msgspec.json.encode({"v": "meta.k8s.io/v1", "rv": int(version), "start": "/".join(place)})
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class _Token(msgspec.Struct):
    v: str
    rv: int
    start: str


def _read_token(text: str) -> tuple[tuple[str, str], str]:
    raw = b""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
        token = msgspec.json.decode(raw, type=_Token)
    except (binascii.Error, ValueError) as error:
        why = str(error)
        if raw and raw[:1] != b"{":
            mark = chr(raw[0])
            shown = mark if mark.isprintable() else f"\\u{raw[0]:04x}"
            why = f"invalid character '{shown}' looking for beginning of value"
        raise bad_request(f"invalid continue token: continue key is not valid: {why}") from error
    namespace, _, name = token.start.partition("/")
    return (namespace, name), str(token.rv)


class _Tail:
    """The changes that a watch still has to tell, read from the store's history."""

    def __init__(self, store: Store, version: int) -> None:
        self.version = version
        self._store = store
        self._wake = asyncio.Event()
        self._unsubscribe = store.subscribe(lambda _: self._wake.set())

    async def wait(self, seconds: float) -> list[Change] | None:
        """The next changes, an empty list after the time is up, `None` when the watch fell too far behind."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return []
        self._wake.clear()
        return self.read()

    def read(self) -> list[Change] | None:
        """What happened since the last look."""
        changes = self._store.since(self.version)
        self.version = self._store.version
        return changes

    def close(self) -> None:
        """Wake up no more."""
        self._unsubscribe()


def watch(request: Request, query: Query, store: Store, now: Callable[[], float]) -> Response:
    """Answer with a stream of changes.

    Raises:
        Refused: 400, 406, or 410 for a version whose successors are forgotten.
    """
    wanted = negotiate(request.headers.get("accept", ""))
    asked = request.option("resourceVersion")
    initial = request.flag("sendInitialEvents")
    if asked and (not asked.isdecimal() or len(asked) > _DIGITS):
        shown = asked[:60]
        why = f'strconv.ParseUint: parsing "{shown}": invalid syntax'
        raise failure(f'resourceVersion: Invalid value: "{shown}": {why}')
    seconds = min(max(1, request.number("timeoutSeconds") or WATCH_SECONDS), WATCH_SECONDS)
    from_now = asked in {"", "0"} or initial
    start = store.version if from_now else int(asked)
    if not from_now and store.since(start) is None:
        oldest = f"too old resource version: {asked} ({store.version})"
        # A watch that cannot start answers 200 and says so in its first event, as the API server does.
        return Response(200, stream=_only(expired(oldest)), headers={})
    first = [obj for obj in store.all_of(query.kind, query.namespace) if query.keep(obj)] if from_now else []
    bookmarks = request.flag("allowWatchBookmarks")
    writer = _Events(request, query, wanted, now)
    return Response(
        200, stream=_events(writer, _Tail(store, start), first, seconds, bookmarks=bookmarks, initial=initial)
    )


async def _only(error: Refused) -> AsyncIterator[bytes]:
    yield _line("ERROR", error.status())


def _line(kind: str, obj: Any) -> bytes:
    return msgspec.json.encode({"type": kind, "object": obj}) + b"\n"


class _Events:
    def __init__(self, request: Request, query: Query, wanted: Wanted, now: Callable[[], float]) -> None:
        self.query = query
        self._request = request
        self._kind = query.kind
        self._wanted = wanted
        self._now = now
        self._headed = False

    def event(self, kind: str, obj: Object) -> bytes:
        body = _shaped(self._request, self._kind, obj, self._wanted, self._now())
        if self._wanted.view == "table" and self._headed:
            body = {**body, "columnDefinitions": None}
        self._headed = True
        return _line(kind, body)

    def bookmark(self, version: int, *, initial: bool = False) -> bytes:
        meta: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if initial:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        if self._wanted.view == "table":
            return _line("BOOKMARK", tables.bookmark(meta, self._wanted.version))
        return _line("BOOKMARK", {"kind": self._kind.name, "apiVersion": self._kind.api_version, "metadata": meta})


async def _events(
    writer: _Events, tail: _Tail, first: list[Object], seconds: float, *, bookmarks: bool, initial: bool
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    try:
        start = tail.version
        if first:
            yield b"".join(writer.event("ADDED", obj) for obj in first)
        if initial:
            yield writer.bookmark(start, initial=True)
        changes = tail.read()
        while True:
            if changes is None:
                yield _line("ERROR", expired("too old resource version").status())
                return
            if lines := _lines(writer, changes):
                yield lines
            left = end - loop.time()
            if left <= 0:
                return
            changes = await tail.wait(min(left, BOOKMARK_SECONDS))
            if changes == [] and bookmarks:
                yield writer.bookmark(tail.version)
    finally:
        tail.close()


def _lines(writer: _Events, changes: list[Change]) -> bytes:
    lines = []
    query = writer.query
    for change in changes:
        if change.kind.key != query.kind.key:
            continue
        if query.namespace and change.obj["metadata"].get("namespace") != query.namespace:
            continue
        is_in = change.type != "DELETED" and query.keep(change.obj)
        was_in = change.before is not None and query.keep(change.before)
        if is_in:
            lines.append(writer.event("MODIFIED" if was_in else "ADDED", change.obj))
        elif was_in:
            lines.append(writer.event("DELETED", _at(change)))
    return b"".join(lines)


def _at(change: Change) -> Object:
    last = change.obj if change.type == "DELETED" else change.before or change.obj
    return {**last, "metadata": {**last["metadata"], "resourceVersion": str(change.version)}}
