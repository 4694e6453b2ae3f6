"""Every operation once on a real cluster, as a person types it and as an MCP client calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hands_helpers import Kube, deployment, deployments, there
from mcp import Client, StdioServerParameters

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

PYTHON = "python:3.13-slim"
SERVE = "python -m http.server 8080"
WEB: dict[str, Any] = {
    "image": PYTHON,
    "command": SERVE.split(),
    "ports": [{"containerPort": 8080}],
    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
}
TWO = f"create deployment two with image {PYTHON} and port 8080 running {SERVE}"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-file}\ndata: {a: b}\n"
APPS, CORE, BATCH = (
    "/apis/apps/v1/namespaces/{space}/",
    "/api/v1/namespaces/{space}/",
    "/apis/batch/v1/namespaces/{space}/",
)
NETWORK, RBAC = (
    "/apis/networking.k8s.io/v1/namespaces/{space}/",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{space}/",
)
DEPLOYED = APPS + "deployments/web"
CONTAINER = "spec.template.spec.containers.0."

TYPED: list[tuple[str, str, str, Any]] = [
    ("scale web to 2", DEPLOYED, "spec.replicas", 2),
    ("restart web", DEPLOYED, "metadata.generation", 3),
    (f"set image of web to docker.io/library/{PYTHON}", DEPLOYED, CONTAINER + "image", f"docker.io/library/{PYTHON}"),
    ("set env web MODE=fast", DEPLOYED, CONTAINER + "env.0.value", "fast"),
    ("set memory limit of web to 128Mi", DEPLOYED, CONTAINER + "resources.limits.memory", "128Mi"),
    ("rollout undo web", DEPLOYED, CONTAINER + "resources", {}),
    ("rollout pause web", DEPLOYED, "spec.paused", True),
    ("rollout resume web", DEPLOYED, "spec.paused", None),
    (
        "autoscale web between 1 and 2",
        "/apis/autoscaling/v2/namespaces/{space}/horizontalpodautoscalers/web",
        "spec.maxReplicas",
        2,
    ),
    ("undo", "/apis/autoscaling/v2/namespaces/{space}/horizontalpodautoscalers/web", "", None),
    ("apply -f {folder}", CORE + "configmaps/from-file", "data.a", "b"),
    ("delete configmap/from-file", CORE + "configmaps/from-file", "", None),
    ("undo", CORE + "configmaps/from-file", "data.a", "b"),
    (TWO, APPS + "deployments/two", "status.readyReplicas", 1),
    ("expose two on port 80", CORE + "services/two", "spec.ports.0.targetPort", 8080),
    (
        "create ingress two for service two on host two.local",
        NETWORK + "ingresses/two",
        "spec.rules.0.host",
        "two.local",
    ),
    ("create configmap settings with mode=fast", CORE + "configmaps/settings", "data.mode", "fast"),
    ("create secret api with pin=1234", CORE + "secrets/api", "data.pin", "MTIzNA=="),
    (f"create job hello with image {PYTHON} running true", BATCH + "jobs/hello", "spec.completions", 1),
    (
        f'create cronjob tick with image {PYTHON} schedule "0 3 * * *" running date',
        BATCH + "cronjobs/tick",
        "spec.schedule",
        "0 3 * * *",
    ),
    ("create serviceaccount robot", CORE + "serviceaccounts/robot", "metadata.name", "robot"),
    ("create role reader to get,list pods", RBAC + "roles/reader", "rules.0.verbs", ["get", "list"]),
    ("bind role reader to serviceaccount robot", RBAC + "rolebindings/reader-robot", "subjects.0.name", "robot"),
    (
        "allow web to reach two on port 8080",
        NETWORK + "networkpolicies/allow-web-to-two",
        "spec.policyTypes",
        ["Ingress"],
    ),
    ("create quota small with pods=50", CORE + "resourcequotas/small", "spec.hard.pods", "50"),
    ("create pvc data of 1Gi", CORE + "persistentvolumeclaims/data", "spec.resources.requests.storage", "1Gi"),
    (
        "create pdb two for two with 1 available",
        "/apis/policy/v1/namespaces/{space}/poddisruptionbudgets/two",
        "spec.minAvailable",
        1,
    ),
    ("set spec.type of service/two to NodePort", CORE + "services/two", "spec.type", "NodePort"),
    ("label two team=blue", APPS + "deployments/two", "metadata.labels.team", "blue"),
    ("annotate two note='hello there'", APPS + "deployments/two", "metadata.annotations.note", "hello there"),
    ("switch traffic of two to web", CORE + "services/two", "spec.selector.app", "web"),
    ("point web at two", DEPLOYED, CONTAINER + "env.1.value", "http://two:80"),
    ("scale web to 3, set env web MODE=slow and label two team=red", DEPLOYED, "spec.replicas", 3),
    ("expand pvc/grows to 2Gi", CORE + "persistentvolumeclaims/grows", "spec.resources.requests.storage", "2Gi"),
    ("cordon {node}", "/api/v1/nodes/{node}", "spec.unschedulable", True),
    ("uncordon {node}", "/api/v1/nodes/{node}", "spec.unschedulable", None),
    ("drain {node}", "/api/v1/nodes/{node}", "spec.unschedulable", True),
]
READS = [
    ("get pods", "two-"),
    ("kubectl get po -A", "all namespaces"),
    ("status", "web"),
    ("describe web", "replicas"),
    ("logs of deployment/two", ""),
    ("events of web", "Scaled"),
    ("top nodes", "cpu"),
    ("rollout status web", "revision"),
    ("search robot", "serviceaccount/robot"),
    ("explain deployment.spec.strategy", "rolling"),
    ("can i delete pods?", "may"),
    ("who can list secrets?", "system:"),
    ("tree of deployment/web", "replicaset"),
    ("diff -f {folder}", ""),
    ("history", "Scale"),
]
CALLED: list[tuple[str, dict[str, Any]]] = [
    ("scale", {"target": "web", "replicas": 2}),
    ("scale", {"target": "web", "min": 2, "max": 3}),
    ("rollout", {"target": "web", "action": "restart"}),
    ("configure_workload", {"target": "web", "env": {"MODE": "fast"}, "limits": {"memory": "128Mi"}}),
    ("rollout", {"target": "web", "action": "undo"}),
    ("rollout", {"target": "web", "action": "pause"}),
    ("rollout", {"target": "web", "action": "resume"}),
    ("patch_resource", {"target": "web", "labels": {"team": "blue"}, "fields": {"spec.minReadySeconds": 1}}),
    ("apply_manifest", {"manifest": CONFIG}),
    ("delete_resource", {"target": "configmap/from-file"}),
    ("undo_change", {}),
    (
        "change_several",
        {
            "steps": [
                {
                    "tool": "create_resource",
                    "arguments": {
                        "kind": "deployment",
                        "name": "two",
                        "image": PYTHON,
                        "port": 8080,
                        "command": SERVE.split(),
                    },
                },
                {
                    "tool": "create_resource",
                    "arguments": {"kind": "service", "name": "two", "target": "two", "port": 80},
                },
                {"tool": "configure_workload", "arguments": {"target": "web", "connect_to": "two"}},
            ]
        },
    ),
    ("rollout", {"target": "web", "action": "serve", "service": "two"}),
    ("create_resource", {"kind": "role", "name": "reader", "rules": ["get,list pods"]}),
    ("create_resource", {"kind": "secret", "name": "api", "data": {"pin": "1234"}}),
    ("create_resource", {"kind": "networkpolicy", "name": "in", "target": "two", "subjects": ["web"], "port": 8080}),
    ("connect_pod", {"action": "exec", "target": "web", "command": ["sh", "-c", "echo $((6*7))"]}),
]


@pytest.fixture
def space(real: Kube) -> Iterator[str]:
    """A namespace with a ready Deployment `web` of one pod."""
    name = f"shipmate-test-{uuid.uuid4().hex[:8]}"
    real.make("/api/v1/namespaces", {"metadata": {"name": name}})
    real.make(deployments(name), deployment("web", replicas=1, container=WEB))
    yield name
    real.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def node(real: Kube, space: str) -> Iterator[str]:
    """A Node object beside the real one, which no kubelet serves."""
    name = f"spare-{space[-8:]}"
    real.make("/api/v1/nodes", {"metadata": {"name": name}})
    yield name
    real.delete(f"/api/v1/nodes/{name}")


@pytest.fixture
def claim(real: Kube, space: str) -> Iterator[str]:
    """A bound claim of 1 GiB, whose class lets it grow."""
    name = f"grows-{space[-8:]}"
    classes, volumes = "/apis/storage.k8s.io/v1/storageclasses", "/api/v1/persistentvolumes"
    of_class = {"storageClassName": name, "accessModes": ["ReadWriteOnce"]}
    made = {"metadata": {"name": name}, "provisioner": "kubernetes.io/no-provisioner", "allowVolumeExpansion": True}
    real.make(classes, made)
    size = {"storage": "1Gi"}
    volume = {**of_class, "capacity": size, "hostPath": {"path": f"/tmp/{name}"}}
    real.make(volumes, {"metadata": {"name": name}, "spec": volume})
    claims = f"/api/v1/namespaces/{space}/persistentvolumeclaims"
    real.make(claims, {"metadata": {"name": "grows"}, "spec": {**of_class, "resources": {"requests": size}}})
    while real.get(f"{claims}/grows")["status"].get("phase") != "Bound":
        time.sleep(0.2)
    yield "grows"
    real.delete(f"{claims}/grows")
    real.delete(f"{volumes}/{name}")
    real.delete(f"{classes}/{name}")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), "SHIPMATE_MODEL": "offline"}


def value_of(found: Any, field: str) -> Any:
    for step in filter(None, field.split(".")):
        if found is None:
            return None
        found = (found[int(step)] if isinstance(found, list) else found.get(step)) if found else None
    return found


@pytest.mark.timeout(900)  # some seventy sentences, each a process of its own
@pytest.mark.usefixtures("claim")
def test_as_a_person_types_it(real: Kube, space: str, node: str, environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "one.yaml").write_text(CONFIG)

    def ask(sentence: str, *options: str) -> dict[str, Any]:
        command = [sys.executable, "-P", "-m", "assistant.cli", "-n", space, "ask", "--json", *options]
        sentence = sentence.replace("{node}", node).replace("{folder}", str(folder))
        done = subprocess.run(
            [*command, sentence], env=environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, (sentence, done.stdout, done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    for sentence, path, field, wanted in TYPED:
        answer = ask(sentence, "--yes")
        assert answer["calls"][-1]["result"]["status"] == "verified", (sentence, answer)
        assert "1234" not in json.dumps(answer)
        place = path.format(space=space, node=node)
        if not field:
            assert not there(real, place), sentence
            continue
        assert value_of(real.get(place), field) == wanted, sentence
    planned = ask("scale web to 1", "--dry-run")["calls"][-1]["result"]
    assert real.get(deployments(space, "web"))["spec"]["replicas"] == 3
    assert ask(f"apply plan {planned['plan_id']}", "--yes")["calls"][-1]["result"]["status"] == "verified"
    assert real.get(deployments(space, "web"))["spec"]["replicas"] == 1
    for sentence, words in READS:
        answer = ask(sentence)
        assert words.lower() in json.dumps(answer).lower(), (sentence, answer)


@pytest.mark.anyio
async def test_as_an_mcp_client_calls_it(
    real: Kube, space: str, node: str, claim: str, environment: dict[str, str]
) -> None:
    grown = {"target": f"pvc/{claim}", "fields": {"spec.resources.requests.storage": "2Gi"}}
    called = [
        *CALLED,
        ("patch_resource", grown),
        *(("node_maintenance", {"node": node, "action": action}) for action in ("cordon", "uncordon", "drain")),
    ]
    command = ["-P", "-m", "assistant.cli", "-n", space, "mcp"]
    server = StdioServerParameters(command=sys.executable, args=command, env=environment)
    async with Client(server, mode="auto") as client:
        for tool, arguments in called:
            planned = (await client.call_tool(tool, arguments)).structured_content or {}
            assert planned.get("status") == "planned", (tool, planned)
            done = (await client.call_tool("apply_plan", {"plan_id": planned["plan_id"]})).structured_content or {}
            assert done["status"] == "verified", (tool, done)
        listed = (await client.call_tool("list_changes", {"limit": 100})).structured_content or {}
        assert len(listed["changes"]) == len(called)
    assert value_of(real.get(f"/api/v1/namespaces/{space}/services/two"), "spec.selector.app") == "web"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
