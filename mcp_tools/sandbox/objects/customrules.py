"""Rules of custom resources in CEL: `x-kubernetes-validations` (apiextensions-apiserver/pkg/apiserver/schema/cel).

A rule that compares with `oldSelf` is looked at when both values are there; any other is forgiven where an update
leaves its value as it was.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.objects import cel
from mcp_tools.sandbox.objects.errors import Cause, duplicate, forbidden_field, invalid_value, not_supported, required

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]
RULES = "x-kubernetes-validations"
_VARIABLES = ("self", "oldSelf")
_PRESERVE, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_BLOCKING = {
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
}
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation"
)
_OLD = re.compile(r"\boldSelf\b")
# A chain of fields from the root of a rule; what a call or an index follows ends it.
_CHAIN = re.compile(r"(?<![\w.'\"])(?:self|oldSelf)((?:\.[A-Za-z_]\w*)+)")
_RESERVED = frozenset(
    {
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
    }
    | {"loop", "package", "namespace", "return"}
)
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


def rules_of(schema: Schema) -> list[Schema]:
    """The rules of one part of a schema, without those that are none."""
    found = schema.get(RULES)
    return [rule for rule in found if isinstance(rule, dict)] if isinstance(found, list) else []


def has_rules(schema: Schema) -> bool:
    """Whether a schema or a part of it has rules."""
    return any(True for _ in _ruled(schema, ""))


def _ruled(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every part that has rules, with its place in the schema."""
    if rules_of(schema):
        yield path, schema
    fields = schema.get("properties")
    for name, inner in fields.items() if isinstance(fields, dict) else ():
        if isinstance(inner, dict):
            yield from _ruled(inner, f"{path}.properties[{name}]")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from _ruled(schema[word], f"{path}.{word}")


def check_definition(schema: Schema, start: str) -> list[Cause]:
    """What is wrong with the rules themselves.

    Args:
        schema: `openAPIV3Schema`.
        start: Its place in the definition.
    """
    causes = []
    for path, part in _ruled(schema, start):
        for index, rule in enumerate(rules_of(part)):
            where = f"{path}.{RULES}[{index}]"
            causes += _check_words(where, rule)
            place = str(rule.get("fieldPath") or "")
            if place and not _leads(part, place):
                causes.append(invalid_value(f"{where}.fieldPath", place, "must be a valid path"))
            for name in ("rule", "messageExpression"):
                text = str(rule.get(name) or "").strip()
                if not text and name == "rule":
                    causes.append(required(f"{where}.rule", "rule is not specified"))
                elif text and (why := _miscompiled(part, name, text)):
                    shown = f"Invalid value: {_internal(rule)}: {why}"
                    causes.append(Cause("FieldValueInvalid", shown, f"{where}.{name}"))
    return causes


def _check_words(where: str, rule: Schema) -> list[Cause]:
    said = str(rule.get("message") or "")
    causes: list[Cause] = []
    if said and not said.strip():
        causes.append(invalid_value(f"{where}.message", said, "must be non-empty if specified"))
    elif "\n" in said.strip():
        causes.append(invalid_value(f"{where}.message", said, "must not contain line breaks"))
    elif "\n" in str(rule.get("rule") or "").strip() and not said:
        causes.append(required(f"{where}.message", "message must be specified if rule contains line breaks"))
    if rule.get("reason") and rule["reason"] not in _REASONS:
        causes.append(not_supported(f"{where}.reason", rule["reason"], _REASONS))
    return causes


_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_TITLES = {"rule": "compilation", "messageExpression": "messageExpression compilation"}
_GO_ESCAPES = {mark: f"\\u{ord(mark):04x}" for mark in "<>&"}
_INTERNAL = ("rule", "message", "messageExpression", "reason", "fieldPath", "optionalOldSelf")


def _internal(rule: Schema) -> str:
    """A rule as the API server's own struct is printed."""
    texts = ("rule", "message", "messageExpression", "fieldPath")
    found = {name[0].upper() + name[1:]: rule.get(name, "" if name in texts else None) for name in _INTERNAL}
    shown = msgspec.json.encode(found).decode()
    return "".join(_GO_ESCAPES.get(mark, mark) for mark in shown)


def _miscompiled(schema: Schema, name: str, text: str) -> str:
    wanted = "BOOL" if name == "rule" else "STRING"
    try:
        result = cel.check(text, _VARIABLES)
    except cel.BadExpression as error:
        return f"{_TITLES[name]} failed: {error}"
    if result not in {wanted, "DYN"}:
        return f"cel expression must evaluate to a {wanted.lower()}"
    for chain in _CHAIN.finditer(text):
        here: Schema | None = schema
        position = chain.start(1)
        names = chain[1][1:].split(".")
        called = text[chain.end() : chain.end() + 1] == "("
        for index, field in enumerate(names):
            if here is None or here.get("type") != "object" or (called and index == len(names) - 1):
                break
            fields = {escaped(known): inner for known, inner in (here.get("properties") or {}).items()}
            extra = here.get("additionalProperties")
            if field not in fields and not isinstance(extra, dict) and not _open(here, field):
                line = text.count("\n", 0, position)
                column = position - (text.rfind("\n", 0, position) + 1)
                shown = text.split("\n")[line]
                place = f"<input>:{line + 1}:{column + 1}"
                why = f"ERROR: {place}: undefined field '{field}'\n | {shown}\n | {'.' * column}^"
                return f"{_TITLES[name]} failed: {why}"
            here = fields.get(field, extra if isinstance(extra, dict) else None)
            position += len(field) + 1
    return ""


def _leads(schema: Schema, place: str) -> bool:
    """Whether a path of fields leads somewhere."""
    here: Any = schema
    for name in place.removeprefix(".").split("."):
        here = (here.get("properties") or {}).get(name) if isinstance(here, dict) else None
    return place.startswith(".") and here is not None


def _open(schema: Schema, name: str) -> bool:
    """Whether more than the declared fields may be named: those that every object has."""
    return bool(schema.get(_EMBEDDED) or name in {"metadata", "apiVersion", "kind"})


def escaped(name: str) -> str:
    """A field's name as CEL can say it."""
    if name in _RESERVED:
        return f"__{name}__"
    return re.sub(r"__|[.\-/]", lambda found: _ESCAPES[found[0]], name)


def check(schema: Schema, obj: Schema, old: Schema | None, causes: list[Cause]) -> list[Cause]:
    """What the rules say against an object.

    Args:
        schema: `openAPIV3Schema`.
        obj: As it is to be.
        old: As it was; `None` for a new one.
        causes: What is wrong with it already; some of it leaves the rules aside.
    """
    if any(cause.reason in _BLOCKING for cause in causes):
        return [invalid_value("<nil>", None, _UNCHECKED)]
    return list(_check(schema, obj, old, ""))


def _check(schema: Schema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    if rules_of(schema) and (value is not None or not schema.get("nullable")):
        yield from _apply(schema, value, old, path)
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        fields, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        for name, item in value.items():
            inner = fields.get(name, extra if isinstance(extra, dict) else None)
            if inner is not None:
                where = f"{path}.{name}" if name in fields else f"{path}[{name}]"
                yield from _check(inner, item, before.get(name), where.removeprefix("."))
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _check(schema["items"], item, _twin(schema, item, old), f"{path}[{index}]")


def _twin(schema: Schema, item: Any, old: Any) -> Any:
    """The old item of a list that is the same one by its keys; `None` where lists cannot be told apart."""
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list) or not isinstance(item, dict):
        return None
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    mark = [item.get(key) for key in keys]
    return next((other for other in old if isinstance(other, dict) and [other.get(key) for key in keys] == mark), None)


def _apply(schema: Schema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    now = {"self": _seen(schema, value), "oldSelf": None if old is None else _seen(schema, old)}
    for rule in rules_of(schema):
        text = str(rule.get("rule", "")).strip()
        changes = bool(_OLD.search(text))
        if (changes and old is None and not rule.get("optionalOldSelf")) or (not changes and old == value):
            continue
        where = (path + str(rule.get("fieldPath") or "")).removeprefix(".") or "<nil>"
        kind = "integer,string" if schema.get(_INT_OR_STRING) else schema.get("type", "")
        try:
            if cel.evaluate(text, now) is True:
                continue
        except cel.BadExpression as error:
            yield invalid_value(path or "<nil>", kind, f"rule compiler initialization error: {error}")
            continue
        except cel.Failed as error:
            shown = str(rule.get("message") or "").strip() or text
            words = f"{error} evaluating rule: {shown}"
            if str(error) == "no such overload":
                signature = "call arguments did not match a supported operator, function or macro signature for rule"
                words = f"'{error}': {signature}: {shown}"
            yield invalid_value(path or "<nil>", kind, words)
            continue
        yield _refusal(rule, where, kind, _message(rule, text, now))


def _message(rule: Schema, text: str, now: dict[str, Any]) -> str:
    if rule.get("messageExpression"):
        try:
            said = cel.evaluate(str(rule["messageExpression"]).strip(), now)
        except (cel.BadExpression, cel.Failed):
            said = None  # the API server falls back on the fixed message as well
        if isinstance(said, str) and said.strip() and "\n" not in said:
            return said.strip()
    return str(rule.get("message") or "").strip() or f"failed rule: {text}"


def _refusal(rule: Schema, where: str, kind: str, message: str) -> Cause:
    match rule.get("reason"):
        case "FieldValueForbidden":
            return forbidden_field(where, message)
        case "FieldValueRequired":
            return required(where, message)
        case "FieldValueDuplicate":
            return duplicate(where, kind)
    return invalid_value(where, kind, message)


def _seen(schema: Schema, value: Any) -> Any:
    """A value as a rule sees it: declared fields only, with names that CEL can say, and times as times."""
    if isinstance(value, dict):
        fields, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        if isinstance(extra, dict):
            return {key: _seen(extra, item) for key, item in value.items()}
        found = {escaped(key): _seen(fields[key], item) for key, item in value.items() if key in fields}
        if schema.get(_EMBEDDED) or schema.get(_PRESERVE) or "metadata" in value:
            found |= {
                key: value[key] for key in ("apiVersion", "kind", "metadata") if key in value and key not in found
            }
        return found
    if isinstance(value, list):
        return [_seen(schema.get("items") or {}, item) for item in value]
    if isinstance(value, int) and schema.get("type") == "number":
        return float(value)
    return _read(schema.get("format", ""), value) if isinstance(value, str) else value


def _read(form: str, text: str) -> Any:
    try:
        match form:
            case "date" | "date-time" | "datetime":
                return cel.moment(text)
            case "duration":
                return cel.duration(text)
            case "byte":
                return base64.b64decode(text, validate=True)
    except ValueError:
        return text  # the schema refuses what is not of its format
    return text
