"""Refusals of the API server, as `metav1.Status`, in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.sandbox.objects.kinds import Kind


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing wrong with one field.

    Attributes:
        reason: `FieldValueInvalid`, `FieldValueRequired`, `FieldValueNotSupported`, …
        message: What is wrong, as the API server says it.
        field: The field's path, such as `spec.replicas`.
    """

    reason: str
    message: str
    field: str


class Refused(Exception):
    """A request that the API server turns down.

    Args:
        code: The HTTP status.
        reason: `metav1.StatusReason`; empty for none.
        message: The sentence that clients print.
        details: `metav1.StatusDetails`.

    Attributes:
        warnings: What the client is warned of all the same.
    """

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.warnings: tuple[str, ...] = ()

    def status(self) -> dict[str, Any]:
        """The `metav1.Status` body."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


def _about(kind: Kind, name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **({"group": kind.group} if kind.group else {}), "kind": kind.plural, **more}


def not_found(kind: Kind, name: str) -> Refused:
    """404: there is no such object."""
    return Refused(404, "NotFound", f'{kind.resource} "{name}" not found', _about(kind, name))


def no_such_path() -> Refused:
    """404: the server has no such resource or subresource."""
    return Refused(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str) -> Refused:
    """409: the name is taken."""
    return Refused(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _about(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> Refused:
    """409: the object is not the one that the writer saw."""
    detail = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {detail}'
    return Refused(409, "Conflict", message, _about(kind, name))


def forbidden(kind: Kind, name: str, why: str) -> Refused:
    """403: admission or policy says no."""
    return Refused(403, "Forbidden", f'{kind.resource} "{name}" is forbidden: {why}', _about(kind, name))


def method_not_allowed() -> Refused:
    """405: the resource exists and does not know the verb."""
    return Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def bad_request(message: str) -> Refused:
    """400: the request makes no sense."""
    return Refused(400, "BadRequest", message)


def failure(message: str) -> Refused:
    """500: the API server has no better word for what a client sent."""
    return Refused(500, "", message)


def expired(message: str) -> Refused:
    """410: the resource version or the continue token is too old."""
    return Refused(410, "Expired", message)


def unprocessable() -> Refused:
    """422: a JSON patch that does not apply to the object."""
    return Refused(422, "Invalid", "the server rejected our request due to an error in our request", {})


def unsupported_media(accepted: str = "") -> Refused:
    """415: the body is in a format that is not taken here."""
    if not accepted:
        return Refused(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return Refused(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {accepted}",
    )


def invalid(qualified: str, name: str, causes: Sequence[Cause]) -> Refused:
    """422 with the causes.

    Args:
        qualified: The kind with its group, such as `Deployment.apps`.
        name: The object's name; may be empty.
        causes: At least one.
    """
    kind, _, group = qualified.partition(".")
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    details: dict[str, Any] = {
        **({"name": name} if name else {}),
        **({"group": group} if group else {}),
        **({"kind": kind} if kind else {}),
        "causes": [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes],
    }
    return Refused(422, "Invalid", f'{qualified} "{name}" is invalid: {text}', details)


def show(value: Any) -> str:
    """A value as validation messages print it: JSON."""
    return msgspec.json.encode(value, order="sorted").decode()


def invalid_value(field: str, value: Any, why: str) -> Cause:
    """`Invalid value: …`."""
    return Cause("FieldValueInvalid", f"Invalid value: {show(value)}: {why}", field)


def required(field: str, why: str = "") -> Cause:
    """`Required value`."""
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def not_supported(field: str, value: Any, choices: Sequence[str]) -> Cause:
    """`Unsupported value: … supported values: …`."""
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return Cause("FieldValueNotSupported", f"Unsupported value: {show(value)}: supported values: {listed}", field)


def duplicate(field: str, value: Any) -> Cause:
    """`Duplicate value: …`."""
    return Cause("FieldValueDuplicate", f"Duplicate value: {show(value)}", field)


def forbidden_field(field: str, why: str) -> Cause:
    """`Forbidden: …`."""
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def missing_reference(field: str, value: Any) -> Cause:
    """`Not found: …`."""
    return Cause("FieldValueNotFound", f"Not found: {show(value)}", field)
