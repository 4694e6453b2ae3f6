"""The rules, a module for each subject; to add one, write a function marked with `rule` in a module of this package."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from mcp_tools.docker.dockerfile.model import RULES, Named


@cache
def all_rules() -> tuple[Named, ...]:
    """Every rule, those of the gravest findings first."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(RULES)
