"""Secrets that end up in layers, in the image's history or in its environment. Their values are never told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_tools.docker.dockerfile.context import Context, clean_path
from mcp_tools.docker.dockerfile.edits import DOCKERIGNORE, Edit
from mcp_tools.docker.dockerfile.model import Finding, Look, finding, rule
from mcp_tools.docker.dockerfile.stages import args_of, env_of, operands
from mcp_tools.reads.answer import listed
from mcp_tools.redaction import is_secret_name, redact_text

_FILES = re.compile(
    r"(?:^|/)(?:\.env(?:\.(?!example$|sample$|template$|dist$)[\w.-]+)?|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:pem|p12|pfx|jks|keystore)"
    r"|\.git-credentials|\.netrc|\.pgpass|\.pypirc|\.htpasswd|credentials\.json|service[-_]account[^/]*\.json"
    r"|\.aws/credentials|\.kube/config|\.docker/config\.json|kubeconfig)$"
)
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_NPMRC = re.compile(r"_(?:authToken|password|auth)\s*=\s*(?!\$\{)\S")
_PLACEHOLDER = re.compile(
    r"^(?:|change-?me|example|dummy|placeholder|none|null|false|true|unset|xxx+|\*+|<.*>|\$.*)$", re.IGNORECASE
)
_REFERENCE = re.compile(r"\$\([^)]*\)|\$\{[^}]*\}|\$\w+")
_PUBLIC = re.compile(r"(?:PUBLIC|GPG_KEY|_FILE|_PATH|_URL|_NAME|_LENGTH|_EXPIR)", re.IGNORECASE)


@rule("secret-in-env", "A secret in the environment of the image", "high", "DL3064")
def secret_in_env(look: Look) -> Iterator[Finding]:
    """BuildKit's check SecretsUsedInArgOrEnv: whoever has the image reads its environment."""
    for stage in look.layout.stages:
        for found in stage.body:
            if found.keyword in {"ENV", "LABEL"}:
                for name, value in env_of(found, stage.scopes.get(found.line, {})):
                    held = _held(name, value)
                    if held:
                        reason = f"{found.keyword} {name} {held}: `docker inspect` shows it to whoever has the image"
                        yield finding(found.line, f"{reason}. Give it when the container starts")


@rule("secret-in-arg", "A secret as a build argument", "high", "DL3064")
def secret_in_arg(look: Look) -> Iterator[Finding]:
    """Docker: "Build secrets"; the values of arguments stand in the image's history."""
    for found in look.file.instructions:
        if found.keyword == "ARG":
            for name, default in args_of(found, {}):
                if is_secret_name(name) and not _PUBLIC.search(name):
                    held = (
                        "has its secret in the file"
                        if default and not _PLACEHOLDER.match(default)
                        else "stands in the image's history"
                    )
                    yield finding(
                        found.line,
                        f"The value of ARG {name} {held}; RUN --mount=type=secret,id={name.lower()} leaves no trace",
                    )


def _held(name: str, value: str) -> str:
    if _PLACEHOLDER.match(value):
        return ""
    if is_secret_name(name) and not _PUBLIC.search(name):
        return "is set in the file"
    return (
        "holds a credential"
        if redact_text(f"{name}={value}") != f"{name}={value}" and redact_text(value) != value
        else ""
    )


@rule("secret-in-run", "A secret in a command", "high")
def secret_in_run(look: Look) -> Iterator[Finding]:
    """The commands of RUN stand in the image's history."""
    for stage in look.layout.stages:
        for found in stage.body:
            if found.keyword == "RUN":
                text = _REFERENCE.sub("", found.value.text + "".join(doc.content for doc in found.heredocs))
                if redact_text(text) != text:
                    reason = "The command holds what looks like a credential, and the image's history the command"
                    yield finding(found.line, f"{reason}: use RUN --mount=type=secret")


@rule("secret-file", "A file with secrets is copied into the image", "high")
def secret_file(look: Look) -> Iterator[Finding]:
    """What one layer holds a later one cannot take back."""
    wanted: dict[str, int] = {}
    for stage in look.layout.stages:
        for found in stage.body:
            if found.keyword in {"COPY", "ADD"} and found.flag("from") is None and not found.heredocs:
                for word in operands(found)[:-1]:
                    for path in _secret_files(look.context, stage.said(found, word.text)):
                        wanted.setdefault(path, found.line)
    by_line: dict[int, list[str]] = {}
    for path, line in wanted.items():
        by_line.setdefault(line, []).append(path)
    text = look.ignore_text or ""
    for line, paths in by_line.items():
        found = next(one for one in look.file.instructions if one.line == line)
        explicit = {clean_path(word.text) for word in operands(found)} & set(paths)
        new = "".join(f"{path}\n" for path in paths)
        gap = "\n" if text and not text.endswith("\n") else ""
        edits = () if explicit else (Edit(DOCKERIGNORE, len(text), len(text), gap + new),)
        yield finding(line, f"{listed(paths, 3)} gets into a layer, where whoever has the image reads it", *edits)


def _secret_files(context: Context, path: str) -> Iterator[str]:
    clean = clean_path(path)
    there = list(context.below(path))
    if not there and _FILES.search(clean) and not context.ignored(clean):
        yield clean  # named, whether it is here or not
    for one in there:
        if "node_modules/" in one.path or ".venv/" in one.path or "site-packages/" in one.path:
            continue
        if _FILES.search(one.path):
            if not one.path.endswith(".pem") or _PRIVATE.search(context.text(one.path)):
                yield one.path
        elif (one.path.endswith(".npmrc") and _NPMRC.search(context.text(one.path))) or (
            one.path.endswith(".key") and _PRIVATE.search(context.text(one.path))
        ):
            yield one.path
