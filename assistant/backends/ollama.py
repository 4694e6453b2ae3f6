"""A local Ollama."""

from __future__ import annotations

from assistant.backends.dialect import Dialect
from assistant.backends.errors import BackendDown, UnknownModel

DIALECT = Dialect(
    advice={
        UnknownModel: "Fetch it: ollama pull {model}. `ollama list` names those for --model.",
        BackendDown: "Start it: ollama serve. Or work without a model: --model offline.",
    }
)
