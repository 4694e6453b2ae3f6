"""The stack's objects as they are wanted on one cluster, in the stages in which they come up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_tools.stack.locate import database_manifest, manifest_files
from mcp_tools.stack.secrets import manifest

if TYPE_CHECKING:
    from mcp_tools.stack.settings import Environment

Object = dict[str, Any]
STAGES = (
    "Apply the namespace, settings, Services and policies",
    "Apply the database",
    "Apply the MCP server",
    "Apply the backend",
    "Apply the frontend",
    "Apply the Ingress",
)
_BY_WORKLOAD = {"postgres": 1, "mcp-server": 2, "backend": 3, "frontend": 4}
CONFIG_MARK = "checksum/config"
SECRET_MARK = "checksum/secret"  # noqa: S105  no password
ENVIRONMENT = "shipmate/environment"
"""The namespace's label that says what the stack was deployed for; without it, for development."""
_VERSION = "app.kubernetes.io/version"


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs from one cluster to the next.

    Attributes:
        images: Of each program.
        url: The address in the browser's address bar.
        secrets: The plain values of the Secret.
        inside: With the database inside the cluster.
        node_port: Of the frontend's Service; None leaves it to the cluster.
        environment: What it is deployed for.
        marked: Pods bear a checksum of settings and secrets, so that a change of these replaces them.
    """

    namespace: str
    images: Mapping[str, str]
    url: str
    secrets: Mapping[str, str] = field(repr=False)
    inside: bool = True
    node_port: int | None = None
    environment: Environment = "dev"
    marked: bool = True


def objects(shape: Shape) -> list[tuple[int, Object]]:
    """The objects, each with the number of its stage, in the order in which they are applied.

    Raises:
        ShipmateError: The manifests are missing.
    """
    import yaml

    files = [*manifest_files(), *([database_manifest()] if shape.inside else [])]
    found = [document for path in files for document in yaml.safe_load_all(path.read_text("utf-8")) if document]
    secret = manifest(shape.namespace, shape.secrets)
    place = next(at for at, document in enumerate(found) if document["kind"] == "Namespace") + 1
    shaped = [_shaped(document, shape) for document in [*found[:place], secret, *found[place:]]]
    config = next(document["data"] for document in shaped if document["kind"] == "ConfigMap")
    mark = checksum({**config, **secret["data"]})
    for document in shaped if shape.marked else ():
        if document["kind"] == "Deployment" and document["metadata"]["name"] in {"backend", "frontend"}:
            annotations = document["spec"]["template"]["metadata"].setdefault("annotations", {})
            annotations[CONFIG_MARK] = mark
    return sorted(((_stage(document), document) for document in shaped), key=lambda pair: pair[0])


def _shaped(document: Object, shape: Shape) -> Object:
    metadata = document["metadata"]
    if document["kind"] == "Namespace":
        labels = {**metadata["labels"], **({ENVIRONMENT: shape.environment} if shape.environment != "dev" else {})}
        return {**document, "metadata": {**metadata, "name": shape.namespace, "labels": labels}}
    document = {**document, "metadata": {**metadata, "namespace": shape.namespace}}
    if document["kind"] == "ConfigMap":
        document["data"] = {**document["data"], "BETTER_AUTH_URL": shape.url}
    if document["kind"] == "Service" and metadata["name"] == "frontend" and shape.node_port:
        ports = [{**port, "nodePort": shape.node_port} for port in document["spec"]["ports"]]
        document["spec"] = {**document["spec"], "ports": ports}
    host = host_of(shape.url)
    if document["kind"] == "Ingress" and host:
        rules = [{**rule, "host": host} for rule in document["spec"]["rules"]]
        document["spec"] = {**document["spec"], "rules": rules}
    image = shape.images.get(metadata["name"])
    if document["kind"] == "Deployment" and image:
        version = image.rpartition(":")[2]
        template = document["spec"]["template"]
        for container in template["spec"]["containers"]:
            container["image"] = image
        for labels in (document["metadata"].get("labels") or {}, template["metadata"]["labels"]):
            labels[_VERSION] = version
    return document


def host_of(url: str) -> str:
    """The name in an address that an Ingress can serve; empty where it is a number or this machine."""
    host = urlsplit(url).hostname or ""
    return "" if host == "localhost" or ":" in host or host.replace(".", "").isdigit() else host


def _stage(document: Object) -> int:
    if document["kind"] in {"Deployment", "StatefulSet"}:
        return _BY_WORKLOAD[document["metadata"]["name"]]
    return len(STAGES) - 1 if document["kind"] == "Ingress" else 0


def checksum(data: Mapping[str, str]) -> str:
    """What tells settings and secrets from others, and tells nothing of them."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
