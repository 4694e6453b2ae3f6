"""The environment of a container, from literals, ConfigMaps, Secrets and the pod's own fields."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

Lookup = Callable[[str, str], dict[str, Any] | None]
_KINDS = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}


class Unresolved(Exception):
    """A reference leads nowhere; the message is the kubelet's."""


def environment_of(container: dict[str, Any], pod: dict[str, Any], lookup: Lookup) -> dict[str, str]:
    """The variables that the container starts with.

    Args:
        container: Of the pod's spec.
        pod: It belongs to.
        lookup: From a kind (`ConfigMap`, `Secret`) and a name in the pod's namespace to the object.

    Raises:
        Unresolved: A ConfigMap, a Secret or a key of it is missing and not optional.
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if reference := source.get(field):
                prefix = source.get("prefix", "")
                values = _values(lookup, kind, reference)
                found |= {f"{prefix}{key}": value for key, value in values.items()}
    for variable in container.get("env") or ():
        name, origin = variable["name"], variable.get("valueFrom") or {}
        if not origin:
            found[name] = variable.get("value", "")
            continue
        for field, kind in _KINDS.items():
            if reference := origin.get(field):
                value = _value(lookup, kind, reference, pod["metadata"]["namespace"])
                found |= {} if value is None else {name: value}
        if reference := origin.get("fieldRef"):
            found[name] = _field(pod, reference.get("fieldPath", ""))
    return found


def _values(lookup: Lookup, kind: str, reference: dict[str, Any]) -> dict[str, str]:
    obj = lookup(kind, reference.get("name", ""))
    if obj is None:
        if reference.get("optional"):
            return {}
        raise Unresolved(f'{kind.lower()} "{reference.get("name", "")}" not found')
    return {key: _plain(kind, value) for key, value in (obj.get("data") or {}).items()}


def _value(lookup: Lookup, kind: str, reference: dict[str, Any], namespace: str) -> str | None:
    values = _values(lookup, kind, reference)
    key = reference.get("key", "")
    if key not in values:
        if reference.get("optional"):
            return None
        raise Unresolved(f"couldn't find key {key} in {kind} {namespace}/{reference.get('name', '')}")
    return values[key]


def _plain(kind: str, value: str) -> str:
    return base64.b64decode(value).decode("utf-8", "replace") if kind == "Secret" else value


def _field(pod: dict[str, Any], path: str) -> str:
    node: Any = pod
    for part in path.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return "" if node is None else str(node)
