"""Making and ending silences, as a person asks for it."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tools.cluster.kinds import built_in
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.monitoring.durations import parse, spoken
from mcp_tools.monitoring.silences import Silence, fits

if TYPE_CHECKING:
    from mcp_tools.monitoring.rules import Rule
    from mcp_tools.monitoring.store import AlertStore

LONGEST = dt.timedelta(days=90)


def silenced(
    store: AlertStore,
    rules: Sequence[Rule],
    time: str,
    *,
    object: str = "",  # noqa: A002  its name
    rule: str = "",
    namespace: str = "",
    why: str = "",
) -> str:
    """Make a silence; returns a sentence that says so.

    Args:
        time: For how long, such as `2h`.
        object, rule, namespace: What it is about; at least one of them.

    Raises:
        UsageError: It would silence everything, is for no time or too long a one, or there is no such rule.
    """
    try:
        lasts = parse(time)
    except ValueError as error:
        raise UsageError(f"{error}.", "Say for how long: 30m, 2h, 3d.") from error
    if not dt.timedelta() < lasts <= LONGEST:
        raise UsageError(
            f"A silence of {time} is too long or none.", f"Give more than 0s, and at most {spoken(LONGEST)}."
        )
    if not (object or rule or namespace):
        raise UsageError("That would silence everything.", "Name an object, a rule or a namespace.")
    if rule and not any(fits(rule, known.id) for known in rules):
        raise UsageError(f"There is no alert rule {rule!r}.", "`shipmate alerts rules` lists them.")
    object = _as_refs_are_written(object)  # noqa: A001  its name
    now = dt.datetime.now(dt.UTC)
    made = store.add_silence(Silence("", now, now + lasts, rule, namespace, object, why, _who()))
    return (
        f"Silence {made.id}: nobody is told of {made} for {spoken(lasts)}, until {made.until:%Y-%m-%d %H:%M} UTC. "
        f"End it with: shipmate alerts unsilence {made.id}"
    )


def unsilenced(store: AlertStore, what: str) -> str:
    """End a silence, by its id or the object it is about; returns a sentence that says so.

    Raises:
        NotFound: None in force is that.
    """
    found = [item for item in store.silences() if item.id == what or _as_refs_are_written(what).lower() in _names(item)]
    if not found:
        raise NotFound(f"There is no silence {what!r} in force.", "`shipmate alerts silences` lists them.")
    ended = [store.end_silence(item.id) for item in found]
    told = ", ".join(f"{item.id} ({item})" for item in ended)
    return f"Ended: {told}. What still fires there is told."


def _as_refs_are_written(text: str) -> str:
    """`deploy/backend` and `deployments/backend` as alerts have it: `deployment/backend`."""
    word, slash, name = text.partition("/")
    try:
        return f"{built_in(word.lower()).name.lower()}/{name}" if slash else text
    except KeyError:
        return text


def _names(silence: Silence) -> set[str]:
    name = silence.object.lower()
    return {name, name.rpartition("/")[2]} - {""}


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container there need be no name for the user's number.
        return ""
