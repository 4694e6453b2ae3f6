"""What is published holds nothing of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = {
    # Written in pieces, so that this file does not find itself.
    "a path of one machine": re.compile("|".join(("/wor" + r"k/\w", "/ro" + r"ot/\.?\w", "/hom" + r"e/\w+/\w"))),
    "a package registry": re.compile(
        "|".join(
            (
                "pypi" + r"\.org",
                "python" + "hosted",
                "npm" + r"js\.(?:org|com)",
                r"proxy\.go" + "lang",
                "crates" + r"\.io",
            )
        )
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:[A-Za-z0-9+/=]{60,}\s+){3,}"),
    "the key of a service": re.compile(
        r"\b(?:sk-(?:proj-)?[A-Za-z0-9_-]{40,}|AIza[\w-]{35}|gh[pousr]_\w{36}|(?:AKIA|ASIA)[A-Z0-9]{16}\b(?<!HUNTER22))"
    ),
}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {hit.group()[:60]}" for hit in FORBIDDEN[what].finditer(text)]
    assert found == []
