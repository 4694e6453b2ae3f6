"""Durations as Prometheus writes them: `90s`, `1h30m`, `2d`."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"y": 365 * 86_400, "w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WHOLE = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,6}}){unit})?" for unit in _UNITS))
_NOTHING = "0"


def parse(text: str) -> dt.timedelta:
    """The time that a text means (Prometheus, model.ParseDuration; without milliseconds).

    Raises:
        ValueError: It is none.
    """
    found = _WHOLE.fullmatch(text)
    if text == _NOTHING:
        return dt.timedelta()
    if not text or not found:
        raise ValueError(f"{text[:40]!r} is no duration such as 90s, 5m or 1h30m")
    return dt.timedelta(seconds=sum(int(found[unit] or 0) * size for unit, size in _UNITS.items()))


def spoken(time: dt.timedelta) -> str:
    """As Prometheus writes it, whole seconds, in its shortest form: `1h30m`; `0s` for none."""
    rest = int(time.total_seconds())
    parts = []
    for unit, size in _UNITS.items():
        if unit in {"y", "w"}:
            continue
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def roughly(time: dt.timedelta) -> str:
    """Its two largest units, for sentences: `3d4h`, `12m`."""
    seconds = max(0, int(time.total_seconds()))
    size = next((size for size in (86_400, 3_600, 60) if seconds >= size), 1)
    finer = max(1, {86_400: 3_600, 3_600: 60}.get(size, size))
    return spoken(dt.timedelta(seconds=seconds - seconds % finer))


def _read(value: object) -> object:
    # YAML and TOML have numbers; a bare one would leave open whether it is seconds or minutes.
    return parse(value) if isinstance(value, str) else value if isinstance(value, dt.timedelta) else parse(str(value))


Duration = Annotated[dt.timedelta, BeforeValidator(_read), PlainSerializer(spoken)]
"""A field of a model that is written as a text such as `5m`."""
