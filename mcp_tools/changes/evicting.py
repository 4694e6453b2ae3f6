"""Asking a pod to go, as its disruption budget allows (the eviction subresource)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.standing import is_trouble
from mcp_tools.cluster.connection import BUSY
from mcp_tools.errors import ApiError, Conflict, NotFound, Unreachable

if TYPE_CHECKING:
    import threading

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

EVICT_SECONDS = 60.0
EVICT_PAUSE = 1.0


def dry_evict(connection: Connection, found: Found, uid: str) -> tuple[str, ...]:
    """Try an eviction without doing it.

    Returns:
        What to know before saying yes: that the budget does not allow it now.

    Raises:
        ShipmateError: The server refused it for another reason.
    """
    try:
        _evict(connection, found, uid, dry_run=True)
    except ApiError as error:
        if error.status != BUSY:
            raise
        return (f"{found}: {error.message.rstrip('.')}. It is asked again for {EVICT_SECONDS:.0f} s.",)
    return ()


def evict(connection: Connection, found: Found, uid: str, stop: threading.Event) -> None:
    """Ask until the pod's disruption budget lets it go, or `stop` is set.

    Raises:
        Conflict: The budget did not allow it in time.
        Unreachable: The cluster did not answer until then.
        ShipmateError: The server refused it for another reason.
    """
    for _ in range(int(EVICT_SECONDS / EVICT_PAUSE)):
        try:
            _evict(connection, found, uid)
        except NotFound:
            return
        except (ApiError, Unreachable) as error:
            # Asked twice, it goes once: its uid is part of the request.
            if not is_trouble(error):
                raise
            refusal = error
        else:
            return
        if stop.wait(EVICT_PAUSE):
            break
    if isinstance(refusal, Unreachable):
        raise refusal
    raise Conflict(f"{found} may not be evicted: {refusal.message}", "Its PodDisruptionBudget has to allow it.")


def _evict(connection: Connection, found: Found, uid: str, *, dry_run: bool = False) -> None:
    options: dict[str, Any] = {"preconditions": {"uid": uid}}
    if dry_run:
        options["dryRun"] = ["All"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": found.name, "namespace": found.namespace},
        "deleteOptions": options,
    }
    connection.write("POST", found.kind.path(found.namespace, found.name, "eviction"), body)
