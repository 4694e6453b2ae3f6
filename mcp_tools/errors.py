"""The errors Shipmate raises: each says what happened, what to do next, and how a process should exit.

::

    ShipmateError                exit 1
    ├── UsageError               exit 2   the request itself is wrong
    │   ├── NotFound                      no such object; carries candidates
    │   ├── Ambiguous                     several objects fit; carries candidates
    │   └── UnknownKind                   the cluster serves no such kind
    ├── ConnectionProblem        exit 1   the cluster cannot be used
    │   ├── NoCluster                     no kubeconfig context was named or found
    │   ├── Unreachable                   nothing answers at the address
    │   └── Unauthenticated               the credentials were refused
    ├── ApiError                 exit 1   the API server answered with an error
    │   ├── Forbidden                     RBAC refused the verb
    │   ├── Invalid                       validation or admission refused the object
    │   └── Conflict                      somebody else changed the object
    ├── NoEngine                 exit 1   no Docker engine answers, or it lets the user not in
    ├── NotAllowed               exit 1   the user's own policy forbids the change
    ├── PlanExpired              exit 1   a plan id that is unknown, used or too old
    ├── Declined                 exit 3   a person said no
    ├── Stopped                  exit 130 a person stopped what was running
    ├── ApprovalNeeded           exit 4   nobody is there to say yes
    └── ModelError               exit 1   the model's back end failed
"""

from __future__ import annotations

from typing import ClassVar


class ShipmateError(Exception):
    """The root of all errors that are shown to a person.

    Args:
        message: What happened, in one sentence.
        hint: What to do next; empty where there is nothing to do.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(ShipmateError):
    """The request itself is wrong: a bad value, an unknown name."""

    exit_code = 2
    code = "usage"


class _WithCandidates(UsageError):
    def __init__(self, message: str, hint: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = candidates


class NotFound(_WithCandidates):
    """No such object. `candidates` holds names that come close, as `kind/name -n namespace`."""

    code = "not_found"


class Ambiguous(_WithCandidates):
    """Several objects fit the words. `candidates` holds them all, as `kind/name -n namespace`."""

    code = "ambiguous"


class UnknownKind(_WithCandidates):
    """The cluster serves no such kind. `candidates` holds kinds that come close."""

    code = "unknown_kind"


class ConnectionProblem(ShipmateError):
    """The cluster cannot be used."""

    code = "connection"


class NoCluster(ConnectionProblem):
    """No kubeconfig context was named or found, and the process is in no cluster."""

    code = "no_cluster"


class Unreachable(ConnectionProblem):
    """Nothing answers at the cluster's address, or not in time."""

    code = "unreachable"


class Unauthenticated(ConnectionProblem):
    """The API server refused the credentials (HTTP 401)."""

    code = "unauthenticated"


class ApiError(ShipmateError):
    """The API server answered with an error.

    Args:
        message: The server's own message.
        hint: What to do next.
        status: The HTTP status code.
        reason: The `reason` of the `metav1.Status` body, such as `AlreadyExists`.
    """

    code = "api"

    def __init__(self, message: str, hint: str = "", *, status: int = 0, reason: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.reason = reason


class Forbidden(ApiError):
    """RBAC refused the verb (HTTP 403)."""

    code = "forbidden"


class Invalid(ApiError):
    """Validation or admission refused the object (HTTP 400 or 422)."""

    code = "invalid"


class Conflict(ApiError):
    """Somebody else changed the object since it was read (HTTP 409)."""

    code = "conflict"


class NoEngine(ShipmateError):
    """No Docker engine answers, or it does not let the user in."""

    code = "no_engine"


class NotAllowed(ShipmateError):
    """The user's own policy forbids the change; nothing was changed."""

    code = "not_allowed"


class PlanExpired(ShipmateError):
    """A plan id is unknown, was used, or is too old."""

    code = "plan_expired"


class Declined(ShipmateError):
    """A person said no; nothing was changed."""

    exit_code = 3
    code = "declined"


class Stopped(ShipmateError):
    """A person stopped what was running; the message says what stands."""

    exit_code = 130
    code = "stopped"


class ApprovalNeeded(ShipmateError):
    """A change needs an approval and nobody is there to give it; nothing was changed."""

    exit_code = 4
    code = "approval_needed"


class ModelError(ShipmateError):
    """The model's back end failed; subclasses live with the back ends."""

    code = "model"
