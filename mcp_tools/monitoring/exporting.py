"""The rules for Prometheus: as a rule file, or as a PrometheusRule of the Prometheus operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from mcp_tools.monitoring.rules import Rule

Form = Literal["prometheusrule", "prometheus"]
FORMS: tuple[Form, ...] = ("prometheusrule", "prometheus")
GROUP = "shipmate"
_ABOUT = "{{ range $name, $value := $labels }} {{ $name }}={{ $value }}{{ end }}"
"""Which object, by whatever labels the series has: a template of Prometheus."""


def export(rules: Sequence[Rule], form: Form) -> str:
    """YAML of all rules that have an expression; those that have none are named in a comment.

    The expressions take the names of kube-state-metrics, the kubelet with cAdvisor, and cert-manager. Prometheus has no
    inhibition of its own: that is Alertmanager's.
    """
    groups = {"groups": [{"name": GROUP, "rules": [_rule(rule) for rule in rules if rule.promql]}]}
    body: dict[str, Any] = groups
    if form == "prometheusrule":
        body = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": GROUP, "labels": {"app.kubernetes.io/name": GROUP}},
            "spec": groups,
        }
    return _comment(rule.id for rule in rules if not rule.promql) + as_yaml(body)


def alert_name(rule_id: str) -> str:
    """`crash-loop` as Prometheus names alerts: `CrashLoop`."""
    return "".join(word.capitalize() for word in rule_id.split("-"))


def _rule(rule: Rule) -> dict[str, Any]:
    config = rule.config
    made: dict[str, Any] = {"alert": alert_name(rule.id), "expr": f"{rule.promql}\n"}
    if config.for_:
        made["for"] = rule.holds_for
    if config.keep_firing_for:
        made["keep_firing_for"] = rule.keeps_for
    made["labels"] = {"severity": config.severity.value, "rule": rule.id}
    made["annotations"] = {"summary": f"{config.title}:{_ABOUT}"}
    if config.runbook:
        key = "runbook_url" if "://" in config.runbook else "runbook"
        made["annotations"][key] = config.runbook
    return made


def _comment(without: Iterable[str]) -> str:
    names = ", ".join(without)
    return f"# Without an expression in PromQL, and so left out: {names}\n" if names else ""


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def as_yaml(body: dict[str, Any]) -> str:
    """YAML in which a text of several lines stands as it is read."""
    return yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
