"""Admission webhooks: which would be asked, and what becomes of a request when nobody answers there.

No webhook of a simulated container is really called: one that has a ready endpoint agrees. What people meet in
practice is a webhook that is not there, and that is answered as the API server does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]
_CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def check(registry: Registry, kind: Kind, obj: Object, operation: str) -> None:
    """Refuse a request that a webhook with the failure policy `Fail` would have to see and cannot.

    Args:
        registry: Of the cluster.
        kind: Of the object.
        obj: As it would be stored.
        operation: `CREATE`, `UPDATE` or `DELETE`.

    Raises:
        Refused: 500.
    """
    if kind.group == "admissionregistration.k8s.io":
        return
    for name in _CONFIGURATIONS:
        for found in registry.store.all_of(registry.kinds.named(name)):
            for webhook in found.get("webhooks") or ():
                if _concerns(registry, webhook, kind, obj, operation):
                    _ask(registry, webhook)


def _concerns(registry: Registry, webhook: Object, kind: Kind, obj: Object, operation: str) -> bool:
    if not any(_rule(rule, kind, operation) for rule in webhook.get("rules") or ()):
        return False
    namespace = obj["metadata"].get("namespace", "")
    if namespace and webhook.get("namespaceSelector"):
        space = registry.store.get(registry.kinds.named("Namespace"), "", namespace)
        labels = (space or {"metadata": {}})["metadata"].get("labels") or {}
        if not label_selector(webhook["namespaceSelector"])(labels):
            return False
    labels = obj["metadata"].get("labels") or {}
    return not webhook.get("objectSelector") or label_selector(webhook["objectSelector"])(labels)


def _rule(rule: Object, kind: Kind, operation: str) -> bool:
    scope = rule.get("scope", "*")
    return (
        bool({"*", operation} & set(rule.get("operations") or ()))
        and bool({"*", kind.group} & set(rule.get("apiGroups") or ()))
        and bool({"*", kind.version} & set(rule.get("apiVersions") or ()))
        and bool({"*", "*/*", kind.plural} & set(rule.get("resources") or ()))
        and scope in {"*", "Namespaced" if kind.namespaced else "Cluster"}
    )


def _ask(registry: Registry, webhook: Object) -> None:
    target = (webhook.get("clientConfig") or {}).get("service")
    if target is None:
        why = "dial tcp: lookup failed: no such host"
        url = (webhook.get("clientConfig") or {}).get("url", "")
    else:
        name, namespace = target.get("name", ""), target.get("namespace", "")
        url = f"https://{name}.{namespace}.svc:{target.get('port', 443)}{target.get('path', '')}"
        why = _unreachable(registry, namespace, name)
    if not why or webhook.get("failurePolicy", "Fail") != "Fail":
        return
    seconds = webhook.get("timeoutSeconds", 10)
    name = webhook.get("name", "")
    text = f'failed calling webhook "{name}": failed to call webhook: Post "{url}?timeout={seconds}s": {why}'
    message = f"Internal error occurred: {text}"
    raise Refused(500, "InternalError", message, {"causes": [{"message": text}]})


def _unreachable(registry: Registry, namespace: str, name: str) -> str:
    if registry.store.get(registry.kinds.named("Service"), namespace, name) is None:
        return f'service "{name}" not found'
    endpoints = registry.store.get(registry.kinds.named("Endpoints"), namespace, name)
    if not any(subset.get("addresses") for subset in (endpoints or {}).get("subsets") or ()):
        return f'no endpoints available for service "{name}"'
    return ""
