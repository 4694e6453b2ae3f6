"""What goes wrong at a model's back end, in words that say what to do.

::

    ModelError
    ├── KeyRefused             the key is wrong (401)
    │   └── NotPermitted       …or right, and may not do this (403)
    ├── UnknownModel           the back end has no such model (404)
    ├── QuotaUsedUp            no credit is left (402, 429 with `insufficient_quota`)
    ├── RateLimited            too many requests (429); asked again a few times
    ├── BackendDown            refused, unreachable, 5xx; asked again a few times
    ├── BackendSlow            no answer in time; asked again once
    ├── AnswerCutOff           the stream ended in the middle; asked again a few times
    ├── AnswerUnusable         it says nothing, or is none of this protocol; asked again a few times
    ├── AnswerTooLong          the model ran into its own limit of output
    ├── AnswerRefused          the model or its filter declines to answer
    ├── ContextTooLong         the conversation does not fit into the model
    ├── RequestRefused         the back end takes no such request (400, 422), or does not speak the protocol
    └── ModelConfused          tools that do not exist, over and over, or no end to its calls
"""

from __future__ import annotations

from typing import ClassVar

from mcp_tools.errors import ModelError


class BackendError(ModelError):
    """The root of these. `retries` is how often the same request may be sent again."""

    retries: ClassVar[int] = 0

    def __init__(self, message: str, hint: str = "", *, wait: float | None = None) -> None:
        super().__init__(message, hint)
        self.wait = wait
        """Seconds that the back end asked to wait; None where it did not."""


class KeyRefused(BackendError):
    """The key is wrong."""

    code = "model_key_refused"


class NotPermitted(KeyRefused):
    """The key is right, and may not do this."""

    code = "model_not_permitted"


class UnknownModel(BackendError):
    """The back end has no such model."""

    code = "model_unknown"


class QuotaUsedUp(BackendError):
    """No credit is left."""

    code = "model_quota"


class RateLimited(BackendError):
    """Too many requests."""

    code = "model_rate_limited"
    retries = 3


class BackendDown(BackendError):
    """Refused, unreachable, or an error of the server's own."""

    code = "model_down"
    retries = 2


class BackendSlow(BackendError):
    """No answer in time."""

    code = "model_slow"
    retries = 1


class AnswerCutOff(BackendError):
    """The stream ended in the middle."""

    code = "model_cut_off"
    retries = 2


class AnswerUnusable(BackendError):
    """The answer says nothing, or is none of this protocol."""

    code = "model_unusable"
    retries = 2


class AnswerTooLong(BackendError):
    """The model ran into its own limit of output."""

    code = "model_too_long"


class AnswerRefused(BackendError):
    """The model or its filter declines to answer."""

    code = "model_refused"


class ContextTooLong(BackendError):
    """The conversation does not fit into the model."""

    code = "model_context"


class RequestRefused(BackendError):
    """The back end takes no such request, or does not speak the protocol."""

    code = "model_request_refused"


class BudgetSpent(BackendError):
    """An agent's run has used the tokens that it may."""

    code = "budget_spent"


class ModelConfused(BackendError):
    """The model calls what does not exist, or never ends."""

    code = "model_confused"
