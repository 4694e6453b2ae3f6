"""The chart on a real cluster with a real PostgreSQL, from the first release to a bad one."""

from __future__ import annotations

import os
import random
import secrets
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from needs import missing
from stack_helpers import CHART, ROOT, Object, free_port, journey, ok, run

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(500)]

NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
"""
# The chart lets the backend reach models at port 443; this one's is another, and of this machine.
MODEL_POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: stand-in-for-the-model
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: backend
  policyTypes: [Egress]
  egress:
    - ports:
        - port: {port}
"""


@dataclass
class Release:
    helm: str
    namespace: str
    url: str
    node_port: int
    model: str
    model_port: int

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return ok("kubectl", f"--namespace={self.namespace}", *arguments, stdin=stdin)

    def upgrade(self, *sets: str, patience: str = "180s") -> tuple[str, ...]:
        here = (
            "ingress.enabled=false",
            f"publicUrl={self.url}",
            f"components.frontend.service.nodePort={self.node_port}",
            f"config.OPENAI_BASE_URL=http://{self.model}:{self.model_port}/v1/",
            "config.CHAT_MODEL=stand-in",
        )
        values = [f"--values={CHART / 'values-dev.yaml'}", *(f"--set={it}" for it in (*here, *sets))]
        where = (f"--namespace={self.namespace}", f"--timeout={patience}")
        return (self.helm, "upgrade", "--install", "todo", str(CHART), *where, "--wait", *values)

    def smoke(self) -> None:
        """Sign up, add a task and list it, through the frontend: the test that comes with the chart."""
        ok(self.helm, "test", "todo", f"--namespace={self.namespace}")


def _release(helm: str) -> Release:
    """A release that browsers reach at a port of the node, and that reaches this machine's stand-in for a model."""
    node = ok(
        "kubectl", "get", "nodes", '--output=jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'
    )
    taken = ok("kubectl", "get", "services", "--all-namespaces", "--output=jsonpath={.items[*].spec.ports[*].nodePort}")
    node_port = random.choice([port for port in range(30200, 32700) if str(port) not in taken.split()])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: it tells from which address of this machine the node is reached.
        probe.connect((node, node_port))
        here = probe.getsockname()[0]
    name = f"stack-test-{uuid.uuid4().hex[:6]}"
    return Release(helm, name, f"http://{node}:{node_port}", node_port, here, free_port())


@pytest.fixture(scope="module")
def release(helm: str, images: dict[str, Object]) -> Iterator[Release]:
    if not os.environ.get("KUBECONFIG") or run("kubectl", "version").returncode:
        missing("no real cluster: set KUBECONFIG to the kubeconfig of one")
    release = _release(helm)
    ok("kubectl", "apply", "--filename=-", stdin=NAMESPACE.format(name=release.namespace))
    try:
        password = secrets.token_hex(16)
        pairs = {
            "POSTGRES_PASSWORD": password,
            "DATABASE_URL": f"postgresql://todo:{password}@postgres:5432/todo",
            "BETTER_AUTH_SECRET": secrets.token_hex(32),
            "OPENAI_API_KEY": "not-a-key",
        }
        literals = [f"--from-literal={key}={value}" for key, value in pairs.items()]
        release.kubectl("create", "secret", "generic", "backend-secrets", *literals)
        release.kubectl("apply", f"--filename={ROOT / 'manifests/development/postgres.yaml'}")
        release.kubectl("apply", "--filename=-", stdin=MODEL_POLICY.format(port=release.model_port))
        ok(*release.upgrade())
        yield release
    finally:
        run("kubectl", "delete", "namespace", release.namespace, "--wait=false")


def test_a_user_can_sign_up_add_a_task_and_list_it(release: Release) -> None:
    release.smoke()


def test_a_browser_goes_the_whole_journey_through_a_port_of_the_node(release: Release) -> None:
    journey(release.url, release.model_port)


def test_a_changed_setting_reaches_the_pods(release: Release) -> None:
    ok(*release.upgrade("config.EVENTS_SINK=log"))
    assert release.kubectl("exec", "deployment/backend", "--", "printenv", "EVENTS_SINK") == "log\n"
    release.smoke()


def test_a_bad_release_is_taken_back_and_the_one_before_serves_on(release: Release) -> None:
    done = run(*release.upgrade("image.tag=no-such-tag", patience="20s"), "--rollback-on-failure")
    assert done.returncode != 0
    images = release.kubectl("get", "deployments", "--output=jsonpath={..image}")
    assert "no-such-tag" not in images
    release.smoke()


@pytest.mark.parametrize("values", ["staging", "prod"])
def test_the_api_server_takes_every_object_without_a_warning(release: Release, values: str) -> None:
    sets = [f"--values={CHART / f'values-{values}.yaml'}", f"--namespace={release.namespace}"]
    rendered = ok(release.helm, "template", "todo", str(CHART), *sets)
    done = run("kubectl", "apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=rendered)
    assert done.returncode == 0, done.stderr
    assert "Warning: would violate" not in done.stderr
    assert "unknown field" not in done.stderr
