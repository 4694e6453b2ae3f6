"""Label selectors in both forms, and field selectors (k8s.io/apimachinery, pkg/labels and pkg/fields)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import bad_request

Labels = Mapping[str, str]
Predicate = Callable[[Labels], bool]

_TOKEN = re.compile(r"\s*(==|!=|=|!|>|<|\(|\)|,|[^\s=!<>(),]+)")
_WORD = re.compile(r"[^\s=!<>(),]+")

FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "jobs.batch": ("status.successful",),
    "replicasets.apps": ("status.replicas",),
    "replicationcontrollers": ("status.replicas",),
}


def everything(_: Labels) -> bool:
    """The empty selector."""
    return True


def nothing(_: Labels) -> bool:
    """The selector that is not there (`null`)."""
    return False


def parse_labels(text: str) -> Predicate:
    """A selector in string form, such as `app=x,tier in (a,b),!old`.

    Raises:
        Refused: 400, it cannot be parsed.
    """
    tokens = _tokens(text)
    rules: list[Predicate] = []
    while tokens:
        rules.append(_requirement(tokens))
        if tokens and (found := tokens.pop(0)) != ",":
            raise bad_request(f"found '{found[:60]}', expected: ',' or 'end of string'")
    return _every(rules)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise bad_request(f"unable to parse requirement: found '{text[position : position + 60]}'")
        tokens.append(found[1])
        position = found.end()
    return tokens


def _requirement(tokens: list[str]) -> Predicate:
    if tokens[0] == "!":
        tokens.pop(0)
        key = _word(tokens)
        return lambda labels: key not in labels
    if not _WORD.fullmatch(tokens[0]):
        raise bad_request(f"found '{tokens[0][:60]}', expected: !, identifier, or 'end of string'")
    key = _word(tokens)
    if wrong := names.check_qualified_name("", key):
        raise bad_request(f"unable to parse requirement: <nil>: {wrong[0].message}")
    if not tokens or tokens[0] == ",":
        return lambda labels: key in labels
    operator = tokens.pop(0)
    if operator in {"in", "notin"}:
        values = _values(tokens)
        return _membership(key, values, wanted=operator == "in")
    value = _word(tokens) if tokens and tokens[0] != "," else ""
    if operator in {"=", "==", "!="}:
        wrong = names.check_labels("", {"x": value})
        if wrong:
            raise bad_request(f"unable to parse requirement: values[0][{key}]: {wrong[0].message}")
    if operator in {"=", "=="}:
        return _membership(key, {value}, wanted=True)
    if operator == "!=":
        return _membership(key, {value}, wanted=False)
    if operator in {"<", ">"}:
        return _comparison(key, operator, value)
    raise bad_request(f"unable to parse requirement: found '{operator[:60]}', expected: in, notin, =, ==, !=, gt, lt")


def _word(tokens: list[str]) -> str:
    token = tokens.pop(0) if tokens else ""
    if not _WORD.fullmatch(token):
        raise bad_request(f"unable to parse requirement: found '{token}', expected: identifier")
    return token


def _values(tokens: list[str]) -> set[str]:
    if not tokens or tokens.pop(0) != "(":
        raise bad_request("unable to parse requirement: found '' expected: '('")
    values = set()
    while tokens and tokens[0] != ")":
        word = tokens.pop(0)
        if word != ",":
            values.add(word)
    if not tokens:
        raise bad_request("unable to parse requirement: found '', expected: ',' or ')'")
    tokens.pop(0)
    return values or {""}


def _membership(key: str, values: set[str], *, wanted: bool) -> Predicate:
    if wanted:
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def _comparison(key: str, operator: str, value: str) -> Predicate:
    if not value.lstrip("-").isdecimal():
        words = "for 'Gt', 'Lt' operators, the value must be an integer"
        raise bad_request(f'unable to parse requirement: values[0]: Invalid value: "{value[:60]}": {words}')
    limit = int(value)

    def compare(labels: Labels) -> bool:
        actual = labels.get(key, "")
        if not actual.lstrip("-").isdecimal():
            return False
        return int(actual) > limit if operator == ">" else int(actual) < limit

    return compare


def _every(rules: list[Predicate]) -> Predicate:
    if not rules:
        return everything
    if len(rules) == 1:
        return rules[0]
    return lambda labels: all(rule(labels) for rule in rules)


def label_selector(selector: Mapping[str, Any] | None) -> Predicate:
    """A `metav1.LabelSelector`; `None` selects nothing, the empty one everything."""
    if selector is None:
        return nothing
    rules: list[Predicate] = [
        _membership(key, {value}, wanted=True) for key, value in (selector.get("matchLabels") or {}).items()
    ]
    for rule in selector.get("matchExpressions") or []:
        key, values = rule.get("key", ""), set(rule.get("values") or ())
        match rule.get("operator"):
            case "In" | "NotIn" as operator:
                rules.append(_membership(key, values, wanted=operator == "In"))
            case "Exists":
                rules.append(_has(key, wanted=True))
            case "DoesNotExist":
                rules.append(_has(key, wanted=False))
            case _:
                return nothing
    return _every(rules)


def _has(key: str, *, wanted: bool) -> Predicate:
    return lambda labels: (key in labels) is wanted


def match_labels(labels: Mapping[str, str]) -> Predicate:
    """An equality selector, as Services have it; an empty one selects nothing."""
    return label_selector({"matchLabels": labels}) if labels else nothing


def render(selector: Mapping[str, Any] | None) -> str:
    """A `metav1.LabelSelector` in string form, as `kubectl` prints it."""
    if not selector:
        return "" if selector is None else "<none>"
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for rule in selector.get("matchExpressions") or []:
        values = ",".join(sorted(rule.get("values") or ()))
        parts.append(
            {
                "In": f"{rule['key']} in ({values})",
                "NotIn": f"{rule['key']} notin ({values})",
                "Exists": rule["key"],
                "DoesNotExist": f"!{rule['key']}",
            }.get(rule.get("operator", ""), "<error>")
        )
    return ",".join(parts)


def parse_fields(text: str, key: str, *, custom: bool = False) -> Callable[[Mapping[str, Any]], bool]:
    """A field selector, such as `status.phase=Running,spec.nodeName!=a`.

    Args:
        text: The selector.
        key: The kind's store key, which tells which fields may be asked for.

    Raises:
        Refused: 400, it cannot be parsed or names a field that this kind does not offer.
    """
    known = ("metadata.name", "metadata.namespace", *FIELDS.get(key, ()))
    rules: list[tuple[tuple[str, ...], str, bool]] = []
    for part in filter(None, text.split(",")):
        if part == "=":
            continue
        found = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", part)
        if not found:
            raise bad_request(f"invalid selector: {show_quoted(text)}; can't understand {show_quoted(part)}")
        path, operator, value = found.groups()
        if path not in known:
            if custom or key in FIELDS:
                raise bad_request(f"field label not supported: {path}")
            raise bad_request(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')
        rules.append((tuple(path.split(".")), value, operator != "!="))
    return lambda obj: all((_field(obj, path) == value) is wanted for path, value, wanted in rules)


def show_quoted(text: str) -> str:
    """The text in single quotes, bounded."""
    return f"'{text[:120]}'"


def _field(obj: Mapping[str, Any], path: tuple[str, ...]) -> str:
    value: Any = obj
    if path == ("source",):
        return str(obj.get("reportingComponent") or (obj.get("source") or {}).get("component") or "")
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return "false" if path[-1] in {"unschedulable", "hostNetwork"} else ""
    return str(value).lower() if isinstance(value, bool) else str(value)
