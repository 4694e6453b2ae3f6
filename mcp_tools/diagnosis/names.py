"""Names that were meant: a typing error is a likelier cause than an object that nobody made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MEANT = 0.7
"""As `difflib` measures: `backend-api` is near `backend`, `webshop` is near nothing of the todo stack."""


def near(name: str, names: Iterable[str], cutoff: float = MEANT) -> str:
    """The most similar of some names; empty where none is near enough."""
    return next(iter(difflib.get_close_matches(name, list(names), n=1, cutoff=cutoff)), "")
