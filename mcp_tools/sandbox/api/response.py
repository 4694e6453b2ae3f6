"""What goes back: one body, or a stream of them; and in which form the client wants it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from mcp_tools.sandbox.objects.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

JSON = "application/json"
YAML = "application/yaml"
_REPRESENTATIONS = (
    "application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, "
    "application/vnd.kubernetes.protobuf;stream=watch"
)
View = Literal["object", "table", "metadata"]


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a body, and headers beside its content type."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    warnings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the Accept header asks for."""

    view: View = "object"
    media: str = JSON
    version: str = "v1"

    def encode(self, value: Any) -> bytes:
        """A value in the wanted format."""
        if self.media == YAML:
            import yaml

            return yaml.dump(
                value, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), default_flow_style=False
            ).encode()
        return msgspec.json.encode(value)


_VIEWS: dict[str, View] = {
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata",
}


def negotiate(accept: str) -> Wanted:
    """The first form of an Accept header that is served here.

    Raises:
        Refused: 406.
    """
    for choice in (accept or "*/*").split(","):
        media, *parts = [part.strip() for part in choice.split(";")]
        parameters = dict(part.split("=", 1) for part in parts if "=" in part)
        shape = parameters.get("as")
        if media not in {JSON, YAML, "*/*", "application/*"}:
            continue
        if shape is None:
            return Wanted(media=YAML if media == YAML else JSON)
        if shape in _VIEWS and parameters.get("g") == "meta.k8s.io" and parameters.get("v") in {"v1", "v1beta1"}:
            return Wanted(_VIEWS[shape], YAML if media == YAML else JSON, parameters["v"])
    message = f"406: Not Acceptable\n\nAvailable representations: {_REPRESENTATIONS}"
    raise Refused(406, "NotAcceptable", message, {})


def json_response(value: Any, status: int = 200, warnings: tuple[str, ...] = ()) -> Response:
    """Plain data as JSON."""
    return Response(status, msgspec.json.encode(value), warnings=warnings)


def refusal(error: Refused) -> Response:
    """A refusal as `metav1.Status`."""
    return json_response(error.status(), error.code, error.warnings)
