"""Rules as data: those that are packaged, with what the user's own file adds to and changes in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_tools.errors import UsageError
from mcp_tools.monitoring.alert import Severity
from mcp_tools.monitoring.conditions.base import Condition, Parameters, all_conditions
from mcp_tools.monitoring.durations import Duration, spoken

NOTHING = "0s"
EVERY = "*"
WHERE_IT_FAILS = "report it, and until then turn it off with `enabled: false` in the file of `[alerts] rules`"
"""What to do about a rule whose condition raises."""
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class RuleConfig(BaseModel):
    """One rule as it stands in a file, under its id."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    title: str = Field(min_length=1, max_length=120, description="one line for people")
    severity: Severity = Field(default=Severity.WARNING, description="`critical`, `warning` or `info`")
    condition: str = Field(description="what is looked for, by its name in the table below")
    parameters: dict[str, Any] = Field(default={}, alias="with", description="the condition's figures")
    for_: Duration = Field(default=NOTHING, alias="for", validate_default=True, description="how long it must hold")
    keep_firing_for: Duration = Field(
        default=NOTHING, validate_default=True, description="how long it must have ceased before it is over"
    )
    namespaces: list[str] = Field(default=[EVERY], description="only there; `*` and `?` stand for any letters")
    not_namespaces: list[str] = Field(default=[], description="not there")
    inhibits: list[str] = Field(default=[], description="rules that it explains where both are about the same pods")
    promql: str = Field(
        default="",
        description="the same for Prometheus; `${figure}` is one of the figures, `${figure_seconds}` a time in seconds",
    )
    runbook: str = Field(default="", max_length=500, description="where it says what to do, told with the alert")
    enabled: bool = Field(default=True, description="`false` turns it off")


@dataclass(frozen=True)
class Rule:
    """One rule, checked, with its condition found.

    Attributes:
        inhibits: Ids of rules whose alerts it explains.
    """

    id: str
    config: RuleConfig
    condition: Condition
    parameters: Parameters
    inhibits: frozenset[str] = frozenset()

    def covers(self, namespace: str) -> bool:
        """Whether it is meant for objects of this namespace; those of the whole cluster always are."""
        if not namespace:
            return True
        inside = any(fnmatchcase(namespace, pattern) for pattern in self.config.namespaces)
        return inside and not any(fnmatchcase(namespace, pattern) for pattern in self.config.not_namespaces)

    @cached_property
    def promql(self) -> str:
        """Its expression with its own figures in it; empty where it has none."""
        times = {
            f"{name}_seconds": str(int(value.total_seconds()))
            for name, value in self.parameters
            if isinstance(value, dt.timedelta)
        }
        return Template(self.config.promql.strip()).safe_substitute({**self.figures, **times})

    @property
    def figures(self) -> Mapping[str, str]:
        """Its parameters as they are written: durations as Prometheus has them."""
        return {name: str(value) for name, value in self.parameters.model_dump(mode="json").items()}

    @property
    def holds_for(self) -> str:
        """How long its condition must hold, as it is written."""
        return spoken(self.config.for_)

    @property
    def keeps_for(self) -> str:
        """How long it must have ceased before it is over, as it is written."""
        return spoken(self.config.keep_firing_for)

    def as_data(self) -> dict[str, Any]:
        """All of it, as it would stand in a file, with its id."""
        held = self.config.model_dump(mode="json", by_alias=True)
        return {
            "id": self.id,
            **held,
            "with": self.parameters.model_dump(mode="json"),
            "inhibits": sorted(self.inhibits),
        }


def load_rules(extra: Path | None = None) -> tuple[Rule, ...]:
    """The packaged rules and the user's, those that are turned off left out.

    Args:
        extra: A file of the same shape; what it says of a packaged rule's id goes over that, field by field.

    Raises:
        UsageError: The file cannot be read or is wrong; which rule and which field is said.
    """
    packaged = resources.files("mcp_tools.monitoring").joinpath("rules.yaml").read_text(encoding="utf-8")
    return rules_from(_parsed(packaged, "rules.yaml"), *([_read(extra)] if extra else []))


def rules_from(*sources: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Rules by id, later sources over earlier ones; errors as `load_rules`."""
    merged: dict[str, dict[str, Any]] = {}
    for source in sources:
        for key, given in source.items():
            if not isinstance(key, str) or not _ID.fullmatch(key):
                raise _wrong(str(key), "an id is words of small letters and digits joined by -, such as disk-full")
            if not isinstance(given, Mapping):
                raise _wrong(key, "a rule is a mapping of fields")
            merged[key] = _over(merged.get(key, {}), given)
    configs = {key: _config(key, given) for key, given in merged.items()}
    built = {key: _rule(key, config, configs) for key, config in configs.items() if config.enabled}
    _require_no_circle(built)
    return tuple(built.values())


def _over(known: dict[str, Any], given: Mapping[Any, Any]) -> dict[str, Any]:
    new = {**known, **given}
    same = known.get("condition") == new.get("condition")
    if same and isinstance(known.get("with"), Mapping) and isinstance(given.get("with"), Mapping):
        new["with"] = {**known["with"], **given["with"]}
    return new


def _config(key: str, given: Mapping[str, Any]) -> RuleConfig:
    try:
        return RuleConfig.model_validate(given)
    except ValidationError as error:
        raise _wrong(key, _problems(error)) from error


def _rule(key: str, config: RuleConfig, configs: Mapping[str, RuleConfig]) -> Rule:
    found = all_conditions().get(config.condition)
    if found is None:
        raise _wrong(key, f"there is no condition {config.condition!r}; known: {', '.join(all_conditions())}")
    try:
        parameters = found.parameters.model_validate(config.parameters)
    except ValidationError as error:
        raise _wrong(key, f"with.{_problems(error)}") from error
    if strange := sorted(set(config.inhibits) - {EVERY} - set(configs)):
        raise _wrong(key, f"it inhibits {', '.join(strange)}, and there is no such rule")
    meant = set(config.inhibits)
    if EVERY in meant:
        meant = {other for other, given in configs.items() if EVERY not in given.inhibits and key not in given.inhibits}
    return Rule(key, config, found, parameters, frozenset(meant - {key}))


def _require_no_circle(rules: Mapping[str, Rule]) -> None:
    """Two alerts that inhibit each other would both stay silent."""
    done: set[str] = set()

    def follow(key: str, above: tuple[str, ...]) -> None:
        if key in above:
            circle = " inhibits ".join((*above[above.index(key) :], key))
            raise UsageError(f"Rules inhibit each other in a circle: {circle}.", "Nobody would be told of any of them.")
        if key in done or key not in rules:
            return
        for other in sorted(rules[key].inhibits):
            follow(other, (*above, key))
        done.add(key)

    for key in rules:
        follow(key, ())


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The rules in {path} cannot be read: {error}.", "`[alerts] rules` in config.toml names the file."
        ) from error
    return _parsed(text, str(path))


def _parsed(text: str, where: str) -> Mapping[str, Any]:
    try:
        held = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{where} is no YAML: {' '.join(str(error).split())}.", "") from error
    rules = held.get("rules") if isinstance(held, Mapping) else None
    if not isinstance(rules, Mapping) or set(held) != {"rules"}:
        raise UsageError(f"{where} does not hold rules.", "It begins with `rules:`, and under it a rule by its id.")
    return rules


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False))


def _wrong(key: str, problem: str) -> UsageError:
    return UsageError(f"The alert rule {key} is wrong: {problem}.", "docs/alerts.md lists what a rule may hold.")
