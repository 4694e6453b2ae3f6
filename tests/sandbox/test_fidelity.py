"""Generated requests of every area, with a fixed seed: the sandbox answers as a real API server, or it is listed why.

docs/fidelity.md tells what a run of several thousand found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from differences import until
from fidelity import happenings, states
from fidelity.columns import capture
from fidelity.suite import AREAS, Space, measure_area

if TYPE_CHECKING:
    from fidelity.model import Area
    from sandbox_helpers import Client

pytestmark = pytest.mark.cluster

CASES = 40
SEED = 1


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_no_answer_differs_without_a_reason(real: Client, api: Client, area: Area) -> None:
    assert measure_area((real, api), area, SEED, CASES).unlisted == []


def test_tables_have_the_columns_of_a_real_api_server(real: Client, api: Client) -> None:
    container = {"name": "c", "image": "busybox:latest", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "600"]}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    with Space((real, api)) as namespace:
        for client in (real, api):
            made = client("POST", f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "p"}, "spec": spec})
            assert made.status == 201
        for client in (real, api):  # a metrics server names its columns after what it has measured
            until(lambda client=client: client("GET", "/apis/metrics.k8s.io/v1beta1/pods").body.get("items"))
        assert capture(api) == capture(real)


def test_pods_that_fit_nowhere_are_told_so_in_the_same_words(real: Client, api: Client) -> None:
    with Space((real, api)) as namespace:
        assert states.scheduling((real, api), namespace).unlisted == []


def test_a_rollout_that_stands_still_keeps_the_same_bounds(real: Client, api: Client) -> None:
    with Space((real, api)) as namespace:
        assert states.rollouts((real, api), namespace, every=4).unlisted == []


def test_events_are_told_for_the_same_reasons(real: Client, api: Client) -> None:
    with Space((real, api)) as namespace:
        assert happenings.happenings((real, api), namespace).unlisted == []
