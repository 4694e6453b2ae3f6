"""Manifests: from YAML to the objects they describe, in the order in which they can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.cluster.kinds import Kind, find_manifest_kind
from mcp_tools.cluster.resolve import Found
from mcp_tools.errors import NotFound, UnknownKind, UsageError
from mcp_tools.reads.answer import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.cluster.connection import Connection

MAX_BYTES = 1_000_000
MAX_OBJECTS = 100
# What others need comes first; the order is Helm's (pkg/release/v1/util/kind_sorter.go), shortened.
ORDER = (
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
)


def apply_manifest(connection: Connection, manifest: str, namespace: str | None) -> Request:
    """Make the cluster hold what a manifest says: all of it, or none of it.

    Args:
        manifest: YAML or JSON, one document or several, `List` kinds included.
        namespace: For objects that name none; None is the connection's.

    Raises:
        UsageError: It cannot be read, is too large, or an object lacks what identifies it.
        UnknownKind: The cluster serves no such kind, and no CustomResourceDefinition in the manifest defines it.
    """
    documents = documents_of(manifest)
    where = namespace or connection.namespace
    coming = kinds_defined(documents)
    parts = tuple(want(connection, document, where, coming) for document in documents)
    names = [f"{part.found.kind.name.lower()}/{part.found.name}" for part in parts]
    title = f"Apply {parts[0].found}" if len(parts) == 1 else f"Apply {len(parts)} objects: {listed(names, 6)}"
    return Request("apply", title, parts, {"objects": names})


def documents_of(manifest: str, *, most: int = MAX_OBJECTS, size: int = MAX_BYTES) -> list[dict[str, Any]]:
    """The objects of a manifest, in the order in which they can be made; a `UsageError` as `apply_manifest`.

    Args:
        most: Objects.
        size: Characters.
    """
    import yaml

    if len(manifest) > size:
        raise UsageError(f"The manifest is larger than {size // 1000} kB.", "Apply it in parts.")
    try:
        loaded = [_mended(document) for document in yaml.safe_load_all(manifest) if document is not None]
    except yaml.YAMLError as error:
        raise UsageError(
            f"The manifest is no YAML: {' '.join(str(error).split())}", "Repair it and ask again."
        ) from error
    documents: list[dict[str, Any]] = []
    for document in loaded:
        if isinstance(document, dict) and str(document.get("kind", "")).endswith("List") and "items" in document:
            documents += document["items"] or []
        else:
            documents.append(document)
    if not documents:
        raise UsageError("The manifest holds no object.", "")
    if len(documents) > most:
        raise UsageError(f"The manifest holds {len(documents)} objects; {most} is the most.", "Apply it in parts.")
    for position, document in enumerate(documents, start=1):
        _check(position, document)
    return sorted(documents, key=_rank)


def _mended(value: Any) -> Any:
    """What was loaded, with the halves of a character put together that JSON escapes as two (a surrogate pair)."""
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise UsageError("The manifest holds half a character.", "Write it in UTF-8.") from error


def _check(position: int, document: Any) -> None:
    which = f"Document {position} of the manifest"
    if not isinstance(document, dict):
        raise UsageError(f"{which} is no object.", "It needs apiVersion, kind and metadata.name.")
    metadata = document.get("metadata")
    missing = [key for key in ("apiVersion", "kind") if not isinstance(document.get(key), str)]
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        missing.append("metadata.name")
    if missing:
        raise UsageError(f"{which} lacks {', '.join(missing)}.", "Every object is identified by these.")


def _rank(document: dict[str, Any]) -> int:
    kind = document["kind"]
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def kinds_defined(documents: Sequence[dict[str, Any]]) -> list[Kind]:
    """The kinds that the CustomResourceDefinitions among the documents bring with them."""
    return [kind for document in documents for kind in _defined(document)]


def _defined(document: dict[str, Any]) -> list[Kind]:
    if document["kind"] != "CustomResourceDefinition":
        return []
    spec = document.get("spec") or {}
    names = spec.get("names") or {}
    return [
        Kind(
            str(spec.get("group", "")),
            str(version.get("name", "")),
            str(names.get("kind", "")),
            str(names.get("plural", "")),
            namespaced=spec.get("scope") != "Cluster",
        )
        for version in spec.get("versions") or []
    ]


def want(connection: Connection, document: dict[str, Any], namespace: str, coming: Sequence[Kind] = ()) -> Wanted:
    """One object as its manifest says; `coming` are kinds that are not served yet. Errors as `apply_manifest`."""
    version, name = document["apiVersion"], document["kind"]
    kind = next((kind for kind in coming if (kind.api_version, kind.name) == (version, name)), None)
    kind = kind or find_manifest_kind(connection, version, name)
    metadata = document["metadata"]
    where = (metadata.get("namespace") or namespace) if kind.namespaced else None
    body = {key: value for key, value in document.items() if key != "status"}
    body["metadata"] = {
        key: value for key, value in metadata.items() if key not in {"managedFields", "resourceVersion", "uid"}
    }
    if where:
        body["metadata"]["namespace"] = where
    found = Found(kind, where, metadata["name"], _live(connection, kind, where, metadata["name"]))
    return Wanted("apply", f"Apply {found}", found, verb=Verb.APPLY, body=body)


def _live(connection: Connection, kind: Kind, namespace: str | None, name: str) -> dict[str, Any]:
    try:
        return connection.get_object(kind.path(namespace, name))
    except (NotFound, UnknownKind):
        return {}
