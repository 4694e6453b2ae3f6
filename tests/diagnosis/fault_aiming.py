"""Aims a fault at any workload: what it says of the todo stack's backend is put into the words of another one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fault_aims import CALLER, CONFIG, OWN, SECRET

from mcp_tools.sandbox.faults.injector import JSON, Injector

if TYPE_CHECKING:
    from fault_aims import Aim

    from mcp_tools.sandbox.faults.injector import Object, Send
    from mcp_tools.sandbox.faults.model import Fault

_KEY, _URL, _DATABASE = "BETTER_AUTH_SECRET", "NEXT_PUBLIC_API_URL", "DATABASE_URL"
_NAME = "app.kubernetes.io/name"
_PORT, _FRONT_PORT = 8000, 80


class Aimed(Injector):
    """An injector that does to one workload what a fault would do to the backend of the todo stack.

    Args:
        send, pause, namespace: As of `Injector`.
        aim: The workload.
        pods: How many the namespace has.
    """

    def __init__(self, send: Send, pause: Any, namespace: str, aim: Aim, pods: int) -> None:
        super().__init__(send, pause, namespace)
        self._aim = aim
        self._pods = pods
        self._url_only = False

    def inject(self, fault: Fault) -> Fault:
        """Bring a fault about.

        Returns:
            The fault with its cause as it is here.
        """
        fault.inject(self)
        return replace(fault, cause=self._aim.cause(fault))

    def names(self, kind: str, labels: str = "", namespace: str | None = None) -> list[str]:
        """As of `Injector`; the workload's own name is the backend's."""
        found = super().names(kind, labels, namespace)
        return ["backend" if name == self._aim.name else name for name in found]

    def _place(self, kind: str, name: str = "", namespace: str | None = None) -> str:
        if (kind, name) == ("ConfigMap", CONFIG) and self._url_only:
            return super()._place(kind, self._aim.url_config, namespace)
        return super()._place(*(self._aim.place(kind, name) if name else (kind, name)), namespace)

    def patch(self, kind: str, name: str, body: Object, *more: Any, **options: Any) -> None:
        """As of `Injector`."""
        self._url_only = _URL in (body.get("data") or {})
        super().patch(kind, name, body, *more, **options)
        self._url_only = False

    def _call(self, method: str, path: str, body: Any = None, media: str = JSON) -> Object:
        return super()._call(method, path, self._told(body, path), media)

    def _told(self, node: Any, path: str) -> Any:
        aim = self._aim
        match node:
            case dict() if node.get(_NAME) in {*OWN, CALLER} and len(node) == 1:
                return aim.caller_labels if node[_NAME] == CALLER and "networkpolicies" in path else aim.labels
            case dict():
                return {self._key(key): self._field(key, value, path) for key, value in node.items()}
            case list():
                return [self._told(item, path) for item in node]
            case str():
                return self._text(node)
            case int() if not isinstance(node, bool) and node == _PORT:
                return aim.target if "networkpolicies" in path else aim.port
            case int() if not isinstance(node, bool) and node == _FRONT_PORT and "ingresses" in path:
                return aim.port
        return node

    def _key(self, key: str) -> str:
        return {_KEY: self._aim.key or key, _URL: self._aim.url or key}.get(key, key)

    def _field(self, key: str, value: Any, path: str) -> Any:
        if key == "containers":
            return [self._container(item, path) for item in value]
        if key == "scaleTargetRef" and value.get("name") == "backend":
            return {**value, "kind": self._aim.kind, "name": self._aim.name}
        if key == "service" and isinstance(value, dict) and value.get("name") == CALLER:
            return {"name": self._aim.service, "port": self._told(value["port"], path)}
        if key == "hard" and value.get("pods"):
            return {"pods": str(self._pods)}
        if key == "app":
            return value
        if key == "selector" and isinstance(value, dict) and value.get(_NAME) == "backend-api":
            return {**dict.fromkeys(self._aim.labels), _NAME: "backend-api"}
        return self._told(value, path)

    def _container(self, item: Any, path: str) -> Any:
        told = self._told(item, path)
        return {**told, "name": self._aim.container} if item.get("name") in {*OWN, CALLER} else told

    def _text(self, text: str) -> str:
        aim = self._aim
        if found := re.fullmatch(r"(.*/)?[Tt]odo-[Bb]ackend(:.*)", text):
            name = aim.image.rpartition("/")[2] if found[1] else aim.image
            return f"{found[1] or ''}{name.title() if text.startswith('Todo') else name}{found[2]}"
        exact = {
            CONFIG: aim.config,
            "backend-confg": _mistyped(aim.config),
            SECRET: aim.secret,
            _KEY: aim.key,
            _DATABASE: aim.database or text,
            "backend": aim.name,
        }
        return exact.get(text, text)


def _mistyped(name: str) -> str:
    """Without its last vowel."""
    return re.sub(r"[aeiou](?=[^aeiou]*$)", "", name)
