"""Where the todo stack's manifests are: inside an installed package, or at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

from mcp_tools.errors import ShipmateError


def manifests_dir() -> Path:
    """The directory with the stack's numbered manifests.

    Raises:
        ShipmateError: Neither place has them; the installation is incomplete.
    """
    here = Path(__file__).resolve()
    for candidate in (here.parent / "manifests", here.parents[2] / "manifests"):
        if any(candidate.glob("*.yaml")):
            return candidate
    raise ShipmateError("The todo stack's manifests are missing from this installation.", "Install Shipmate again.")


def manifest_files() -> list[Path]:
    """The manifests in the order in which they are applied; errors as `manifests_dir`."""
    return sorted(manifests_dir().glob("*.yaml"))
