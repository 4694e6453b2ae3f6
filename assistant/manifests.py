"""Manifests as a person names them: a file, a folder, standard input, an address that the policy allows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.errors import NotAllowed, ShipmateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BYTES = 1_000_000
SECONDS = 20.0
OK = 200
SUFFIXES = frozenset({".yaml", ".yml", ".json"})
KUSTOMIZATION = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def read_manifest(source: str, allowed_urls: Sequence[str] = ()) -> str:
    """The text of a manifest; the files of a folder in the order of their names, as one text of several documents.

    Args:
        source: A path, `-` for standard input, or an https address.
        allowed_urls: Shell patterns of the addresses that may be read.

    Raises:
        UsageError: There is nothing to read there, it is too large or no text.
        NotAllowed: The address is not among the allowed ones.
        ShipmateError: The address does not answer with a manifest.
    """
    if source == "-":
        if sys.stdin.isatty():
            raise UsageError("There is no manifest on standard input.", "Pipe one in: `… | shipmate ask 'apply -f -'`.")
        return _bounded(sys.stdin.read(MAX_BYTES + 1), "standard input")
    if "://" in source:
        return _fetched(source, allowed_urls)
    path = Path(source).expanduser()
    if path.is_dir():
        return "\n---\n".join(_file(file) for file in _files(path))
    return _file(path)


def _files(folder: Path) -> list[Path]:
    if any((folder / name).exists() for name in KUSTOMIZATION):
        raise UsageError(
            f"{folder} is a kustomization.", f"Render it: `kubectl kustomize {folder} | shipmate ask 'apply -f -'`."
        )
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise UsageError(f"There is no manifest in {folder}.", "Name a folder with .yaml or .json files.")
    return files


def _file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return _bounded(file.read(MAX_BYTES + 1), str(path))
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.", "Name a manifest or a folder of them.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Name a readable manifest.") from error


def _fetched(source: str, allowed: Sequence[str]) -> str:
    from fnmatch import fnmatchcase

    import urllib3

    place = source.partition("?")[0]
    if not source.startswith("https://") or not any(fnmatchcase(source, pattern) for pattern in allowed):
        raise NotAllowed(
            f"Manifests are not read from {place}.",
            "Fetch and look at it first, or allow it: `manifest_urls` of the policy in config.toml.",
        )
    try:
        # A redirect could lead to where the policy does not allow.
        response = urllib3.request("GET", source, redirect=False, timeout=SECONDS, preload_content=False, retries=False)
        with response:
            if response.status != OK:
                raise ShipmateError(f"{place} answered with status {response.status}.", "Fetch it yourself.")
            return _bounded(response.read(MAX_BYTES + 1).decode(), source)
    except (urllib3.exceptions.HTTPError, UnicodeDecodeError) as error:
        raise ShipmateError(f"{place} gave no manifest: {error}.", "Fetch it yourself.") from error


def _bounded(text: str, source: str) -> str:
    if len(text) > MAX_BYTES:
        raise UsageError(f"{source} is larger than {MAX_BYTES // 1000} kB.", "Apply it in parts.")
    return text
