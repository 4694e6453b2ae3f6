"""The kinds that the sandbox serves: a table. To serve another built-in kind, add a line and refresh the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.custom import CustomSchema

WRITE_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
SUBRESOURCE_VERBS = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object and how the API serves it.

    Attributes:
        name: The kind's name, such as `Deployment`.
        plural: The resource's name in a path.
        generation: Whether `metadata.generation` counts the changes of `spec`.
        stored_as: Key of the kind that holds the objects, for another version of the same ones
            (`objects/versions.py`).
        virtual: Computed on demand and never stored: a review or a metric.
        custom: What its CustomResourceDefinition says; `None` for a built-in kind.
    """

    group: str
    version: str
    name: str
    plural: str
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = WRITE_VERBS
    namespaced: bool = True
    generation: bool = False
    stored_as: str = ""
    virtual: bool = False
    singular: str = field(default="")
    custom: CustomSchema | None = field(default=None, compare=False)

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`deployments.apps`, or `pods` in the core group: how messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """`Deployment.apps`, or `Pod` in the core group: how validation errors name it."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def key(self) -> str:
        """What the store files it under."""
        return self.stored_as or self.resource

    @property
    def gvk(self) -> str:
        """`apps/v1/Deployment`: the schema's key."""
        return f"{self.api_version}/{self.name}"

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of the collection or of one object."""
        parts = ["/apis" if self.group else "/api", self.api_version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


def _review(group: str, name: str, *, namespaced: bool = False) -> Kind:
    plural = f"{name.lower()}s"
    return Kind(f"{group}.k8s.io", "v1", name, plural, verbs=("create",), virtual=True, namespaced=namespaced)


def _admission(name: str, plural: str = "", subresources: tuple[str, ...] = ()) -> Kind:
    group = "admissionregistration.k8s.io"
    plural = plural or f"{name.lower()}s"
    return Kind(group, "v1", name, plural, (), _EXTENSIONS, subresources, generation=True, namespaced=False)


def _flow(name: str) -> Kind:
    group = "flowcontrol.apiserver.k8s.io"
    return Kind(group, "v1", name, f"{name.lower()}s", subresources=("status",), generation=True, namespaced=False)


_ALL = ("all",)
_EXTENSIONS = ("api-extensions",)
_STATUS = ("status",)
_SCALE = ("scale", "status")

KINDS: tuple[Kind, ...] = (
    Kind(
        "",
        "v1",
        "Namespace",
        "namespaces",
        ("ns",),
        subresources=("finalize", "status"),
        verbs=tuple(verb for verb in WRITE_VERBS if verb != "deletecollection"),
        namespaced=False,
    ),
    Kind("", "v1", "Node", "nodes", ("no",), subresources=("proxy", "status"), namespaced=False),
    Kind(
        "",
        "v1",
        "Pod",
        "pods",
        ("po",),
        _ALL,
        (
            "attach",
            "binding",
            "ephemeralcontainers",
            "eviction",
            "exec",
            "log",
            "portforward",
            "proxy",
            "resize",
            "status",
        ),
        generation=True,
    ),
    Kind("", "v1", "Service", "services", ("svc",), _ALL, ("proxy", "status")),
    Kind("", "v1", "Endpoints", "endpoints", ("ep",), singular="endpoints"),
    Kind("", "v1", "ConfigMap", "configmaps", ("cm",)),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "Event", "events", ("ev",)),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", ("sa",), subresources=("token",)),
    Kind("", "v1", "PodTemplate", "podtemplates", generation=True),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", ("pv",), subresources=_STATUS, namespaced=False),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", ("pvc",), subresources=_STATUS),
    Kind("", "v1", "ReplicationController", "replicationcontrollers", ("rc",), _ALL, _SCALE, generation=True),
    Kind("", "v1", "ResourceQuota", "resourcequotas", ("quota",), subresources=_STATUS),
    Kind("", "v1", "LimitRange", "limitranges", ("limits",)),
    Kind("apps", "v1", "Deployment", "deployments", ("deploy",), _ALL, _SCALE, generation=True),
    Kind("apps", "v1", "ReplicaSet", "replicasets", ("rs",), _ALL, _SCALE, generation=True),
    Kind("apps", "v1", "StatefulSet", "statefulsets", ("sts",), _ALL, _SCALE, generation=True),
    Kind("apps", "v1", "DaemonSet", "daemonsets", ("ds",), _ALL, _STATUS, generation=True),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Kind("batch", "v1", "Job", "jobs", (), _ALL, _STATUS, generation=True),
    Kind("batch", "v1", "CronJob", "cronjobs", ("cj",), _ALL, _STATUS, generation=True),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", ("ing",), (), _STATUS, generation=True),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", generation=True, namespaced=False),
    Kind("networking.k8s.io", "v1", "IPAddress", "ipaddresses", ("ip",), namespaced=False),
    Kind("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs", subresources=_STATUS, namespaced=False),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", ("netpol",), generation=True),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", generation=True),
    Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", ("hpa",), _ALL, _STATUS),
    Kind(
        "autoscaling",
        "v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        ("hpa",),
        _ALL,
        _STATUS,
        stored_as="horizontalpodautoscalers.autoscaling",
    ),
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", ("pdb",), (), _STATUS, generation=True),
    Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", ("sc",), namespaced=False),
    Kind("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", subresources=_STATUS, namespaced=False),
    Kind("storage.k8s.io", "v1", "CSIDriver", "csidrivers", namespaced=False),
    Kind("storage.k8s.io", "v1", "CSINode", "csinodes", namespaced=False),
    Kind("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities"),
    Kind("storage.k8s.io", "v1", "VolumeAttributesClass", "volumeattributesclasses", ("vac",), namespaced=False),
    Kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", ("pc",), generation=True, namespaced=False),
    Kind("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", namespaced=False),
    _admission("MutatingWebhookConfiguration"),
    _admission("ValidatingAdmissionPolicy", "validatingadmissionpolicies", _STATUS),
    _admission("ValidatingAdmissionPolicyBinding"),
    _admission("ValidatingWebhookConfiguration"),
    Kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", (), _EXTENSIONS, _STATUS, namespaced=False),
    Kind(
        "certificates.k8s.io",
        "v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        ("csr",),
        subresources=("approval", "status"),
        namespaced=False,
    ),
    _flow("FlowSchema"),
    _flow("PriorityLevelConfiguration"),
    Kind("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", generation=True, namespaced=False),
    Kind("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", subresources=_STATUS),
    Kind("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates"),
    Kind("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", generation=True, namespaced=False),
    Kind("events.k8s.io", "v1", "Event", "events", ("ev",), stored_as="events"),
    Kind("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        ("crd", "crds"),
        _EXTENSIONS,
        _STATUS,
        generation=True,
        namespaced=False,
    ),
    _review("authentication", "SelfSubjectReview"),
    _review("authentication", "TokenReview"),
    _review("authorization", "LocalSubjectAccessReview", namespaced=True),
    _review("authorization", "SelfSubjectAccessReview"),
    _review("authorization", "SelfSubjectRulesReview"),
    _review("authorization", "SubjectAccessReview"),
    Kind("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", verbs=("get", "list"), virtual=True),
    Kind("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", verbs=("get", "list"), virtual=True, namespaced=False),
)


class Kinds:
    """The kinds that are served at this moment: the table above and those that custom resource definitions add."""

    def __init__(self, kinds: Iterable[Kind] = KINDS) -> None:
        self._by_path: dict[tuple[str, str, str], Kind] = {}
        self._by_gvk: dict[tuple[str, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Serve a kind from now on."""
        self._by_path[kind.group, kind.version, kind.plural] = kind
        self._by_gvk[kind.api_version, kind.name] = kind

    def remove(self, kind: Kind) -> None:
        """Serve a kind no longer."""
        self._by_path.pop((kind.group, kind.version, kind.plural), None)
        self._by_gvk.pop((kind.api_version, kind.name), None)

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind served at a path, if any."""
        return self._by_path.get((group, version, plural))

    def of(self, api_version: str, name: str) -> Kind | None:
        """The kind that an object says it is, if it is served."""
        return self._by_gvk.get((api_version, name))

    def named(self, name: str) -> Kind:
        """A built-in kind by its bare name; the first in the table where two groups have one.

        Raises:
            KeyError: There is none.
        """
        for (_, kind_name), kind in self._by_gvk.items():
            if kind_name == name:
                return kind
        raise KeyError(name)

    def stored(self, kind: Kind) -> Kind:
        """The kind that objects of a kind are stored as; mostly the same."""
        if not kind.stored_as:
            return kind
        return next(
            other for other in self._by_path.values() if other.resource == kind.stored_as and not other.stored_as
        )

    def all(self) -> tuple[Kind, ...]:
        """Every kind, in the order of the table."""
        return tuple(self._by_path.values())

    def has_version(self, group: str, version: str) -> bool:
        """Whether a group version is served."""
        return any(kind.group == group and kind.version == version for kind in self._by_path.values())
