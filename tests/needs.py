"""What tests need of the machine they run on."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, saying what to do about it; in CI, where everything is promised, fail."""
    if os.environ.get("SHIPMATE_CI_CLUSTER"):
        pytest.fail(what)
    pytest.skip(what)
