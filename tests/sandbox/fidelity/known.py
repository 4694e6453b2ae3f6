"""Where the sandbox is known to answer otherwise, and why: a pattern of the difference's line."""

from __future__ import annotations

import re

KNOWN: dict[str, str] = {
    r"Invalid value: .*unmarshal .* Go struct field ScaleSpec": (
        "a refused patch of a scale: the API server shows the whole Scale with its managedFields, which is here without"
    ),
    r"^\.body\.metadata\.managedFields: real .*'f:spec': \{'f:limits': \{\}\}.*sandbox '\(absent\)'$": (
        "an empty list of limits belongs to whoever wrote it; here to nobody"
    ),
}


def why(line: str) -> str | None:
    """The reason for a known difference."""
    return next((reason for pattern, reason in KNOWN.items() if re.search(pattern, line)), None)
