"""Loads objects of a real cluster from files: what `kubectl get -o yaml` prints, or a must-gather.

Their statuses are kept where nothing in the sandbox has a say over them; a pod is started anew when its owner is not
part of the dump, and is left to its owner when it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import ApiError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_tools.sandbox.faults import Injector

Object = dict[str, Any]
_SUFFIXES = {".yaml", ".yml", ".json"}
_FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "StorageClass",
    "PriorityClass",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
)
# What the sandbox's own control loops make again, or what has no meaning in another cluster.
_MADE_ANEW = {"Endpoints", "EndpointSlice", "Event", "Lease", "ControllerRevision", "PodMetrics", "NodeMetrics"}
_SYSTEM = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink", "ownerReferences")
_CONFLICT = 409


@dataclass(slots=True)
class Report:
    """What became of a dump.

    Attributes:
        refused: One line for each object that the sandbox did not take.
    """

    created: int = 0
    present: int = 0
    refused: list[str] = field(default_factory=list)


def load(place: Path, injector: Injector) -> Report:
    """Load a file, or all files of a folder.

    Raises:
        UsageError: It holds no Kubernetes objects, or cannot be read.
    """
    objects = [obj for path in _files(place) for obj in _objects(path)]
    if not objects:
        raise UsageError(f"{place} holds no Kubernetes objects.", "Try the output of: kubectl get all -A -o yaml")
    report = Report()
    for obj in sorted(_worth_loading(objects), key=_order):
        meta = obj["metadata"]
        said = f"{obj['kind']} {meta.get('namespace', '')}/{meta.get('name', '')}"
        try:
            injector.load(obj)
            report.created += 1
        except ApiError as error:
            if error.status == _CONFLICT:
                report.present += 1
            else:
                report.refused.append(f"{said}: {error.message}")
        except KeyError:
            report.refused.append(f"{said}: the sandbox does not serve {obj.get('apiVersion')}")
    return report


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
    return [place]


def _objects(path: Path) -> Iterator[Object]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(path.read_bytes(), Loader=_strings(loader)))
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {str(error)[:200]}", "It must be YAML or JSON.") from error
    for document in documents:
        items = (
            document.get("items") if isinstance(document, dict) and isinstance(document.get("items"), list) else None
        )
        for obj in [document] if items is None else items:
            if isinstance(obj, dict) and obj.get("kind") and isinstance(obj.get("metadata"), dict):
                yield obj


def _strings(loader: Any) -> Any:
    """A loader that leaves times as the texts that they are."""
    rules = {
        mark: [rule for rule in found if rule[0] != "tag:yaml.org,2002:timestamp"]
        for mark, found in loader.yaml_implicit_resolvers.items()
    }
    return type("DumpLoader", (loader,), {"yaml_implicit_resolvers": rules})


def _worth_loading(objects: list[Object]) -> Iterator[Object]:
    known = {obj["metadata"].get("uid") for obj in objects}
    for obj in objects:
        meta = obj["metadata"]
        owners = {owner.get("uid") for owner in meta.get("ownerReferences") or ()}
        if obj["kind"] in _MADE_ANEW or owners & known:
            continue
        plain = {key: value for key, value in obj.items() if key != "status" or obj["kind"] == "Node"}
        plain["metadata"] = {key: value for key, value in meta.items() if key not in _SYSTEM}
        yield _portable(plain)


def _portable(obj: Object) -> Object:
    """Without what the other cluster had allocated."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return obj
    if obj["kind"] == "Service" and spec.get("clusterIP") != "None":
        spec = {key: value for key, value in spec.items() if key not in {"clusterIP", "clusterIPs"}}
    elif obj["kind"] == "Pod":
        spec = {key: value for key, value in spec.items() if key != "nodeName"}
    elif obj["kind"] == "PersistentVolumeClaim":
        spec = {key: value for key, value in spec.items() if key != "volumeName"}
    elif obj["kind"] == "Job" and not spec.get("manualSelector"):
        template = spec.get("template") or {}
        meta = template.get("metadata") or {}
        labels = {k: v for k, v in (meta.get("labels") or {}).items() if not k.endswith(("controller-uid", "job-name"))}
        spec = {key: value for key, value in spec.items() if key != "selector"}
        spec["template"] = {**template, "metadata": {**meta, "labels": labels}}
    return {**obj, "spec": spec}


def _order(obj: Object) -> tuple[int, str, str]:
    kind = obj["kind"]
    place = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    meta = obj["metadata"]
    return place, str(meta.get("namespace", "")), str(meta.get("name", ""))
