"""The ASGI application: authentication, routing, and errors as `metav1.Status`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.access.users import ADMIN, User
from mcp_tools.sandbox.api import (
    authorizing,
    discovery,
    logs,
    metrics,
    openapi,
    openapi_protobuf,
    proxy,
    reading,
    streams,
    subresources,
    writing,
)
from mcp_tools.sandbox.api.request import MAX_BODY, Address, Request, address_of
from mcp_tools.sandbox.api.response import Response, json_response, refusal
from mcp_tools.sandbox.controllers.apiservices import METRICS, why_unserved
from mcp_tools.sandbox.objects.errors import Refused, bad_request, method_not_allowed, no_such_path, not_found
from mcp_tools.sandbox.policy.calls import Pending, Reply

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object
    from mcp_tools.sandbox.world import World

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)

_MOST_CALLS = 100
_UNAUTHORIZED = Refused(401, "Unauthorized", "Unauthorized")
_TOO_LARGE = Refused(413, "RequestEntityTooLarge", f"Request entity too large: limit is {MAX_BODY}")


class Api:
    """Serves a world.

    Args:
        world: The cluster.
        token: What clients must show.
        touch: Called for every authenticated request.
    """

    def __init__(self, world: World, token: str, touch: Callable[[], None] = lambda: None) -> None:
        self._world = world
        self._token = token
        self._touch = touch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        if scope["type"] == "websocket":
            await self._stream(scope, receive, send)
        if scope["type"] != "http":
            return
        headers = _headers(scope["headers"])
        user = authorizing.user_of(headers, self._token, self._world.tokens)
        if user is None and discovery.is_health(scope["path"]):
            user = ADMIN
        if user is None:
            await _send(send, refusal(_UNAUTHORIZED))
            return
        self._touch()
        body = await _read_body(receive)
        if body is None:
            await _send(send, refusal(_TOO_LARGE))
            return
        request = Request.parse(scope["method"], _path(scope), scope["query_string"], headers, body)
        await _send(send, await self._answered(request, user))

    async def _answered(self, request: Request, user: User) -> Response:
        """The response, after the webhooks that it needs were called: each answer begins the request anew."""
        replies: dict[str, Reply] = {}
        for _ in range(_MOST_CALLS):
            try:
                return self.answer(replace(request, replies=replies), user)
            except Pending as pending:
                replies[pending.call.key] = await asyncio.to_thread(pending.call.make)
        return refusal(Refused(500, "InternalError", "Internal error occurred: too many webhooks"))

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope["headers"])
        request = Request.parse("GET", _path(scope), scope["query_string"], headers, b"")
        try:
            user = authorizing.user_of(headers, self._token, self._world.tokens)
            if user is None:
                raise _UNAUTHORIZED
            self._touch()
            authorizing.authorize(request, self._world.registry, user)
            address = address_of(request.path)
            if address is None or address.plural != "pods":
                raise no_such_path()
            await streams.serve(self._world, request, address, (receive, send))
        except Refused as error:
            await _deny(send, refusal(error))

    def answer(self, request: Request, user: User = ADMIN) -> Response:
        """The response to a user's request.

        Raises:
            Pending: A webhook has to be called first.
        """
        try:
            user = authorizing.authorize(request, self._world.registry, user)
            return self._route(replace(request, user=user))
        except Refused as error:
            return refusal(error)
        except Pending:
            raise
        except RecursionError:
            return refusal(bad_request("the request is nested too deeply"))
        except Exception as error:
            # The last line of defence: the client gets a Status, the log gets the traceback.
            log.exception("%s %s", request.method, request.path)
            message = f"Internal error occurred: {type(error).__name__}"
            return refusal(Refused(500, "InternalError", message, {"causes": [{"message": str(error)[:300]}]}))

    def _route(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        if discovery.is_health(path):
            return Response(200, b"ok", "text/plain; charset=utf-8")
        fixed = self._fixed(request, path)
        if fixed is not None:
            return fixed
        address = address_of(path)
        kinds = self._world.kinds
        if address is None or not kinds.has_version(address.group, address.version):
            return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
        if not address.plural:
            _only(request, "GET")
            return json_response(discovery.resource_list(kinds, address.group, address.version))
        kind = kinds.at(address.group, address.version, address.plural)
        if kind is None or (address.namespace and not kind.namespaced):
            raise no_such_path()
        if kind.virtual:
            return self._virtual(request, kind, address)
        if address.subresource == "proxy" and "proxy" in kind.subresources:
            return proxy.serve(self._world, request, kind, address)
        if address.subresource:
            return self._subresource(request, kind, address)
        return self._one(request, kind, address) if address.name else self._many(request, kind, address)

    def _fixed(self, request: Request, path: str) -> Response | None:
        kinds = self._world.kinds
        accept = request.headers.get("accept", "")
        body: Any = None
        if path in {"/api", "/apis"}:
            if version := discovery.wants_aggregated(accept):
                _only(request, "GET")
                found = json_response(discovery.aggregated(kinds, version, core=path == "/api"))
                return Response(200, found.body, discovery.AGGREGATED.format(version=version))
            body = (
                discovery.group_list(kinds)
                if path == "/apis"
                else discovery.core_versions(request.headers.get("host", ""))
            )
        elif path == "/version":
            body = discovery.VERSION
        elif path == "/":
            groups = [f"/apis/{name}" for name in discovery.group_versions(kinds) if name]
            body = discovery.root(["/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version", *groups])
        elif path == "/openapi/v2":
            body = openapi.document_v2(kinds)
            if openapi_protobuf.is_wanted(accept):
                _only(request, "GET")
                return Response(200, openapi_protobuf.encode(body), openapi_protobuf.MEDIA_TYPE)
        elif path == "/openapi/v3":
            body = openapi.index(kinds)
        elif path.startswith("/openapi/v3/"):
            found_address = address_of(path.removeprefix("/openapi/v3"))
            if found_address is None or not kinds.has_version(found_address.group, found_address.version):
                raise no_such_path()
            body = openapi.document_v3(kinds, found_address.group, found_address.version)
        elif path.startswith("/apis/") and path.count("/") == 2:  # noqa: PLR2004
            name = path.removeprefix("/apis/")
            versions = discovery.group_versions(kinds).get(name)
            body = {"kind": "APIGroup", "apiVersion": "v1", **discovery.group(name, versions)} if versions else None
        if body is None:
            return None
        _only(request, "GET")
        return json_response(body)

    def _many(self, request: Request, kind: Kind, address: Address) -> Response:
        query = reading.query_of(request, kind, address)
        if request.method in {"GET", "HEAD"}:
            if request.flag("watch"):
                return reading.watch(request, query, self._world.store, self._world.clock.now)
            items = list(self._world.store.all_of(kind, address.namespace))
            return reading.list_many(request, query, items, self._world.store, self._world.clock.now())
        if request.method == "POST" and (address.namespace or not kind.namespaced):
            return writing.create(request, self._world.registry, kind, address)
        deletable = "deletecollection" in kind.verbs and (address.namespace or not kind.namespaced)
        if request.method == "DELETE" and deletable:
            return writing.delete_many(request, self._world.registry, query)
        raise method_not_allowed()

    def _one(self, request: Request, kind: Kind, address: Address) -> Response:
        if kind.namespaced and not address.namespace:
            raise no_such_path()
        registry = self._world.registry
        match request.method:
            case "GET" | "HEAD":
                if request.flag("watch"):
                    query = reading.query_of(request, kind, address)
                    return reading.watch(request, query, self._world.store, self._world.clock.now)
                found = registry.get(kind, address.namespace, address.name)
                return reading.get_one(request, kind, found, self._world.clock.now())
            case "PUT":
                return writing.update(request, registry, kind, address)
            case "PATCH":
                return writing.patch(request, registry, kind, address)
            case "DELETE":
                return writing.delete(request, registry, kind, address)
        raise method_not_allowed()

    def _subresource(self, request: Request, kind: Kind, address: Address) -> Response:
        if address.subresource not in kind.subresources or (kind.namespaced and not address.namespace):
            raise no_such_path()
        registry = self._world.registry
        match address.subresource, request.method:
            case "status" | "ephemeralcontainers" | "resize" | "approval", "GET":
                found = registry.get(kind, address.namespace, address.name)
                return reading.get_one(request, kind, found, self._world.clock.now())
            case "status" | "ephemeralcontainers" | "resize" | "approval", "PUT":
                return writing.update(request, registry, kind, address)
            case "status" | "ephemeralcontainers" | "resize" | "approval", "PATCH":
                return writing.patch(request, registry, kind, address)
            case "scale", "GET" | "PUT" | "PATCH":
                return subresources.scale(request, registry, kind, address)
            case "log", "GET":
                logs.check_options(request, address.name)
                pod = registry.get(kind, address.namespace, address.name)
                return logs.read_log(request, pod, self._world.kubelet, self._world.clock)
            case "eviction", "POST":
                return subresources.evict(request, registry, kind, address)
            case "binding", "POST":
                return subresources.bind_pod(request, registry, kind, address)
            case "exec" | "attach" | "portforward", "GET" | "POST":
                streams.check(self._world, request, address)
                raise bad_request("Upgrade request required")
            case "token", "POST":
                return subresources.token(request, registry, self._world.tokens, kind, address)
            case "finalize", "PUT":
                return subresources.finalize(request, registry, kind, address)
        raise method_not_allowed()

    def _virtual(self, request: Request, kind: Kind, address: Address) -> Response:
        world = self._world
        if "create" in kind.verbs:
            _only(request, "POST")
            return subresources.review(request, world.registry, world.tokens, kind, address.namespace)
        _only(request, "GET")
        if why := why_unserved(world.cluster, METRICS):
            raise Refused(503, "ServiceUnavailable", why) if "unable" in why else no_such_path()
        found: list[Object]
        found = metrics.pod_metrics(world, address.namespace) if kind.namespaced else metrics.node_metrics(world)
        query = reading.query_of(request, kind, address)
        if address.name:
            found = [obj for obj in found if query.keep(obj)]
            if not found:
                raise not_found(kind, address.name)
            return reading.get_one(request, kind, found[0], world.clock.now())
        return reading.list_many(request, query, found, world.store, world.clock.now())


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name in small letters; what comes several times is joined, as HTTP has it."""
    found: dict[str, str] = {}
    for raw, value in pairs:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
        raise method_not_allowed()


def _path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1")


async def _deny(send: Send, response: Response) -> None:
    """Refuse a WebSocket with a proper answer."""
    headers = [(b"content-type", response.content_type.encode()), (b"content-length", str(len(response.body)).encode())]
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})


async def _read_body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, response: Response) -> None:
    headers: list[tuple[bytes, bytes]] = [(b"content-type", response.content_type.encode())]
    headers += _warnings(response.warnings)
    headers += [(key.encode(), value.encode()) for key, value in response.headers.items()]
    if response.stream is None:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.stream is None:
        await send({"type": "http.response.body", "body": response.body})
        return
    # Headers go out at once: a watch may have nothing to say for a long time.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    async for part in response.stream:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _warnings(texts: Iterable[str]) -> list[tuple[bytes, bytes]]:
    found = []
    for text in texts:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').encode("ascii", "replace").decode()
        clean = "".join(mark for mark in escaped if mark.isprintable())
        found.append((b"warning", f'299 - "{clean}"'.encode()))
    return found
