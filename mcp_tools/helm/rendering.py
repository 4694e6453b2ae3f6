"""What a chart becomes with its values, by Helm's own dry run against the cluster."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import UsageError
from mcp_tools.helm.command import run
from mcp_tools.helm.releases import decoded
from mcp_tools.helm.values import nested

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.helm.releases import Stored

MAX_CHART = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """A chart and what is set in it.

    Attributes:
        chart: A directory or archive of this machine (absolute), `oci://…`, or `repository/chart`.
        values: Files of this machine (absolute), the last one wins.
        sets: Values as the chart has them, over those of the files.
        keep: What the release was given before stays, below all of these.
        version: Of a chart from a registry or repository.
    """

    chart: str
    values: tuple[str, ...] = ()
    sets: dict[str, Any] = field(default_factory=dict)
    keep: bool = False
    version: str = ""

    @property
    def words(self) -> list[str]:
        """Helm's arguments for it; `-f -` reads `sets`."""
        files = [word for path in self.values for word in ("--values", path)]
        kept = ["--reset-then-reuse-values" if self.keep else "--reset-values"]
        return [self.chart, *files, "--values", "-", *kept, *(["--version", self.version] if self.version else [])]

    def digest(self) -> str:
        """What tells the local files as they are from as they were; a `UsageError` where one cannot be read."""
        hashed = hashlib.sha256()
        total = 0
        try:
            for path in _files(self):
                content = path.read_bytes()
                total += len(content)
                if total > MAX_CHART:
                    raise UsageError(f"{self.chart} is larger than {MAX_CHART // 1024**2} MiB.", "Is it a chart?")
                hashed.update(f"{path}\0{len(content)}\0".encode() + content)
        except OSError as error:
            raise UsageError(f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions.") from error
        return hashed.hexdigest()


def source(
    chart: Path | str,
    values: Sequence[Path | str] = (),
    sets: Mapping[str, Any] | None = None,
    *,
    keep: bool = False,
    version: str | None = None,
) -> Source:
    """A chart and its values as a person names them, checked.

    Args:
        sets: By path, such as `image.tag`.

    Raises:
        UsageError: There is no such chart or file here, or a path is none.
    """
    name = str(chart)
    if not name.strip() or name.startswith("-") or "\0" in name:
        raise UsageError(f"{name!r} names no chart.", "A directory, a .tgz, oci://…, or repository/chart.")
    local = Path(name).expanduser()
    if local.exists():
        if local.is_dir() and not (local / "Chart.yaml").is_file():
            raise UsageError(f"{local} holds no chart: there is no Chart.yaml.", "Name the directory that has it.")
        name = str(local.resolve())
    elif "://" not in name and (name.count("/") != 1 or name.startswith((".", "/", "~"))):
        raise UsageError(f"There is no chart {name} here.", "A directory, a .tgz, oci://…, or repository/chart.")
    paths = [Path(path).expanduser().resolve() for path in values]
    for path in paths:
        if not path.is_file():
            raise UsageError(f"There is no values file {path}.", "Name a YAML file of this machine.")
    return Source(name, tuple(map(str, paths)), nested(sets or {}), keep, version or "")


def render(connection: Connection, release: str, namespace: str, given: Source) -> Stored:
    """The release as an install or upgrade would make it; nothing is written.

    Raises:
        HelmFailed: The chart or its values are refused; says why.
        ShipmateError: As `run`.
    """
    words = ["upgrade", "--install", release, *given.words, "--dry-run=server", "--output", "json"]
    printed = run(connection, namespace, words, given.sets)
    return decoded(printed[printed.find("{") :])


def _files(given: Source) -> list[Path]:
    chart = Path(given.chart)
    inside = sorted(path for path in chart.rglob("*") if path.is_file()) if chart.is_dir() else []
    return [*inside, *([chart] if chart.is_file() else []), *map(Path, given.values)]
