"""Rules as data: what is packaged, what a user's file may change, and what it is told where it is wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from mcp_tools.errors import UsageError
from mcp_tools.monitoring.conditions.base import all_conditions
from mcp_tools.monitoring.exporting import alert_name, export
from mcp_tools.monitoring.rules import Rule, load_rules, rules_from

NEW = {"title": "New", "condition": "pod-pending"}


def by_id(rules: tuple[Rule, ...]) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


def written(tmp_path: Path, text: str) -> Path:
    place = tmp_path / "rules.yaml"
    place.write_text(text, encoding="utf-8")
    return place


def test_the_defaults_are_those_that_were_promised() -> None:
    rules = by_id(load_rules())
    assert rules["crash-loop"].figures == {"more_than": "3", "window": "1h", "steady": "10m"}
    assert rules["memory-near-limit"].figures["percent"] == rules["cpu-near-limit"].figures["percent"] == "90"
    assert rules["pod-pending"].holds_for == "5m"
    assert {rule.condition.name for rule in rules.values()} == set(all_conditions())


def test_a_file_changes_fields_adds_rules_and_turns_them_off(tmp_path: Path) -> None:
    place = written(
        tmp_path,
        """
        rules:
          crash-loop: { with: { more_than: 10 }, severity: warning }
          quota-filling: { enabled: false }
          slow-start: { title: A pod waits, condition: pod-pending, for: 20m, not_namespaces: ["kube-*"] }
        """,
    )
    rules = by_id(load_rules(place))
    assert rules["crash-loop"].figures == {"more_than": "10", "window": "1h", "steady": "10m"}
    assert "> 10\n" in rules["crash-loop"].promql
    assert "quota-filling" not in rules
    assert rules["slow-start"].covers("todo-app")
    assert not rules["slow-start"].covers("kube-system")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"new": {"title": "New"}}, "The alert rule new is wrong: condition: Field required"),
        ({"new": {**NEW, "condition": "pod-pnding"}}, "there is no condition 'pod-pnding'; known: "),
        ({"new": {**NEW, "for": "5 min"}}, "for: Value error, '5 min' is no duration such as 90s, 5m or 1h30m"),
        ({"new": {**NEW, "treshold": 3}}, "treshold: Extra inputs are not permitted"),
        ({"crash-loop": {"with": {"more_then": 3}}}, "with.more_then: Extra inputs are not permitted"),
        ({"crash-loop": {"with": {"more_than": 0}}}, "with.more_than: Input should be greater than or equal to 1"),
        ({"crash-loop": {"with": {"window": "7h"}}}, "with.window: Input should be less than or equal to"),
        ({"new": {**NEW, "inhibits": ["crashloop"]}}, "it inhibits crashloop, and there is no such rule"),
        ({"New Rule": NEW}, "an id is words of small letters and digits joined by -"),
        ({"new": "crash"}, "a rule is a mapping of fields"),
        (
            {"pod-pending": {"inhibits": ["no-endpoints"]}, "no-endpoints": {"inhibits": ["pod-pending"]}},
            "Rules inhibit each other in a circle: ",
        ),
    ],
)
def test_a_wrong_rule_is_named_with_what_is_wrong(given: dict[str, Any], said: str) -> None:
    packaged = {rule.id: {k: v for k, v in rule.as_data().items() if k != "id"} for rule in load_rules()}
    with pytest.raises(UsageError) as refused:
        rules_from(packaged, given)
    assert said in refused.value.message


@pytest.mark.parametrize("text", ["rules: [", "- a", "rule: {}", "", "rules: {}\nmore: 1"])
def test_a_file_that_holds_no_rules_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"rules\.yaml"):
        load_rules(written(tmp_path, text))


def test_every_expression_is_promql_and_every_figure_stands_in_it() -> None:
    for rule in load_rules():
        if rule.promql:
            promql_parser.parse(rule.promql)
            assert "${" not in rule.promql, rule.id
    without = [rule.id for rule in load_rules() if not rule.promql]
    assert without == ["log-errors"]


def test_the_rules_are_exported_as_the_operator_and_prometheus_take_them(tmp_path: Path) -> None:
    rules = load_rules()
    text = export(rules, "prometheusrule")
    body = yaml.safe_load(text)
    assert (body["apiVersion"], body["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    (group,) = body["spec"]["groups"]
    assert [item["alert"] for item in group["rules"]] == [alert_name(rule.id) for rule in rules if rule.promql]
    crash = next(item for item in group["rules"] if item["alert"] == "CrashLoop")
    assert "for" not in crash
    assert crash["labels"] == {"severity": "critical", "rule": "crash-loop"}
    assert text.startswith("# Without an expression in PromQL, and so left out: log-errors\n")
    plain = tmp_path / "rules.yaml"
    plain.write_text(export(rules, "prometheus"), encoding="utf-8")
    assert yaml.safe_load(plain.read_text(encoding="utf-8"))["groups"] == [group]
    if promtool := shutil.which("promtool"):
        # Prometheus' own word, where it is there.
        (tmp_path / "unit.yaml").write_text(yaml.safe_dump(SEMANTICS), encoding="utf-8")
        for command in (["check", "rules", "rules.yaml"], ["test", "rules", "unit.yaml"]):
            done = subprocess.run([promtool, *command], check=False, cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr


POD = 'namespace="shop", pod="api-1", container="app"'
FIRES = {"namespace": "shop", "pod": "api-1", "container": "app", "severity": "critical", "rule": "crash-loop"}


def expected(alert: str, at: str, *labels: dict[str, str]) -> dict[str, Any]:
    found = []
    for given in labels:
        about = "".join(f" {key}={value}" for key, value in sorted(given.items()) if key not in {"severity", "rule"})
        title = next(rule.config.title for rule in load_rules() if alert_name(rule.id) == alert)
        runbook = next(rule.config.runbook for rule in load_rules() if alert_name(rule.id) == alert)
        found.append({"exp_labels": given, "exp_annotations": {"summary": f"{title}:{about}", "runbook": runbook}})
    return {"eval_time": at, "alertname": alert, "exp_alerts": found}


SEMANTICS: dict[str, Any] = {
    "rule_files": ["rules.yaml"],
    "evaluation_interval": "1m",
    "tests": [
        {
            "interval": "1m",
            "input_series": [
                {"series": f"kube_pod_container_status_restarts_total{{{POD}}}", "values": "0 0 1 2 3 4 5 5x120"},
                {"series": f"kube_pod_container_state_started{{{POD}}}", "values": "0 0 120 180 240 300 360 360x120"},
            ],
            "alert_rule_test": [
                expected("CrashLoop", "4m"),
                expected("CrashLoop", "8m", FIRES),
                # It has run for ten minutes: over it, although the hour is not.
                expected("CrashLoop", "20m"),
            ],
        },
        {
            "interval": "1m",
            "input_series": [
                {
                    "series": 'kube_pod_status_phase{namespace="shop", pod="api-1", phase="Pending"}',
                    "values": "1x20 0x20",
                }
            ],
            "alert_rule_test": [
                expected("PodPending", "4m"),
                expected(
                    "PodPending",
                    "6m",
                    {"namespace": "shop", "pod": "api-1", "severity": "warning", "rule": "pod-pending"},
                ),
                expected("PodPending", "25m"),
            ],
        },
        {
            "interval": "1m",
            "input_series": [
                {"series": f"container_memory_working_set_bytes{{{POD}}}", "values": "50x5 60x20 50x20"},
                {
                    "series": f'kube_pod_container_resource_limits{{{POD}, resource="memory"}}',
                    "values": "64x60",
                },
            ],
            "alert_rule_test": [
                expected("MemoryNearLimit", "6m"),
                expected("MemoryNearLimit", "10m", {**FIRES, "severity": "warning", "rule": "memory-near-limit"}),
                expected("MemoryNearLimit", "40m"),
            ],
        },
    ],
}
