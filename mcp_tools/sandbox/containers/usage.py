"""What a simulated container uses, made up from what it asks for and from how it behaves."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers import fitting

if TYPE_CHECKING:
    from mcp_tools.sandbox.containers.logs import Run
    from mcp_tools.sandbox.objects.store import Object

_IDLE_CPU, _IDLE_MEMORY = 20, 48 * 2**20
_FULL = 0.97


def usage_of(pod: Object, container: Object, now: float, run: Run | None = None) -> tuple[int, int]:
    """CPU in thousandths and memory in bytes: a slow wave around a part of the request, other for every container.

    Args:
        pod: It belongs to.
        container: Of its spec.
        now: Seconds since 1970.
        run: Its present life; a behaviour may say what it uses.
    """
    resources = container.get("resources") or {}
    asked, most = resources.get("requests") or {}, resources.get("limits") or {}
    cpu = fitting.amount_of("cpu", asked["cpu"]) if "cpu" in asked else _IDLE_CPU
    memory = fitting.amount_of("memory", asked["memory"]) if "memory" in asked else _IDLE_MEMORY
    seed = zlib.crc32(f"{pod['metadata']['uid']}/{container['name']}".encode())
    wave = math.sin(now / 240 + seed % 628 / 100)
    level = 0.35 + (seed >> 8) % 25 / 100
    used_cpu = max(1, round(cpu * (level + 0.12 * wave)))
    used_memory = round(memory * (0.6 + level / 3 + 0.04 * wave))
    if run is None:
        return used_cpu, used_memory
    behaviour = run.behaviour
    if behaviour.load:
        ceiling = fitting.amount_of("cpu", most["cpu"]) if "cpu" in most else cpu
        used_cpu = max(1, round(ceiling * behaviour.load))
    if behaviour.cpu:
        used_cpu = round(behaviour.cpu * 1000)
        if "cpu" in most:
            used_cpu = min(used_cpu, fitting.amount_of("cpu", most["cpu"]))
    if behaviour.holds:
        part = min(1.0, (now - run.started) / behaviour.grow) if behaviour.grow else 1.0
        used_memory = round(behaviour.holds * max(part, 0.1))
        if "memory" in most:
            used_memory = min(used_memory, fitting.amount_of("memory", most["memory"]))
    if behaviour.leak and behaviour.end:
        ceiling = fitting.amount_of("memory", most["memory"]) if "memory" in most else 8 * memory
        part = min(_FULL, max(0.0, (now - run.started) / behaviour.end.after))
        used_memory = round(used_memory + (ceiling - used_memory) * part)
    return used_cpu, used_memory
