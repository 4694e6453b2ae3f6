"""Prints docs/CONFIGURATION.md: configuration.md.in beside this file, its `{{ name }}`s filled from the settings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

PAGE = Path(__file__).with_name("configuration.md.in")
LIMITS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def configuration_page() -> str:
    """The whole page; a KeyError names a table that the page asks for and nobody makes."""
    from assistant.agents.settings import AgentsSettings, Price
    from assistant.settings import Config, ProviderConfig
    from mcp_tools.changes.policy import AutoApproval, Policy
    from mcp_tools.health.settings import HealthSettings
    from mcp_tools.monitoring.configuring import MonitorSettings, SinkSettings, WebhookSettings
    from mcp_tools.monitoring.settings import AlertSettings
    from mcp_tools.sizing.settings import Prices, SizingSettings
    from mcp_tools.stack.settings import StackSettings
    from mcp_tools.usage.settings import UsageSettings

    monitor = (MonitorSettings, SinkSettings, WebhookSettings)
    watching = (HealthSettings, AlertSettings, *monitor, UsageSettings, SizingSettings, Prices)
    models = (ProviderConfig, Policy, AutoApproval, StackSettings, *watching, AgentsSettings, Price)
    tables = {"settings": _settings(Config), "providers": _providers()}
    tables |= {model.__name__: _fields(model) for model in models}
    return re.sub(r"\{\{ (\w+) \}\}", lambda name: tables[name[1]], PAGE.read_text(encoding="utf-8"))


def _settings(model: type[BaseModel]) -> str:
    from assistant.cli.main import shipmate

    options = {option.name: option for option in shipmate.params}
    rows = []
    for name, info in model.model_fields.items():
        said = ", ".join(f"`{one}`" for one in options[name].opts) if name in options else ""
        rows.append((f"`{name}`", _default(info), said, info.description))
    return _table(("setting", "default", "command line", ""), rows)


def _fields(model: type[BaseModel]) -> str:
    rows = [(f"`{name}`", _default(info), info.description) for name, info in model.model_fields.items()]
    return _table(("field", "default", ""), rows)


def _providers() -> str:
    from assistant.settings import PROVIDERS

    rows = []
    for name, known in PROVIDERS.items():
        key = f"`{known.api_key_env}`" if known.api_key_env else "none"
        rows.append(
            (
                f"`{name}`",
                known.model or "none: name one",
                key,
                f"`{known.base_url}`" if known.base_url else "OpenAI's, or `OPENAI_BASE_URL`",
            )
        )
    return _table(("provider", "default model", "key", "address"), rows)


def _default(info: FieldInfo) -> str:
    from pydantic import BaseModel

    if info.is_required():
        return "required"
    value = info.default
    limits = [f"{LIMITS[key]} {limit:g}" for rule in info.metadata for key, limit in _limits(rule)]
    if value is None or value in ([], {}) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, dict):
        toml = "{ " + ", ".join(f'"{key}" = {json.dumps(one)}' for key, one in value.items()) + " }"
    elif isinstance(value, float):
        toml = f"{value:g}"
    else:
        toml = json.dumps(value)
    return f"`{toml}`" + (f" ({', '.join(limits)})" if limits else "")


def _limits(rule: object) -> list[tuple[str, Any]]:
    return [(key, getattr(rule, key)) for key in LIMITS if hasattr(rule, key)]


def _table(head: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join((cell or "").replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    print(configuration_page(), end="")
