"""Cron schedules: five fields, names, ranges, steps and the `@` shorthands (robfig/cron's standard parser)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS, 1)},
    "weekday": {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))},
}
_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELD_COUNT = 5
_HORIZON_DAYS = 5 * 366


class BadSchedule(ValueError):
    """The text is no schedule; the message says why."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a CronJob runs, in UTC."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """From text such as `*/5 * * * *`.

        Raises:
            BadSchedule: It is none.
        """
        fields = _SHORT.get(text.strip(), text).split()
        if text.startswith("@") and text.strip() not in _SHORT:
            raise BadSchedule(f"unrecognized descriptor: {text[:60]}")
        if len(fields) != _FIELD_COUNT:
            raise BadSchedule(
                f"expected exactly {_FIELD_COUNT} fields, found {len(fields)}: [{' '.join(fields)[:120]}]"
            )
        sets = [_values(field, *limits) for field, limits in zip(fields, _FIELDS, strict=True)]
        minutes, hours, days, months, weekdays = sets
        any_day, any_weekday = (fields[index][0] in "*?" for index in (2, 4))
        return cls(minutes, hours, days, months, weekdays, any_day=any_day, any_weekday=any_weekday)

    def after(self, moment: float) -> float | None:
        """The first time after a moment, both in seconds since 1970; `None` when it never comes."""
        time = dt.datetime.fromtimestamp(moment, dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
        end = time + dt.timedelta(days=_HORIZON_DAYS)
        while time < end:
            if time.month not in self.months or not self._on(time):
                time = (time + dt.timedelta(days=1)).replace(hour=0, minute=0)
            elif time.hour not in self.hours:
                time = (time + dt.timedelta(hours=1)).replace(minute=0)
            elif time.minute not in self.minutes:
                time += dt.timedelta(minutes=1)
            else:
                return time.timestamp()
        return None

    def _on(self, time: dt.datetime) -> bool:
        day, weekday = time.day in self.days, time.isoweekday() % 7 in self.weekdays
        return day and weekday if self.any_day or self.any_weekday else day or weekday


def _values(text: str, name: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        if slash and step_text.strip("0") == "" and step_text:
            raise BadSchedule(f"step of range should be a positive number: {part[:60]}")
        step = _number(step_text, name, 1, high) if slash else 1
        if span in {"*", "?"}:
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, name, low, high)
            last = _number(end, name, low, high) if dash else (high if slash else first)
        if first > last:
            raise BadSchedule(f"beginning of range ({first}) beyond end of range ({last}): {part[:60]}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int) -> int:
    named = _NAMES.get(name, {}).get(text.lower())
    if named is not None:
        return named
    if not text.isdecimal():
        raise BadSchedule(f'failed to parse int from {text[:60]}: strconv.Atoi: parsing "{text[:60]}": invalid syntax')
    number = int(text)
    if name == "weekday" and number == 7:  # noqa: PLR2004  Sunday, too
        number = 0
    if number < low:
        raise BadSchedule(f"beginning of range ({number}) below minimum ({low}): {text[:60]}")
    if number > high:
        raise BadSchedule(f"end of range ({number}) above maximum ({high}): {text[:60]}")
    return number
