"""Resource quantities such as `100m` or `1.5Gi` (k8s.io/apimachinery, pkg/api/resource)."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from functools import lru_cache

SYNTAX = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"

_KIBI = 1024
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_PARTS = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([A-Za-z]*|[eE][+-]?[0-9]{1,2})")
_LONGEST = 64


class BadQuantity(ValueError):
    """The text is no quantity."""


@lru_cache(maxsize=2048)
def parse(text: str) -> Decimal:
    """The amount in the base unit (cores, bytes), exact.

    Raises:
        BadQuantity: The text is no quantity.
    """
    found = _PARTS.fullmatch(text) if len(text) <= _LONGEST else None
    if not found:
        raise BadQuantity(text)
    number, suffix = found.groups()
    try:
        amount = Decimal(number)
    except InvalidOperation as error:
        raise BadQuantity(text) from error
    if suffix in _BINARY:
        return amount * Decimal(1024 ** _BINARY[suffix])
    if suffix in _DECIMAL:
        return amount.scaleb(_DECIMAL[suffix])
    if suffix[0] in "eE" and suffix[1:].lstrip("+-").isdecimal():
        return amount.scaleb(int(suffix[1:]))
    raise BadQuantity(text)


@lru_cache(maxsize=2048)
def canonical(text: str) -> str:
    """The form in which the API server stores it: no fraction, the largest unit that allows that (`0.5Gi` → `512Mi`).

    Raises:
        BadQuantity: The text is no quantity.
    """
    amount = parse(text)
    suffix = text.lstrip("+-0123456789.")
    if suffix in _BINARY and abs(amount) >= _KIBI:
        return _in_units(
            amount.to_integral_value(ROUND_CEILING), [(1024**power, unit) for unit, power in _BINARY.items()]
        )
    if suffix[:1] in {"e", "E"} and suffix[1:]:
        return text
    nano = amount.scaleb(9).to_integral_value(ROUND_CEILING)
    units = [(10 ** (power + 9), unit) for unit, power in _DECIMAL.items()]
    return _in_units(nano, units)


def _in_units(amount: Decimal, units: list[tuple[int, str]]) -> str:
    if not amount:
        return "0"
    whole = int(amount)
    for size, unit in sorted(units, reverse=True):
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return str(whole)


def millis(text: str) -> int:
    """Thousandths of the unit, rounded up: how CPU is counted."""
    return int((parse(text) * 1000).to_integral_value(ROUND_CEILING))


def whole(text: str) -> int:
    """Whole units, rounded up: how memory is counted."""
    return int(parse(text).to_integral_value(ROUND_CEILING))
