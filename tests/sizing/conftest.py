"""Worlds of the embedded cluster whose clock the test drives, as the tests of diagnosis have them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "diagnosis"))

from mcp_tools.usage.store import UsageStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UsageStore]:
    found = UsageStore(tmp_path / "usage.db")
    yield found
    found.close()
