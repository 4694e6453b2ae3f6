"""What two API servers said, without what is bound to differ; and where it differs all the same."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox_helpers import Answer, Client


def filled(value: Any, namespace: str) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, namespace) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [filled(item, namespace) for item in value]
    return value.replace("{ns}", namespace) if isinstance(value, str) else value


_VOLATILE = {"resourceVersion", "time", "clusterIP", "clusterIPs", "nodePort"}
_PATTERNS = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"kube-api-access-\w+"), "kube-api-access"),
    (re.compile(r"\b[0-9]+ms\b"), "MS"),
)


def normal(value: Any, namespace: str) -> Any:
    if isinstance(value, dict):
        return {
            normal(key, namespace): "-" if key in _VOLATILE and item != "None" else normal(item, namespace)
            for key, item in value.items()
            if key != "status" or isinstance(item, str)
        }
    if isinstance(value, list):
        items = [normal(item, namespace) for item in value]
        return (
            sorted(items, key=lambda item: repr(sorted(item.items())))
            if value and isinstance(value[0], dict) and "manager" in value[0]
            else items
        )
    if isinstance(value, str):
        value = value.replace(namespace, "NS")
        for pattern, name in _PATTERNS:
            value = pattern.sub(name, value)
    return value


def differences(theirs: Any, ours: Any, path: str = "") -> list[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [
            line
            for key in sorted({**theirs, **ours})
            for line in differences(theirs.get(key, "(absent)"), ours.get(key, "(absent)"), f"{path}.{key}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        pairs = enumerate(zip(theirs, ours, strict=True))
        return [line for index, (left, right) in pairs for line in differences(left, right, f"{path}[{index}]")]
    return [] if theirs == ours else [f"{path}: real {theirs!r}, sandbox {ours!r}"]


def until(check: Any, seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found


def ask(client: Client, case: tuple[Any, ...], namespace: str) -> Answer:
    method, path, *rest = case
    body = filled(rest[0], namespace) if rest else None
    options = {"media": rest[1]} if len(rest) > 1 else {}
    return client(method, path.replace("{ns}", namespace), body, **options)
