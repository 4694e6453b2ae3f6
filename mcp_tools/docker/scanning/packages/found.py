"""What reading one package database gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.model import Package


@dataclass(frozen=True, slots=True)
class Found:
    """What one file names.

    Attributes:
        packages: In the order of the file.
        owned: Paths of other ecosystems' metadata that these packages installed.
        problem: Why the file, or a part of it, could not be read; empty where all was.
    """

    packages: list[Package] = field(default_factory=list)
    owned: frozenset[str] = frozenset()
    problem: str = ""


METADATA_ENDS = (".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info", "/package.json")
"""How the paths end that tell what other ecosystems installed."""


def text(value: object, most: int = 300) -> str:
    """A field of a database as a bounded string on one line; what is no string is none."""
    return " ".join(value.split())[:most] if isinstance(value, str) else ""
