"""What the tests of the sandbox share: a client that shows what the server said, and objects to send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import urllib3


MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class Client:
    """Speaks to an API server with what a kubeconfig says."""

    def __init__(self, kubeconfig: Path, context: str | None = None) -> None:
        from kubernetes.config import new_client_from_config

        self._client = new_client_from_config(str(kubeconfig), context)
        self._pool = self._client.rest_client.pool_manager
        self.url = self._client.configuration.host
        _, _, self._headers, _, _ = self._client.param_serialize(
            "GET", "/", header_params={}, auth_settings=["BearerToken"]
        )

    def open(self, method: str, path: str, body: Any = None, **options: Any) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": options.pop("accept", "application/json"), **self._headers, "User-Agent": "tests/1"}
        headers |= options.pop("headers", {})
        if body is not None:
            headers["Content-Type"] = options.pop("media", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._pool.request(method, self.url + path, body=body, headers=headers, retries=False, **options)

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        response = self.open(method, path, body, **options)
        try:
            return Answer(response.status, json.loads(response.data), response.headers)
        except ValueError:
            return Answer(response.status, response.data, response.headers)

    def bearer(self, token: str) -> Client:
        """The same server, asked with a token instead of the kubeconfig's own credentials."""
        import urllib3

        other = Client.__new__(Client)
        other.url = self.url
        other._client = self._client
        other._pool = urllib3.PoolManager(ca_certs=self._client.configuration.ssl_ca_cert)
        other._headers = {"authorization": f"Bearer {token}"}
        return other

    def close(self) -> None:
        self._client.close()


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A Deployment; `container` changes its container, `pod` its pod spec, anything else its spec."""
    container = {"name": "app", "image": "nginx:1.27", **spec.pop("container", {})}
    pod = {"containers": [container], **spec.pop("pod", {})}
    meta: dict[str, Any] = {"labels": {"app": name}}
    if annotations := spec.pop("annotations", {}):
        meta["annotations"] = annotations
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "test"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": meta, "spec": pod},
            **spec,
        },
    }
