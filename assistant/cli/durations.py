"""Lengths of time on the command line."""

from __future__ import annotations

import re

import click

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "": 1.0}


def duration(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """`90`, `30s`, `5m`, `1h` or `2d` as seconds, as a callback of an option.

    Raises:
        BadParameter: It is none, or less than a second.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd]?)", value.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds < 1:
        raise click.BadParameter(f"{value!r} is no length of time such as 30s, 5m or 1h.", ctx, param)
    return seconds
