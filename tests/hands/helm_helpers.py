"""What the tests of Helm share: a chart, releases as Helm keeps them, and the user's `helm` itself."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from needs import missing

Helm = Callable[..., str]
CHART = "apiVersion: v2\nname: shop\nversion: {version}\nappVersion: '1.27'\n"
VALUES = "replicas: 1\nimage: busybox:latest\ncolour: blue\nhook: false\npassword: ''\n"
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings, labels: {{ .Values.labels | default dict | toJson }}}
data: {colour: {{ .Values.colour | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-login}
stringData: {password: {{ .Values.password | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}, labels: {app: shop}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: {{ .Values.image }}
        imagePullPolicy: IfNotPresent
        command: [sh, -c, sleep 10000]
        env: [{name: COLOUR, value: {{ .Values.colour | quote }}}]
{{- if .Values.elsewhere }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-elsewhere, namespace: {{ .Values.elsewhere }}}
{{- end }}
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
      containers:
      - name: migrate
        image: {{ .Values.migration | default .Values.image }}
        imagePullPolicy: IfNotPresent
        command: [sh, -c, echo migrated]
{{- end }}
"""


def make_chart(directory: Path, version: str = "0.1.0") -> Path:
    """A chart named `shop`."""
    chart = directory / "shop"
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text(CHART.format(version=version))
    (chart / "values.yaml").write_text(VALUES)
    (chart / "templates" / "all.yaml").write_text(TEMPLATE)
    (chart / "templates" / "NOTES.txt").write_text("Welcome to {{ .Release.Name }}.\n")
    return chart


def helm_on(kubeconfig: str, namespace: str) -> Helm:
    """The user's `helm` on a cluster, as a function from words to what it prints."""
    program = shutil.which("helm")
    if program is None:
        missing("there is no helm on the PATH")
    environment = {**os.environ, "KUBECONFIG": kubeconfig}

    def run(*words: str) -> str:
        done = subprocess.run(
            [program, *words, "--namespace", namespace],
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def stored(name: str, revision: int = 1, status: str = "deployed", **release: Any) -> dict[str, Any]:
    """The Secret of one revision of a release, as Helm writes it."""
    body = {
        "name": name,
        "version": revision,
        "info": {"status": status, "last_deployed": "2026-01-02T03:04:05.123456789Z", "description": "Made by a test"},
        "chart": {"metadata": {"name": "shop", "version": "0.1.0", "appVersion": "1.27"}, "values": {}},
        "manifest": "",
        **release,
    }
    packed = base64.b64encode(gzip.compress(json.dumps(body).encode()))
    labels = {"owner": "helm", "name": name, "version": str(revision), "status": status}
    return {
        "metadata": {"name": f"sh.helm.release.v1.{name}.v{revision}", "labels": labels},
        "type": "helm.sh/release.v1",
        "data": {"release": base64.b64encode(packed).decode()},
    }
