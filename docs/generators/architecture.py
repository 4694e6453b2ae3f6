"""Prints docs/images/architecture.svg as architecture.toml describes it: `make docs`.

The picture brings its own ground, light or dark as whoever looks at it prefers, and loads nothing.
"""

from __future__ import annotations

import textwrap
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

DESCRIPTION = Path(__file__).with_name("architecture.toml")
WIDTH = 860
MARGIN = 20
GAP = 34
"""Between two rows, for an arrow."""
FRAME_HEAD, FRAME_FOOT = 30, 12
FRAME_SIDE = 10
PAD = 8
LINE = 15
LETTER = 6.1
"""How wide a letter of a box's text is on average."""
STYLE = """
svg {
  --ground: #fff; --box: #f6f8fa; --outside: #fff8e6;
  --edge: #8c959f; --text: #1f2328; --quiet: #57606a; --frame: #0969da;
}
@media (prefers-color-scheme: dark) {
  svg {
    --ground: #0d1117; --box: #161b22; --outside: #272115;
    --edge: #6e7681; --text: #e6edf3; --quiet: #9da7b3; --frame: #58a6ff;
  }
}
text { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: var(--text); }
.ground { fill: var(--ground); }
.frame { fill: none; stroke: var(--frame); stroke-dasharray: 4 3; }
.head { fill: var(--frame); font-weight: 600; text-anchor: end; }
.box { fill: var(--box); stroke: var(--edge); }
.outside { fill: var(--outside); stroke: var(--edge); }
.name { font-weight: 600; font-size: 13px; }
.quiet { fill: var(--quiet); }
.arrow { stroke: var(--edge); stroke-width: 1.4; fill: none; }
.tip { fill: var(--edge); }
"""


@dataclass(slots=True)
class Box:
    """A rectangle with a name and lines of text.

    Attributes:
        name: The package or module, dotted; one word for what is outside.
        at: Its row, and the columns where it begins and ends.
        packages: The packages in it, relative to it.
    """

    name: str
    at: tuple[int, float, float]
    text: str
    title: str = ""
    packages: list[str] = field(default_factory=list)
    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0

    @property
    def outside(self) -> bool:
        """It is no part of Shipmate."""
        return "." not in self.name

    def wrapped(self) -> tuple[list[str], list[list[str]]]:
        """The lines of its text, and those of its packages."""
        letters = int((self.right - self.left - 2 * PAD) / LETTER)
        lines: list[list[str]] = []
        for package in self.packages:
            if lines and len("".join(map(_written, [*lines[-1], package]))) - len(" · ") <= letters:
                lines[-1].append(package)
            else:
                lines.append([package])
        return textwrap.wrap(self.text, letters), lines

    def height(self) -> float:
        """What its lines need."""
        text, packages = self.wrapped()
        return LINE * (1 + len(text) + len(packages)) + 2 * PAD


def picture() -> str:
    """The whole picture."""
    described = tomllib.loads(DESCRIPTION.read_text(encoding="utf-8"))
    boxes = {one["name"]: Box(**one) for one in described["box"]}
    column = (WIDTH - 2 * MARGIN) / described["columns"]
    for box in boxes.values():
        box.left, box.right = (MARGIN + column * at for at in box.at[1:])
    frames = described["frame"]
    height = _rows(list(boxes.values()), frames)
    root = ET.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", role="img", width=str(WIDTH), height=f"{height:g}",
        viewBox=f"0 0 {WIDTH} {height:g}",
    )  # fmt: skip
    _tag(root, "title", "The packages of Shipmate, and which way a request goes")
    _tag(root, "style", STYLE)
    _tag(root, "rect", width=WIDTH, height=height, rx=8, **{"class": "ground"})
    for frame in frames:
        _frame(root, frame, list(boxes.values()), MARGIN + column * described["inside"])
    for source, targets in described["arrows"].items():
        for target in targets:
            _arrow(root, boxes, boxes[source], boxes[target])
    for box in boxes.values():
        _box(root, box)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _rows(boxes: list[Box], frames: list[dict[str, Any]]) -> float:
    """Give every row its place from the top; the height of all."""
    below = float(MARGIN)
    for row in sorted({box.at[0] for box in boxes}):
        below += FRAME_HEAD if any(frame["rows"][0] == row for frame in frames) else 0
        here = [box for box in boxes if box.at[0] == row]
        tallest = max(box.height() for box in here)
        for box in here:
            spare = (tallest - box.height()) / 2 if box.outside else 0
            box.top, box.bottom = below + spare, below + tallest - spare
        below += tallest + GAP + (FRAME_FOOT if any(frame["rows"][1] == row for frame in frames) else 0)
    return below - GAP + MARGIN


def _frame(root: ET.Element, frame: dict[str, Any], boxes: list[Box], right: float) -> None:
    first, last = frame["rows"]
    top = min(box.top for box in boxes if box.at[0] == first) - FRAME_HEAD
    bottom = max(box.bottom for box in boxes if box.at[0] == last) + FRAME_FOOT
    group = _tag(root, "g", id=frame["name"])
    left, right = MARGIN - FRAME_SIDE, right + FRAME_SIDE
    _tag(group, "rect", x=left, y=top, width=right - left, height=bottom - top, rx=8, **{"class": "frame"})
    _tag(group, "text", frame["title"], x=right - FRAME_SIDE, y=top + 19, **{"class": "head"})


def _box(root: ET.Element, box: Box) -> None:
    group = _tag(root, "g", id=box.name)
    kind = "outside" if box.outside else "box"
    width, height = box.right - box.left, box.bottom - box.top
    _tag(group, "rect", x=box.left, y=box.top, width=width, height=height, rx=5, **{"class": kind})
    across, down = box.left + PAD, box.top + PAD + 11
    _tag(group, "text", box.title or box.name.partition(".")[2], x=across, y=down, **{"class": "name"})
    text, packages = box.wrapped()
    for line in text:
        down += LINE
        _tag(group, "text", line, x=across, y=down)
    for several in packages:
        down += LINE
        written = _tag(group, "text", x=across, y=down, **{"class": "quiet"})
        for place, package in enumerate(several):
            label = _written(package) if place else _written(package).removeprefix(" · ").lstrip()
            _tag(written, "tspan", label, id=f"{box.name}.{package.replace('/', '.')}")


def _written(package: str) -> str:
    """A package beside those before it; one that is in another is told by its last name."""
    outer, _, inner = package.rpartition("/")
    return f" /{inner}" if outer else f" · {package}"


def _arrow(root: ET.Element, boxes: dict[str, Box], source: Box, target: Box) -> None:
    """A straight line to a box below or beside, in the middle of where nothing stands between the two."""
    if source.at[0] < target.at[0]:
        across = _free(source, target, [box for box in boxes.values() if source.at[0] < box.at[0] < target.at[0]])
        start, end = (across, source.bottom), (across, target.top)
    elif source.at[0] == target.at[0]:
        middle = (source.top + source.bottom) / 2
        rightward = source.left < target.left
        start = (source.right if rightward else source.left, middle)
        end = (target.left if rightward else target.right, middle)
    else:
        raise SystemExit(f"{target.name} is neither beside nor below {source.name}")
    along = ((end[0] > start[0]) - (end[0] < start[0]), (end[1] > start[1]) - (end[1] < start[1]))
    stop = (end[0] - 6 * along[0], end[1] - 6 * along[1])
    _tag(root, "path", d=f"M{_at(*start)} L{_at(*stop)}", **{"class": "arrow"})
    wings = [(stop[0] - side * along[1], stop[1] + side * along[0]) for side in (4, -4)]
    _tag(root, "path", d=f"M{_at(*end)} L{_at(*wings[0])} L{_at(*wings[1])} Z", **{"class": "tip"})


def _free(source: Box, target: Box, between: list[Box]) -> float:
    """The middle of the widest stretch where the lower box can be seen from the upper."""
    left, right = max(source.left, target.left), min(source.right, target.right)
    stretches, begin = [], left
    for box in sorted(between, key=lambda box: box.left):
        stretches.append((begin, min(box.left, right)))
        begin = max(begin, box.right)
    begin, end = max([*stretches, (begin, right)], key=lambda stretch: stretch[1] - stretch[0])
    if end <= begin:
        raise SystemExit(f"{target.name} cannot be seen from {source.name}")
    return (begin + end) / 2


def _at(across: float, down: float) -> str:
    return f"{across:.1f} {down:.1f}"


def _tag(parent: ET.Element, kind: str, text: str = "", **attributes: object) -> ET.Element:
    written = {name: f"{value:.1f}" if isinstance(value, float) else str(value) for name, value in attributes.items()}
    made = ET.SubElement(parent, kind, written)
    made.text = text or None
    return made


if __name__ == "__main__":
    print(picture(), end="")
