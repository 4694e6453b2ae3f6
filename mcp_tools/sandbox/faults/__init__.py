"""Faults that can be put into the todo stack of a sandbox, each with its true cause, so that a diagnosis can be scored.

A fault is a function in a module of this package, marked with `fault`; it breaks one thing through the API, as a person
or a deployment would. To add one, write a function; to add a group, add a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from mcp_tools.sandbox.faults.injector import Injector, over_https
from mcp_tools.sandbox.faults.model import REGISTRY, Cause, Fault, Symptom

__all__ = ["Cause", "Fault", "Injector", "Symptom", "all_faults", "find", "over_https"]


@cache
def all_faults() -> dict[str, Fault]:
    """Every fault by name, in the order of the failure modes that they stand for."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {found.name: found for found in sorted(REGISTRY, key=lambda item: (item.mode, item.name))}


def find(name: str) -> Fault | None:
    """A fault by its name."""
    return all_faults().get(name)
