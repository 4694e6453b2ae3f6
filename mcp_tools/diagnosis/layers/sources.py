"""Reading a checkout: Dockerfiles, charts, manifests."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_tools.docker.dockerfile.stages import env_of, stages_of
from mcp_tools.docker.dockerfile.syntax import parse
from mcp_tools.stack.images import NOT_BUILT_FROM

Object = dict[str, Any]
MAX_FILES = 20_000
MAX_BYTES = 1_000_000
MANIFESTS = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """What a Dockerfile's last stage says.

    Attributes:
        path: Of the file; the directory that it is in is what is built.
        exposed: Port numbers.
        sets: Names of variables.
    """

    path: Path
    exposed: frozenset[int]
    sets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """A Helm chart.

    Attributes:
        values: The paths of its values files with what stands in them.
        templates: The text of all templates.
        others: Keys that subcharts read.
    """

    path: Path
    values: tuple[tuple[Path, Object], ...]
    templates: str
    others: frozenset[str]


@dataclass(slots=True)
class Sources:
    """What was read.

    Attributes:
        manifests: The objects of manifests with the files that they are in.
        unseen: What could not be read.
    """

    root: Path
    dockerfiles: list[Dockerfile] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    manifests: list[tuple[Path, Object]] = field(default_factory=list)
    unseen: dict[str, None] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        """A path as people write it, from the root."""
        return path.relative_to(self.root).as_posix()

    def text(self, path: Path) -> str:
        """What stands in a file; nothing where it cannot be read, which is noted in `unseen`."""
        try:
            if path.stat().st_size <= MAX_BYTES:
                return path.read_text("utf-8", "replace")
            self.unseen[f"{self.name(path)} (too large)"] = None
        except OSError as error:
            self.unseen[f"{self.name(path)} ({error.strerror})"] = None
        return ""


def read_sources(root: Path) -> Sources:
    """Read a directory; what cannot be read or parsed is noted in `unseen`."""
    found = Sources(root)
    for path in _files(found):
        if path.name == "Chart.yaml":
            found.charts.append(_chart(found, path.parent))
        elif path.name == "Dockerfile" and (text := found.text(path)):
            found.dockerfiles.append(_dockerfile(path, text))
    charts = [chart.path for chart in found.charts]
    for path in _files(found):
        if path.suffix in MANIFESTS and not any(path.is_relative_to(chart) for chart in charts):
            found.manifests += [(path, item) for item in _documents(found, path) if _is_manifest(item)]
    return found


def _files(found: Sources) -> Iterator[Path]:
    number = 0
    for directory, folders, files in os.walk(found.root):
        folders[:] = sorted(name for name in folders if name not in NOT_BUILT_FROM and not name.startswith("."))
        for name in sorted(files):
            number += 1
            if number > MAX_FILES:
                found.unseen[f"files beyond the first {MAX_FILES}"] = None
                return
            yield Path(directory) / name


def _documents(found: Sources, path: Path) -> list[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(yaml.load_all(found.text(path), Loader=loader))
    except (yaml.YAMLError, ValueError):
        found.unseen[f"{found.name(path)} (no YAML)"] = None
        return []


def _is_manifest(item: Any) -> bool:
    meta = item.get("metadata") if isinstance(item, dict) and item.get("apiVersion") and item.get("kind") else None
    return isinstance(meta, dict) and isinstance(meta.get("name"), str)


def _dockerfile(path: Path, text: str) -> Dockerfile:
    final = stages_of(parse(text)).final
    if final is None:
        return Dockerfile(path, frozenset(), frozenset())
    lines = [final.said(one) for one in final.whole if one.keyword == "EXPOSE"]
    ports = {int(port) for line in lines for port in re.findall(r"\b\d+\b", line)}
    sets = {name for one in final.whole if one.keyword == "ENV" for name, _ in env_of(one, {})}
    return Dockerfile(path, frozenset(ports), frozenset(sets))


def _chart(found: Sources, path: Path) -> Chart:
    values = [(file, item) for file in sorted(path.glob("values*.yaml")) for item in _documents(found, file)[:1]]
    texts = [found.text(file) for file in sorted((path / "templates").rglob("*")) if file.is_file()]
    about = next(iter(_documents(found, path / "Chart.yaml")), None) or {}
    others = {"global"}
    for one in about.get("dependencies") or ():
        others |= {str(one.get("alias") or one.get("name")), str(one.get("condition", "")).partition(".")[0]}
    return Chart(
        path,
        tuple((file, item) for file, item in values if isinstance(item, dict)),
        "\n".join(texts),
        frozenset(others),
    )
