"""From what the HTTP client, the OpenAI client or a server's error says to an error that says what to do."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from assistant.backends.errors import (
    AnswerCutOff,
    BackendDown,
    BackendError,
    BackendSlow,
    ContextTooLong,
    KeyRefused,
    NotPermitted,
    QuotaUsedUp,
    RateLimited,
    RequestRefused,
    UnknownModel,
)
from assistant.backends.registry import dialect_of
from mcp_tools.redaction import MASK, redact_text

if TYPE_CHECKING:
    from assistant.settings import ModelSettings

OFFLINE_HINT = "or work without a model: --model offline."
DETAIL_WIDTH = 300
SHORTEST_KEY = 6
"""What stands in for a key where the server wants none is shorter, and a word that may well be in a message."""
_PER_DAY = "perday"
_CONTEXT_WORDS = ("context_length", "context length", "context window", "maximum context", "input token count")


def explain(error: BaseException, model: ModelSettings) -> BackendError | None:
    """Our error for one of the OpenAI client's or the transport's; None for what is not theirs."""
    known = _explained(error, model)
    if known is not None and known is not error:
        advice = dialect_of(model.provider).advice.get(type(known))
        known.hint = advice.format(model=model.name) if advice else known.hint
    return known


def _explained(error: BaseException, model: ModelSettings) -> BackendError | None:
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
        detail = _shown(str(cause or error), model)
        if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError):
            return AnswerCutOff(f"{model} hung up: {detail}.", f"Ask again, {OFFLINE_HINT}")
        where = model.base_url or "OpenAI"
        return BackendDown(f"{model} cannot be reached at {where}: {detail}.", f"Check the address, {OFFLINE_HINT}")
    if isinstance(error, openai.APIError):
        # An error that arrives inside the stream; its number is the status that it would have had.
        body = _body(error)
        code = body.get("code")
        if isinstance(code, int) and code >= httpx2.codes.BAD_REQUEST:
            return _by_code(code, error, model)
        return BackendDown(f"{model} broke off: {_shown(_detail(error), model)}.", f"Try again, {OFFLINE_HINT}")
    return None


def _by_status(error: openai.APIStatusError, model: ModelSettings) -> BackendError:
    return _by_code(error.status_code, error, model)


def _by_code(status: int, error: openai.APIError, model: ModelSettings) -> BackendError:
    body = _body(error)
    detail = _shown(_detail(error), model)
    words = f"{detail} {body.get('code', '')} {body.get('type', '')} {json.dumps(body.get('details', ''))}".lower()
    key = f"the key in {model.key_variable}" if model.key_variable else "what the server wants"
    wait = _wait(error, model)
    if status == httpx2.codes.FORBIDDEN:
        return NotPermitted(
            f"{model} does not permit this: {detail}.", f"Ask for access to it for {key}, {OFFLINE_HINT}"
        )
    if status == httpx2.codes.UNAUTHORIZED or "api key not valid" in words:
        return KeyRefused(f"{model} refused the key: {detail}.", f"Check {key}, {OFFLINE_HINT}")
    if status in {400, 413, 422} and any(word in words for word in _CONTEXT_WORDS):
        return ContextTooLong(f"The conversation is too long for {model}: {detail}.", "Begin a new one: /new.")
    if status == httpx2.codes.PAYMENT_REQUIRED or "insufficient_quota" in words or _PER_DAY in words:
        return QuotaUsedUp(f"The quota of {model} is used up: {detail}.", f"Add credit, {OFFLINE_HINT}")
    match status:
        case 404:
            return UnknownModel(
                f"There is no model {model.name!r} at {model.provider}: {detail}.",
                f"Name one that it has: --model {model.provider}:NAME. Is {model.base_url or 'the address'} right?",
            )
        case 429:
            return RateLimited(
                f"{model} takes no more requests for now: {detail}.", f"Wait a little, {OFFLINE_HINT}", wait=wait
            )
        case 408 | 504:
            return BackendSlow(f"{model} timed out: {detail}.", f"Try again, {OFFLINE_HINT}")
        case _ if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            return BackendDown(f"{model} has trouble ({status}): {detail}.", f"Try again, {OFFLINE_HINT}", wait=wait)
        case _:
            return RequestRefused(f"{model} refused the request ({status}): {detail}.", "Choose another --model.")


def _body(error: openai.APIError) -> Mapping[str, Any]:
    body = error.body
    if isinstance(body, list) and body:  # Gemini wraps its errors into a list
        body = body[0]
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def _detail(error: openai.APIError) -> str:
    return str(_body(error).get("message") or error.body or error.message)


def _wait(error: openai.APIError, model: ModelSettings) -> float | None:
    headers = error.response.headers if isinstance(error, openai.APIStatusError) else {}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    date = email.utils.parsedate_to_datetime(headers["retry-after"]) if _is_date(headers.get("retry-after")) else None
    if date is not None:
        return max(0.0, date.timestamp() - time.time())
    return dialect_of(model.provider).wait(_body(error))


def _is_date(value: str | None) -> bool:
    return value is not None and email.utils.parsedate_tz(value) is not None


def _shown(text: str, model: ModelSettings) -> str:
    text = " ".join(text.split())
    if len(model.api_key) >= SHORTEST_KEY:
        text = text.replace(model.api_key, MASK)
    text = redact_text(text).removesuffix(".")
    return text if len(text) <= DETAIL_WIDTH else f"{text[: DETAIL_WIDTH - 1]}…"
