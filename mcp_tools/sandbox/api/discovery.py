"""What the server says about itself: versions, groups and resources, in the old form and the aggregated one."""

from __future__ import annotations

from typing import Any

from mcp_tools.sandbox.objects.kinds import SUBRESOURCE_VERBS, Kind, Kinds

VERSION = {
    "major": "1",
    "minor": "34",
    "emulationMajor": "1",
    "emulationMinor": "34",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "33",
    "gitVersion": "v1.34.0+shipmate",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2025-08-27T00:00:00Z",
    "goVersion": "python",
    "compiler": "cpython",
    "platform": "linux/amd64",
}
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
_PROXY_VERBS = ("create", "delete", "get", "patch", "update")
_HEALTH = {"/healthz", "/livez", "/readyz"}
# In which an API server names its own groups; those that are added come after them.
_ORDER = (
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
    "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io",
    "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io",
    "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
)  # fmt: skip
_SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "scale": ("autoscaling", "v1", "Scale", SUBRESOURCE_VERBS),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "binding": ("", "v1", "Binding", ("create",)),
    "exec": ("", "v1", "PodExecOptions", ("create", "get")),
    "attach": ("", "v1", "PodAttachOptions", ("create", "get")),
    "portforward": ("", "v1", "PodPortForwardOptions", ("create", "get")),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
    "log": ("", "v1", "Pod", ("get",)),
    "finalize": ("", "v1", "Namespace", ("update",)),
}


def is_health(path: str) -> bool:
    """Whether a path is a health check, also of one part (`/readyz/ping`)."""
    return path in _HEALTH or path.rstrip("/").rsplit("/", 1)[0] in _HEALTH


def wants_aggregated(accept: str) -> str:
    """The version of aggregated discovery that the client prefers; empty for none."""
    for choice in accept.split(","):
        if "as=APIGroupDiscoveryList" in choice:
            for version in ("v2", "v2beta1"):
                if f"v={version}" in [part.strip() for part in choice.split(";")]:
                    return version
    return ""


def root(paths: list[str]) -> dict[str, Any]:
    """The index of paths at `/`."""
    return {"paths": sorted(paths)}


def core_versions(server: str) -> dict[str, Any]:
    """`/api`."""
    address = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": address}


def group_versions(kinds: Kinds) -> dict[str, list[str]]:
    """Every group with its versions, the core group first."""
    found: dict[str, list[str]] = {}
    places = {name: place for place, name in enumerate(_ORDER)}
    for kind in sorted(kinds.all(), key=lambda kind: places.get(kind.group, len(places))):
        versions = found.setdefault(kind.group, [])
        if kind.version not in versions:
            versions.append(kind.version)
    return found


def group(name: str, versions: list[str]) -> dict[str, Any]:
    """One `APIGroup`."""
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def group_list(kinds: Kinds) -> dict[str, Any]:
    """`/apis`."""
    groups = [group(name, versions) for name, versions in group_versions(kinds).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def resource_list(kinds: Kinds, group_name: str, version: str) -> dict[str, Any]:
    """`/apis/<group>/<version>`."""
    resources = []
    for kind in kinds.all():
        if (kind.group, kind.version) == (group_name, version):
            resources.append(_resource(kind))
            resources += [_subresource(kind, name) for name in kind.subresources]
    group_version = f"{group_name}/{version}" if group_name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _resource(kind: Kind) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": _singular(kind),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        entry["shortNames"] = list(kind.short)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    return entry


def _singular(kind: Kind) -> str:
    return kind.singular or kind.name.lower()


def _subresource(kind: Kind, name: str) -> dict[str, Any]:
    group_name, version, kind_name, verbs = _SUBRESOURCES.get(name, ("", "", kind.name, SUBRESOURCE_VERBS))
    entry = {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind_name,
        "verbs": list(verbs),
    }
    if name == "proxy":
        entry |= {"kind": f"{kind.name}ProxyOptions", "verbs": list(_PROXY_VERBS)}
    return {**entry, "group": group_name, "version": version} if name in {"scale", "eviction", "token"} else entry


def aggregated(kinds: Kinds, version: str, *, core: bool) -> dict[str, Any]:
    """All groups and resources in one `APIGroupDiscoveryList`."""
    items = []
    for name, versions in group_versions(kinds).items():
        if bool(name) == core:
            continue
        entries = [
            {"version": each, "freshness": "Current", "resources": _aggregated_resources(kinds, name, each)}
            for each in versions
        ]
        items.append({"metadata": {"name": name} if name else {}, "versions": entries})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _aggregated_resources(kinds: Kinds, group_name: str, version: str) -> list[dict[str, Any]]:
    resources = []
    for kind in kinds.all():
        if (kind.group, kind.version) != (group_name, version):
            continue
        entry: dict[str, Any] = {
            "resource": kind.plural,
            "responseKind": _response_kind(kind, kind.group, kind.version, kind.name),
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "singularResource": _singular(kind),
            "verbs": list(kind.verbs),
        }
        if kind.short:
            entry["shortNames"] = list(kind.short)
        if kind.categories:
            entry["categories"] = list(kind.categories)
        if kind.subresources:
            entry["subresources"] = [_aggregated_subresource(kind, name) for name in kind.subresources]
        resources.append(entry)
    return resources


def _aggregated_subresource(kind: Kind, name: str) -> dict[str, Any]:
    default = (kind.group, kind.version, kind.name, SUBRESOURCE_VERBS)
    group_name, version, kind_name, verbs = _SUBRESOURCES.get(name, default)
    if name == "proxy":
        kind_name, verbs = f"{kind.name}ProxyOptions", _PROXY_VERBS
    response = _response_kind(kind, group_name, version, kind_name)
    return {"subresource": name, "responseKind": response, "verbs": list(verbs)}


def _response_kind(kind: Kind, group_name: str, version: str, name: str) -> dict[str, str]:
    """Without group and version where they are those of the resource."""
    if (group_name, version) == (kind.group, kind.version):
        group_name = version = ""
    return {"group": group_name, "version": version, "kind": name}
