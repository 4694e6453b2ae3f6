"""The cluster as it is read for a snapshot: each kind listed once, all at the same time, and only what is of use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import Kind, built_in
from mcp_tools.diagnosis.snapshot import Object, Resource, Snapshot
from mcp_tools.errors import ApiError, NotFound

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

THREADS = 6
PAGE = 1000
HELM_RELEASES = ("fieldSelector", "type!=helm.sh/release.v1")
TLS_CERTIFICATE = "tls.crt"

NAMESPACED: tuple[Kind, ...] = (
    *(
        built_in(word)
        for word in (
            "pods",
            "services",
            "configmaps",
            "secrets",
            "events",
            "persistentvolumeclaims",
            "serviceaccounts",
            "resourcequotas",
            "limitranges",
            "deployments",
            "statefulsets",
            "daemonsets",
            "replicasets",
            "jobs",
            "cronjobs",
            "ingresses",
            "networkpolicies",
            "horizontalpodautoscalers",
            "poddisruptionbudgets",
            "endpointslices",
            "roles",
            "rolebindings",
        )
    ),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions", (), namespaced=True),
)
OF_CLUSTER: tuple[Kind, ...] = (
    *(
        built_in(word)
        for word in ("nodes", "namespaces", "persistentvolumes", "storageclasses", "ingressclasses", "crds")
    ),
    Kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", (), namespaced=False),
    Kind(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        (),
        namespaced=False,
    ),
    Kind(
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        (),
        namespaced=False,
    ),
)
METADATA_ONLY = frozenset({"CustomResourceDefinition"})
"""A schema of megabytes tells a diagnosis nothing."""
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


class _Listed(msgspec.Struct):
    items: list[Object] | None = None
    metadata: dict[str, Any] = {}


class PodBody(msgspec.Struct):
    """A pod as it comes; its spec is decoded when somebody asks for it."""

    metadata: Object
    spec: msgspec.Raw = msgspec.Raw(b"{}")
    status: Object = {}


class _Pods(msgspec.Struct):
    items: list[PodBody] = []
    metadata: dict[str, Any] = {}


class SecretBody(msgspec.Struct):
    """A Secret as it comes; its values are not decoded."""

    metadata: Object
    type: str = ""
    data: dict[str, msgspec.Raw] | None = None


class _Secrets(msgspec.Struct):
    items: list[SecretBody] = []
    metadata: dict[str, Any] = {}


_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    "Pod": msgspec.json.Decoder(_Pods),
    "Secret": msgspec.json.Decoder(_Secrets),
}
_decode = msgspec.json.Decoder(_Listed)


def take(connection: Connection, namespace: str | None, now: str = "") -> Snapshot:
    """Read one namespace and what belongs to the whole cluster, or everything.

    Args:
        namespace: None for all of them.
        now: The cluster's time, RFC 3339, where it is not ours.

    A kind that RBAC does not show is noted in `unseen`, and one that the cluster does not serve is empty.

    Raises:
        ConnectionProblem: The cluster does not answer.
    """
    kinds = (*NAMESPACED, *OF_CLUSTER)
    unseen: dict[str, str] = {}

    def read(kind: Kind) -> list[Resource]:
        try:
            return list(read_kind(connection, kind, namespace if kind.namespaced else None))
        except NotFound:
            return []
        except ApiError as error:
            unseen[kind.name] = error.message
            return []

    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(read, kinds)
        items = [item for listed in found for item in listed]
    return Snapshot(items, namespace or "", unseen, now)


def read_kind(
    connection: Connection, kind: Kind, namespace: str | None, query: Sequence[tuple[str, Any]] = ()
) -> Iterable[Resource]:
    """The objects of a kind, without what a diagnosis has no use for; errors as `Connection.get`."""
    for page, _ in read_pages(connection, kind, namespace, query):
        yield from page


def read_pages(
    connection: Connection, kind: Kind, namespace: str | None, query: Sequence[tuple[str, Any]] = ()
) -> Iterator[tuple[Iterator[Resource], str]]:
    """The objects as `read_kind`, page by page, each with the version of the list."""
    query = [*query, *selection(kind), ("limit", PAGE)]
    accept = METADATA if kind.name in METADATA_ONLY else "application/json"
    token = ""
    while True:
        page = [*query, ("continue", token)] if token else query
        raw = connection.get(kind.path(namespace), page, accept=accept)
        listed = _decoders.get(kind.name, _decode).decode(raw)
        resources = (kept(kind.name, body) for body in listed.items or ())
        yield resources, str(listed.metadata.get("resourceVersion") or "")
        token = listed.metadata.get("continue") or ""
        if not token:
            return


def selection(kind: Kind) -> list[tuple[str, str]]:
    """Which objects of a kind are read, as a query: not the Secrets in which Helm keeps whole releases."""
    return [HELM_RELEASES] if kind.name == "Secret" else []


def kept(kind: str, body: Any) -> Resource:
    """What is kept of an object as the kind's decoder gives it."""
    if isinstance(body, PodBody):
        body.metadata.pop("managedFields", None)
        return Resource(kind, {"metadata": body.metadata, "spec": body.spec, "status": body.status})
    if isinstance(body, SecretBody):
        # The values stay behind, all but a certificate, which is public.
        data = {key: _certificate(value) if key == TLS_CERTIFICATE else "" for key, value in (body.data or {}).items()}
        return Resource(kind, {"metadata": body.metadata, "type": body.type, "data": data})
    return Resource(kind, body)


def _certificate(value: msgspec.Raw) -> str:
    found = msgspec.json.decode(value)
    return found if isinstance(found, str) else ""
