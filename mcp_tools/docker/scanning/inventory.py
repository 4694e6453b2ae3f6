"""What an image holds: its packages with the layer that brought each, its distribution, its layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_tools.docker.scanning.archive import find_image, read_image
from mcp_tools.docker.scanning.layers import Layer, read_layer, removed_by
from mcp_tools.docker.scanning.model import Distribution, Package, PackageKey
from mcp_tools.docker.scanning.packages.registry import reader_of
from mcp_tools.redaction import redact_text

_MAX_STEP = 300
# Debian writes no VERSION_ID before a release is out.
_CODENAMES = {"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"}


@dataclass(frozen=True, slots=True)
class Step:
    """One layer as it is told: the instruction that made it, without secrets, and its files' size in bytes."""

    number: int
    created_by: str
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """What was read of an image.

    Attributes:
        name: As it was asked for.
        id: `sha256:…`.
        config: The image's configuration, as it is.
        contents: What was seen in each layer, the lowest first.
        packages: Sorted; those of lock files only where nothing was installed beside them.
        unread: What should have been read and could not be, one sentence each.
        incomplete: Those of `unread` that leave packages of the distribution unknown.
    """

    name: str
    id: str
    config: dict[str, Any]
    distribution: Distribution
    layers: list[Step]
    contents: list[Layer]
    packages: list[Package]
    unread: list[str]
    incomplete: list[str]

    @property
    def architecture(self) -> str:
        """`linux/arm64/v8`."""
        parts = (self.config.get("os"), self.config.get("architecture"), self.config.get("variant"))
        return "/".join(str(part) for part in parts if part)

    @property
    def created(self) -> str:
        """When it was made, as its configuration says (RFC 3339); may be empty."""
        return str(self.config.get("created") or "")

    def visible(self, attribute: str) -> Iterator[tuple[int, str, Any]]:
        """What `attribute` of the layers holds and no later layer hides: layer from 1, path, value."""
        for index, path, value in entries(self.contents, attribute):
            if removed_by(self.contents, index, path) is None:
                yield index + 1, path, value


def take_inventory(client: Any, name: str) -> Image:
    """Read an image of an engine, once, as a stream.

    Args:
        client: A `docker.APIClient`, or a `docker.DockerClient`. An engine may gather all of an image before it sends
            the first byte, so its timeout should be minutes.
        name: A tag, a digest or an id.

    Raises:
        NotFound: The engine has no such image.
        UnreadableImage: What the engine saved is no valid image.
        ShipmateError: The engine refused or did not answer.
    """
    image = find_image(client, name)
    saved = read_image(client, image, read_layer)
    unread = _unread(saved.layers)
    return Image(
        name=name,
        id=image,
        config=saved.config,
        distribution=_distribution(saved.layers),
        layers=_steps(saved.config, saved.layers),
        contents=saved.layers,
        packages=_packages(saved.layers),
        unread=[told for _, told in unread],
        incomplete=[told for path, told in unread if (reader := reader_of(path)) and reader.is_database],
    )


def entries(layers: Sequence[Layer], attribute: str) -> Iterator[tuple[int, str, Any]]:
    """What `attribute` of every layer holds: index of the layer, path, value (None for a set's)."""
    for index, layer in enumerate(layers):
        held = getattr(layer, attribute)
        for path in sorted(held):
            yield index, path, held[path] if isinstance(held, dict) else None


def _distribution(layers: Sequence[Layer]) -> Distribution:
    for path in ("etc/os-release", "usr/lib/os-release"):
        for index in range(len(layers) - 1, -1, -1):
            if path in layers[index].os_release and removed_by(layers, index, path) is None:
                return _os_release(layers[index].os_release[path])
    return Distribution()


def _os_release(content: str) -> Distribution:
    """os-release(5): assignments of a shell, perhaps quoted."""
    fields: dict[str, str] = {}
    for line in content.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            fields[key] = value.strip().strip("\"'")[:200]
    version = fields.get("VERSION_ID") or _CODENAMES.get(fields.get("VERSION_CODENAME", ""), "")
    return Distribution(fields.get("ID", "").lower(), version, redact_text(fields.get("PRETTY_NAME", "")))


def _steps(config: dict[str, Any], layers: Sequence[Layer]) -> list[Step]:
    history = [step for step in config.get("history") or [] if isinstance(step, dict) and not step.get("empty_layer")]
    words = [" ".join(redact_text(str(step.get("created_by") or "")).split())[:_MAX_STEP] for step in history]
    words += [""] * (len(layers) - len(words))
    return [Step(number, words[number - 1], layer.size) for number, layer in enumerate(layers, start=1)]


def _packages(layers: Sequence[Layer]) -> list[Package]:
    owned = frozenset[str]().union(
        *(files for index, path, files in entries(layers, "owned") if removed_by(layers, index, path) is None)
    )
    found: dict[PackageKey, Package] = {}
    for index, path, packages in entries(layers, "packages"):
        if removed_by(layers, index, path) is not None:
            continue
        earlier = _earlier(layers, index, path)
        for package in packages:
            brought = _first(earlier, package, index) + 1
            one = dataclasses.replace(package, layer=brought, owned=package.path in owned)
            kept = found.get(package.key)
            # Of the same package seen twice, the one that is installed, and is nobody else's, tells more.
            if kept is None or (kept.declared, kept.owned) > (one.declared, one.owned):
                found[package.key] = one
    installed = [package.path for package in found.values() if package.type == "npm" and not package.declared]
    kept_packages = [one for one in found.values() if not one.declared or not _has_modules(one.path, installed)]
    return sorted(kept_packages, key=lambda one: one.key)


def _earlier(layers: Sequence[Layer], index: int, path: str) -> list[tuple[int, frozenset[PackageKey]]]:
    """What a database named in the layers below, the nearest first, as far as it was never gone in between."""
    found: list[tuple[int, frozenset[PackageKey]]] = []
    for lower in range(index - 1, -1, -1):
        if path in layers[lower].packages:
            if removed_by(layers[:index], lower, path) is not None:
                break
            index = lower
            found.append((lower, frozenset(package.key for package in layers[lower].packages[path])))
    return found


def _first(earlier: list[tuple[int, frozenset[PackageKey]]], package: Package, index: int) -> int:
    """The layer from which on the database has named the package without a break."""
    for lower, keys in earlier:
        if package.key not in keys:
            break
        index = lower
    return index


def _has_modules(lock: str, installed: list[str]) -> bool:
    folder = lock.rpartition("/")[0]
    modules = f"{folder}/node_modules/" if folder else "node_modules/"
    return any(path.startswith(modules) for path in installed)


def _unread(layers: Sequence[Layer]) -> list[tuple[str, str]]:
    """Each with its path."""
    problems = [
        (path, f"{path}: {why}")
        for index, path, why in entries(layers, "unread")
        if removed_by(layers, index, path) is None
    ]
    odd = sum(layer.odd for layer in layers)
    return problems + (
        [("", f"{odd} entries have names that lead out of the image and were passed over")] if odd else []
    )
