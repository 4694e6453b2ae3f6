"""When a recurring task comes back."""

from __future__ import annotations

import datetime as dt

from dateutil.relativedelta import relativedelta

from app.tasks.model import Recurrence

DAYS = {Recurrence.DAILY: 1, Recurrence.WEEKLY: 7}


def next_due(recurrence: Recurrence, start: dt.date, after: dt.date) -> dt.date | None:
    """The first day of a series later than `after`.

    Args:
        recurrence: How often the series comes back.
        start: The day the series counts from; months are clamped from it, so that the 31st stays the 31st.
        after: The day to be later than.

    Returns:
        The day, or None where the series has no further day that a calendar can name.
    """
    try:
        if recurrence in DAYS:
            step = DAYS[recurrence]
            return start + dt.timedelta(days=max(1, (after - start).days // step + 1) * step)
        if recurrence is Recurrence.MONTHLY:
            months = max(1, (after.year - start.year) * 12 + after.month - start.month)
            due = start + relativedelta(months=months)
            return due if due > after else start + relativedelta(months=months + 1)
    except (OverflowError, ValueError):
        return None
    return None
