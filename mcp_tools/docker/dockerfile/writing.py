"""Writing a patch into the user's files: a change outside of any cluster, asked for and taken back as any other."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.docker.dockerfile.advising import files_of
from mcp_tools.docker.dockerfile.edits import DOCKERFILE, DOCKERIGNORE
from mcp_tools.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp_tools.changes.model import Reporter
    from mcp_tools.docker.dockerfile.model import Look

MAX_KEPT = 200_000
"""Characters of files that the journal keeps, so that a change of them can be undone."""
CONTEXT = "local-files"
"""The name under which the policy and the journal know changes of local files."""


def writing(
    look: Look, dockerfile: Path, after: Mapping[str, str], *, action: str, why: str, notes: tuple[str, ...] = ()
) -> Work:
    """The change that writes the files of a patch.

    Args:
        after: What each file is to say, by its name in the patch.
        why: A clause behind "Change Dockerfile".

    Returns:
        For `Outside.run`; while it is carried out `Conflict` is raised where a file is not what was shown any more.
    """
    path = dockerfile / DOCKERFILE if dockerfile.is_dir() else dockerfile
    places = {DOCKERFILE: path, DOCKERIGNORE: look.context.ignore_file}
    known = {**{name: look.context.text(name) for name in after if name in look.context.files}, **files_of(look)}
    files = {places.get(name, look.context.root / name): (known.get(name), text) for name, text in after.items()}
    names = ", ".join(place.name for place in files)
    title = f"Change {names} in {path.parent} {why}"
    kept = {str(place): list(texts) for place, texts in files.items()}
    texts = "".join(_texts(files))
    # The journal keeps text: bytes that are none could not be put back.
    back = {"do": "files", "files": kept} if len(texts) <= MAX_KEPT and _is_text(texts) else None
    return _work(action, title, path, files, notes, back)


def restoring(kept: Mapping[str, Sequence[str | None]]) -> Work:
    """The change that puts files back.

    Args:
        kept: By path, what stood there before (None for no file), and what was written.

    Raises:
        Conflict: One is not as it was written any more.
    """
    files = {Path(place): (new, old) for place, (old, new) in kept.items()}
    for place, (now, _) in files.items():
        _require(place, now)
    return _work("undo", "", next(iter(files)), files)


def _work(  # noqa: PLR0917  what every change has
    action: str,
    title: str,
    path: Path,
    files: Mapping[Path, tuple[str | None, str | None]],
    notes: tuple[str, ...] = (),
    back: dict[str, Any] | None = None,
) -> Work:
    written: list[Path] = []

    def carry_out(reporter: Reporter) -> None:
        for place, (old, new) in files.items():
            _require(place, old)
            written.append(place)
            _write(place, new)
            reporter(Progress(Phase.APPLYING, f"{place} is {'gone' if new is None else 'written'}"))

    def take_back(_: Reporter) -> str:
        for place in reversed(written):
            _write(place, files[place][0])
        return "the files are as they were" if written else "nothing was written"

    return Work(
        action,
        title,
        CONTEXT,
        ObjectRef("", "File", "files", str(path), None),
        tuple(change for place, (old, new) in sorted(files.items()) for change in _changes(place.name, old, new)),
        exists=True,
        carry_out=heeding(carry_out),
        take_back=heeding(take_back),
        arguments={"files": [str(place) for place in files]},
        notes=notes,
        back=back,
    )


def _texts(files: Mapping[Path, tuple[str | None, str | None]]) -> Iterator[str]:
    return (text for texts in files.values() for text in texts if text is not None)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _require(place: Path, text: str | None) -> None:
    if _read(place) != text:
        raise Conflict(f"{place} was changed since.", "Ask again to see the change against what is there.")


def _changes(name: str, old: str | None, new: str | None) -> Iterator[FieldChange]:
    """What differs, a change for each run of lines; `line 3` is that of the file as it is."""
    if old is None or new is None:
        yield FieldChange((name,), ABSENT if old is None else old, ABSENT if new is None else new)
        return
    mine, theirs = _shown(old), _shown(new)
    for tag, start, end, first, last in difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if tag != "equal":
            before = "\n".join(mine[start:end]) if end > start else ABSENT
            after = "\n".join(theirs[first:last]) if last > first else ABSENT
            yield FieldChange((name, f"line {start + 1}"), before, after)


def _shown(text: str) -> list[str]:
    """Its lines; a byte that is no UTF-8 is a question mark for whoever reads them."""
    return text.encode("utf-8", "replace").decode().splitlines()


def _read(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else None


def _write(path: Path, text: str | None) -> None:
    """Whole or not at all, with the mode that it has; None is no file."""
    if text is None:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_name(f".{path.name}.shipmate")
    fresh.write_bytes(text.encode("utf-8", "surrogateescape"))
    if path.exists():
        fresh.chmod(path.stat().st_mode)
    fresh.replace(path)
