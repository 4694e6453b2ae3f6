"""Gemini over its OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.backends.dialect import Dialect
from assistant.backends.errors import KeyRefused, QuotaUsedUp

RETRY_INFO = "google.rpc.RetryInfo"


def retry_delay(error: Mapping[str, Any]) -> float | None:
    """The seconds of a `google.rpc.RetryInfo` among an error's details: Gemini sends no `Retry-After`."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith(RETRY_INFO):
            try:
                return float(str(detail.get("retryDelay", "")).removesuffix("s"))
            except ValueError:
                return None
    return None


DIALECT = Dialect(
    advice={
        KeyRefused: "Check GEMINI_API_KEY (keys are made at aistudio.google.com), or work without: --model offline.",
        QuotaUsedUp: "Wait for the quota's next day or enable billing, or work without a model: --model offline.",
    },
    wait=retry_delay,
)
