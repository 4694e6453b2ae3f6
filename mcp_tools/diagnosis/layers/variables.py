"""The environment variables that code cannot do without, in the ways that each language has to say so."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.stack.images import NOT_BUILT_FROM

if TYPE_CHECKING:
    from mcp_tools.diagnosis.layers.sources import Sources

_NAME = r"([A-Z][A-Z0-9_]*)"
_QUOTED = rf"[\"'`]{_NAME}[\"'`]"
_HELPER = re.compile(rf"\b(?:must|require)\w*env\w*\(\s*{_QUOTED}", re.IGNORECASE)
"""`requireEnv("NAME")`, `mustGetenv("NAME")`: helpers that everybody writes."""
_NODE = (
    re.compile(rf"\bprocess\.env\.{_NAME}!"),
    re.compile(rf"\bif\s*\(\s*!process\.env\.{_NAME}\s*\)[\s{{]*(?:throw\b|process\.exit\b|console\.error\b)"),
    re.compile(rf"\bassert\w*(?:\.ok)?\(\s*process\.env\.{_NAME}\s*[,)]"),
    _HELPER,
)
_GO = (
    re.compile(rf"\benv:\"{_NAME},(?:\w+,)*(?:required|notEmpty)\b"),
    re.compile(rf"\benvconfig:\"{_NAME}\"[^`\n]*\brequired:\"true\""),
    # name := os.Getenv("NAME"); if name == "" { log.Fatal(…) }
    re.compile(
        rf"\bos\.Getenv\(\"{_NAME}\"\)\s*;?\s*(?:if\s+)?(?:if\s+\w+\s*==\s*\"\"|==\s*\"\")\s*{{\s*(?:log\.Fatal|panic\(|os\.Exit)"
    ),
    re.compile(
        rf"\bos\.LookupEnv\(\"{_NAME}\"\)\s*;?\s*(?:if\s+)?!\w+\s*{{\s*(?:log\.Fatal|panic\(|os\.Exit)", re.MULTILINE
    ),
    _HELPER,
)
_JAVA = (
    re.compile(rf"\brequireNonNull\(\s*System\.getenv\(\"{_NAME}\"\)"),
    re.compile(rf"@Value\(\"\${{{_NAME}}}\"\)"),
)
_SPRING = (re.compile(rf"\${{{_NAME}}}"),)
_RUST = (re.compile(rf"\benv::var(?:_os)?\(\"{_NAME}\"\)\s*(?:\?|\.(?:unwrap|expect)\()"), _HELPER)
_RUBY = (re.compile(rf"\bENV\.fetch\(\s*{_QUOTED}\s*\)(?!\s*(?:{{|do\b))"),)
_WRITTEN = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx"), _NODE),
    ".go": _GO,
    **dict.fromkeys((".java", ".kt"), _JAVA),
    ".rs": _RUST,
    ".rb": _RUBY,
}
_COMMENT = re.compile(r"^[ \t]*(?://|#|\*).*$", re.MULTILINE)
_TRIED = re.compile(r"(?:_test\.go|[._](?:test|spec)\.[a-z]+|_spec\.rb|\.config\.[a-z]+|\.d\.ts)$")
"""Files that do not run in the container."""
_SPRING_FILE = re.compile(r"^application(?:-[\w-]+)?\.(?:properties|ya?ml)$")


def required_variables(found: Sources, directory: Path) -> dict[str, str]:
    """The variables without which the code of a directory ends, each with `file:line`.

    Python: `os.environ["NAME"]`, and the fields without a default of a `BaseSettings` whose configuration names no
    prefix. Node, Go, Java and Kotlin (with Spring's `${NAME}`), Rust and Ruby: what says in one expression that there
    is no default. What code decides in any other way is not seen.
    """
    named: dict[str, str] = {}
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(
            name for name in folders if name not in NOT_BUILT_FROM | {"test"} and not name.startswith(".")
        )
        for path in (Path(folder) / name for name in sorted(files)):
            for name, line in _required_by(found, path):
                named.setdefault(name, f"{found.name(path)}:{line}")
    return named


def _required_by(found: Sources, path: Path) -> Iterator[tuple[str, int]]:
    if path.suffix == ".py":
        yield from _required_by_python(found, path)
        return
    patterns = _SPRING if _SPRING_FILE.match(path.name) else _WRITTEN.get(path.suffix, ())
    if not patterns or _TRIED.search(path.name):
        return
    # A comment keeps its length, so that lines stay where they are.
    text = _COMMENT.sub(lambda comment: " " * len(comment.group()), found.text(path))
    hits = sorted((hit.start(), hit.group(1)) for pattern in patterns for hit in pattern.finditer(text))
    for start, name in hits:
        yield name, text.count("\n", 0, start) + 1


def _required_by_python(found: Sources, path: Path) -> Iterator[tuple[str, int]]:
    try:
        tree = ast.parse(found.text(path))
    except (SyntaxError, ValueError):
        found.unseen[f"{found.name(path)} (no Python)"] = None
        return
    for node in ast.walk(tree):
        for name in _read_by(node):
            yield name, getattr(node, "lineno", 0)


def _read_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        if ast.unparse(node.value) in {"os.environ", "environ"} and isinstance(node.slice, ast.Constant):
            yield str(node.slice.value)
    elif isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("BaseSettings") for base in node.bases):
        if "env_prefix" in ast.unparse(node):
            return
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and item.value is None and isinstance(item.target, ast.Name):
                yield item.target.id.upper()
