"""What a pod spec refers to: ConfigMaps, Secrets, claims and accounts, with the field and the keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference.

    Attributes:
        field: In the pod spec.
        key: That is asked for; empty where the whole object is.
        live: Whether the running container sees later changes (a mounted volume), or keeps what it started with.
        container: That it belongs to; empty for a volume.
    """

    kind: str
    name: str
    field: str
    key: str = ""
    optional: bool = False
    live: bool = False
    container: str = ""


def references(spec: Object) -> Iterator[Reference]:
    """All references of a pod spec to objects that have to be there before it starts."""
    for section in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(section) or ()):
            yield from _of_container(container, f"{section}[{index}]")
    for index, volume in enumerate(spec.get("volumes") or ()):
        yield from _of_volume(volume, f"volumes[{index}]")


def _of_container(container: Object, path: str) -> Iterator[Reference]:
    name = container["name"]
    for entry in container.get("envFrom") or ():
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if found := entry.get(key):
                optional = bool(found.get("optional"))
                yield Reference(kind, found.get("name", ""), f"{path}.envFrom", optional=optional, container=name)
    for entry in container.get("env") or ():
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if found := (entry.get("valueFrom") or {}).get(key):
                field, optional = f"{path}.env[{entry['name']}]", bool(found.get("optional"))
                yield Reference(kind, found.get("name", ""), field, found.get("key", ""), optional, container=name)


def _of_volume(volume: Object, path: str) -> Iterator[Reference]:
    if claim := volume.get("persistentVolumeClaim"):
        yield Reference("PersistentVolumeClaim", claim.get("claimName", ""), path, live=True)
    sources = [
        (volume, path),
        *((item, f"{path}.projected") for item in (volume.get("projected") or {}).get("sources") or ()),
    ]
    for source, place in sources:
        for key, kind, word in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            found = source.get(key)
            if not found:
                continue
            name, optional = found.get(word) or found.get("name", ""), bool(found.get("optional"))
            if not found.get("items"):
                yield Reference(kind, name, f"{place}.{key}", optional=optional, live=True)
            for item in found.get("items") or ():
                yield Reference(kind, name, f"{place}.{key}.items", item.get("key", ""), optional, live=True)
