"""What is asked for against what is used, workload by workload, and what could be saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp_tools.reads.answer import Answer, count
from mcp_tools.sizing.amounts import bytes_text, cores_text, span_text
from mcp_tools.sizing.looking import ContainerSizing, WorkloadSizing, size

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.sizing.recommending import Resources
    from mcp_tools.sizing.settings import Measuring, Prices
    from mcp_tools.usage.store import UsageStore

MOST = 10
"""Containers that are shown; the others are counted."""
REASONS = 3
LEAST_SAVING = 0.005
"""Cores and GiB that are worth a word."""
ORDER = ("too little", "unset", "too much", "fits", "unknown")


def sizing_report(
    connection: Connection,
    store: UsageStore,
    measuring: Measuring,
    namespace: str | None,
    *,
    all_namespaces: bool = False,
    target: str = "",
) -> Answer:
    """Hold what workloads ask for against what was measured of them; the look itself is one more sample.

    Args:
        target: One workload, perhaps `Kind/name`; empty for all.

    Returns:
        `show`, `namespace`, `containers` (the most urgent first), how many `more` there are, `advice` on replicas, and
        `saving` with `cpu_cores`, `memory_gib`, and with prices `a_month` and `currency`.

    Raises:
        NotFound: There is no such workload, or the cluster measures nothing.
        ShipmateError: As `size`.
    """
    where = None if all_namespaces else namespace or connection.namespace
    return tell(size(connection, store, measuring, where, target), measuring, where)


def tell(
    sized: Sequence[WorkloadSizing], measuring: Measuring, namespace: str | None, *, most: int | None = MOST
) -> Answer:
    """The answer about workloads that were looked at already, as `sizing_report`.

    Args:
        most: Containers that are shown; None for all.
    """
    parts = sorted(
        ((one, part) for one in sized for part in one.containers if one.replicas),
        key=lambda pair: (ORDER.index(pair[1].verdict), -_weight(*pair)),
    )
    advice = [f"{one.workload.ref}: {text}" for one in sized for text in one.advice]
    data: dict[str, Any] = {
        "show": "sizing",
        "namespace": namespace,
        "containers": [_container(one, part) for one, part in parts[:most]],
        "more": 0 if most is None else max(0, len(parts) - most),
        "advice": advice[:most],
        "saving": saving(sized, measuring.prices),
        "source": "Prometheus" if measuring.usage.prometheus else "what was recorded here",
    }
    return Answer(_summary([part for _, part in parts], data, namespace), data)


def saving(sized: Sequence[WorkloadSizing], prices: Prices) -> dict[str, Any]:
    """What all recommendations together save; less than 0 where they take more."""
    cores = sum(one.saved_cores for one in sized)
    gib = sum(one.saved_gib for one in sized)
    found: dict[str, Any] = {"cpu_cores": round(cores, 3), "memory_gib": round(gib, 3)}
    if (money := prices.a_month(cores, gib)) is not None:
        found |= {"a_month": round(money, 2), "currency": prices.currency}
    return found


def shown(resources: Resources) -> dict[str, str]:
    """Resources as the API writes them, without what is not set."""
    texts = {
        "cpu_request": resources.cpu_request and cores_text(resources.cpu_request),
        "cpu_limit": resources.cpu_limit and cores_text(resources.cpu_limit),
        "memory_request": resources.memory_request and bytes_text(resources.memory_request),
        "memory_limit": resources.memory_limit and bytes_text(resources.memory_limit),
    }
    return {key: str(text) for key, text in texts.items() if text}


def _container(one: WorkloadSizing, part: ContainerSizing) -> dict[str, Any]:
    held, advice = part.held, part.advice
    row: dict[str, Any] = {
        "workload": str(one.workload.ref),
        "namespace": one.workload.namespace,
        "replicas": one.replicas,
        "container": part.name,
        "verdict": part.verdict,
        "now": shown(part.now),
        "measured": {"samples": held.samples, "span": span_text(held.span), "confidence": round(held.confidence, 3)},
    }
    if held.samples:
        row["measured"] |= {
            "cpu": {_name(level): cores_text(held.cpu_percentile(level)) for level in (0.5, 0.9, 0.95, 0.99)}
            | {"peak": cores_text(held.cpu_peak)},
            "memory": {_name(level): bytes_text(held.memory_percentile(level)) for level in (0.5, 0.9)}
            | {"peak": bytes_text(held.memory_peak)},
        }
    if held.ooms:
        row["measured"]["ooms"] = held.ooms
    if advice is not None:
        row["recommended"] = shown(advice.resources)
        row["reasons"] = list(advice.reasons[:REASONS])
        if advice.preliminary:
            row["preliminary"] = advice.preliminary
    return row


def _name(level: float) -> str:
    return f"p{level * 100:.0f}"


def _weight(one: WorkloadSizing, part: ContainerSizing) -> float:
    return one.replicas * (abs(part.saved_cores) + abs(part.saved_bytes) / 2**32)


def _summary(parts: Sequence[ContainerSizing], data: dict[str, Any], namespace: str | None) -> str:
    place = f"Namespace {namespace}" if namespace else "All namespaces"
    if not parts:
        return f"{place}: no workload runs that could be measured."
    known = [part for part in parts if part.advice]
    if not known:
        most = max(part.held.samples for part in parts)
        return (
            f"{place}: too little was measured to say what its {count(len(parts), 'container')} need (at most "
            f"{count(most, 'sample')} of each). `shipmate usage record --for 1h` measures."
        )
    verdicts = [part.verdict for part in known]
    tally = [_tally(verdict, number) for verdict in ORDER if (number := verdicts.count(verdict))]
    text = f"{place}, {count(len(parts), 'container')}: {', '.join(tally)}"
    if unknown := len(parts) - len(known):
        text += f"; of {unknown} too little was measured"
    text += f". {_saving(data['saving'])}"
    preliminary = [part.held.span for part in known if part.advice and part.advice.preliminary]
    if preliminary:
        text += f" Preliminary: measured for {span_text(min(preliminary))} only."
    return text


def _tally(verdict: str, number: int) -> str:
    ask = "asks" if number == 1 else "ask"
    words = {"fits": "fits" if number == 1 else "fit", "unset": f"{ask} for nothing"}
    return f"{number} {words.get(verdict, f'{ask} for {verdict}')}"


def _saving(found: dict[str, Any]) -> str:
    cores, gib = found["cpu_cores"], found["memory_gib"]
    moves = [
        f"{abs(amount):.2f} {unit} {'less' if amount > 0 else 'more'}"
        for amount, unit in ((cores, "cores"), (gib, "GiB"))
        if abs(amount) >= LEAST_SAVING
    ]
    if not moves:
        return "Right-sized it would ask for as much."
    money = ""
    if "a_month" in found:
        side = "saves" if found["a_month"] >= 0 else "costs"
        money = f", which {side} {abs(found['a_month']):.2f} {found['currency']}".rstrip() + " a month"
    return f"Right-sized it would ask for {' and '.join(moves)}{money}."
