"""The failure modes, a module for each family that shares one test.

A detector is a function marked with `mode`, or with `detector` where it tells several modes apart; to add one, write a
function in a module of this package.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from mcp_tools.diagnosis.model import REGISTRY, Detector, Mode


@cache
def all_detectors() -> tuple[Detector, ...]:
    """Every detector, in the order of the list of failure modes."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(sorted(REGISTRY, key=lambda item: min(found.numbers for found in item.modes) or (999,)))


@cache
def all_modes() -> dict[str, Mode]:
    """Every mode by its id, in the order of the list of failure modes."""
    found = [item for one in all_detectors() for item in one.modes]
    return {item.id: item for item in sorted(found, key=lambda item: (item.numbers, item.id))}
