"""Writing an image's bill of materials into a file: asked for, and taken back, as any other change."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.docker.engine import engine
from mcp_tools.docker.scanning.scan import sbom
from mcp_tools.errors import Conflict, NotFound, UsageError

if TYPE_CHECKING:
    from mcp_tools.changes.model import Reporter

SAVE_SECONDS = 600.0
"""An engine may gather all of an image before it sends the first byte."""
CONTEXT = "local-files"
SPDX = ".spdx.json"
CYCLONEDX = ".cdx.json"


def bill_file(image: str, name: str, folder: Path) -> Work:
    """The change that writes a bill of materials.

    Args:
        name: Of the file; SPDX where it ends in `.spdx.json`, else CycloneDX. Without one it is the image's.
        folder: Where it is written.

    Raises:
        UsageError: The file is there already, or would be elsewhere.
        ShipmateError: As `sbom`.
    """
    plain = re.sub(r"[^\w.-]+", "-", image.rpartition("/")[2])
    place = folder / (name or f"{plain}{CYCLONEDX}")
    if place.parent != folder or place.name.startswith("."):
        raise UsageError(f"{name} is not a plain file name.", f"It is written in {folder}.")
    if place.exists():
        raise UsageError(f"{place} is there already.", "Name another file, or move that one away.")
    spdx = place.name.endswith(SPDX)
    with engine(SAVE_SECONDS) as api:
        text = sbom(api, image, "spdx" if spdx else "cyclonedx")
    number = len(msgspec.json.decode(text)["packages" if spdx else "components"])

    def carry_out(reporter: Reporter) -> None:
        with place.open("x", encoding="utf-8") as file:
            file.write(text)
        reporter(Progress(Phase.APPLYING, f"{place} is written"))

    def take_back(_: Reporter) -> str:
        place.unlink(missing_ok=True)
        return "the file is gone again"

    form = "SPDX 2.3" if spdx else "CycloneDX 1.6"
    return Work(
        "write_sbom",
        f"Write the bill of materials of {image} to {place.name}",
        CONTEXT,
        ObjectRef("", "File", "files", str(place), None),
        (FieldChange((place.name,), ABSENT, f"{number} components, {form}, {len(text.encode()) // 1024} KiB"),),
        exists=False,
        carry_out=heeding(carry_out),
        take_back=heeding(take_back),
        arguments={"files": [str(place)]},
        back={"do": "unwrite", "file": str(place), "sha256": _digest(text.encode())},
    )


def unwriting(file: str, sha256: str) -> Work:
    """The change that takes away a file that was written, as long as nobody changed it.

    Args:
        sha256: Of what was written, hexadecimal.

    Raises:
        NotFound: It is gone.
        Conflict: It holds something else.
    """
    place = Path(file)
    written = _require(place, sha256)

    def carry_out(reporter: Reporter) -> None:
        _require(place, sha256)
        place.unlink()
        reporter(Progress(Phase.APPLYING, f"{place} is gone"))

    def take_back(_: Reporter) -> str:
        place.write_bytes(written)
        return "the file is back"

    return Work(
        "undo",
        "",
        CONTEXT,
        ObjectRef("", "File", "files", file, None),
        (FieldChange((place.name,), f"{len(written) // 1024} KiB", ABSENT),),
        exists=True,
        carry_out=heeding(carry_out),
        take_back=heeding(take_back),
        arguments={"files": [file]},
    )


def _require(place: Path, sha256: str) -> bytes:
    if not place.is_file():
        raise NotFound(f"{place} is gone.")
    held = place.read_bytes()
    if _digest(held) != sha256:
        raise Conflict(f"{place} was changed since it was written.", "Delete it yourself if it is not wanted.")
    return held


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
