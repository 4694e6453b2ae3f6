"""What a cluster serves: from the words people use for a kind to its place in the API.

The built-in kinds are a table, so that the common ones need no discovery request; everything else is looked up in the
cluster's aggregated discovery document (KEP-3352).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from mcp_tools.errors import ApiError, UnknownKind, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
USUAL = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource of the API.

    Attributes:
        group: Empty for the core group.
        version: Such as `v1`.
        name: The kind in CamelCase.
        plural: The resource's name in paths.
        short: Short names, such as `po`.
        namespaced: Whether its objects live in namespaces.
        verbs: What can be done with it; a review or a metric is not listed or deleted as other objects are.
    """

    group: str
    version: str
    name: str
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: frozenset[str] = field(default=USUAL, compare=False)

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, an object, or its subresource; `namespace=None` means all of them.

        Raises:
            UsageError: The namespace or the name would lead to another path than its own.
        """
        parts = ["/apis" if self.group else "/api", self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", _segment(namespace)]
        parts.append(self.plural)
        if name:
            parts.append(_segment(name))
        return "/".join([*parts, *([subresource] if subresource else [])])


def _segment(name: str) -> str:
    # The API's own rule (k8s.io/apimachinery, pkg/api/validation/path): `x/../kube-system` must not get past a policy
    # that reads the namespace and a client that then shortens the path.
    if name in {".", ".."} or "/" in name or "%" in name:
        raise UsageError(f"{name!r} is no name of an object or a namespace.", "A name has no / and no %.")
    return quote(name, safe=":")


def _built_in(group_version: str, table: str, *, namespaced: bool = True) -> list[Kind]:
    group, _, version = group_version.rpartition("/")
    kinds = []
    for line in table.split(";"):
        name, plural, *short = line.split()
        kinds.append(Kind(group, version, name, plural, tuple(short), namespaced))
    return kinds


BUILT_IN: tuple[Kind, ...] = (
    *_built_in(
        "v1",
        "Pod pods po;Service services svc;ConfigMap configmaps cm;Secret secrets;Event events ev;"
        "Endpoints endpoints ep;PersistentVolumeClaim persistentvolumeclaims pvc;ServiceAccount serviceaccounts sa;"
        "ReplicationController replicationcontrollers rc;ResourceQuota resourcequotas quota;"
        "LimitRange limitranges limits",
    ),
    *_built_in("v1", "Node nodes no;Namespace namespaces ns;PersistentVolume persistentvolumes pv", namespaced=False),
    *_built_in(
        "apps/v1",
        "Deployment deployments deploy;StatefulSet statefulsets sts;DaemonSet daemonsets ds;ReplicaSet replicasets rs",
    ),
    *_built_in("batch/v1", "Job jobs;CronJob cronjobs cj"),
    *_built_in("networking.k8s.io/v1", "Ingress ingresses ing;NetworkPolicy networkpolicies netpol"),
    *_built_in("networking.k8s.io/v1", "IngressClass ingressclasses", namespaced=False),
    *_built_in("autoscaling/v2", "HorizontalPodAutoscaler horizontalpodautoscalers hpa"),
    *_built_in("policy/v1", "PodDisruptionBudget poddisruptionbudgets pdb"),
    *_built_in("discovery.k8s.io/v1", "EndpointSlice endpointslices"),
    *_built_in("rbac.authorization.k8s.io/v1", "Role roles;RoleBinding rolebindings"),
    *_built_in(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole clusterroles;ClusterRoleBinding clusterrolebindings",
        namespaced=False,
    ),
    *_built_in("storage.k8s.io/v1", "StorageClass storageclasses sc", namespaced=False),
    *_built_in(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition customresourcedefinitions crd crds", namespaced=False
    ),
)


def _words(kind: Kind) -> tuple[str, ...]:
    return (kind.plural, kind.name.lower(), *kind.short)


_BY_WORD: dict[str, Kind] = {word: kind for kind in reversed(BUILT_IN) for word in _words(kind)}


def built_in(word: str) -> Kind:
    """The built-in kind for a word that is known to name one; a `KeyError` is a mistake in our own code."""
    return _BY_WORD[word]


def find_kind(connection: Connection, word: str) -> Kind:
    """The kind a word names: plural, singular, short name, or `plural.group`, built in or custom.

    Raises:
        UnknownKind: The cluster serves nothing of that name; carries the nearest ones.
    """
    wanted = word.strip().lower()
    if wanted in _BY_WORD:
        return _BY_WORD[wanted]
    resource, _, group = wanted.partition(".")
    known: dict[str, Kind] = {}
    for kind in served_kinds(connection):
        for name in _words(kind):
            known.setdefault(name, kind)
            known.setdefault(f"{name}.{kind.group}", kind)
            if name == resource and group and kind.group.startswith(group):
                return kind
    if wanted in known:
        return known[wanted]
    near = tuple(difflib.get_close_matches(wanted, sorted({*known, *_BY_WORD}), n=3, cutoff=0.7))
    hint = f"Did you mean {' or '.join(near)}?" if near else "`kubectl api-resources` lists what the cluster serves."
    raise UnknownKind(f"The cluster serves no kind {word!r}.", hint, near)


def find_manifest_kind(connection: Connection, api_version: str, name: str) -> Kind:
    """The kind that a manifest names by its `apiVersion` and `kind`.

    Raises:
        UnknownKind: The cluster does not serve it, or not in this version; carries the versions that it serves.
    """
    for kind in BUILT_IN:
        if (kind.api_version, kind.name) == (api_version, name):
            return kind
    # The preferred version alone is in the usual answer; a manifest may ask for another one that is served.
    served = [kind for kind in served_kinds(connection, every_version=True) if kind.name == name]
    found = next((kind for kind in served if kind.api_version == api_version), None)
    if found:
        return found
    versions = tuple(dict.fromkeys(kind.api_version for kind in served))
    hint = f"It serves {name} in {', '.join(versions)}." if versions else "Is its CustomResourceDefinition installed?"
    raise UnknownKind(f"The cluster serves no {name} in {api_version}.", hint, versions)


class _Gvk(msgspec.Struct):
    kind: str = ""


class _Resource(msgspec.Struct, rename="camel"):
    resource: str
    response_kind: _Gvk | None = None
    scope: str = "Namespaced"
    short_names: list[str] = []
    verbs: list[str] = []


class _Version(msgspec.Struct):
    version: str
    resources: list[_Resource] = []


class _Group(msgspec.Struct):
    metadata: dict[str, Any]
    versions: list[_Version] = []


class _GroupList(msgspec.Struct):
    items: list[_Group] = []


def served_kinds(connection: Connection, *, every_version: bool = False) -> list[Kind]:
    """Every kind the cluster serves, by aggregated discovery; errors as `Connection.get`.

    Args:
        every_version: Not in its preferred version only.
    """
    kinds: list[Kind] = []
    for path in ("/api", "/apis"):
        raw = connection.get(path, accept=AGGREGATED)
        try:
            groups = msgspec.json.decode(raw, type=_GroupList)
        except msgspec.MsgspecError as error:
            raise ApiError(f"The discovery document at {path} cannot be read: {error}") from error
        for group in groups.items:
            seen: set[str] = set()
            for version in group.versions:  # the preferred version comes first
                for item in version.resources:
                    if item.response_kind is None or (item.resource in seen and not every_version):
                        continue
                    seen.add(item.resource)
                    kinds.append(
                        Kind(
                            group.metadata.get("name") or "",
                            version.version,
                            item.response_kind.kind,
                            item.resource,
                            tuple(item.short_names),
                            item.scope == "Namespaced",
                            frozenset(item.verbs),
                        )
                    )
    return kinds
