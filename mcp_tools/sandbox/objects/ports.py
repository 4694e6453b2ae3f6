"""The rules for ports and their names."""

from __future__ import annotations

import re
from typing import Any

from mcp_tools.sandbox.objects.errors import Cause, invalid_value

_MAX = 65535
_NAME_MAX = 15


def check_port(field: str, value: Any) -> list[Cause]:
    """A TCP or UDP port."""
    if isinstance(value, int) and 1 <= value <= _MAX:
        return []
    return [invalid_value(field, value, f"must be between 1 and {_MAX}, inclusive")]


def check_port_name(field: str, value: str) -> list[Cause]:
    """A name that an IANA service may have."""
    words = []
    if len(value) > _NAME_MAX:
        words.append(f"must be no more than {_NAME_MAX} characters")
    if not re.fullmatch("[-a-z0-9]+", value):
        words.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        words.append("must contain at least one letter (a-z)")
    if "--" in value:
        words.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        words.append("must not begin or end with a hyphen")
    return [invalid_value(field, value, why) for why in words]
