"""CEL, the language of rules, with the functions that Kubernetes adds (apiserver/pkg/cel/library).

The interpreter is loaded when the first rule is met. Not here: the authorizer, `format`'s named formats, semantic
versions, `indexOf` of lists, and limits of cost.
"""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_tools import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cel_expr_python import cel

_LONGEST, _KEPT = 100_000, 512
_QUANTITY, _URL, _IP, _CIDR = "@quantity", "@url", "@ip", "@cidr"


class BadExpression(ValueError):
    """An expression that does not compile; the message is the compiler's."""


class Failed(Exception):
    """An expression that could not be evaluated; the message is in cel-go's words."""


def check(text: str, variables: Iterable[str]) -> str:
    """Refuse an expression that does not compile.

    Args:
        text: In CEL.
        variables: The names that it may use, of any type.

    Returns:
        The type of what it will say, as far as it is known before: `BOOL`, `STRING`, …, or `DYN`.

    Raises:
        BadExpression: It makes no sense.
    """
    return str(_compiled(text, tuple(variables)).return_type().name())


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """What an expression says about values.

    Args:
        text: In CEL.
        values: Plain data, times and durations, by variable.

    Raises:
        BadExpression: It makes no sense.
        Failed: A key is not there, a type does not fit, …
    """
    for name, value in values.items():
        if _holds_time(value):  # which the interpreter takes from nobody but an expression
            text = f"cel.bind({name}, dyn({_literal(value)}), {text}\n)"
    plain = {name: None if _holds_time(value) else value for name, value in values.items()}
    expression = _compiled(text, tuple(values))
    try:
        found = expression.eval(data=plain)
        if found.type().name() == "ERROR":
            raise Failed(_in_go(str(found.value())))
        return found.value()
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise Failed(_in_go(str(error))) from error


def _compiled(text: str, variables: tuple[str, ...]) -> cel.Expression:
    found = _tried(text, variables)
    if isinstance(found, str):
        raise BadExpression(found)
    return found


@lru_cache(_KEPT)
def _tried(text: str, variables: tuple[str, ...]) -> cel.Expression | str:
    if len(text) > _LONGEST:
        return "the expression is too long"
    environment = _environment(variables)
    try:
        return environment.compile(text)
    except RuntimeError as error:
        return re.sub(r"^INVALID_ARGUMENT: | \[INVALID_ARGUMENT\]$", "", str(error))


def _holds_time(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_time, value.values()))
    if isinstance(value, list):
        return any(map(_holds_time, value))
    return isinstance(value, datetime | timedelta)


def _literal(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {_literal(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_literal, value)) + "]"
        case datetime():
            return f"timestamp({json.dumps(value.isoformat())})"
        case timedelta():
            return f"duration('{value.total_seconds():f}s')"
        case bytes():
            return "b'" + "".join(f"\\x{byte:02x}" for byte in value) + "'"
    return json.dumps(value)


_WORDS = (
    (r'^Key not found in map : "?(.*?)"?$', r"no such key: \1"),
    (r"^No matching overloads found.*$", "no such overload"),
    (r"^divide by zero$", "division by zero"),
    (r"^modulus by zero$", "modulus by zero"),
    (r"^Index error: index=(-?\d+).*$", r"index out of bounds: \1"),
)


def _in_go(text: str) -> str:
    text = re.sub(r"^[A-Z_]+: ", "", text)
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return text


@cache
def _environment(variables: tuple[str, ...]) -> cel.Env:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_bindings, ext_math, ext_optional, ext_strings

    declared: dict[str, list[cel.Overload]] = {}
    for (name, member, parameters, result), implementation in _functions().items():
        types = [getattr(cel.Type, each) for each in parameters.split()]
        overload = cel.Overload(
            f"k8s_{name}_{'_'.join(parameters.lower().split())}",
            getattr(cel.Type, result),
            types,
            is_member=member,
            impl=implementation,
        )
        declared.setdefault(name, []).append(overload)
    return cel.NewEnv(
        variables=dict.fromkeys(variables, cel.Type.DYN),
        functions=[cel.FunctionDecl(name, overloads) for name, overloads in declared.items()],
        extensions=[
            ext_strings.ExtStrings(),
            ext_bindings.ExtBindings(),
            ext_optional.ExtOptional(),
            ext_math.ExtMath(),
        ],
    )


def _functions() -> dict[tuple[str, bool, str, str], Callable[..., Any]]:
    """By name, whether it stands behind a value, the types of what it takes, and that of what it gives."""
    return {
        ("quantity", False, "STRING", "MAP"): _quantity,
        ("isQuantity", False, "STRING", "BOOL"): lambda text: _works(quantity.parse, text),
        ("isLessThan", True, "MAP MAP", "BOOL"): lambda left, right: _amount(left) < _amount(right),
        ("isGreaterThan", True, "MAP MAP", "BOOL"): lambda left, right: _amount(left) > _amount(right),
        ("compareTo", True, "MAP MAP", "INT"): lambda left, right: _sign(_amount(left) - _amount(right)),
        ("sign", True, "MAP", "INT"): lambda value: _sign(_amount(value)),
        ("isInteger", True, "MAP", "BOOL"): lambda value: _amount(value) == int(_amount(value)),
        ("asInteger", True, "MAP", "INT"): lambda value: int(_amount(value)),
        ("asApproximateFloat", True, "MAP", "DOUBLE"): lambda value: float(_amount(value)),
        ("add", True, "MAP MAP", "MAP"): lambda left, right: _sum(_amount(left), _amount(right)),
        ("sub", True, "MAP MAP", "MAP"): lambda left, right: _sum(_amount(left), -_amount(right)),
        ("find", True, "STRING STRING", "STRING"): _find,
        ("findAll", True, "STRING STRING", "LIST"): _find_all,
        ("isSorted", True, "LIST", "BOOL"): lambda items: list(items) == sorted(items),
        ("sum", True, "LIST", "DYN"): sum,
        ("min", True, "LIST", "DYN"): min,
        ("max", True, "LIST", "DYN"): max,
        ("isURL", False, "STRING", "BOOL"): lambda text: _works(_url, text),
        ("url", False, "STRING", "MAP"): lambda text: {_URL: _url(text)},
        ("getScheme", True, "MAP", "STRING"): lambda value: urlsplit(value[_URL]).scheme,
        ("getHost", True, "MAP", "STRING"): lambda value: urlsplit(value[_URL]).netloc.rpartition("@")[2],
        ("getHostname", True, "MAP", "STRING"): lambda value: urlsplit(value[_URL]).hostname or "",
        ("getPort", True, "MAP", "STRING"): lambda value: str(urlsplit(value[_URL]).port or ""),
        ("getEscapedPath", True, "MAP", "STRING"): lambda value: urlsplit(value[_URL]).path,
        ("isIP", False, "STRING", "BOOL"): lambda text: _works(ipaddress.ip_address, text),
        ("ip", False, "STRING", "MAP"): lambda text: {_IP: str(ipaddress.ip_address(text))},
        ("family", True, "MAP", "INT"): lambda value: _address(value).version,
        ("isLoopback", True, "MAP", "BOOL"): lambda value: _address(value).is_loopback,
        ("isUnspecified", True, "MAP", "BOOL"): lambda value: _address(value).is_unspecified,
        ("isCIDR", False, "STRING", "BOOL"): lambda text: "/" in text and _works(ipaddress.ip_interface, text),
        ("cidr", False, "STRING", "MAP"): lambda text: {_CIDR: str(ipaddress.ip_interface(text))},
        ("containsIP", True, "MAP STRING", "BOOL"): lambda net, text: ipaddress.ip_address(text) in _network(net),
        ("containsCIDR", True, "MAP STRING", "BOOL"): _contains,
        ("prefixLength", True, "MAP", "INT"): lambda value: _network(value).prefixlen,
    }


def _works(check: Callable[[str], Any], text: str) -> bool:
    try:
        check(text)
    except (ValueError, ArithmeticError):
        return False
    return True


def _quantity(text: str) -> dict[str, str]:
    try:
        return {_QUANTITY: quantity.canonical(text)}
    except quantity.BadQuantity as error:
        raise ValueError(f"quantities must match the regular expression '{quantity.SYNTAX}'") from error


def _amount(value: Mapping[str, str]) -> Any:
    return quantity.parse(value[_QUANTITY])


def _sum(left: Any, right: Any) -> dict[str, str]:
    return {_QUANTITY: quantity.canonical(format(left + right, "f"))}


def _sign(value: Any) -> int:
    return int(value > 0) - int(value < 0)


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [found[0] for found in re.finditer(pattern, text)]


def _url(text: str) -> str:
    parts = urlsplit(text)
    if not (parts.scheme and parts.netloc) and not text.startswith("/"):
        raise ValueError(f'parse "{text}": invalid URI for request')
    return text


def _address(value: Mapping[str, str]) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(value[_IP])


def _network(value: Mapping[str, str]) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_interface(value[_CIDR]).network


def _contains(net: Mapping[str, str], text: str) -> bool:
    outer, inner = _network(net), ipaddress.ip_interface(text).network
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def duration(text: str) -> timedelta:
    """A duration as Go writes it (`1h30m`).

    Raises:
        ValueError: It is none.
    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.lstrip("+-"):
        raise ValueError(f"time: invalid duration {text!r}")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def moment(text: str) -> datetime:
    """A time of RFC 3339, or a date.

    Raises:
        ValueError: It is none.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)  # noqa: UP017
