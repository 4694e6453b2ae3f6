"""What the tests of Dockerfiles share: cases written to a directory, and BuildKit's own parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def make(root: Path, case: dict[str, Any]) -> None:
    """Write a case's files; `x*300000` stands for as many bytes."""
    for name, text in {"Dockerfile": case.get("dockerfile", "").lstrip("\n"), **case.get("files", {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        letter, _, times = text.partition("*")
        path.write_text(letter * int(times) if len(letter) == 1 and times.isdigit() else text, "utf-8")


def read_by_buildkit(text: str) -> list[Any] | None:
    """The instructions as BuildKit's own parser reads them; None where it refuses the file."""
    dockerfile = pytest.importorskip("dockerfile")
    try:
        return [found for found in dockerfile.parse_string(text) if found.cmd]
    except dockerfile.GoParseError:
        return None
