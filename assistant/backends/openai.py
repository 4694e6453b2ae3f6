"""OpenAI itself, and whatever stands in for it behind `OPENAI_BASE_URL`."""

from __future__ import annotations

from assistant.backends.dialect import Dialect
from assistant.backends.errors import QuotaUsedUp

DIALECT = Dialect(
    advice={QuotaUsedUp: "Add credit at platform.openai.com, or work without a model: --model offline."},
    openai_account=True,
    forgets=True,
)
