"""Sums of quantities, written as the API server writes them."""

from __future__ import annotations

from decimal import Decimal

from mcp_tools import quantity

_BINARY = ("memory", "storage")
_KIBI = 1024


def render(amount: Decimal, name: str) -> str:
    """An amount of a resource: bytes in binary units where they are whole ones, everything else in decimal units."""
    if name.endswith(_BINARY) and amount >= _KIBI and amount % _KIBI == 0:
        return quantity.canonical(f"{amount // _KIBI:f}Ki")
    return quantity.canonical(f"{amount:f}")
