"""What mkdocs is told beyond mkdocs.yml: README and runbooks are pages, what else is outside of docs/ is not linked."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RUNBOOKS = ROOT / "runbooks"
HOME = "index.md"
LINK = re.compile(r"(?P<text>!?\[[^\]]+\])\((?!https?://|#|mailto:)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README as the first page, and the runbooks."""
    files.append(File.generated(config, HOME, content=(ROOT / "README.md").read_text(encoding="utf-8")))
    for runbook in RUNBOOKS.glob("*.md"):
        name = f"runbooks/{runbook.name}"
        files.append(File.generated(config, name, content=runbook.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  mkdocs calls it so
    """Keep links among the pages; of those to the repository's other files, keep the words.

    Raises:
        PluginError: A link leads to nothing.
    """
    source = PurePosixPath(page.file.src_uri)
    folder = ROOT if source.name == HOME else DOCS / source.parent
    if not (DOCS / source).exists() and (ROOT / source).exists():
        folder = RUNBOOKS

    def kept(link: re.Match[str]) -> str:
        target = (folder / link["path"]).resolve()
        if not target.exists():
            raise PluginError(f"{source}: {link['path']} does not exist")
        if target.parent == RUNBOOKS:
            target = DOCS / "runbooks" / target.name
        if not target.is_relative_to(DOCS) or target == DOCS:
            return link["text"].strip("![]")
        return f"{link['text']}({_relative(target, source)}{link['anchor'] or ''})"

    return LINK.sub(kept, markdown)


def _relative(target: Path, source: PurePosixPath) -> str:
    return "../" * len(source.parent.parts) + target.relative_to(DOCS).as_posix()
