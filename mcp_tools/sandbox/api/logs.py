"""The log subresource of pods."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcp_tools.sandbox.api.response import Response
from mcp_tools.sandbox.clock import Clock, parse_time, rfc3339_micro
from mcp_tools.sandbox.containers.logs import Line, after, lines_of
from mcp_tools.sandbox.objects.errors import bad_request, invalid, invalid_value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mcp_tools.sandbox.api.request import Request
    from mcp_tools.sandbox.controllers.kubelet import Kubelet
    from mcp_tools.sandbox.objects.store import Object

_PLAIN = "text/plain"
_FOLLOW_SECONDS = 0.25


def check_options(request: Request, pod: str) -> None:
    """Refuse options of a log that make no sense, before anybody looks for the pod.

    Raises:
        Refused: 400 or 422.
    """
    since, tail = request.number("sinceSeconds"), request.number("tailLines")
    causes = []
    if tail is not None and tail < 0:
        causes.append(invalid_value("tailLines", tail, "must be greater than or equal to 0"))
    if since is not None and since < 1:
        causes.append(invalid_value("sinceSeconds", since, "must be greater than 0"))
    if causes:
        raise invalid("PodLogOptions", pod, causes)


def read_log(request: Request, pod: Object, kubelet: Kubelet, clock: Clock) -> Response:
    """GET a container's log, once or as it grows.

    Raises:
        Refused: 400, the container is not named, not known, or has not begun.
    """
    container = _container_name(request, pod)
    if not pod["spec"].get("nodeName"):
        return Response(204, b"", _PLAIN)
    previous = request.flag("previous")
    run = kubelet.run_of(pod, container, previous=previous)
    name = pod["metadata"]["name"]
    if run is None:
        if previous:
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        raise bad_request(f'container "{container}" in pod "{name}" is {_why_not(pod, container)}')
    started = clock.now()
    lines = _select(request, lines_of(run, started), started)
    render = _renderer(request)
    if not request.flag("follow"):
        body = b"".join(render(line) for line in lines)
        limit = request.number("limitBytes")
        return Response(200, body[:limit] if limit else body, _PLAIN)

    def grown() -> list[Line] | None:
        nonlocal started
        if run.finished is not None or kubelet.run_of(pod, container) is not run:
            return None
        since, started = started, clock.now()
        return after(lines_of(run, started), since)

    return Response(200, content_type=_PLAIN, stream=_follow(lines, grown, render))


def _container_name(request: Request, pod: Object) -> str:
    spec = pod["spec"]
    names = [container["name"] for container in spec["containers"]]
    init = [container["name"] for container in spec.get("initContainers") or ()]
    asked = request.option("container")
    pod_name = pod["metadata"]["name"]
    if asked:
        ephemeral = [container["name"] for container in spec.get("ephemeralContainers") or ()]
        if asked not in (*names, *init, *ephemeral):
            raise bad_request(f"container {asked} is not valid for pod {pod_name}")
        return asked
    if len(names) > 1:
        listed = f"choose one of: [{' '.join(names)}]"
        more = f" or one of the init containers: [{' '.join(init)}]" if init else ""
        raise bad_request(f"a container name must be specified for pod {pod_name}, {listed}{more}")
    return str(names[0])


def _why_not(pod: Object, container: str) -> str:
    status = pod.get("status") or {}
    sections = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    for found in (entry for section in sections for entry in status.get(section) or ()):
        waiting = (found.get("state") or {}).get("waiting") or {}
        if found["name"] == container and waiting:
            if waiting["reason"] in {"ErrImagePull", "ImagePullBackOff"}:
                return "waiting to start: trying and failing to pull image"
            return f"waiting to start: {waiting['reason']}"
    return "not available"


def _select(request: Request, lines: list[Line], now: float) -> list[Line]:
    since, tail = request.number("sinceSeconds"), request.number("tailLines")
    moment = request.option("sinceTime")
    if since is not None:
        lines = after(lines, now - since)
    elif moment:
        try:
            lines = after(lines, parse_time(moment))
        except ValueError as error:
            raise bad_request(f'parsing time "{moment[:60]}": {error}') from error
    if tail is not None:
        lines = lines[-tail:] if tail else []
    return lines


def _renderer(request: Request) -> Callable[[Line], bytes]:
    if request.flag("timestamps"):
        return lambda line: f"{rfc3339_micro(line.when)[:-1]}000Z {line.text}\n".encode()
    return lambda line: f"{line.text}\n".encode()


async def _follow(
    first: list[Line], grown: Callable[[], list[Line] | None], render: Callable[[Line], bytes]
) -> AsyncIterator[bytes]:
    fresh: list[Line] | None = first
    while fresh is not None:
        if fresh:
            yield b"".join(render(line) for line in fresh)
        await asyncio.sleep(_FOLLOW_SECONDS)
        fresh = grown()
