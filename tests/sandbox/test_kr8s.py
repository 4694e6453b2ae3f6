"""kr8s as its users have it: the kubeconfig, and nothing else that knows of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from differences import until
from sandbox_helpers import deployment

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo


@pytest.fixture
def client(sandbox: SandboxInfo) -> Any:
    import kr8s

    return kr8s.api(kubeconfig=str(sandbox.kubeconfig))


def test_kr8s_makes_scales_and_deletes_a_workload(client: Any, space: str) -> None:
    from kr8s.objects import Deployment

    made = deployment()
    made["metadata"]["namespace"] = space
    web = Deployment(made, api=client)
    web.create()
    web.wait("condition=Available", timeout=30)
    pods = list(client.get("pods", namespace=space, label_selector={"app": "web"}))
    assert len(pods) == 2
    web.scale(3)
    until(lambda: len(list(client.get("pods", namespace=space, label_selector="app=web"))) == 3)
    web.patch({"metadata": {"labels": {"tier": "front"}}})
    web.refresh()
    assert web.labels["tier"] == "front"
    web.delete()
    until(lambda: not web.exists())


def test_kr8s_reads_logs_runs_commands_and_says_what_is_not_there(client: Any) -> None:
    import kr8s

    def running() -> Any:
        pods = list(client.get("pods", namespace="todo-app", label_selector={"app.kubernetes.io/name": "backend"}))
        return pods if pods and all(pod.ready() for pod in pods) else None

    pod = until(running)[0]
    assert list(pod.logs(tail_lines=1))
    assert pod.exec(["echo", "hello"]).stdout == b"hello\n"
    with pytest.raises(kr8s.NotFoundError):
        kr8s.objects.Pod.get("no-such", namespace="todo-app", api=client)
