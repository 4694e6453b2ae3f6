"""exec and port-forward: the WebSocket protocols of `kubectl` and of the client libraries (`v5.channel.k8s.io`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.api import spdy
from mcp_tools.sandbox.containers import shell
from mcp_tools.sandbox.containers.logs import after, lines_of
from mcp_tools.sandbox.objects.errors import Refused, bad_request, not_found

if TYPE_CHECKING:
    from mcp_tools.sandbox.api.request import Address, Request
    from mcp_tools.sandbox.controllers.container import Container
    from mcp_tools.sandbox.world import World

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
TUNNEL = "SPDY/3.1+portforward.k8s.io"
TUNNEL_HEADER = "x-tunnel-protocol"
_STDIN, _STDOUT, _STDERR, _ERROR = 0, 1, 2, 3
_CLOSE = 255
_NORMAL = 1000
_MOST, _DIGITS, _CHANNELS = 65535, 6, 100
_START_SECONDS = 0.1
_LOOK_SECONDS = 0.25
_NO_PROCESS = "unable to start container process: "
_END_OF_TEXT, _END_OF_INPUT = "\x03", "\x04"


def check(world: World, request: Request, address: Address) -> Container:
    """The container that a stream is for.

    Raises:
        Refused: 400 or 404.
    """
    kinds = world.kinds
    pod = world.registry.get(kinds.named("Pod"), address.namespace, address.name)
    sections = ("containers", "initContainers", "ephemeralContainers")
    names = [container["name"] for section in sections for container in pod["spec"].get(section) or ()]
    asked = request.option("container") or names[0]
    if asked not in names:
        raise bad_request(f"container {asked} is not valid for pod {address.name}")
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {address.name} does not have a host assigned")
    if address.subresource == "exec" and not request.query.get("command"):
        raise bad_request("you must specify at least 1 command for the container")
    container = world.kubelet.container_of(pod, asked)
    if container is None or container.run is None or container.run.finished is not None:
        message = f'Internal error occurred: unable to upgrade connection: container not found ("{asked}")'
        raise Refused(500, "InternalError", message, {"causes": [{"message": message}]})
    return container


async def serve(world: World, request: Request, address: Address, wire: tuple[Receive, Send]) -> None:
    """Answer one WebSocket: the handshake, then the stream."""
    receive, send = wire
    said = request.headers.get(TUNNEL_HEADER) or request.headers.get("sec-websocket-protocol", "")
    offered = [part.strip() for part in said.split(",")]
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    forwarding = address.subresource == "portforward"
    known = (TUNNEL, *PROTOCOLS) if forwarding else PROTOCOLS
    protocol = next((name for name in known if name in offered), None)
    if address.subresource not in {"exec", "attach", "portforward"}:
        raise not_found(world.kinds.named("Pod"), address.name)
    container = check(world, request, address)
    if protocol is None:
        raise bad_request(f"unable to upgrade: no protocol of {', '.join(known)} is offered")
    accepted: dict[str, Any] = {"subprotocol": protocol}
    if protocol == TUNNEL:
        accepted = {"headers": [(b"sec-websocket-protocol", TUNNEL.encode())]}
    await send({"type": "websocket.accept", **accepted})
    session = _Session(world, container, receive, send)
    if protocol == TUNNEL:
        await session.tunnel()
    elif forwarding:
        await session.forward(_ports(request))
    elif address.subresource == "attach":
        await session.attach(request)
    else:
        await session.run(request)


def _ports(request: Request) -> list[int]:
    said = [part for value in request.query.get("ports", []) for part in value.split(",")]
    return [int(part) for part in said if part.isdecimal() and len(part) < _DIGITS and 0 < int(part) <= _MOST][
        :_CHANNELS
    ]


class _Session:
    def __init__(self, world: World, container: Container, receive: Receive, send: Send) -> None:
        self._world = world
        self._container = container
        self._receive = receive
        self._send = send

    async def _write(self, channel: int, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": bytes([channel]) + data})

    async def _read(self) -> tuple[int, bytes] | None:
        """The next message: its channel and what it carries; `None` at the end."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return None
        data = message.get("bytes") or (message.get("text") or "").encode()
        return (data[0], data[1:]) if data else (_STDIN, b"")

    async def run(self, request: Request) -> None:
        """Run the command that the request names."""
        command = request.query.get("command", [])
        tty, stdin = request.flag("tty"), request.flag("stdin")
        place = self._world.kubelet.place_of(self._container)
        if place is None or not command:
            await self._finish(1)
            return
        # kubectl begins to read before it knows its channels, and drops what comes too soon; no runtime is as quick.
        await asyncio.sleep(_START_SECONDS)
        if not shell.can_start(command):
            await self._fail(f'exec: "{command[0]}": executable file not found in $PATH')
        elif shell.is_shell(command) and stdin:
            await self._finish(await (self._terminal(place) if tty else self._piped(place)))
        else:
            result = shell.run(place, command)
            await self._show(result, tty=tty)
            await self._finish(result.code)

    async def attach(self, request: Request) -> None:
        """Join the container's own process: its shell where it has one, else what it writes from now on."""
        place = self._world.kubelet.place_of(self._container)
        run, clock = self._container.run, self._world.clock
        if place is None or run is None:
            await self._finish(1)
            return
        await asyncio.sleep(_START_SECONDS)
        if self._container.behaviour.interactive and request.flag("stdin"):
            code = await (self._terminal(place) if request.flag("tty") else self._piped(place))
            self._container.leave(code)
            await self._finish(0)
            return
        gone = asyncio.ensure_future(self._gone())
        since = clock.now()
        while run.finished is None and not gone.done():
            await asyncio.wait([gone], timeout=_LOOK_SECONDS)
            now = clock.now()
            fresh, since = after(lines_of(run, now), since), now
            text = "".join(f"{line.text}\n" for line in fresh)
            if text and not gone.done():
                await self._show(shell.Result(text), tty=request.flag("tty"))
        if not gone.done():
            gone.cancel()
            await self._finish(run.exit_code)

    async def _gone(self) -> None:
        while await self._read() is not None:
            pass

    async def _show(self, result: shell.Result, *, tty: bool) -> None:
        for channel, text in ((_STDOUT, result.out), (_STDOUT if tty else _STDERR, result.err)):
            if text:
                await self._write(channel, (text.replace("\n", "\r\n") if tty else text).encode())

    async def _fail(self, why: str) -> None:
        start = "error executing command in container: failed to exec in container: failed to start exec: "
        message = f"Internal error occurred: {start}OCI runtime exec failed: exec failed: {_NO_PROCESS}{why}: unknown"
        details = {"causes": [{"message": message}]}
        status = {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
        await self._write(_ERROR, msgspec.json.encode({**status, "details": details}))
        await self._send({"type": "websocket.close", "code": _NORMAL})

    async def _finish(self, code: int) -> None:
        status: dict[str, Any] = {"metadata": {}, "status": "Success"}
        if code:
            status = {
                "metadata": {},
                "status": "Failure",
                "message": f"command terminated with non-zero exit code: exit status {code}",
                "reason": "NonZeroExitCode",
                "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
            }
        await self._write(_ERROR, msgspec.json.encode(status))
        await self._send({"type": "websocket.close", "code": _NORMAL})

    async def _piped(self, place: shell.Place) -> int:
        text = b""
        while (message := await self._read()) is not None:
            channel, data = message
            if channel == _CLOSE:
                break
            if channel == _STDIN:
                text += data
        result = shell.script(place, text.decode("utf-8", "replace"))
        await self._show(result, tty=False)
        return result.code

    async def _terminal(self, place: shell.Place) -> int:
        """A shell at a terminal: echoes what is typed, runs a line at a time."""
        prompt = b"# " if place.user == 0 else b"$ "
        await self._write(_STDOUT, prompt)
        line, code = "", 0
        while (message := await self._read()) is not None:
            channel, data = message
            if channel == _CLOSE:
                break
            if channel != _STDIN:
                continue
            for mark in data.decode("utf-8", "replace"):
                if mark == _END_OF_INPUT and not line:
                    await self._write(_STDOUT, b"\r\n")
                    return code
                if mark == _END_OF_TEXT:
                    line = ""
                    await self._write(_STDOUT, b"^C\r\n" + prompt)
                elif mark in "\r\n":
                    await self._write(_STDOUT, b"\r\n")
                    words = line.split()
                    if words[:1] == ["exit"]:
                        return int(words[1]) % 256 if len(words) > 1 and words[1].isdecimal() else code
                    result = shell.script(place, line)
                    code, line = result.code, ""
                    await self._show(result, tty=True)
                    await self._write(_STDOUT, prompt)
                elif mark in "\b\x7f":
                    if line:
                        line = line[:-1]
                        await self._write(_STDOUT, b"\b \b")
                elif mark.isprintable():
                    line += mark
                    await self._write(_STDOUT, mark.encode())
        return code

    async def forward(self, ports: list[int]) -> None:
        """Two channels a port, of which the first says its number."""
        for index, port in enumerate(ports):
            for channel in (2 * index, 2 * index + 1):
                await self._write(channel, port.to_bytes(2, "little"))
        pending: dict[int, bytes] = {}
        while (message := await self._read()) is not None:
            channel, data = message
            if channel % 2 or channel // 2 >= len(ports):
                continue
            port = ports[channel // 2]
            if why := self._refused(port):
                await self._write(channel + 1, why.encode())
                continue
            pending[channel] = pending.get(channel, b"") + data
            head, ended, _ = pending[channel].partition(b"\r\n\r\n")
            if ended:
                pending[channel] = b""
                await self._write(channel, self._http(port, head))

    async def tunnel(self) -> None:
        """Forward ports for `kubectl`: SPDY within the WebSocket, a stream for data and one for errors each time."""
        peer = spdy.Peer()
        opened: dict[int, tuple[str, int, str]] = {}
        pending: dict[int, bytes] = {}

        async def write(frame: bytes) -> None:
            await self._send({"type": "websocket.send", "bytes": frame})

        while (message := await self._receive())["type"] == "websocket.receive":
            try:
                events = list(peer.feed(message.get("bytes") or b""))
            except spdy.BadFrame:
                break
            for event in events:
                match event:
                    case spdy.Ping(frame):
                        await write(frame)
                    case spdy.Opened(stream, headers):
                        port = headers.get("port", "0")
                        number = int(port) if port.isdecimal() else 0
                        opened[stream] = (headers.get("streamtype", ""), number, headers.get("requestid", ""))
                        await write(peer.reply(stream))
                        if opened[stream][0] == "data" and (why := self._refused(number)):
                            await self._refuse(peer, opened, stream, why)
                    case spdy.Data(stream, data, last) if opened.get(stream, ("",))[0] == "data":
                        if data:
                            await write(peer.more(stream, len(data)))
                        pending[stream] = pending.get(stream, b"") + data
                        head, ended, _ = pending[stream].partition(b"\r\n\r\n")
                        if ended:
                            pending[stream] = b""
                            await write(peer.data(stream, self._http(opened[stream][1], head)))
                        if last:
                            await self._end(peer, opened, stream)
        await self._send({"type": "websocket.close", "code": _NORMAL})

    async def _refuse(self, peer: spdy.Peer, opened: dict[int, tuple[str, int, str]], stream: int, why: str) -> None:
        for other, (kind, _, request) in opened.items():
            if kind == "error" and request == opened[stream][2]:
                text = f"an error occurred forwarding {opened[stream][1]}: {why}".encode()
                await self._send({"type": "websocket.send", "bytes": peer.data(other, text, last=True)})
        await self._send({"type": "websocket.send", "bytes": peer.data(stream, b"", last=True)})
        opened.pop(stream)

    async def _end(self, peer: spdy.Peer, opened: dict[int, tuple[str, int, str]], stream: int) -> None:
        request = opened[stream][2]
        for other in [number for number, entry in opened.items() if entry[2] == request]:
            await self._send({"type": "websocket.send", "bytes": peer.data(other, b"", last=True)})
            opened.pop(other)

    def _refused(self, port: int) -> str:
        if self._world.kubelet.listens(self._container.pod() or {}, port):
            return ""
        dial = f"IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused"
        return f"failed to connect to localhost:{port} inside namespace, {dial}"

    def _http(self, port: int, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
        path = words[1] if len(words) > 1 else "/"
        status, body = self._world.kubelet.http_answer(self._container, port, path)
        text = body.encode()
        kind = "application/json" if body.startswith("{") else "text/html; charset=utf-8"
        start = (
            f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
        )
        return f"{start}Connection: keep-alive\r\n\r\n".encode() + text


_REASONS = {200: "OK", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
