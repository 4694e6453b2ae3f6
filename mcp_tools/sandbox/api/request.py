"""One HTTP request, taken apart: which object is meant, with which options, and what its body says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import msgspec

from mcp_tools.sandbox.access.users import ADMIN, User
from mcp_tools.sandbox.objects import protobuf
from mcp_tools.sandbox.objects.deletion import DeleteOptions
from mcp_tools.sandbox.objects.errors import (
    Cause,
    Refused,
    bad_request,
    failure,
    invalid,
    invalid_value,
    not_supported,
    required,
    unsupported_media,
)
from mcp_tools.sandbox.objects.registry import WriteOptions
from mcp_tools.sandbox.objects.schema import ANY, DecodeError, conform, shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 3 * 1024 * 1024
ACCEPTED = f"application/json, application/yaml, {protobuf.MEDIA_TYPE}"
_MANAGER_MAX = 128
_MAX_DEPTH = 200
_OPTIONS_NAME = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
_VALIDATIONS = ("Ignore", "Strict", "Warn", "")
_PROPAGATIONS = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class Address:
    """What a path below `/api/v1` or `/apis/<group>/<version>` names.

    Attributes:
        plural: Empty for the group version itself.
        subresource: What follows the name, such as `status`.
    """

    group: str
    version: str
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its body read, in whose name it is sent, and what webhooks answered to it so far."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""
    user: User = ADMIN
    replies: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, method: str, path: str, query: bytes, headers: Mapping[str, str], body: bytes) -> Request:
        """From what the server hands over."""
        found: dict[str, list[str]] = {}
        for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            found.setdefault(key, []).append(value)
        return cls(method, path, found, headers, body)

    def option(self, name: str) -> str:
        """The first value of a query parameter, or an empty text."""
        return self.query.get(name, [""])[0]

    def flag(self, name: str) -> bool:
        """A boolean query parameter.

        Raises:
            Refused: 400.
        """
        return name in self.query and self.option(name).lower() not in {"false", "0"}

    def number(self, name: str) -> int | None:
        """A whole number from the query, `None` where there is none.

        Raises:
            Refused: 400.
        """
        text = self.option(name)
        if not text:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise bad_request(f'strconv.ParseInt: parsing "{text[:60]}": invalid syntax')
        return int(text)

    @property
    def content_type(self) -> str:
        """Without its parameters; JSON where the client said nothing."""
        return (self.headers.get("content-type") or "application/json").split(";")[0].strip().lower()

    def write_options(self, subresource: str) -> WriteOptions:
        """The options of a create, update or patch.

        Raises:
            Refused: 422.
        """
        self._check_write_query()
        agent = re.sub(r"[^\x21-\x7e]", "", self.headers.get("user-agent", "").split("/")[0])
        return WriteOptions(
            manager=self.option("fieldManager") or agent[:_MANAGER_MAX] or "unknown",
            dry_run=bool(self.query.get("dryRun")),
            force=self.flag("force"),
            subresource=subresource,
            user=self.user,
            replies=self.replies,
        )

    def _check_write_query(self) -> None:
        causes = self._dry_run_causes(self.query.get("dryRun", []))
        manager = self.option("fieldManager")
        if len(manager) > _MANAGER_MAX:
            causes.append(
                Cause("FieldValueTooLong", f"Too long: may not be more than {_MANAGER_MAX} bytes", "fieldManager")
            )
        if self.option("fieldValidation") not in _VALIDATIONS:
            causes.append(not_supported("fieldValidation", self.option("fieldValidation"), _VALIDATIONS))
        if self.method == "PATCH":
            applying = self.content_type.startswith("application/apply-patch")
            if applying and not manager:
                causes.append(required("fieldManager", "is required for apply patch"))
            if "force" in self.query and not applying:
                causes.append(
                    Cause("FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force")
                )
        if causes:
            raise invalid(f"{_OPTIONS_NAME[self.method]}.meta.k8s.io", "", causes)

    def _dry_run_causes(self, values: list[str]) -> list[Cause]:
        return [not_supported("dryRun", values, ("All",))] if any(value != "All" for value in values) else []

    def delete_options(self) -> DeleteOptions:
        """The options of a deletion, from the body and the query.

        Raises:
            Refused: 400 or 422.
        """
        body = self.json() if self.body.strip() else {}
        if not isinstance(body, dict):
            raise bad_request("couldn't get version/kind; json parse error")
        if not self.body.strip():  # with a body, nobody looks at the query
            body = {
                "dryRun": self.query.get("dryRun"),
                "propagationPolicy": self.option("propagationPolicy"),
                "gracePeriodSeconds": self.number("gracePeriodSeconds"),
            }
        try:
            conform(shape_of("v1/DeleteOptions") or ANY, body, [])
        except DecodeError as error:
            raise failure(str(error)) from error
        dry_run, propagation = body.get("dryRun") or [], body.get("propagationPolicy")
        orphan, preconditions = body.get("orphanDependents"), body.get("preconditions") or {}
        grace = body.get("gracePeriodSeconds")
        causes = self._dry_run_causes(dry_run)
        if orphan is not None and propagation:
            words = "orphanDependents and deletionPropagation cannot be both set"
            causes.append(invalid_value("propagationPolicy", propagation, words))
        elif orphan is not None:
            propagation = "Orphan" if orphan else "Background"
        if propagation and propagation not in _PROPAGATIONS:
            causes.append(not_supported("propagationPolicy", propagation, (*_PROPAGATIONS, "nil")))
        if causes:
            raise invalid("DeleteOptions.meta.k8s.io", "", causes)
        return DeleteOptions(
            grace_seconds=grace,
            propagation=propagation or None,
            uid=preconditions.get("uid"),
            resource_version=preconditions.get("resourceVersion"),
            dry_run=bool(dry_run),
            write=WriteOptions(dry_run=bool(dry_run), user=self.user, replies=self.replies),
        )

    def json(self) -> Any:
        """The body as plain data, from JSON, YAML or protobuf.

        Raises:
            Refused: 400 or 415.
        """
        if self.content_type in {"application/yaml", "application/apply-patch+yaml"}:
            return load_yaml(self.body)
        if self.content_type == protobuf.MEDIA_TYPE:
            try:
                return protobuf.decode(self.body)
            except protobuf.Undecodable as error:
                raise bad_request(str(error)) from error
        if "json" not in self.content_type:
            raise unsupported_media(ACCEPTED)
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            shown = self.body[:60].decode("utf-8", "replace") or "<empty>"
            raise bad_request(f"couldn't get version/kind; json parse error: {error} ({shown})") from error


def load_yaml(text: bytes) -> Any:
    """YAML as JSON-like data: no anchors (they can grow without bound), no dates, text keys.

    Raises:
        Refused: 400.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        pass  # not JSON, which is YAML too and by far the usual case
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if b"*" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
            raise bad_request("error converting YAML to JSON: anchors are not supported")
        return _plain(yaml.load(text, Loader=_timeless(loader)), 0)  # noqa: S506  a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise bad_request(f"error converting YAML to JSON: {str(error)[:300]}") from error


_TIMELESS: dict[Any, Any] = {}


def _timeless(loader: Any) -> Any:
    if loader not in _TIMELESS:
        resolvers = {
            mark: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
            for mark, rules in loader.yaml_implicit_resolvers.items()
        }
        _TIMELESS[loader] = type("TimelessLoader", (loader,), {"yaml_implicit_resolvers": resolvers})
    return _TIMELESS[loader]


def _plain(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError(f"a value of type {type(value).__name__} has no JSON form")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, str | int | float):
        return str(key)
    raise ValueError("a key is no text")


def address_of(path: str) -> Address | None:
    """What a path names; `None` where it is no path of an API group.

    Raises:
        Refused: 404, it goes deeper than any resource does.
    """
    parts = [unquote(part) for part in path.strip("/").split("/")]
    match parts:
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    match rest:
        case []:
            return Address(group, version)
        case ["namespaces", namespace, plural, *tail] if group or plural not in {"status", "finalize"} or tail:
            return Address(group, version, namespace, plural, *_tail(tail))
        case [plural, *tail]:
            return Address(group, version, "", plural, *_tail(tail))
    raise Refused(404, "NotFound", "the server could not find the requested resource", {})


def _tail(parts: list[str]) -> tuple[str, str]:
    below = parts[1:2] if parts[1:2] == ["proxy"] else parts[1:]  # what follows is a path of somebody else's
    return (parts[0] if parts else "", "/".join(below))
