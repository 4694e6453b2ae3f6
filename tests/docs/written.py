"""What the documents tell a reader to type: commands in fenced `sh` blocks, sentences in tables.

A comment before a block says why it is not run on the sandbox: `<!-- syntax only: REASON -->` where it changes the
reader's machine or wants an account, `<!-- cluster: NEEDS -->` where it wants programs that only CI promises. After
`<!-- until: TEXT -->` each command is run until it says TEXT, and then ended with Ctrl-C, which is to be a success.
A table with a column `say` has sentences for the chat in it, each a code span. All other code spans are running text.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ("README.md", "CONTRIBUTING.md", "manifests/README.md", "helm/README.md")
FOLDERS = ("docs/**/*.md", "runbooks/*.md", ".claude/**/*.md")
PAGES = sorted([*(ROOT / name for name in BESIDE), *(page for folder in FOLDERS for page in ROOT.glob(folder))])
BLOCK = re.compile(
    r"(?:<!-- (?P<how>syntax only|cluster|until): (?P<why>[^>]+?) -->\n *)?```sh\n(?P<text>.*?)\n *```", re.DOTALL
)
OTHERS = ("CHANGELOG.md", "apps/**/README.md", "benchmarks/README.md", "prompts/*.md")
PROSE = sorted({*PAGES, *(page for name in OTHERS for page in ROOT.glob(name) if "node_modules" not in page.parts)})
"""Also those whose blocks the programs' own tests are about."""
FENCE = re.compile(r"^ *(`{3,}).*?^ *\1$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `how` is empty where it is run on the sandbox; `until` where that goes on until it says `why`."""

    page: str
    how: str
    why: str
    text: str

    @property
    def runs(self) -> bool:
        """Whether it is run on the sandbox."""
        return self.how in {"", "until"}

    @property
    def commands(self) -> list[str]:
        """Its commands, continued lines as one, without comments."""
        lines = re.sub(r"\\\n\s*", " ", self.text).splitlines()
        return [line for one in lines if (line := re.sub(r"(^|\s)#.*", "", one).strip())]


def blocks(page: Path) -> list[Block]:
    """The `sh` blocks of a page, in order."""
    name = str(page.relative_to(ROOT))
    return [
        Block(name, found["how"] or "", found["why"] or "", textwrap.dedent(found["text"]))
        for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def prose(page: Path) -> list[str]:
    """The code spans of several words outside of blocks and columns `say`."""
    text = FENCE.sub("", page.read_text(encoding="utf-8")).replace("\\|", "|")
    spans = {" ".join(span.split()) for span in SPAN.findall(text)} - set(sentences(page))
    return sorted(span for span in spans if " " in span)


def sentences(page: Path) -> list[str]:
    """What stands in the columns `say` of a page's tables."""
    said: list[str] = []
    column = None
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = (
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
            if line.strip().startswith("|")
            else []
        )
        if not cells:
            column = None
        elif "say" in cells:
            column = cells.index("say")
        elif column is not None and column < len(cells):
            said += SPAN.findall(cells[column].replace("\\|", "|"))
    return said
