"""Where the todo stack's files are: inside an installed package, or in a checkout."""

from __future__ import annotations

from pathlib import Path

from mcp_tools.errors import ShipmateError

MARKS = ("apps/backend/Dockerfile", "apps/frontend/Dockerfile", "apps/mcp-server/Dockerfile")


def manifests_dir() -> Path:
    """The directory with the stack's numbered manifests.

    Raises:
        ShipmateError: Neither place has them; the installation is incomplete.
    """
    here = Path(__file__).resolve()
    for candidate in (here.parent / "manifests", here.parents[2] / "manifests"):
        if any(candidate.glob("[0-9][0-9]-*.yaml")):
            return candidate
    raise ShipmateError("The todo stack's manifests are missing from this installation.", "Install Shipmate again.")


def manifest_files() -> list[Path]:
    """The manifests in the order in which they are applied; errors as `manifests_dir`."""
    return sorted(manifests_dir().glob("[0-9][0-9]-*.yaml"))


def database_manifest() -> Path:
    """The PostgreSQL inside the cluster, for development; errors as `manifests_dir`."""
    return manifests_dir() / "development" / "postgres.yaml"


def chart_dir() -> Path:
    """The stack's Helm chart, inside an installed package or in a checkout; errors as `manifests_dir`."""
    here = Path(__file__).resolve()
    for candidate in (here.parent / "chart", here.parents[2] / "helm" / "todo-app"):
        if (candidate / "Chart.yaml").is_file():
            return candidate
    raise ShipmateError("The todo stack's chart is missing from this installation.", "Install Shipmate again.")


def checkout() -> Path | None:
    """The root of the sources: around the working directory, or what Shipmate runs from; None where there are none."""
    here = Path.cwd()
    candidates = (here, *here.parents, Path(__file__).resolve().parents[2])
    return next((place for place in candidates if all((place / mark).is_file() for mark in MARKS)), None)
