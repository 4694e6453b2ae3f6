"""The kinds of failure, a file for each family.

`*.toml` has what a log shows of each kind, its title, and sentences that take parts of the line; `*.py` has what needs
more than a sentence, marked with `explains`. Of kinds that lie as deep as each other the first one is tried first.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from functools import cache
from importlib.resources import files

from mcp_tools.docker.building.model import DEPTHS, EXPLAINED, Kind, sentences


@cache
def all_kinds() -> tuple[Kind, ...]:
    """Every kind, the deepest causes first."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found: dict[str, Kind] = {}
    for file in sorted(
        (one for one in files(__name__).iterdir() if one.name.endswith(".toml")), key=lambda one: one.name
    ):
        for name, told in tomllib.loads(file.read_text("utf-8")).items():
            also = found[told["as_well"]].patterns if "as_well" in told else ()
            patterns = (*also, *(re.compile(one) for one in told.get("shows", ())))
            explain = EXPLAINED.get(name) or sentences(told["cause"], told["advice"])
            found[name] = Kind(name, told["title"], told.get("depth", "specific"), patterns, explain)
    return tuple(sorted(found.values(), key=lambda one: DEPTHS.index(one.depth)))
