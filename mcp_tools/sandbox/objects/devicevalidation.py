"""What the API server refuses in DeviceClasses, ResourceClaims, their templates and ResourceSlices.

After kubernetes/pkg/apis/resource/validation. Fields behind feature gates that are closed are dropped, as there:
taints, shared counters, selection of nodes by device, capacity that is shared, binding conditions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import cel, names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    duplicate,
    invalid_value,
    not_supported,
    required,
)
from mcp_tools.sandbox.objects.placementvalidation import check_node_selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Spec = dict[str, Any]
_REQUESTS_MAX, _CONSTRAINTS_MAX, _CONFIG_MAX, _SELECTORS_MAX, _CHOICES_MAX = 32, 32, 32, 32, 8
_DEVICES_MAX, _ATTRIBUTES_MAX, _VALUE_MAX, _ID_MAX, _DRIVER_MAX, _RESERVED_MAX = 128, 32, 64, 32, 63, 256
_EXPRESSION_MAX = 10 * 1024
_DEEPEST = 2
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_IDENTIFIER_WORDS = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters "
    f"or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '{_IDENTIFIER}')"
)
_NUMBER, _BEFORE = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_BEFORE}(\.{_BEFORE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
)
_REFERENCE = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
_PLACES = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_GATED_SLICE = ("sharedCounters", "perDeviceNodeSelection")
_GATED_DEVICE = (
    "taints", "consumesCounters", "nodeName", "nodeSelector", "allNodes", "allowMultipleAllocations",
    "bindingConditions", "bindingFailureConditions", "bindsToNode",
)  # fmt: skip


def drop_gated(kind: str, obj: Spec) -> None:
    """Leave out, in place, what feature gates hide that are closed in this version."""
    spec = obj.get("spec") or {}
    if kind == "DeviceClass":
        spec.pop("extendedResourceName", None)
    elif kind == "ResourceSlice":
        for field in _GATED_SLICE:
            spec.pop(field, None)
        for device in spec.get("devices") or ():
            for field in _GATED_DEVICE:
                device.pop(field, None)
            for amount in (device.get("capacity") or {}).values():
                amount.pop("requestPolicy", None)
    else:
        claim = (spec.get("spec") or {}) if kind == "ResourceClaimTemplate" else spec
        devices = claim.get("devices") or {}
        for constraint in devices.get("constraints") or ():
            constraint.pop("distinctAttribute", None)
        for request in devices.get("requests") or ():
            for each in (request.get("exactly") or {}, *(request.get("firstAvailable") or ())):
                each.pop("capacity", None)


def check_device_class(obj: Spec) -> list[Cause]:
    """A DeviceClass."""
    spec = obj.get("spec") or {}
    causes = _selectors("spec.selectors", spec.get("selectors") or [])
    return causes + _bounded("spec.config", spec.get("config") or [], _CONFIG_MAX, _configuration)


def check_claim(obj: Spec) -> list[Cause]:
    """A ResourceClaim."""
    return _devices("spec.devices", (obj.get("spec") or {}).get("devices") or {}) + _status(obj)


def check_claim_template(obj: Spec) -> list[Cause]:
    """A ResourceClaimTemplate."""
    spec = obj.get("spec") or {}
    meta = spec.get("metadata") or {}
    causes = names.check_annotations("spec.metadata.annotations", meta.get("annotations") or {})
    causes = names.check_labels("spec.metadata.labels", meta.get("labels") or {}) + causes
    return causes + _devices("spec.spec.devices", (spec.get("spec") or {}).get("devices") or {})


def _bounded(field: str, items: list[Any], most: int, check: Callable[[str, Any], list[Cause]]) -> list[Cause]:
    causes = [cause for index, item in enumerate(items) for cause in check(f"{field}[{index}]", item)]
    if len(items) > most:
        words = f"Too many: {len(items)}: must have at most {most} items"
        causes.append(Cause("FieldValueTooMany", words, field))
    return causes


def _unique(field: str, items: Iterable[Any], key: str = "") -> list[Cause]:
    causes, seen = [], set()
    for index, item in enumerate(items):
        value = item.get(key, "") if key else item
        if value in seen:
            causes.append(duplicate(f"{field}[{index}].{key}" if key else f"{field}[{index}]", value))
        seen.add(value)
    return causes


def _devices(field: str, said: Spec) -> list[Cause]:
    requests = said.get("requests") or []
    known = {
        request.get("name", ""): {choice.get("name", "") for choice in request.get("firstAvailable") or ()}
        for request in requests
    }

    def constraint(where: str, item: Spec) -> list[Cause]:
        causes = _references(f"{where}.requests", item.get("requests") or [], known)
        if item.get("matchAttribute") is None:
            return [*causes, required(f"{where}.matchAttribute")]
        return causes + _attribute_name(f"{where}.matchAttribute", item["matchAttribute"], domain=True)

    def configuration(where: str, item: Spec) -> list[Cause]:
        return _references(f"{where}.requests", item.get("requests") or [], known) + _configuration(where, item)

    causes = _bounded(f"{field}.requests", requests, _REQUESTS_MAX, _request)
    causes += _unique(f"{field}.requests", requests, "name")
    causes += _bounded(f"{field}.constraints", said.get("constraints") or [], _CONSTRAINTS_MAX, constraint)
    return causes + _bounded(f"{field}.config", said.get("config") or [], _CONFIG_MAX, configuration)


def _references(field: str, items: list[str], known: dict[str, set[str]]) -> list[Cause]:
    def one(where: str, name: str) -> list[Cause]:
        parts = name.split("/")
        if len(parts) > _DEEPEST:
            return [invalid_value(where, name, _REFERENCE)]
        causes = [cause for part in parts for cause in names.check_label_name(where, part)]
        found = parts[0] in known and (len(parts) == 1 or parts[1] in known[parts[0]])
        return causes if found else [*causes, invalid_value(where, name, _REFERENCE)]

    return _bounded(field, items, _REQUESTS_MAX, one) + _unique(field, items)


def _request(field: str, request: Spec) -> list[Cause]:
    causes = names.check_label_name(f"{field}.name", request.get("name", ""))
    choices, exactly = request.get("firstAvailable") or [], request.get("exactly")

    def choice(where: str, item: Spec) -> list[Cause]:
        return names.check_label_name(f"{where}.name", item.get("name", "")) + _wanted(where, item)

    if choices:
        causes += _bounded(f"{field}.firstAvailable", choices, _CHOICES_MAX, choice)
        causes += _unique(f"{field}.firstAvailable", choices, "name")
    if exactly is not None:
        causes += _wanted(f"{field}.exactly", exactly)
    words = "exactly one of `exactly` or `firstAvailable` is required"
    if not choices and exactly is None:
        causes.append(required(field, words))
    elif choices and exactly is not None:
        causes.append(invalid_value(field, None, f"{words}, but multiple fields are set"))
    return causes


def _wanted(field: str, said: Spec) -> list[Cause]:
    chosen, where = said.get("deviceClassName", ""), f"{field}.deviceClassName"
    causes = names.check_subdomain(where, chosen) if chosen else [required(where)]
    causes += _selectors(f"{field}.selectors", said.get("selectors") or [])
    mode, count = said.get("allocationMode", ""), said.get("count", 0)
    if mode == "All":
        words = "must not be specified when allocationMode is 'All'"
        causes += [invalid_value(f"{field}.count", count, words)] if count else []
    elif mode == "ExactCount":
        causes += [invalid_value(f"{field}.count", count, "must be greater than zero")] if count <= 0 else []
    else:
        causes.append(not_supported(f"{field}.allocationMode", mode, ("All", "ExactCount")))
    return causes


def _selectors(field: str, items: list[Spec]) -> list[Cause]:
    def one(where: str, item: Spec) -> list[Cause]:
        said, where = item.get("cel"), f"{where}.cel"
        if said is None:
            return [required(where)]
        text, where = said.get("expression", ""), f"{where}.expression"
        if len(text) > _EXPRESSION_MAX:
            return [Cause("FieldValueTooLong", f"Too long: may not be more than {_EXPRESSION_MAX} bytes", where)]
        try:
            kind = cel.check(text, ("device",))
        except cel.BadExpression as error:
            return [invalid_value(where, text, f"compilation failed: {error}")]
        fits = kind in {"BOOL", "DYN"}
        return [] if fits else [invalid_value(where, text, f"must evaluate to bool or the unknown type, not {kind}")]

    return _bounded(field, items, _SELECTORS_MAX, one)


def _configuration(field: str, item: Spec) -> list[Cause]:
    said, where = item.get("opaque"), f"{field}.opaque"
    if said is None:
        return [required(where)]
    causes = _driver(f"{where}.driver", said.get("driver", ""))
    parameters = said.get("parameters")
    if parameters is None:
        causes.append(required(f"{where}.parameters"))
    elif not isinstance(parameters, dict):
        causes.append(invalid_value(f"{where}.parameters", "<value omitted>", "must be a valid JSON object"))
    return causes


def _driver(field: str, name: str) -> list[Cause]:
    """As names of CSI drivers."""
    causes = [] if name else [required(field)]
    if len(name) > _DRIVER_MAX:
        causes.append(Cause("FieldValueTooLong", f"Too long: may not be more than {_DRIVER_MAX} bytes", field))
    lowered = names.check_subdomain(field, name.lower())
    return causes + [invalid_value(field, name, cause.message.split(": ", 2)[-1]) for cause in lowered]


def _attribute_name(field: str, name: str, *, domain: bool = False) -> list[Cause]:
    if not name:
        return [required(field, "name required")]
    before, slash, after = name.rpartition("/")
    causes: list[Cause] = []
    if slash:
        causes += _driver(field, before) if before else [required(field, "the domain must not be empty")]
        causes += _identifier(field, after) if after else [required(field, "the name must not be empty")]
    else:
        causes += _identifier(field, after)
    if domain and not slash:
        causes.append(invalid_value(field, name, "must include a domain"))
    return causes


def _identifier(field: str, name: str) -> list[Cause]:
    causes = []
    if len(name) > _ID_MAX:
        causes.append(Cause("FieldValueTooLong", f"Too long: may not be more than {_ID_MAX} bytes", field))
    return causes if re.fullmatch(_IDENTIFIER, name) else [*causes, invalid_value(field, name, _IDENTIFIER_WORDS)]


def _status(obj: Spec) -> list[Cause]:
    status = obj.get("status") or {}
    reserved = status.get("reservedFor") or []

    def one(where: str, item: Spec) -> list[Cause]:
        return [required(f"{where}.{field}") for field in ("resource", "name", "uid") if not item.get(field)]

    causes = _bounded("status.reservedFor", reserved, _RESERVED_MAX, one)
    causes += _unique("status.reservedFor", reserved, "uid")
    if reserved and status.get("allocation") is None:
        words = "Forbidden: may not be specified when `allocated` is not set"
        causes.append(Cause("FieldValueForbidden", words, "status.reservedFor"))
    return causes


def check_slice(obj: Spec) -> list[Cause]:
    """A ResourceSlice."""
    spec = obj.get("spec") or {}
    causes = _driver("spec.driver", spec.get("driver", ""))
    causes += _pool("spec.pool", spec.get("pool") or {})
    causes += _place(spec)
    devices = spec.get("devices") or []
    causes += _bounded("spec.devices", devices, _DEVICES_MAX, _device)
    return causes + _unique("spec.devices", devices, "name")


def _pool(field: str, said: Spec) -> list[Cause]:
    name, count, generation = said.get("name", ""), said.get("resourceSliceCount", 0), said.get("generation", 0)
    causes = [cause for part in name.split("/") for cause in names.check_subdomain(f"{field}.name", part)]
    causes = causes if name else [required(f"{field}.name")]
    if count <= 0:
        causes.append(invalid_value(f"{field}.resourceSliceCount", count, "must be greater than zero"))
    if generation < 0:
        causes.append(invalid_value(f"{field}.generation", generation, "must be greater than or equal to zero"))
    return causes


def _place(spec: Spec) -> list[Cause]:
    causes: list[Cause] = []
    given = []
    node, selector, everywhere = (spec.get(field) for field in ("nodeName", "nodeSelector", "allNodes"))
    if node:
        given.append("`nodeName`")
        causes += names.check_subdomain("spec.nodeName", node)
    elif node is not None:
        causes.append(invalid_value("spec.nodeName", node, "must be either unset or set to a non-empty string"))
    if selector is not None:
        given.append("`nodeSelector`")
        causes += check_node_selector("spec.nodeSelector", selector)
        terms = selector.get("nodeSelectorTerms") or []
        if len(terms) != 1:
            where = "spec.nodeSelector.nodeSelectorTerms"
            causes.append(invalid_value(where, terms, "must have exactly one node selector term"))
    if everywhere:
        given.append("`allNodes`")
    elif everywhere is not None:
        causes.append(invalid_value("spec.allNodes", everywhere, "must be either unset or set to true"))
    if not given:
        causes.append(required("spec", _PLACES))
    elif len(given) > 1:
        shown = "{" + ", ".join(given) + "}"
        causes.append(invalid_value("spec", shown, f"{_PLACES}, but multiple fields are set"))
    return causes


def _device(field: str, device: Spec) -> list[Cause]:
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    causes = names.check_label_name(f"{field}.name", device.get("name", ""))
    if (count := len(attributes) + len(capacity)) > _ATTRIBUTES_MAX:
        words = f"the total number of attributes and capacities must not exceed {_ATTRIBUTES_MAX}"
        causes.append(invalid_value(field, count, words))
    for name, value in attributes.items():
        where = f"{field}.attributes[{name}]"
        causes += _attribute_name(where, name) + _attribute(where, value)
    for name in capacity:
        causes += _attribute_name(f"{field}.capacity[{name}]", name)
    return causes


def _attribute(field: str, value: Spec) -> list[Cause]:
    causes: list[Cause] = []
    version = value.get("version")
    if version is not None and not _VERSION.fullmatch(version):
        words = "must be a string compatible with semver.org spec 2.0.0"
        causes.append(invalid_value(f"{field}.version", version, words))
    causes += [
        Cause("FieldValueTooLong", f"Too long: may not be more than {_VALUE_MAX} bytes", f"{field}.{kind}")
        for kind in ("string", "version")
        if len(value.get(kind) or "") > _VALUE_MAX
    ]
    given = [kind for kind in ("int", "bool", "string", "version") if value.get(kind) is not None]
    if not given:
        causes.append(required(field, "exactly one value must be specified"))
    elif len(given) > 1:
        shown = {f"{kind.title()}Value": value.get(kind) for kind in ("int", "bool", "string", "version")}
        causes.append(invalid_value(field, shown, "exactly one value must be specified"))
    return causes
