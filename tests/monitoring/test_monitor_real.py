"""The monitor on a real cluster, with a container that really crashes."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from monitor_helpers import monitoring, receiving, until

if TYPE_CHECKING:
    from hands_helpers import Kube

pytestmark = pytest.mark.cluster


def test_a_crash_loop_is_told_once_and_is_over_once_it_is_healed(real: Kube, store: Path) -> None:
    space = f"monitor-{uuid.uuid4().hex[:8]}"
    deployments = f"/apis/apps/v1/namespaces/{space}/deployments"
    labels = {"app": "web"}
    image = {"image": "busybox:latest", "imagePullPolicy": "IfNotPresent"}
    container = {"name": "web", **image, "command": ["sh", "-c", "exit 3"]}
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    real.make("/api/v1/namespaces", {"metadata": {"name": space}})
    quick = {"crash-loop": {"with": {"more_than": 1, "window": "1h", "steady": "20s"}}}
    config = Path(os.environ["KUBECONFIG"])
    try:
        with (
            receiving() as (receiver, url),
            monitoring(config, space, store, {"webhook": {"url": url}}, rules=quick) as (
                made,
                _,
            ),
        ):
            until(lambda: made.ready)
            real.make(deployments, {"metadata": {"name": "web"}, "spec": spec})
            until(lambda: receiver.told, 120)
            healed = {"containers": [{**container, "command": ["sleep", "3600"]}]}
            real.merge(f"{deployments}/web", {"spec": {"template": {"spec": healed}}})
            until(lambda: len(receiver.told) > 1, 120)
        assert receiver.told == [
            ("firing", "crash-loop", "Deployment/web"),
            ("resolved", "crash-loop", "Deployment/web"),
        ]
    finally:
        real.delete(f"/api/v1/namespaces/{space}")
