"""How a back end differs from the others that speak the same protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.backends.errors import BackendError


def _unsaid(_: Mapping[str, Any]) -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One back end's own ways.

    Attributes:
        advice: What to do about an error, where there is better advice than the usual; `{model}` is the model's name.
        wait: The seconds that the body of an error asks to wait, beside what its headers say.
        openai_account: Its requests may name the OpenAI organization and project of the environment.
        forgets: It is told not to keep what is said; others do not know the parameter.
    """

    advice: Mapping[type[BackendError], str] = field(default_factory=dict)
    wait: Callable[[Mapping[str, Any]], float | None] = _unsaid
    openai_account: bool = False
    forgets: bool = False
