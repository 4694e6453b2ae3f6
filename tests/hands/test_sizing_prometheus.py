"""History from a Prometheus: what it is asked, whose use it is, and what is said where it does not answer."""

from __future__ import annotations

import json
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, answer, deployments, http_server
from test_sizing import workload

from mcp_tools.sizing.looking import size
from mcp_tools.sizing.settings import Measuring
from mcp_tools.usage.prometheus import PrometheusProblem, latency
from mcp_tools.usage.settings import UsageSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler

    from mcp_tools.toolbox import Toolbox

MIB = 2**20


class Prometheus:
    """Answers range queries about pods as a real one does: a matrix of the points that were asked for."""

    def __init__(self, space: str, pods: tuple[str, ...]) -> None:
        self.space = space
        self.pods = pods
        self.asked: list[dict[str, str]] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        handler.headers.replace_header("Content-Length", "0")
        form = {key: values[0] for key, values in urllib.parse.parse_qs(raw).items()}
        self.asked.append({"path": handler.path, **form})
        if handler.path.endswith("/query"):
            result: list[Any] = [{"metric": {}, "value": [0, "0.25"]}]
            answer(handler, 200, {"status": "success", "data": {"resultType": "vector", "result": result}})
            return
        value = "0.3" if "cpu" in form["query"] else str(200 * MIB)
        times = range(int(form["start"]), int(form["end"]) + 1, int(form["step"]))
        result = [
            {
                "metric": {"namespace": self.space, "pod": pod, "container": "app"},
                "values": [[at, "NaN" if at == times[0] else value] for at in times],
            }
            for pod in self.pods
        ]
        answer(handler, 200, {"status": "success", "data": {"resultType": "matrix", "result": result}})


def test_history_is_read_also_of_pods_that_are_gone(make_box: Callable[..., Toolbox], kube: Kube, space: str) -> None:
    kube.make(deployments(space), workload("cpu=0.1,memory=100"))
    served = Prometheus(space, ("web-7d9c6b5f4-abcde", "web-6c5b4f3d2-fghij", "webshop-6c5b4f3d2-fghij"))
    box = make_box()
    with http_server(served) as address:
        measuring = Measuring(UsageSettings(prometheus=address, prometheus_days=2))
        container = size(box.connection, box.usage, measuring, space)[0].containers[0]
    assert container.advice
    # Two pods, a point every five minutes for two days, one of them no number.
    assert container.held.samples == 2 * 2 * 288
    assert container.held.span == pytest.approx(2 * 86_400, rel=0.01)
    assert container.advice.preliminary == ""
    assert (container.advice.resources.cpu_request or 0) / 1.15 == pytest.approx(0.3, rel=0.01)
    assert (container.advice.resources.memory_request or 0) / 1.15 == pytest.approx(200 * MIB, rel=0.01)
    assert all(f'namespace="{space}"' in one["query"] for one in served.asked)


def test_the_latency_is_that_of_the_users_own_query(space: str) -> None:
    served = Prometheus(space, ())
    query = 'histogram_quantile(0.99, x{namespace="{namespace}",app="{workload}"})'
    with http_server(served) as address:
        assert latency(address, query, space, "web") == 0.25
    assert served.asked[0]["query"] == f'histogram_quantile(0.99, x{{namespace="{space}",app="web"}})'


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"status": "error", "error": "bad query"}, "refuses the query: bad query"),
        (200, b"<html>", "answers 200, and not as Prometheus does"),
    ],
)
def test_what_is_no_answer_is_told(status: int, body: Any, words: str) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, status, body if isinstance(body, bytes) else json.dumps(body).encode())

    with http_server(reply) as address, pytest.raises(PrometheusProblem, match=words):
        latency(address, "up", "n", "w")
    with pytest.raises(PrometheusProblem, match="does not answer"):
        latency(address, "up", "n", "w")
