"""What the user configured: command line over environment over `config.toml`, resolved once per process."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.agents.settings import AgentsSettings
from mcp_tools.changes.policy import Policy
from mcp_tools.cluster.target import Target
from mcp_tools.errors import UsageError
from mcp_tools.health.settings import HealthSettings
from mcp_tools.monitoring.configuring import MonitorSettings
from mcp_tools.monitoring.settings import AlertSettings
from mcp_tools.paths import config_file
from mcp_tools.sizing.settings import Measuring, Prices, SizingSettings
from mcp_tools.stack.settings import StackSettings
from mcp_tools.usage.settings import UsageSettings

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_tools.mandate import Mandate
    from mcp_tools.toolbox import Toolbox

OFFLINE = "offline"
MODEL_VARIABLE = "SHIPMATE_MODEL"


class ProviderConfig(BaseModel):
    """An OpenAI-compatible back end: `[providers.NAME]` in the file."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="where `/chat/completions` is, beginning with `http://` or `https://`; left out: OpenAI's own",
    )
    api_key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="the environment variable that holds the key; left out where the server wants none",
    )
    model: str | None = Field(default=None, description="taken when only the provider is named")


class Config(BaseModel):
    """The whole of `config.toml`; every field may be left out. docs/CONFIGURATION.md is made from the descriptions."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        default=None,
        description="`provider:name`, a provider with a default model, or `offline`; also `SHIPMATE_MODEL` in the "
        "environment; left out: the provider whose key is set, else `offline`",
    )
    context: str | None = Field(
        default=None, description="a kubeconfig context; left out: the kubeconfig's current one"
    )
    namespace: str | None = Field(default=None, description="left out: the context's, else `default`")
    rollout_timeout_seconds: float = Field(
        default=120.0, gt=0, le=3600, description="then an unfinished rollout is rolled back"
    )
    model_timeout_seconds: float = Field(
        default=60.0, gt=0, le=600, description="for an answer of the model's back end"
    )
    policy: Policy = Field(default=Policy(), description="what may be changed: [below](#policy)")
    stack: StackSettings = Field(
        default=StackSettings(), description="how the todo stack is brought: [below](#the-todo-stack)"
    )
    alerts: AlertSettings = Field(default=AlertSettings(), description="what is alerted of: [below](#alerts)")
    monitor: MonitorSettings = Field(
        default=MonitorSettings(), description="how `shipmate monitor` looks, and whom it tells: [below](#the-monitor)"
    )
    health: HealthSettings = Field(default=HealthSettings(), description="where latency is measured: [below](#health)")
    usage: UsageSettings = Field(default=UsageSettings(), description="what is measured: [below](#right-sizing)")
    sizing: SizingSettings = Field(
        default=SizingSettings(), description="how requests and limits follow from it: [below](#right-sizing)"
    )
    prices: Prices = Field(default=Prices(), description="what resources cost: [below](#right-sizing)")
    agents: AgentsSettings = Field(default=AgentsSettings(), description="what models cost: [below](#agents)")
    providers: dict[str, ProviderConfig] = Field(default={}, description="further back ends: [below](#models)")


PROVIDERS: Mapping[str, ProviderConfig] = {
    "openai": ProviderConfig(api_key_env="OPENAI_API_KEY", model="gpt-5-mini"),
    "gemini": ProviderConfig(
        base_url="https://generativelanguage.googleapis.com/v1beta/openai/",
        api_key_env="GEMINI_API_KEY",
        model="gemini-2.5-flash",
    ),
    "openrouter": ProviderConfig(base_url="https://openrouter.ai/api/v1", api_key_env="OPENROUTER_API_KEY"),
    "ollama": ProviderConfig(base_url="http://localhost:11434/v1"),
    "vllm": ProviderConfig(base_url="http://localhost:8000/v1"),
}
"""The back ends known by name; `config.toml` adds others and may change these."""
BY_KEY = ("openai", "gemini")
"""Those that a key in the environment alone chooses, the first one present."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """One model at one back end. `key_variable` is the environment variable that the key came from."""

    provider: str
    name: str
    base_url: str | None
    api_key: str = field(repr=False)
    key_variable: str = ""
    timeout_seconds: float = 60.0

    def __str__(self) -> str:
        """`openai:gpt-5-mini`, as it is given to `--model`."""
        return f"{self.provider}:{self.name}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process goes by.

    Attributes:
        target: The cluster.
        model: None is the planner without a model.
        rollout_timeout: Seconds a rollout may take before it is rolled back.
        policy: What may be changed, and what without asking.
        stack: How the todo stack gets to a cluster.
        alerts: What is alerted of.
        monitor: How alerts are watched for, and who is told.
        health: Where latency is measured.
        measuring: What is measured, and how resources follow from it.
        agents: What models cost.
    """

    target: Target
    model: ModelSettings | None = None
    rollout_timeout: float = 120.0
    policy: Policy = field(default_factory=Policy)
    stack: StackSettings = field(default_factory=StackSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    measuring: Measuring = field(default_factory=Measuring)
    agents: AgentsSettings = field(default_factory=AgentsSettings)

    def toolbox(self, mandate: Mandate | None = None) -> Toolbox:
        """The tools on the target, by these settings.

        Args:
            mandate: What whoever uses them may do, where that is not the user.
        """
        from mcp_tools.toolbox import Toolbox

        return Toolbox(
            self.target,
            rollout_timeout=self.rollout_timeout,
            policy=self.policy,
            stack=self.stack,
            alerting=self.alerts,
            health=self.health,
            measuring=self.measuring,
            mandate=mandate,
        )


def load_config(path: Path | None = None) -> Config:
    """The user's file; an absent one is an empty one.

    Raises:
        UsageError: It cannot be read, is not TOML, or holds what is not known.
    """
    place = path or config_file()
    try:
        raw = tomllib.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{place} cannot be read: {error}.", "Repair the file or move it away.") from error
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise UsageError(f"{place} is wrong: {problems}.", "docs/CONFIGURATION.md lists what it may hold.") from error


def choose_model(wanted: str | None, config: Config, environ: Mapping[str, str] = os.environ) -> ModelSettings | None:
    """The model to talk to: `--model`, else `$SHIPMATE_MODEL`, else the file, else whose key is in the environment.

    Args:
        wanted: `provider:name`, a provider that has a default model, or `offline`.

    Returns:
        None for the planner without a model.

    Raises:
        UsageError: The provider is unknown, has no default model, or its key is missing.
    """
    known = _providers(config)
    choice = wanted or environ.get(MODEL_VARIABLE) or config.model
    if not choice:
        choice = next((name for name in BY_KEY if environ.get(known[name].api_key_env or "")), OFFLINE)
    if choice == OFFLINE:
        return None
    provider, _, name = choice.partition(":")
    if provider not in known:
        raise UsageError(
            f"There is no model provider {provider!r}.",
            f"Known: {', '.join(sorted(known))}, {OFFLINE}; as provider:model.",
        )
    details = known[provider]
    if not (name or details.model):
        raise UsageError(f"{provider} has no default model.", f"Name one: --model {provider}:NAME.")
    key = environ.get(details.api_key_env, "") if details.api_key_env else "none"
    if not key:
        raise UsageError(
            f"{provider} wants a key and {details.api_key_env} is not set.",
            f"Set {details.api_key_env}, choose another --model, or work without one: --model {OFFLINE}.",
        )
    base_url = details.base_url
    if provider == "openai":
        base_url = environ.get("OPENAI_BASE_URL") or base_url
    return ModelSettings(
        provider, name or details.model or "", base_url, key, details.api_key_env or "", config.model_timeout_seconds
    )


def load_settings(
    target: Target, model: str | None, config: Config | None = None, *, read_only: bool = False
) -> Settings:
    """Everything, from what the command line gave; errors as `load_config` and `choose_model`."""
    config = config or load_config()
    policy = config.policy.model_copy(update={"read_only": True}) if read_only else config.policy
    return Settings(
        resolve_target(target, config),
        choose_model(model, config),
        config.rollout_timeout_seconds,
        policy,
        config.stack,
        config.alerts,
        config.monitor,
        config.health,
        Measuring(config.usage, config.sizing, config.prices),
        config.agents,
    )


def resolve_target(target: Target, config: Config) -> Target:
    """The cluster: what the command line leaves open is the file's, unless it names another cluster altogether."""
    elsewhere = target.sandbox or target.kubeconfig
    return Target(
        kubeconfig=target.kubeconfig,
        context=target.context or (None if elsewhere else config.context),
        namespace=target.namespace or (None if target.sandbox else config.namespace),
        sandbox=target.sandbox,
    )


def _providers(config: Config) -> dict[str, ProviderConfig]:
    merged = dict(PROVIDERS)
    for name, given in config.providers.items():
        merged[name] = merged[name].model_copy(update=given.model_dump(exclude_unset=True)) if name in merged else given
    return merged
