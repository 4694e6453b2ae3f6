"""An unmodified Helm on the sandbox: install, upgrade, failed upgrade, rollback, uninstall."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox_helpers import Client

    from mcp_tools.sandbox.lifecycle import SandboxInfo

HELM = shutil.which("helm")
pytestmark = [pytest.mark.cluster, pytest.mark.skipif(HELM is None, reason="no helm on the PATH: install it")]

Helm = Callable[..., str]
CHART = "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: '1.27'\n"
VALUES = "replicas: 2\ntag: '1.27'\nhook: false\n"
TEMPLATE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}, labels: {app: shop}}
spec:
  replicas: {{ .Values.replicas }}
  progressDeadlineSeconds: 5
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: web, image: "nginx:{{ .Values.tag }}", ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: shop}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data: {tag: {{ .Values.tag | quote }}}
{{- if .Values.hook }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: busybox, command: [sh, -c, echo migrated]}]
{{- end }}
"""


@pytest.fixture
def helm(sandbox: SandboxInfo, space: str, tmp_path: Path) -> Iterator[Helm]:
    chart = tmp_path / "shop"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(CHART)
    (chart / "values.yaml").write_text(VALUES)
    (chart / "templates" / "all.yaml").write_text(TEMPLATE)
    environment = {**os.environ, "KUBECONFIG": str(sandbox.kubeconfig), "HELM_NAMESPACE": space}
    environment |= {name: str(tmp_path / name) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}

    def run(*words: str, fails: bool = False) -> str:
        done = subprocess.run(
            [HELM or "", *words], capture_output=True, text=True, check=False, timeout=90, cwd=tmp_path, env=environment
        )
        assert (done.returncode != 0) is fails, done.stderr + done.stdout
        return done.stdout + done.stderr

    return run


def status(helm: Helm, name: str) -> dict[str, Any]:
    return dict(json.loads(helm("status", name, "-o", "json")))


def test_the_life_of_a_release(helm: Helm, api: Client, space: str) -> None:
    name = f"shop-{uuid.uuid4().hex[:4]}"
    path = f"/apis/apps/v1/namespaces/{space}/deployments/{name}"

    def image() -> str:
        return str(api("GET", path).body["spec"]["template"]["spec"]["containers"][0]["image"])

    helm("install", name, "shop", "--wait", "--timeout", "30s")
    assert (status(helm, name)["info"]["status"], status(helm, name)["version"]) == ("deployed", 1)
    assert api("GET", path).body["status"]["readyReplicas"] == 2
    helm("upgrade", name, "shop", "--set", "tag=1.28,replicas=3,hook=true", "--wait", "--timeout", "30s")
    assert (image(), api("GET", path).body["status"]["readyReplicas"]) == ("nginx:1.28", 3)
    job = api("GET", f"/apis/batch/v1/namespaces/{space}/jobs/{name}-migrate").body
    assert job["status"]["succeeded"] == 1
    helm("upgrade", name, "shop", "--set", "tag=nope", "--wait", "--timeout", "8s", fails=True)
    assert status(helm, name)["info"]["status"] == "failed"
    helm("rollback", name, "2", "--wait", "--timeout", "30s")
    assert (image(), status(helm, name)["version"]) == ("nginx:1.28", 4)
    history = json.loads(helm("history", name, "-o", "json"))
    assert [entry["status"] for entry in history] == ["superseded", "superseded", "failed", "deployed"]
    helm("uninstall", name, "--wait", "--timeout", "30s")
    assert api("GET", path).status == 404
    left = api("GET", f"/api/v1/namespaces/{space}/secrets?labelSelector=owner%3Dhelm").body["items"]
    assert left == []


def test_two_people_who_manage_the_same_field_are_told(helm: Helm, api: Client, space: str) -> None:
    helm("install", "shop", "shop", "--wait", "--timeout", "30s")
    path = f"/api/v1/namespaces/{space}/configmaps/shop-settings"
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-settings"}, "data": {"tag": "mine"}}
    media = "application/apply-patch+yaml"
    assert api("PATCH", f"{path}?fieldManager=somebody&force=true", theirs, media=media).status == 200
    said = helm("upgrade", "shop", "shop", "--set", "tag=1.28", fails=True)
    assert "conflict" in said
    helm("upgrade", "shop", "shop", "--set", "tag=1.28", "--force-conflicts")
    assert api("GET", path).body["data"]["tag"] == "1.28"
    helm("uninstall", "shop")
