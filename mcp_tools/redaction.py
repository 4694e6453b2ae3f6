"""The one function every byte passes on its way to a model, an MCP client, a log or the journal.

Two kinds of knowledge decide what is masked: where a value stands (the data of a Secret, an environment variable or
field whose name says password) and what it looks like (private keys, JWTs, credentials in URLs, the token formats that
vendors publish). Masking too much costs a detail; masking too little costs a secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

MASK = "[redacted]"

_WORD = (
    r"(?:pass(?:word|wd|phrase|code)|(?<![A-Za-z])pass|(?<!old)(?<![A-Za-z])pwd(?![:=]/)|secret|token|credentials?|authorization|cookie"
    r"|(?:api|access|secret|private|signing|encryption|master|auth|account|client|storage|shared)[_.-]?key(?:[_.-]data)?"
    r"|api[_.-]?secret|client[_.-]?secret|connection[_.-]?string|dsn)"
)
# The name must END in the word: `secretName`, `tokenExpirationSeconds` and `PASSWORD_FILE` are no secrets.
_SECRET_NAME = re.compile(rf"{_WORD}\d*$", re.IGNORECASE)
_SECRET_FLAG = re.compile(rf"--?[\w.-]{{0,60}}?{_WORD}\d*", re.IGNORECASE)
_HARMLESS_NAMES = frozenset({"automountserviceaccounttoken", "continue_token", "pwd", "oldpwd"})

_HINT = re.compile(
    r"pass|pwd|secret|token|credential|authorization|bearer|basic|cookie|[_.-]?key|connection|dsn|sig=|eyJ|://"
    r"|curl|mysql|mariadb|-----BEGIN|sk-|gh[pousr]_|github_pat|glpat-|xox|AKIA|ASIA|AIza|npm_|hf_|dop_v1|pypi-",
    re.IGNORECASE,
)
# What follows a name and is no secret: a word of prose, a reference to a variable, a placeholder, a structure.
_HARMLESS = (
    r"(?!(?:not|no|missing|invalid|expired|required|null|none|nil|true|false|is|was|has|must|cannot|failed|unset|empty"
    r"|bearer|basic|and|or|for|from|of|in|to|the|a|an|denied|allowed|enabled|disabled)[.,;:!?)\]}]{0,3}(?:[\s\"'\\]|\Z)"
    r"|\$(?:\(\w+\)|\{\w+\}|(?-i:[A-Z_][A-Z0-9_]*))(?:[\s\"',;]|\Z)|<[a-z][^>\n]{0,80}>|\([a-z]+\)|[\[{])"
)
_SCHEME = r"(?P<a>\b[a-z][a-z0-9+.-]{0,30}://"
# Every rule takes time that grows with the length of the text and no faster, whoever wrote the text: what repeats is
# bounded, or cannot run into where the next match begins.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END \1-----|\Z)", re.DOTALL),
        MASK,
    ),
    # RFC 7519: three base64url parts, the first of which is a JSON object.
    (re.compile(r"\beyJ[\w-]{6,1000}\.[\w-]{4,}(?:\.[\w-]*)?"), MASK),
    # RFC 3986 user information: the password, or a lone token before the @. An image's digest stands behind an @ too.
    (
        re.compile(_SCHEME + r"[^\s:/@\"']{0,256}:)(?:(?!://)[^\s\"'])+(?=@(?!sha256:)[\w\[.-])", re.IGNORECASE),
        rf"\g<a>{MASK}",
    ),
    (re.compile(_SCHEME + r")[^\s:/@\"']{16,}(?=@)", re.IGNORECASE), rf"\g<a>{MASK}"),
    (
        re.compile(
            r"(?P<a>authorization\\*[\"']?[ \t]*[:=][ \t]*\\*[\"']?(?:bearer|basic|digest|negotiate|token|apikey)"
            r"[ \t]+)[^\s\"'\\]+",
            re.IGNORECASE,
        ),
        rf"\g<a>{MASK}",
    ),
    (
        re.compile(r"(?P<a>\b(?:bearer|basic)[ \t]+)(?=[\w.~+/-]*[\d.~+/=_])[\w.~+/-]{8,}=*", re.IGNORECASE),
        rf"\g<a>{MASK}",
    ),
    (
        re.compile(
            r"(?P<a>cookie\\*[\"']?[ \t]*[:=][ \t]*\\*[\"']?)" + _HARMLESS + r"[^\s\"'\\][^\n\"'\\]*", re.IGNORECASE
        ),
        rf"\g<a>{MASK}",
    ),
    (
        re.compile(
            r"\b(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
            r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|npm_\w{30,}|hf_\w{20,}|dop_v1_\w{32,}|pypi-[\w-]{32,})"
        ),
        MASK,
    ),
    (
        re.compile(
            r"(?P<a>(?<![\w-])--?[\w.-]{0,60}?"
            + _WORD
            + r"\d*[ =])(?P<q>[\"']?)(?!-)"
            + _HARMLESS
            + r"[^\s\"']+(?P=q)",
            re.IGNORECASE,
        ),
        rf"\g<a>{MASK}",
    ),
    (
        re.compile(
            r"(?P<a>" + _WORD + r"\d*\\*[\"']?[ \t]*[:=][ \t]*)"
            r"(?:(?P<q>\\*[\"'])(?:(?!(?P=q))(?:\\.|[^\n]))+(?:(?P=q)|)"
            r"|" + _HARMLESS + r"[^\s\"']+?(?=[,;&)\]}]{0,3}(?:[\s\"']|\Z)))",
            re.IGNORECASE,
        ),
        rf"\g<a>\g<q>{MASK}\g<q>",
    ),
    (re.compile(r"(?P<a>[?&;]sig=)[^\s&\"']+", re.IGNORECASE), rf"\g<a>{MASK}"),
    # Programs that take a password where no name says so.
    (
        re.compile(r"(?P<a>\bcurl\b[^\n]{0,300}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,100}:)[^\s\"']+"),
        rf"\g<a>{MASK}",
    ),
    (
        re.compile(r"(?P<a>\b(?:mysql|mariadb)[\w-]{0,20}\b[^\n]{0,300}?\s-p|\bsshpass\s+-p\s*)(?![\s-])[^\s\"']+"),
        rf"\g<a>{MASK}",
    ),
)
# What is typed to make a Secret: any of its values is one.
_MAKES_SECRET = re.compile(r"\b(?:create|make|add)\b[^\n]{0,60}?\bsecrets?\b(?P<values>[^\n]*)", re.IGNORECASE)
_ASSIGNED = re.compile(r"(?P<a>[\w.-]+=)(?:\"[^\"]*\"|'[^']*'|\S+)")
_SECRET_MANIFEST = re.compile(r"^[ \t]*[\"']?kind[\"']?:[ \t]*[\"']?Secret[\"']?[ \t]*$", re.MULTILINE)
_SECRET_DATA = re.compile(r"(?P<indent>[ \t]*)(?:data|stringData):(?P<flow>[ \t]*\{.*)?[ \t]*")


def is_secret_name(name: str) -> bool:
    """Whether a field or environment variable of this name holds a secret by convention."""
    return name.lower() not in _HARMLESS_NAMES and _SECRET_NAME.search(name) is not None


def redact_text(text: str) -> str:
    """Mask what looks like a secret in free text: logs, messages, errors, connection strings, JSON in a string."""
    if len(text) < 6 or not _HINT.search(text):  # noqa: PLR2004  nothing shorter can hold both a name and a value
        return text
    if text[:1] in {"{", "["}:
        text = _redact_json(text)
    if _SECRET_MANIFEST.search(text):
        text = _redact_manifest(text)
    text = _MAKES_SECRET.sub(lambda made: _ASSIGNED.sub(rf"\g<a>{MASK}", made[0]), text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any) -> Any:
    """Mask secrets in a JSON value; Kubernetes objects are recognised wherever they are nested.

    Returns:
        A copy; the input stays as it is.
    """
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return _redact_map(value)
    if isinstance(value, list | tuple):
        return _redact_list(value)
    return value


def redact_at(path: Sequence[Any], value: Any, kind: str = "") -> Any:
    """Mask a value that was cut out of an object, by the path it was cut from.

    Args:
        path: The steps from the object's root; a step into a named list is a pair of key and value.
        value: What stands there.
        kind: The object's kind: everything under the data of a Secret is masked.
    """
    if not isinstance(value, str | int | float | dict | list) or isinstance(value, bool):
        return value
    if kind == "Secret" and path and path[0] in {"data", "stringData"}:
        return dict.fromkeys(value, MASK) if isinstance(value, dict) else MASK
    last = path[-1] if path else None
    names = [step for step in (last,) if isinstance(step, str)]
    if last == "value" and len(path) > 1 and isinstance(path[-2], tuple):
        names.append(path[-2][1])
    if not isinstance(value, dict | list) and any(is_secret_name(name) for name in names):
        return MASK
    return redact(value)


def _redact_map(value: dict[str, Any]) -> dict[str, Any]:
    kind = value.get("kind")
    if kind in {"Secret", "secret", "secrets"}:
        return {
            key: _mask_values(item) if key in {"data", "stringData"} else _redact_entry(key, item)
            for key, item in value.items()
        }
    if kind == "SecretList" and isinstance(value.get("items"), list):
        return {**value, "items": [_redact_map({"kind": "Secret", **item}) for item in value["items"]]}
    name = value.get("name")
    if isinstance(name, str) and isinstance(value.get("value"), str) and is_secret_name(name):
        value = {**value, "value": MASK}
    return {key: _redact_entry(key, item) for key, item in value.items()}


def _redact_list(values: Sequence[Any]) -> list[Any]:
    redacted = [redact(item) for item in values]
    # A command line in parts: `--password` and its value are two elements.
    for index, (flag, value) in enumerate(pairwise(values), start=1):
        if isinstance(flag, str) and isinstance(value, str) and value[:1] != "-" and _SECRET_FLAG.fullmatch(flag):
            redacted[index] = MASK
    return redacted


def _redact_entry(key: Any, item: Any) -> Any:
    if item in ("", None) or isinstance(item, dict | list | tuple | bool) or not isinstance(key, str):
        return redact(item)
    return MASK if is_secret_name(key) else redact(item)


def _redact_json(text: str) -> str:
    """The text with the secrets of the JSON that it is masked; any other text as it came."""
    try:
        value = msgspec.json.decode(text)
        redacted = redact(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return text
    return text if redacted == value else msgspec.json.encode(redacted).decode()


def _redact_manifest(text: str) -> str:
    """The text of YAML documents with the data of the Secrets in it masked, whatever style they are written in."""
    documents = re.split(r"(^---[^\n]*\n)", text, flags=re.MULTILINE)
    return "".join(_redact_document(part) if _SECRET_MANIFEST.search(part) else part for part in documents)


def _redact_document(text: str) -> str:
    kept: list[str] = []
    inside: int | None = None
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if inside is not None and bare and len(line) - len(line.lstrip()) <= inside:
            inside = None
        if inside is not None and bare:
            key, colon, _ = line.rstrip("\n").partition(":")
            kept.append(f"{key}: {MASK}\n" if colon and " " not in key.strip() else f"{' ' * (inside + 2)}{MASK}\n")
            continue
        found = _SECRET_DATA.fullmatch(line.rstrip("\n"))
        if found:
            inside = len(found["indent"])
            line = f"{line.partition(':')[0]}: {MASK}\n" if found["flow"] else line  # noqa: PLW2901
        kept.append(line)
    return "".join(kept)


def _mask_values(data: Any) -> Any:
    return dict.fromkeys(data, MASK) if isinstance(data, dict) else MASK
