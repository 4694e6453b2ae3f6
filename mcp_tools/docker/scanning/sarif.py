"""A scan's findings as SARIF 2.1.0, which code hosts show beside the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.docker.scanning.model import Severity
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.report import Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# What a host sorts by, where an advisory gives no CVSS score.
_SCORES = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 2.0,
    Severity.NEGLIGIBLE: 0.1,
    Severity.UNKNOWN: 0.0,
}


def as_sarif(report: Report) -> str:
    """Vulnerabilities and configuration findings as results of one run."""
    rules: dict[str, dict[str, Any]] = {}
    results: list[dict[str, Any]] = []
    for one in report.vulnerabilities:
        package = one.package
        remedy = f"Take {one.fixed}." if one.fixed else "There is no fix yet."
        text = f"{package.name} {package.version} has {one.id} ({one.severity.label}). {remedy} {one.summary}"
        score = one.score or _SCORES[one.severity]
        rules.setdefault(one.id, _rule(one.id, one.summary or one.id, score))
        results.append(_result(one.id, text, one.severity, package.path or report.image.name))
    for finding in report.findings:
        score = _SCORES[finding.severity]
        rules.setdefault(finding.code, _rule(finding.code, finding.title, score))
        where = f" ({', '.join(finding.where)})" if finding.where else ""
        text = f"{finding.title}{where}. {finding.fix}."
        path = finding.where[0] if finding.where and finding.where[0].startswith("/") else report.image.name
        results.append(_result(finding.code, text, finding.severity, path))
    driver = {"name": "shipmate", "rules": [rules[name] for name in sorted(rules)]}
    properties = {"image": report.image.name, "id": report.image.id, "data": report.coverage.sources or "none"}
    run = {"tool": {"driver": driver}, "results": results, "properties": properties}
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _rule(name: str, text: str, score: float) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": redact_text(text)},
        "properties": {"security-severity": f"{score:.1f}", "tags": ["security"]},
    }


def _result(rule: str, text: str, severity: Severity, path: str) -> dict[str, Any]:
    from urllib.parse import quote

    level = "error" if severity >= Severity.HIGH else "warning" if severity >= Severity.MEDIUM else "note"
    place = {"physicalLocation": {"artifactLocation": {"uri": quote(path.lstrip("/"))}}}
    return {"ruleId": rule, "level": level, "message": {"text": redact_text(text.strip())}, "locations": [place]}
