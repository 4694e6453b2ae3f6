"""What the running containers use: two samples of each, all at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.containers import Container, every, find
from mcp_tools.docker.engine import engine
from mcp_tools.errors import NotFound
from mcp_tools.reads.answer import Answer, count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.docker.engine import Api

MOST = 50
AT_ONCE = 10
"""As many connections as the SDK's pool keeps."""
BETWEEN_SECONDS = 0.5
MIB = 1024**2
NANO = 1_000_000_000
UNCOUNTED = ("total_inactive_file", "inactive_file")
"""The page cache that can go at once is not counted, as the docker command does it (cgroup v1 and v2)."""


def usage(target: str | None = None) -> Answer:
    """Measure CPU, memory, network and processes.

    Args:
        target: One container; None for all that run (the first 50).

    Returns:
        `containers`, most CPU first: `name`, `cpu_percent` (100 is one core), `memory_mib`, `limit_mib` and
        `memory_percent` (None where there is no limit), `received_mib`, `sent_mib`, `pids`; `unmeasured` counts those
        that were left out.

    Raises:
        NotFound: The container does not run.
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        running = _running(api, target)
        machine = int(api.info().get("MemTotal") or 0)
        chosen = running[:MOST]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            first = list(pool.map(lambda one: _sample(api, one), chosen))
            time.sleep(BETWEEN_SECONDS)
            second = list(pool.map(lambda one: _sample(api, one), chosen))
    rows = [
        _row(one.name, before, after, machine)
        for one, before, after in zip(chosen, first, second, strict=True)
        if before and after
    ]
    rows.sort(key=lambda row: (-row["cpu_percent"], -row["memory_mib"]))
    total = round(sum(row["cpu_percent"] for row in rows), 1)
    memory = round(sum(row["memory_mib"] for row in rows))
    summary = f"{count(len(rows), 'running container')}: {total} % of a core and {memory} MiB of memory together."
    return Answer(
        summary if rows else "No container runs on this machine's Docker engine.",
        {"containers": rows, "unmeasured": len(running) - len(rows)},
    )


def _running(api: Api, target: str | None) -> list[Container]:
    if target is None:
        return [one for one in every(api) if one.state == "running"]
    found = find(api, target)
    if found.state != "running":
        raise NotFound(f"Container {found.name} does not run ({found.status}), so it uses nothing.", "")
    return [found]


def _sample(api: Api, one: Container) -> dict[str, Any]:
    """One sample; empty where the container ended meanwhile."""
    from docker.errors import NotFound as Gone

    try:
        return dict(api.stats(one.id, stream=False, one_shot=True))
    except Gone:
        return {}


def _row(name: str, before: Mapping[str, Any], after: Mapping[str, Any], machine: int) -> dict[str, Any]:
    memory = after.get("memory_stats") or {}
    details = memory.get("stats") or {}
    cache = next((details[key] for key in UNCOUNTED if key in details), 0)
    used = max(0, int(memory.get("usage") or 0) - int(cache))
    limit = int(memory.get("limit") or 0)
    limited = 0 < limit < machine if machine else limit > 0
    networks = (after.get("networks") or {}).values()
    return {
        "name": name,
        "cpu_percent": _cpu(before, after),
        "memory_mib": round(used / MIB, 1),
        "limit_mib": round(limit / MIB) if limited else None,
        "memory_percent": round(100 * used / limit) if limited else None,
        "received_mib": round(sum(one.get("rx_bytes", 0) for one in networks) / MIB, 1),
        "sent_mib": round(sum(one.get("tx_bytes", 0) for one in networks) / MIB, 1),
        "pids": (after.get("pids_stats") or {}).get("current", 0),
    }


def _cpu(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """The share of one core between two samples, by the container's own clock of both."""
    used = [((one.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage", 0) for one in (before, after)]
    seconds = _instant(after.get("read", "")) - _instant(before.get("read", ""))
    return round(100 * (used[1] - used[0]) / NANO / seconds, 1) if seconds > 0 else 0.0


def _instant(stamp: str) -> float:
    import datetime as dt

    whole, _, fraction = stamp.rstrip("Z").partition(".")
    try:
        return dt.datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction[:9] or 0}")
    except ValueError:
        return 0.0
