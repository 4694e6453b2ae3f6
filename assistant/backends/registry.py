"""The back ends with ways of their own; every other speaks the plain protocol."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.backends import gemini, ollama, openai
from assistant.backends.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = {
    "openai": openai.DIALECT,
    "gemini": gemini.DIALECT,
    "ollama": ollama.DIALECT,
}
"""By the provider's name in the settings, a module each."""
PLAIN = Dialect()


def dialect_of(provider: str) -> Dialect:
    """The ways of a provider."""
    return DIALECTS.get(provider, PLAIN)
