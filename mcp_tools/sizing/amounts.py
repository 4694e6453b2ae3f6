"""Amounts of resources as people and the API write them."""

from __future__ import annotations

import math

GIB = 2**30
MIB = 2**20
_UNITS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))


def cores_text(cores: float) -> str:
    """`250m`, `2`, `1.5` as `1500m`: thousandths, rounded up."""
    millis = math.ceil(cores * 1000 - 1e-6)
    return f"{millis}m" if millis % 1000 else str(millis // 1000)


def bytes_text(size: float) -> str:
    """`64Mi`, `2Gi`: MiB, rounded up."""
    mib = math.ceil(size / MIB - 1e-6)
    return f"{mib}Mi" if mib % 1024 or not mib else f"{mib // 1024}Gi"


def span_text(seconds: float) -> str:
    """`40 s`, `3 min`, `2.5 h`, `4 d`."""
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), _UNITS[-1])
    value = seconds / size
    return f"{value:.1f} {unit}" if unit in {"d", "h"} and value % 1 >= 0.1 else f"{value:.0f} {unit}"  # noqa: PLR2004
