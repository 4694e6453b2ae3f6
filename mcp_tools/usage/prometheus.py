"""Use over time as a Prometheus keeps it that scrapes the kubelets (cAdvisor's series).

The queries are those of the Vertical Pod Autoscaler's `input/history/history_provider.go`, with five minutes instead of
an hour between two points.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from mcp_tools.errors import ShipmateError
from mcp_tools.redaction import redact_text
from mcp_tools.usage.aggregate import DAY, Aggregate, Instance
from mcp_tools.usage.recording import owner_of
from mcp_tools.usage.store import Owner

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

STEP = 300
CPU = "sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{%s}[5m]))"
MEMORY = "max by (namespace, pod, container) (max_over_time(container_memory_working_set_bytes{%s}[5m]))"
OF_CONTAINERS = 'container!="",container!="POD"'
SECONDS = 30.0
MOST_BYTES = 64 * 2**20
NAMES = {
    "Deployment": r"-[a-z0-9]{1,10}-[a-z0-9]{5}",
    "StatefulSet": r"-[0-9]+",
    "DaemonSet": r"-[a-z0-9]{5}",
}
"""How the names of a workload's pods go on: of those that are gone no more is known."""


class PrometheusProblem(ShipmateError):
    """Prometheus does not answer, or not as expected."""

    code: ClassVar[str] = "prometheus"


class _Series(msgspec.Struct):
    metric: dict[str, str] = {}
    values: list[tuple[float, str]] = []
    value: tuple[float, str] | None = None


class _Result(msgspec.Struct):
    result: list[_Series] = []


class _Response(msgspec.Struct):
    status: str = ""
    data: _Result | None = None
    error: str = ""


_response = msgspec.json.Decoder(_Response)


def history(
    address: str, snapshot: Snapshot, namespace: str | None, days: float, now: float | None = None
) -> dict[Owner, Aggregate]:
    """What the workloads of a snapshot used.

    Args:
        address: Such as `http://prometheus.monitoring:9090`.
        namespace: None for all.
        days: How far to look back.
        now: Seconds since 1970; None is the present.

    Raises:
        PrometheusProblem: It does not answer, refuses the query, or answers with more than 64 MiB.
    """
    end = time.time() if now is None else now
    where = OF_CONTAINERS + (f',namespace="{namespace}"' if namespace else "")
    span = {"start": f"{end - days * DAY:.0f}", "end": f"{end:.0f}", "step": str(STEP)}
    held: dict[Owner, Aggregate] = defaultdict(Aggregate)
    instances: dict[tuple[str, str, str], Instance] = defaultdict(Instance)
    owners = _Owners(snapshot)
    for query, resource in ((CPU, "cpu"), (MEMORY, "memory")):
        for series in _ask(address, "query_range", {"query": query % where, **span}):
            place = tuple(series.metric.get(key, "") for key in ("namespace", "pod", "container"))
            owner = owners.of(*place)
            if owner is None:
                continue
            one, into = instances[place[0], place[1], place[2]], held[owner]
            for at, value in series.values:
                add = into.add_cpu if resource == "cpu" else into.add_memory
                add(one, _number(value), at)
    return dict(held)


def latency(address: str, query: str, namespace: str, workload: str) -> float | None:
    """Seconds that a user's own query gives for a workload; None where it gives nothing.

    Raises:
        PrometheusProblem: As `history`.
    """
    filled = query.replace("{namespace}", namespace).replace("{workload}", workload)
    found = [_number(series.value[1]) for series in _ask(address, "query", {"query": filled}) if series.value]
    return max((value for value in found if value >= 0), default=None)


def _number(text: str) -> float:
    """Less than 0 where it is none: `NaN` says that there was nothing to divide."""
    try:
        value = float(text)
    except ValueError:
        return -1.0
    return value if value >= 0 and value != float("inf") else -1.0


class _Owners:
    """Finds the workload of a pod, also of one that is gone."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._by_namespace: dict[str, list[Resource]] = defaultdict(list)
        for item in snapshot.workloads:
            self._by_namespace[item.namespace].append(item)
        self._known: dict[tuple[str, str], Owner | None] = {}

    def of(self, namespace: str, pod: str, container: str) -> Owner | None:
        found = self._snapshot.get("Pod", namespace, pod)
        if found is not None:
            return owner_of(self._snapshot, found, container)
        if (namespace, pod) not in self._known:
            self._known[namespace, pod] = self._by_name(namespace, pod)
        owner = self._known[namespace, pod]
        return owner._replace(container=container) if owner else None

    def _by_name(self, namespace: str, pod: str) -> Owner | None:
        for item in self._by_namespace.get(namespace, ()):
            ending = NAMES.get(item.ref.kind)
            if ending and pod.startswith(item.name) and re.fullmatch(ending, pod[len(item.name) :]):
                return Owner(namespace, item.ref.kind, item.name, "")
        return None


def _ask(address: str, what: str, form: dict[str, Any]) -> list[_Series]:
    import httpx

    url = f"{address.rstrip('/')}/api/v1/{what}"
    hint = "Check `prometheus` under [usage] in config.toml."
    try:
        with httpx.Client(timeout=SECONDS) as client, client.stream("POST", url, data=form) as answer:
            raw = b""
            for part in answer.iter_bytes():
                raw += part
                if len(raw) > MOST_BYTES:
                    raise PrometheusProblem(
                        f"Prometheus at {address} answers with more than {MOST_BYTES // 2**20} MiB.",
                        "Ask for one namespace, or for fewer days (`prometheus_days` under [usage]).",
                    )
    except httpx.HTTPError as error:
        raise PrometheusProblem(f"Prometheus at {address} does not answer: {error}.", hint) from error
    try:
        response = _response.decode(raw)
    except msgspec.DecodeError as error:
        raise PrometheusProblem(f"{address} answers {answer.status_code}, and not as Prometheus does.", hint) from error
    if response.status != "success" or response.data is None:
        raise PrometheusProblem(
            f"Prometheus at {address} refuses the query: {redact_text(response.error[:300])}.", hint
        )
    return response.data.result
