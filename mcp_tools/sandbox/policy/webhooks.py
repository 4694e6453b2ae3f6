"""Admission webhooks: which are asked, what they answer, and what becomes of a request when they do not.

Behind a Service stands a simulated container. It agrees, unless its pod's annotation `sandbox.shipmate.dev/admission`
says otherwise, in YAML: `allow` (an expression in CEL over `object`, `oldObject` and `request`), `message` and `code`
of a refusal, `patch` (a JSON patch), `warnings`. A webhook with a URL is really called, for what clients send; the
control loops of the sandbox itself do not wait for anybody.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.objects import cel, patches
from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.policy.calls import Call, Unanswered
from mcp_tools.sandbox.policy.writes import Write, concerned, conditions_hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]
ANNOTATION = "sandbox.shipmate.dev/admission"
_GROUP = "admissionregistration.k8s.io"
_LOWEST = 400


def mutate(write: Write) -> Object | None:
    """The object as the mutating webhooks make it; `None` where they leave it alone.

    Raises:
        Refused: By a webhook, or 500 where one with the failure policy `Fail` does not answer.
    """
    obj = write.obj
    for webhook, ask in _asked(write, "MutatingWebhookConfiguration"):
        now = Write(write.registry, write.kind, write.operation, obj, write.old, write.options)
        response = _answer(now, webhook, ask)
        if response and response.get("patch") and obj is not None:
            obj = _patched(webhook, obj, response)
    return obj if obj is not write.obj else None


def validate(write: Write) -> None:
    """Ask the validating webhooks.

    Raises:
        Refused: As `mutate`.
    """
    for webhook, ask in _asked(write, "ValidatingWebhookConfiguration"):
        _answer(write, webhook, ask)


def _asked(write: Write, configurations: str) -> Iterator[tuple[Object, str]]:
    """The webhooks that a write concerns, and a key for each."""
    if write.kind.group == _GROUP:
        return
    registry = write.registry
    for found in registry.store.all_of(registry.kinds.named(configurations)):
        for index, webhook in enumerate(found.get("webhooks") or ()):
            if concerned(write, webhook.get("rules") or [], webhook):
                yield webhook, f"{configurations}/{found['metadata']['name']}/{index}/{_told_apart(write)}"


def _told_apart(write: Write) -> str:
    """A request may delete many objects; it makes or changes one, under a name that may be other at each attempt."""
    return f"{write.meta.get('namespace', '')}/{write.meta['name']}" if write.operation == "DELETE" else ""


def _answer(write: Write, webhook: Object, key: str) -> Object | None:
    """What a webhook says; `None` where it need not be heard.

    Raises:
        Refused: It says no, or says nothing and must be heard.
    """
    try:
        if not conditions_hold(write, webhook):
            return None
        response = _response(write, webhook, key)
    except (Unanswered, cel.Failed) as error:
        if webhook.get("failurePolicy", "Fail") != "Fail":
            return None
        raise _broken(webhook, error) from error
    warnings = response.get("warnings")
    if isinstance(warnings, list):
        write.options.warnings.extend(str(item) for item in warnings)
    if response.get("allowed") is not True:
        raise _denied(str(webhook.get("name", "")), response)
    return response


def _denied(name: str, response: Object) -> Refused:
    """As ToStatusErr of apiserver/pkg/admission/plugin/webhook/errors."""
    said = response.get("status")
    status: Object = said if isinstance(said, dict) else {}
    code = status.get("code")
    start = f'admission webhook "{name}" denied the request'
    why = status.get("message") or status.get("reason")
    message = f"{start}: {why}" if why else f"{start} without explanation"
    details = status.get("details") if isinstance(status.get("details"), dict) else None
    number = code if isinstance(code, int) and _LOWEST <= code < _LOWEST + 200 else _LOWEST
    return Refused(number, str(status.get("reason") or ""), message, details)


def _response(write: Write, webhook: Object, key: str) -> Object:
    config = webhook.get("clientConfig") or {}
    seconds = webhook.get("timeoutSeconds", 10)
    service = config.get("service")
    if service is None:
        if write.options.user is None:
            return {"allowed": True}
        call = Call(key, str(config.get("url", "")), str(config.get("caBundle") or ""), seconds, _review(write))
        return call.answered(write.options.replies)
    name, namespace = service.get("name", ""), service.get("namespace", "")
    url = f"https://{name}.{namespace}.svc:{service.get('port', 443)}{service.get('path', '')}"
    pod = _backend(write.registry, namespace, name, url, seconds)
    return _simulated(write, pod)


def _review(write: Write) -> Object:
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": write.request()}


def _backend(registry: Registry, namespace: str, name: str, url: str, seconds: int) -> Object:
    """The pod behind a webhook's Service.

    Raises:
        Unanswered: There is no such Service, or nothing is behind it.
    """
    why = f'service "{name}" not found'
    if registry.store.get(registry.kinds.named("Service"), namespace, name) is not None:
        endpoints = registry.store.get(registry.kinds.named("Endpoints"), namespace, name) or {}
        for subset in endpoints.get("subsets") or ():
            for address in subset.get("addresses") or ():
                target = (address.get("targetRef") or {}).get("name", "")
                return registry.store.get(registry.kinds.named("Pod"), namespace, target) or {"metadata": {}}
        why = f'no endpoints available for service "{name}"'
    raise Unanswered(f'failed to call webhook: Post "{url}?timeout={seconds}s": {why}')


def _simulated(write: Write, pod: Object) -> Object:
    """The answer of a simulated container.

    Raises:
        Unanswered: Its description makes no sense.
    """
    text = (pod["metadata"].get("annotations") or {}).get(ANNOTATION)
    if not text:
        return {"allowed": True}
    import yaml

    try:
        said = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        raise Unanswered(f"the annotation {ANNOTATION} is no YAML") from error
    if not isinstance(said, dict):
        raise Unanswered(f"the annotation {ANNOTATION} holds no fields")
    allowed = said.get("allow", True)
    values = {"object": write.obj, "oldObject": write.old, "request": write.request()}
    try:
        if isinstance(allowed, str):
            allowed = cel.evaluate(allowed, values)
    except (cel.BadExpression, cel.Failed) as error:
        raise Unanswered(f"the annotation {ANNOTATION} cannot be evaluated: {error}") from error
    status = {"message": said.get("message"), "code": said.get("code")}
    patch = base64.b64encode(msgspec.json.encode(said["patch"])).decode() if said.get("patch") else None
    return {"allowed": allowed, "status": status, "patch": patch, "warnings": said.get("warnings")}


def _patched(webhook: Object, obj: Object, response: Object) -> Object:
    try:
        operations = msgspec.json.decode(base64.b64decode(response["patch"], validate=True))
        found = patches.json_patch(obj, operations)
    except (Refused, binascii.Error, ValueError, TypeError, msgspec.DecodeError) as error:
        raise _broken(webhook, f"the patch does not apply: {error}") from error
    if not isinstance(found, dict):
        raise _broken(webhook, "the patch leaves no object")
    return found


def _broken(webhook: Object, why: object) -> Refused:
    text = f'failed calling webhook "{webhook.get("name", "")}": {why}'
    return Refused(500, "InternalError", f"Internal error occurred: {text}", {"causes": [{"message": text}]})
