"""The rules for names, labels and keys (k8s.io/apimachinery, pkg/util/validation), and generated names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects.errors import Cause, invalid_value

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

LABEL_MAX = 63
SUBDOMAIN_MAX = 253
ANNOTATIONS_MAX = 256 * 1024
_SUFFIX = 5
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"

_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_SUBDOMAIN = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_DNS_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"

_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_DNS_LABEL}')"
)
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_DNS_SUBDOMAIN}')"
)
_1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    f"'{_DNS_1035}')"
)
_QUALIFIED_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_LABEL_VALUE}')"
)
_KEY_WORDS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    f"'key-name', regex used for validation is '{_CONFIG_KEY}')"
)


def generate(base: str, source: random.Random) -> str:
    """A name from `generateName`: the base and five letters that form no words."""
    return base[: LABEL_MAX - _SUFFIX] + "".join(source.choice(_LETTERS) for _ in range(_SUFFIX))


def safe_hash(number: int) -> str:
    """A number in the alphabet of generated names, as `pod-template-hash` has it (apimachinery, SafeEncodeString)."""
    return "".join(_LETTERS[ord(digit) % len(_LETTERS)] for digit in str(number))


def _check(field: str, value: str, pattern: str, longest: int, words: str) -> list[Cause]:
    causes = []
    if len(value) > longest:
        causes.append(
            Cause(
                "FieldValueInvalid",
                f"Invalid value: {_quoted(value)}: must be no more than {longest} characters",
                field,
            )
        )
    if not re.fullmatch(pattern, value):
        causes.append(invalid_value(field, value, words))
    return causes


def _quoted(value: str) -> str:
    return '"' + value + '"'


def check_label_name(field: str, value: str) -> list[Cause]:
    """A DNS-1123 label, as container and namespace names are."""
    return _check(field, value, _DNS_LABEL, LABEL_MAX, _LABEL_WORDS)


def _check_dotless(field: str, value: str) -> list[Cause]:
    """A DNS-1123 label; a dot in it is told in words of its own."""
    if re.fullmatch(_DNS_SUBDOMAIN, value) and "." in value:
        return [invalid_value(field, value, "must not contain dots")]
    return check_label_name(field, value)


def check_subdomain(field: str, value: str) -> list[Cause]:
    """A DNS-1123 subdomain, as most objects' names are."""
    return _check(field, value, _DNS_SUBDOMAIN, SUBDOMAIN_MAX, _SUBDOMAIN_WORDS)


def check_wildcard(field: str, value: str) -> list[Cause]:
    """A DNS name whose first part is `*`."""
    words = (
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
        "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', "
        "regex used "
        f"for validation is '\\*\\.{_DNS_SUBDOMAIN}')"
    )
    return _check(field, value, rf"\*\.{_DNS_SUBDOMAIN}", SUBDOMAIN_MAX, words)


def check_service_name(field: str, value: str) -> list[Cause]:
    """A DNS-1035 label, as Services' names are."""
    return _check(field, value, _DNS_1035, LABEL_MAX, _1035_WORDS)


def check_path_segment(field: str, value: str) -> list[Cause]:
    """A name that only has to fit into a path, as RBAC objects' names are."""
    if value in {".", ".."}:
        return [invalid_value(field, value, f"may not be '{value}'")]
    return [invalid_value(field, value, f"may not contain '{mark}'") for mark in "/%" if mark in value]


def check_qualified_name(field: str, value: str) -> list[Cause]:
    """A label's or annotation's key: an optional DNS prefix, a slash, a name."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        words = _QUALIFIED_WORDS.replace("name part", "a qualified name", 1)
        prefixed = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [invalid_value(field, value, f"{words} {prefixed}")]
    if not name:
        return [
            invalid_value(field, value, "name part must be non-empty"),
            invalid_value(field, value, _QUALIFIED_WORDS),
        ]
    if slash and not re.fullmatch(_DNS_SUBDOMAIN, prefix):
        return [invalid_value(field, value, f"prefix part {_SUBDOMAIN_WORDS}")]
    if len(name) > LABEL_MAX:
        return [invalid_value(field, value, f"name part must be no more than {LABEL_MAX} characters")]
    if not re.fullmatch(_QUALIFIED, name):
        return [invalid_value(field, value, _QUALIFIED_WORDS)]
    return []


def check_config_key(field: str, value: str) -> list[Cause]:
    """A key of a ConfigMap or Secret."""
    causes = _check(field, value, _CONFIG_KEY, SUBDOMAIN_MAX, _KEY_WORDS)
    if value in {".", ".."}:
        causes.append(invalid_value(field, value, f"must not be '{value}'"))
    elif value.startswith(".."):
        causes.append(invalid_value(field, value, "must not start with '..'"))
    return causes


def check_labels(field: str, labels: Mapping[str, str]) -> list[Cause]:
    """Keys and values of labels."""
    causes = []
    for key, value in labels.items():
        causes += check_qualified_name(field, key)
        if len(value) > LABEL_MAX:
            causes.append(invalid_value(field, value, f"must be no more than {LABEL_MAX} characters"))
        elif not re.fullmatch(_LABEL_VALUE, value):
            causes.append(invalid_value(field, value, _VALUE_WORDS))
    return causes


def check_annotations(field: str, annotations: Mapping[str, str]) -> list[Cause]:
    """Keys of annotations, and their size together."""
    causes = []
    for key in annotations:
        causes += check_qualified_name(field, key.lower())
    if sum(len(key) + len(value) for key, value in annotations.items()) > ANNOTATIONS_MAX:
        causes.append(Cause("FieldValueTooLong", f"Too long: may not be more than {ANNOTATIONS_MAX} bytes", field))
    return causes


def name_check_for(kind: str) -> Any:
    """The rule that a kind's names follow."""
    if kind == "Namespace":
        return check_label_name
    if kind == "Service":
        return check_service_name
    if kind in {"PodDisruptionBudget", "CertificateSigningRequest"}:
        return lambda *_: []
    if kind == "IPAddress":
        from mcp_tools.sandbox.objects.addressvalidation import check_address_name

        return check_address_name
    if kind == "StatefulSet":
        return _check_dotless
    if kind in {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}:
        return check_path_segment
    return check_subdomain
