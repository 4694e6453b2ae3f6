"""Changes a sandbox through its API, with the few verbs that faults need."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import ApiError
from mcp_tools.sandbox.faults.model import NAMESPACE
from mcp_tools.sandbox.objects.kinds import KINDS, Kind

if TYPE_CHECKING:
    from pathlib import Path

Object = dict[str, Any]
Send = Callable[[str, str, Any, str], tuple[int, Object]]
JSON = "application/json"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
_BY_NAME = {kind.name: kind for kind in reversed(KINDS)}
_ERROR = 400
_PAUSE = 2.5


class Injector:
    """Speaks to one sandbox.

    Args:
        send: From a method, a path, a body and its media type to the status and the body of the answer.
        pause: Lets the cluster's controllers come to rest; faults know it as `settle`.
        namespace: Of the stack.
    """

    def __init__(self, send: Send, pause: Callable[[], None], namespace: str = NAMESPACE) -> None:
        self._send = send
        self.settle = pause
        self.namespace = namespace

    def _call(self, method: str, path: str, body: Any = None, media: str = JSON) -> Object:
        status, answer = self._send(method, path, body, media)
        if status >= _ERROR:
            message = str(answer.get("message", answer))
            raise ApiError(f"The sandbox refused {method} {path}: {message}", status=status)
        return answer

    def _place(self, kind: str, name: str = "", namespace: str | None = None) -> str:
        return _BY_NAME[kind].path(self.namespace if namespace is None else namespace, name)

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """An object."""
        return self._call("GET", self._place(kind, name, namespace))

    def names(self, kind: str, labels: str = "", namespace: str | None = None) -> list[str]:
        """The names of objects."""
        path = self._place(kind, "", namespace) + (f"?labelSelector={labels}" if labels else "")
        return [item["metadata"]["name"] for item in self._call("GET", path)["items"]]

    def create(
        self, kind: str, name: str, namespace: str | None = None, labels: Object | None = None, **fields: Any
    ) -> None:
        """Create an object from its top-level fields."""
        found: Kind = _BY_NAME[kind]
        meta = {"name": name, **({"labels": labels} if labels else {})}
        body = {"apiVersion": found.api_version, "kind": kind, "metadata": meta, **fields}
        self._call("POST", self._place(kind, "", namespace), body)

    def load(self, obj: Object) -> None:
        """Create a whole object, in its own namespace.

        Raises:
            ApiError: The sandbox does not take it.
            KeyError: It serves no such kind.
        """
        kind = _BY_NAME.get(obj["kind"])
        namespace = obj["metadata"].get("namespace", "")
        if kind is not None and kind.api_version == obj.get("apiVersion"):
            self._call("POST", kind.path(namespace), obj)
            return
        group_version = str(obj.get("apiVersion", ""))
        served = self._call("GET", f"/apis/{group_version}") if "/" in group_version else {"resources": []}
        plural = {found["kind"]: found for found in served["resources"] if "/" not in found["name"]}[obj["kind"]]
        space = f"/namespaces/{namespace}" if plural["namespaced"] else ""
        self._call("POST", f"/apis/{group_version}{space}/{plural['name']}", obj)

    def create_at(self, path: str, body: Object) -> None:
        """Create an object of a kind that is not built in."""
        self._call("POST", path.replace("{namespace}", self.namespace), body)

    def patch(self, kind: str, name: str, body: Object, media: str = STRATEGIC, namespace: str | None = None) -> None:
        """Patch an object."""
        self._call("PATCH", self._place(kind, name, namespace), body, media)

    def spec(self, kind: str, name: str, namespace: str | None = None, **fields: Any) -> None:
        """Merge into an object's spec."""
        self.patch(kind, name, {"spec": fields}, MERGE, namespace)

    def status(self, kind: str, name: str, status: Object, namespace: str | None = None) -> None:
        """Patch an object's status."""
        self._call("PATCH", self._place(kind, name, namespace) + "/status", {"status": status}, STRATEGIC)

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object."""
        self._call("DELETE", self._place(kind, name, namespace))

    def container(self, deployment: str, **fields: Any) -> None:
        """Change the container of one of the stack's Deployments: it has the Deployment's name."""
        self.pod(deployment, containers=[{"name": deployment, **fields}])

    def pod(self, deployment: str, **fields: Any) -> None:
        """Change the pod spec of one of the stack's Deployments."""
        self.patch("Deployment", deployment, {"spec": {"template": {"spec": fields}}})

    def deployment(
        self, name: str, container: Object, *, replicas: int = 1, kind: str = "Deployment", **pod: Any
    ) -> None:
        """Create a workload beside the stack that keeps the namespace's security rules."""
        more = {"serviceName": name} if kind == "StatefulSet" else {}
        if kind == "StatefulSet" and "volumeClaimTemplates" in pod:
            more["volumeClaimTemplates"] = pod.pop("volumeClaimTemplates")
        labels = {"app.kubernetes.io/name": name}
        template = {"metadata": {"labels": labels}, "spec": restricted(name, container, **pod)}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **more}
        self.create(kind, name, labels=labels, spec=spec)

    def job(self, name: str, container: Object, pod: Object | None = None, **spec: Any) -> None:
        """Create a Job beside the stack."""
        template = {"spec": {**restricted(name, container), "restartPolicy": "Never", **(pod or {})}}
        self.create("Job", name, spec={**spec, "template": template})


def restricted(name: str, container: Object, **pod: Any) -> Object:
    """A pod spec that the restricted Pod Security Standard admits."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": name, "securityContext": context, **container}],
        **pod,
    }


def _json(body: bytes) -> Object:
    try:
        found: Object = json.loads(body)
    except ValueError:
        return {"message": body.decode("utf-8", "replace").strip()[:200]}
    return found


def over_https(kubeconfig: Path) -> Injector:
    """An injector for the sandbox that a kubeconfig reaches."""
    import base64
    import http.client
    import ssl
    from urllib.parse import urlsplit

    document = json.loads(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
    address = urlsplit(cluster["server"])
    context = ssl.create_default_context(cadata=ca)

    def send(method: str, path: str, body: Any, media: str) -> tuple[int, Object]:
        connection = http.client.HTTPSConnection(address.hostname or "", address.port, context=context, timeout=10)
        headers = {"Authorization": f"Bearer {user['token']}", "Content-Type": media, "User-Agent": "shipmate"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, _json(response.read())
        finally:
            connection.close()

    return Injector(send, lambda: time.sleep(_PAUSE))
