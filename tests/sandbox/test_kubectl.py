"""An unmodified kubectl on the sandbox."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml
from sandbox_helpers import deployment
from test_kinds import pem
from widgets import definition

from mcp_tools.sandbox.lifecycle import SandboxInfo, ensure_running, stop

KUBECTL = shutil.which("kubectl")
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="no kubectl on the PATH: install it")


class Kubectl(Protocol):
    def __call__(self, *words: str, fails: bool = False, given: str = "") -> str: ...


def kubectl_of(kubeconfig: Path, home: Path) -> Kubectl:
    def run(*words: str, fails: bool = False, given: str = "") -> str:
        done = subprocess.run(
            [KUBECTL or "", "--kubeconfig", str(kubeconfig), *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )
        assert (done.returncode != 0) is fails, done.stderr
        return done.stderr + done.stdout

    return run


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    """One that no other module has worked on: what stands in it is read here."""
    state = tmp_path_factory.mktemp("sandbox")
    yield ensure_running(state)
    stop(state)


@pytest.fixture(scope="module")
def anywhere(sandbox: SandboxInfo, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return kubectl_of(sandbox.kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture
def kubectl(anywhere: Kubectl) -> Iterator[Kubectl]:
    name = f"k-{uuid.uuid4().hex[:6]}"
    assert anywhere("create", "namespace", name) == f"namespace/{name} created\n"
    yield lambda *words, **options: anywhere("-n", name, *words, **options)
    anywhere("delete", "namespace", name)


@pytest.fixture
def web(kubectl: Kubectl, tmp_path: Path) -> Path:
    made = deployment(replicas=2, container={"env": [{"name": "A", "value": "1"}]})
    del made["metadata"]["namespace"]
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump(made))
    assert kubectl("create", "-f", str(path)) == "deployment.apps/web created\n"
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    return path


def test_the_stack_is_there(anywhere: Kubectl) -> None:
    lines = anywhere("get", "deployments").splitlines()
    assert re.split(r"\s{2,}", lines[0]) == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["backend", "2/2", "2", "2"],
        ["frontend", "2/2", "2", "2"],
        ["mcp-server", "1/1", "1", "1"],
    ]
    pods = anywhere("get", "po", "-o", "wide").splitlines()
    assert len(pods) == 6
    assert all(line.split()[2] == "Running" and re.fullmatch(r"(4[7-9]|5\d)m", line.split()[4]) for line in pods[1:])
    assert {"services/frontend", "ingresses/todo-ingress"}.isdisjoint(anywhere("get", "all"))
    assert "todo.local" in anywhere("get", "ing")
    assert json.loads(anywhere("logs", "deploy/backend", "--tail=1").splitlines()[-1])["level"] == "info"
    assert "sandbox-2" in anywhere("top", "nodes")


def test_scale_and_watch(kubectl: Kubectl, web: Path) -> None:
    assert "scaled" in kubectl("scale", "deploy/web", "--replicas=4")
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/web", "--timeout=30s")
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.status.readyReplicas}") == "4"
    kubectl("wait", "--for=jsonpath={.status.availableReplicas}=4", "deploy/web", "--timeout=20s")
    assert "scaled" in kubectl("scale", "deploy/web", "--replicas=0")
    kubectl("wait", "--for=delete", "pod", "-l", "app=web", "--timeout=20s")


def test_a_rollout_and_back(kubectl: Kubectl, web: Path) -> None:
    kubectl("set", "image", "deploy/web", "app=nginx:1.28")
    kubectl("rollout", "status", "deploy/web", "--timeout=30s")
    kubectl("set", "image", "deploy/web", "app=nginx:no-such-tag")
    for _ in range(100):
        shown = kubectl("get", "pods")
        if "ImagePullBackOff" in shown:
            break
        time.sleep(0.1)
    assert "ImagePullBackOff" in shown
    assert shown.count("Running") == 2
    described = kubectl("describe", "pods", "-l", "app=web", "--show-events")
    assert 'Failed to pull image "nginx:no-such-tag"' in described
    assert "manifest unknown" in described
    history = kubectl("rollout", "history", "deploy/web")
    assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["1", "2", "3"]
    kubectl("rollout", "undo", "deploy/web")
    kubectl("rollout", "status", "deploy/web", "--timeout=30s")
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert kubectl("get", "deploy/web", "-o", image) == "nginx:1.28"
    kubectl("rollout", "undo", "deploy/web", "--to-revision=1")
    assert kubectl("get", "deploy/web", "-o", image) == "nginx:1.27"
    kubectl("rollout", "restart", "deploy/web")
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/web", "--timeout=30s")


def test_apply_both_ways(kubectl: Kubectl, web: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(web.read_text().replace("'1'", "'2'").replace("replicas: 2", "replicas: 1"))
    assert "configured" in kubectl("apply", "-f", str(changed))
    assert "unchanged" in kubectl("apply", "-f", str(changed))
    assert kubectl("get", "deploy/web", "-o", "jsonpath={.spec.template.spec.containers[0].env[0].value}") == "2"
    kubectl("patch", "deploy/web", "-p", '{"spec":{"replicas":3}}')
    refused = kubectl("apply", "--server-side", "-f", str(web), fails=True)
    assert 'conflicts with "kubectl-patch" using apps/v1:\n- .spec.replicas' in refused
    assert "serverside-applied" in kubectl("apply", "--server-side", "--force-conflicts", "-f", str(web))
    planned = kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", str(changed))
    assert "(server dry run)" in planned
    assert kubectl("get", "deploy/web", "-o", "jsonpath={.spec.replicas}") == "2"
    broken = web.read_text().replace("replicas: 2", "replicaz: 2")
    assert 'unknown field "spec.replicaz"' in kubectl("apply", "-f", "-", given=broken, fails=True)


def test_patches(kubectl: Kubectl, web: Path) -> None:
    for kind, patch in (
        (
            "strategic",
            '{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"B","value":"x"}]}]}}}}',
        ),
        ("merge", '{"spec":{"minReadySeconds":1}}'),
        ("json", '[{"op":"add","path":"/metadata/labels","value":{"k":"v"}}]'),
    ):
        assert "patched" in kubectl("patch", "deploy/web", f"--type={kind}", "-p", patch)
    found = json.loads(kubectl("get", "deploy/web", "-o", "json"))
    assert [item["name"] for item in found["spec"]["template"]["spec"]["containers"][0]["env"]] == ["B", "A"]
    assert (found["spec"]["minReadySeconds"], found["metadata"]["labels"]) == (1, {"k": "v"})


def test_what_typed_commands_create(kubectl: Kubectl) -> None:
    """They speak protobuf."""
    kubectl("create", "deployment", "web", "--image=nginx:1.27", "--replicas=2", "--port=80")
    kubectl("expose", "deploy/web", "--port=8080", "--target-port=80", "--type=NodePort")
    kubectl("create", "secret", "generic", "s", "--from-literal=p=w")
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    kubectl("create", "ingress", "i", "--rule=a.example/x=web:8080")
    kubectl("create", "job", "j", "--image=busybox", "--", "sh", "-c", "echo done; sleep 1")
    kubectl("run", "p", "--image=busybox", "--restart=Never", "--env=A=b", "--", "sleep", "60")
    kubectl("wait", "--for=condition=complete", "job/j", "--timeout=20s")
    assert kubectl("logs", "job/j") == "done\n"
    service = json.loads(kubectl("get", "svc/web", "-o", "json"))["spec"]
    assert (service["ports"][0]["port"], service["ports"][0]["targetPort"]) == (8080, 80)
    assert 30000 <= service["ports"][0]["nodePort"] <= 32767
    assert kubectl("get", "secret/s", "-o", "jsonpath={.data.p}") == "dw=="
    rule = json.loads(kubectl("get", "ing/i", "-o", "json"))["spec"]["rules"][0]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "web", "port": {"number": 8080}}
    kubectl("wait", "--for=condition=available", "deploy/web", "--timeout=20s")
    assert len(kubectl("get", "endpoints/web", "-o", "jsonpath={.subsets[0].addresses[*].ip}").split()) == 2


def test_drain_respects_budgets(tmp_path: Path) -> None:
    kubectl = kubectl_of(ensure_running(tmp_path).kubeconfig, tmp_path)
    try:
        assert "sandbox-1 drained" in kubectl("drain", "sandbox-1", "--delete-emptydir-data", "--timeout=40s")
        assert "SchedulingDisabled" in kubectl("get", "node/sandbox-1")
        kubectl("rollout", "status", "deploy/backend", "--timeout=30s")
        kubectl("scale", "deploy/backend", "--replicas=1")
        kubectl("rollout", "status", "deploy/backend", "--timeout=30s")
        refused = kubectl("drain", "sandbox-2", "--delete-emptydir-data", "--timeout=3s", fails=True)
        assert "Cannot evict pod as it would violate the pod's disruption budget." in refused
        assert len(kubectl("get", "pods", "-l", "app.kubernetes.io/name=backend", "-o", "name").split()) == 1
    finally:
        stop(tmp_path)


def test_explaining_and_asking(anywhere: Kubectl) -> None:
    assert "maxUnavailable" in anywhere("explain", "deployment.spec.strategy.rollingUpdate")
    assert anywhere("auth", "can-i", "delete", "pods").strip() == "yes"
    assert "deployments" in anywhere("api-resources", "--api-group=apps")
    assert "Server Version: v1.34" in anywhere("version")


def test_deleting(kubectl: Kubectl, web: Path) -> None:
    assert "deleted" in kubectl("delete", "pod", "-l", "app=web", "--grace-period=0", "--force")
    kubectl("delete", "deploy/web", "--cascade=orphan")
    assert "web-" in kubectl("get", "rs")
    kubectl("delete", "rs", "--all", "--cascade=foreground")
    assert "No resources found" in kubectl("get", "pods")
    assert 'deployments.apps "web" not found' in kubectl("get", "deploy/web", fails=True)


def test_looking_around_in_a_container(anywhere: Kubectl) -> None:
    assert "MCP_SERVER_URL=http://mcp-server:8001\n" in anywhere("exec", "deploy/backend", "--", "env")
    assert '"status":"ok"' in anywhere("exec", "deploy/backend", "--", "wget", "-qO-", "http://mcp-server:8001/health")
    command = ("sh", "-c", "echo one && id -u; exit 3")
    said = anywhere("exec", "deploy/backend", "-c", "backend", "--", *command, fails=True)
    assert said == "command terminated with exit code 3\none\n10001\n"
    assert "4\n" in anywhere("exec", "-i", "deploy/backend", "--", "sh", given="echo 4\n")
    assert "executable file not found" in anywhere("exec", "deploy/backend", "--", "uvicron", fails=True)
    assert "container nope is not valid" in anywhere("exec", "deploy/backend", "-c", "nope", "--", "ls", fails=True)
    assert "NXDOMAIN" in anywhere("exec", "deploy/backend", "--", "nslookup", "nope", fails=True)


def test_tokens_and_what_they_may_do(kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "bob")
    assert kubectl("create", "token", "bob").count(".") == 2
    kubectl("create", "rolebinding", "bob", "--clusterrole=view", "--serviceaccount=default:bob")
    user = "--as=system:serviceaccount:default:bob"
    assert kubectl("auth", "can-i", "list", "pods", user) == "yes\n"
    assert kubectl("auth", "can-i", "delete", "pods", user, fails=True) == "no\n"
    assert "pods" in kubectl("auth", "can-i", "--list", user)
    assert 'User "system:serviceaccount:default:bob" cannot list resource "secrets"' in kubectl(
        "get", "secrets", user, fails=True
    )
    assert "kubernetes-admin" in kubectl("auth", "whoami")


def test_forwarded_ports_answer(sandbox: SandboxInfo, tmp_path: Path) -> None:
    command = [KUBECTL or "", "--kubeconfig", str(sandbox.kubeconfig), "port-forward", "deploy/backend", ":8000"]
    forward = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"HOME": str(tmp_path)})
    try:
        assert forward.stdout is not None
        port = re.search(r"127.0.0.1:(\d+) -> 8000", forward.stdout.readline())
        assert port is not None
        for path, status in (("/health/live", 200), ("/nope", 404), ("/api/tasks", 200)):
            connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=10)
            connection.request("GET", path)
            assert connection.getresponse().status == status
            connection.close()
    finally:
        forward.kill()
        forward.wait()


def test_a_list_of_objects_is_applied_and_its_fields_are_checked(kubectl: Kubectl) -> None:
    """For a `List` kubectl checks the fields itself, by `/openapi/v2` in protobuf."""
    group = f"{uuid.uuid4().hex[:6]}.example.com"
    kubectl("create", "-f", "-", given=json.dumps(definition(group)))
    kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}")
    made = deployment(replicas=1, container={"resources": {"limits": {"cpu": 1, "memory": "64Mi"}}})
    del made["metadata"]["namespace"]
    widget = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "w"},
        "spec": {"size": 2, "free": {"a": [1]}, "port": "http"},
    }
    items: dict[str, Any] = {"apiVersion": "v1", "kind": "List", "items": [made, widget]}
    created = f"deployment.apps/web created\nwidget.{group}/w created\n"
    assert kubectl("apply", "-f", "-", given=json.dumps(items)) == created
    items["items"][0]["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 80}]
    assert "deployment.apps/web configured" in kubectl("apply", "-f", "-", given=json.dumps(items))
    kubectl("apply", "--server-side", "-f", "-", given=json.dumps(items))
    items["items"][0]["spec"]["replica"] = 3
    assert 'unknown field "replica"' in kubectl("apply", "-f", "-", given=json.dumps(items), fails=True)
    kubectl("delete", "crd", f"widgets.{group}")


def test_a_certificate_is_approved_and_read(anywhere: Kubectl) -> None:
    spec = {
        "request": pem("bob", "team"),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    }
    body = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "bob"}}
    anywhere("create", "-f", "-", given=json.dumps({**body, "spec": spec}))
    assert "kube-apiserver-client   kubernetes-admin   <none>              Pending" in anywhere("get", "csr")
    anywhere("certificate", "approve", "bob")
    anywhere("wait", "csr/bob", "--for=jsonpath={.status.certificate}")
    assert "Approved,Issued" in anywhere("get", "csr", "bob")
    anywhere("delete", "csr", "bob")


def test_what_is_not_of_a_workload_is_listed(anywhere: Kubectl) -> None:
    assert "services/default/kubernetes" in anywhere("get", "ipaddresses")
    assert "10.96.0.0/16" in anywhere("get", "servicecidrs")
    assert [line.split()[:3] for line in anywhere("get", "flowschemas").splitlines()[1:3]] == [
        ["exempt", "exempt", "1"],
        ["probes", "exempt", "2"],
    ]
