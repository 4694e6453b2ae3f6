"""What goes wrong at a model's back end, in words that say what to do.

::

    ModelError
    ├── KeyRefused             the key is wrong, or may not do this (401, 403)
    ├── UnknownModel           the back end has no such model (404)
    ├── QuotaUsedUp            no credit is left (429, `insufficient_quota`)
    ├── RateLimited            too many requests (429); asked again a few times
    ├── BackendDown            refused, unreachable, 5xx; asked again a few times
    ├── BackendSlow            no answer in time; asked again once
    ├── AnswerCutOff           the stream ended in the middle; asked again a few times
    ├── AnswerTooLong          the model ran into its own limit of output
    ├── AnswerRefused          the model or its filter declines to answer
    ├── ContextTooLong         the conversation does not fit into the model
    ├── RequestRefused         the back end takes no such request (400, 422)
    └── ModelConfused          tools that do not exist, over and over, or no end to its calls
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from mcp_tools.errors import ModelError
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from assistant.settings import ModelSettings

OFFLINE_HINT = "or work without a model: --model offline."
DETAIL_WIDTH = 300


class BackendError(ModelError):
    """The root of these. `retries` is how often the same request may be sent again."""

    retries: ClassVar[int] = 0

    def __init__(self, message: str, hint: str = "", *, wait: float | None = None) -> None:
        super().__init__(message, hint)
        self.wait = wait
        """Seconds that the back end asked to wait; None where it did not."""


class KeyRefused(BackendError):
    """The key is wrong, or may not do this."""

    code = "model_key_refused"


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
    """The back end takes no such request."""

    code = "model_request_refused"


class ModelConfused(BackendError):
    """The model calls what does not exist, or never ends."""

    code = "model_confused"


def explain(error: BaseException, model: ModelSettings) -> BackendError | None:
    """Our error for one of the OpenAI client's or the transport's; None for what is not theirs."""
    import httpx2
    import openai

    if isinstance(error, BackendError):
        return error
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return BackendSlow(
            f"{model} did not answer within {model.timeout_seconds:.0f} s.",
            f"Raise model_timeout_seconds in config.toml, choose another --model, {OFFLINE_HINT}",
        )
    if isinstance(error, openai.APIStatusError):
        return _by_status(error, model)
    cause = error.__cause__
    if isinstance(cause, BackendError):
        return cause
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
        where = model.base_url or "OpenAI"
        detail = _clip(str(cause or error))
        return BackendDown(f"{model} cannot be reached at {where}: {detail}.", f"Check the address, {OFFLINE_HINT}")
    if isinstance(error, openai.APIError):
        # An error that arrives inside the stream.
        return BackendDown(f"{model} broke off: {_clip(error.message)}.", f"Try again, {OFFLINE_HINT}")
    return None


def _by_status(error: Any, model: ModelSettings) -> BackendError:
    detail, code = _detail(error)
    status = int(error.status_code)
    where = f"the key in {model.key_variable}" if model.key_variable else "what the server wants"
    lowered = f"{detail} {code}".lower()
    if status in {401, 403} or "api key not valid" in lowered:
        return KeyRefused(f"{model} refused the key: {detail}", f"Check {where}, {OFFLINE_HINT}")
    if "context_length" in lowered or ("token" in lowered and "maximum" in lowered and status in {400, 413}):
        return ContextTooLong(f"The conversation is too long for {model}: {detail}", "Begin a new one: /new.")
    match status:
        case 404:
            return UnknownModel(
                f"There is no model {model.name!r} at {model.provider}: {detail}", "Name one by --model."
            )
        case 429 if "quota" in lowered and "retry" not in lowered:
            return QuotaUsedUp(f"The quota of {model} is used up: {detail}", f"Add credit, {OFFLINE_HINT}")
        case 429:
            return RateLimited(
                f"{model} takes no more requests for now: {detail}",
                f"Wait a little, {OFFLINE_HINT}",
                wait=_retry_after(error),
            )
        case 408 | 504:
            return BackendSlow(f"{model} timed out: {detail}", f"Try again, {OFFLINE_HINT}")
        case _ if status >= 500:  # noqa: PLR2004
            return BackendDown(
                f"{model} has trouble ({status}): {detail}", f"Try again, {OFFLINE_HINT}", wait=_retry_after(error)
            )
        case _:
            return RequestRefused(f"{model} refused the request ({status}): {detail}", "Choose another --model.")


def _detail(error: Any) -> tuple[str, str]:
    body = error.body
    if isinstance(body, list) and body:  # Gemini wraps its errors into a list
        body = body[0]
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            code = f"{inner.get('code', '')} {inner.get('type', '')} {inner.get('status', '')}"
            return _clip(str(inner.get("message") or json.dumps(inner))), code
    return _clip(str(body or error.message)), ""


def _retry_after(error: Any) -> float | None:
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    return None


def _clip(text: str) -> str:
    text = redact_text(" ".join(text.split()))
    return text if len(text) <= DETAIL_WIDTH else f"{text[: DETAIL_WIDTH - 1]}…"
