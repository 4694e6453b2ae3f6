"""Making what an approved change needs before anything is changed: an image is built, a container is brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.changes.model import Outcome
from mcp_tools.errors import ShipmateError, Stopped

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Reporter

CUT_OFF = "it was stopped while it was prepared, and nothing was changed"


def prepare(
    work: Callable[[Reporter, threading.Event], None],
    change_id: int,
    journal: Journal,
    reporter: Reporter,
    stop: threading.Event,
) -> None:
    """Do the work before a change; where that does not come to its end, so does the change, in the journal, too.

    Args:
        work: Ends by itself, with an error, once the event is set.

    Raises:
        Stopped: `stop` was set.
        ShipmateError: The work failed.
    """
    try:
        work(reporter, stop)
    except ShipmateError as error:
        if not stop.is_set():
            journal.finish(change_id, Outcome.FAILED, error.message)
            raise
    except BaseException:
        journal.finish(change_id, Outcome.DECLINED, CUT_OFF)
        raise
    if stop.is_set():
        journal.finish(change_id, Outcome.DECLINED, CUT_OFF)
        raise Stopped("It was stopped while it was prepared.", "Nothing was changed.")
