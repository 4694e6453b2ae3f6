"""What the API server refuses in IPAddresses and ServiceCIDRs (kubernetes/pkg/apis/networking/validation)."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import Cause, invalid_value, required, show

Spec = dict[str, Any]
_IMMUTABLE = "field is immutable"
_FAMILIES = 2
_RANGE_WORDS = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_ZEROS = re.compile(r"(^|[./])0+\d")


def check_address_name(field: str, name: str) -> list[Cause]:
    """The name of an IPAddress is the address, in its canonical form."""
    try:
        canonical = str(ipaddress.ip_address(name))
    except ValueError:
        if _ZEROS.search(name):
            return [invalid_value(field, name, "must not have leading 0s")]
        return [invalid_value(field, name, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return [] if canonical == name else [invalid_value(field, name, f'must be in canonical form ("{canonical}")')]


def check_address(obj: Spec) -> list[Cause]:
    """An IPAddress."""
    parent = (obj.get("spec") or {}).get("parentRef")
    where = "spec.parentRef"
    if parent is None:
        return [required(where)]
    causes = names.check_subdomain(f"{where}.group", parent["group"]) if parent.get("group") else []
    for field in ("resource", "name", "namespace"):
        if value := parent.get(field, ""):
            causes += names.check_path_segment(f"{where}.{field}", value)
        elif field != "namespace":
            causes.append(required(f"{where}.{field}"))
    return causes


def check_address_update(obj: Spec, old: Spec) -> list[Cause]:
    """An address stays its owner's."""
    new, before = ((of.get("spec") or {}).get("parentRef") for of in (obj, old))
    if new == before:
        return []
    shown = "null" if new is None else _internal(new)
    return [Cause("FieldValueInvalid", f"Invalid value: {shown}: {_IMMUTABLE}", "spec.parentRef")]


def _internal(parent: Spec) -> str:
    """As the API server holds it inside."""
    parts = (f'"{field.title()}":{show(parent.get(field, ""))}' for field in ("group", "resource", "namespace", "name"))
    return "{" + ",".join(parts) + "}"


def check_ranges(obj: Spec) -> list[Cause]:
    """A ServiceCIDR."""
    ranges, where = (obj.get("spec") or {}).get("cidrs") or [], "spec.cidrs"
    if not ranges:
        return [required(where, "at least one CIDR required")]
    if len(ranges) > _FAMILIES:
        words = f"Invalid value: {show({'CIDRs': ranges})}: may only hold up to 2 values"
        return [Cause("FieldValueInvalid", words, where)]
    causes = [cause for index, text in enumerate(ranges) for cause in _check_range(f"{where}[{index}]", text)]
    families = [":" in text for text in ranges]
    if len(ranges) == _FAMILIES and families[0] == families[1] and not causes:
        words = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        causes.append(invalid_value(where, ranges, words))
    return causes


def _check_range(field: str, text: str) -> list[Cause]:
    try:
        found = ipaddress.ip_interface(text) if "/" in text else None
    except ValueError:
        found = None
        if _ZEROS.search(text):
            return [invalid_value(field, text, "must not have leading 0s in IP or prefix length")]
    if found is None:
        return [invalid_value(field, text, _RANGE_WORDS)]
    if found.ip != found.network.network_address:
        return [invalid_value(field, text, "must not have bits set beyond the prefix length")]
    canonical = str(found.network)
    return [] if text == canonical else [invalid_value(field, text, f'must be in canonical form ("{canonical}")')]


def check_ranges_update(obj: Spec, old: Spec) -> list[Cause]:
    """Ranges stay; one of the other family may come."""
    new, before = ((of.get("spec") or {}).get("cidrs") or [] for of in (obj, old))
    where = "spec.cidrs"
    if len(new) == len(before):
        return [
            invalid_value(f"{where}[{index}]", text, _IMMUTABLE)
            for index, text in enumerate(new)
            if text != before[index]
        ]
    if (len(before), len(new)) == (1, _FAMILIES):
        first = [invalid_value(f"{where}[0]", new[0], _IMMUTABLE)] if new[0] != before[0] else []
        return first + check_ranges(obj)
    return [invalid_value(where, new, _IMMUTABLE)]
