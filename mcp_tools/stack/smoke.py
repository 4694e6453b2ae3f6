"""What a user does first, through the frontend: sign up, add a task, list it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from mcp_tools.cluster.forwarding import Forwards
from mcp_tools.errors import ShipmateError, Stopped
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    import threading

    import httpx

    from mcp_tools.cluster.connection import Connection

TRYING = "trying the stack through its frontend: sign up, add a task, list it"
SECONDS = 20.0
TRIES = 5
PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Better Auth limits sign-ups by address, and says how long to wait."""
PASSING = frozenset({429, 502, 503, 504})
"""What a proxy or a limit says for a moment."""


class SmokeFailed(ShipmateError):
    """The stack runs and does not do what it is for."""

    code: ClassVar[str] = "smoke_failed"


def through_pod(connection: Connection, namespace: str, origin: str, stop: threading.Event, *, simulated: bool) -> str:
    """Try the stack of a cluster through a forwarded port of its frontend.

    Args:
        origin: The address in the browser's address bar, which sign-in insists on.
        stop: Set from another thread, it ends the trial.
        simulated: The containers are the sandbox's, which answer pages and keep no tasks.

    Returns:
        What was done, in a clause.

    Raises:
        Stopped: `stop` was set.
        SmokeFailed: A request was refused or the task is not in the list; the message says which.
    """
    forwards = Forwards()
    try:
        opened = forwards.open(connection, "services/frontend", namespace, None, 0)
        return through(f"http://127.0.0.1:{opened.local_port}", origin, stop, simulated=simulated)
    finally:
        forwards.close()


def through(base: str, origin: str, stop: threading.Event, *, simulated: bool = False) -> str:
    """Try the stack at an address; arguments and errors as `through_pod`."""
    import httpx

    with httpx.Client(base_url=base, headers={"origin": origin}, timeout=SECONDS, trust_env=False) as client:
        if simulated:
            _ask(client, stop, "GET", "/")
            return "the frontend answers (the sandbox's containers keep no tasks)"
        account = {
            "name": "Smoke test",
            "email": f"smoke-{secrets.token_hex(6)}@example.com",
            "password": secrets.token_urlsafe(18),
        }
        signed_up = _ask(client, stop, "POST", "/api/auth/sign-up/email", account)
        # Set by hand: cookies for https are not sent back over the forwarded port.
        pairs = [one.split(";", 1)[0] for one in signed_up.headers.get_list("set-cookie")]
        client.cookies.clear()
        client.headers["cookie"] = "; ".join(pairs)
        made = _json(_ask(client, stop, "POST", "/api/tasks", {"title": "Smoke test"}))
        listed = _json(_ask(client, stop, "GET", "/api/tasks"))
        if made.get("id") not in [task.get("id") for task in listed.get("items") or []]:
            raise SmokeFailed("smoke test: the task that was added is not in the list", "")
        _ask(client, stop, "DELETE", f"/api/tasks/{made['id']}")
    return "signed up, added a task, listed it"


def _ask(client: httpx.Client, stop: threading.Event, method: str, path: str, body: object = None) -> httpx.Response:
    import httpx

    problem, pause = "", PAUSE
    for attempt in range(TRIES):
        if stop.wait(pause if attempt else 0):
            raise Stopped("The smoke test was stopped.")
        try:
            answer = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            problem = str(error) or type(error).__name__
            continue
        if answer.is_success:
            return answer
        problem = f"{answer.status_code} {redact_text(answer.text[:200])}"
        if answer.status_code not in PASSING:
            break
        said = answer.headers.get("x-retry-after") or answer.headers.get("retry-after") or ""
        pause = min(float(said), LONGEST_PAUSE) if said.isdecimal() else PAUSE
    raise SmokeFailed(f"smoke test: {method} {path}: {problem}", "")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SmokeFailed(f"smoke test: {answer.request.url.path} answered no JSON object", "")
    return found
