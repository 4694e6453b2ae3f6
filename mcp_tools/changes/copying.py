"""Copying one file between a container and this machine.

The bytes go through a plain `cat` or `head` in the container, one file at a time: no archive comes out of a pod, so
that none can name a place here that nobody asked for.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import io
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from mcp_tools.changes.executing import SENSITIVE
from mcp_tools.changes.model import ABSENT, FieldChange, Step, Verb
from mcp_tools.changes.operations import Wanted, pick_pod_container
from mcp_tools.cluster.streams import CommandOutput, run_command
from mcp_tools.errors import ApiError, Conflict, UsageError
from mcp_tools.redaction import redact, redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

MAX_FILE = 50 * 1024 * 1024
MAX_KEPT = 64 * 1024
"""Up to here what was there before is kept, so that an undo can put it back."""
COPY_SECONDS = 120.0
AGAIN = "Nothing was changed. Ask again to see the change against what is there."
# What is there keeps its owner and mode, and a mounted file cannot be replaced anyway; what is not there comes at once.
_WRITE = (
    'head -c "$1" > "$3" && if [ -e "$2" ]; then cat "$3" > "$2"; else { [ -z "$4" ] || chmod "$4" "$3"; } && '
    'mv "$3" "$2"; fi; code=$?; rm -f "$3"; exit $code'
)


@dataclass(frozen=True, slots=True)
class _File:
    size: int
    sha256: str


def into_pod(connection: Connection, found: Found, container: str | None, path: str, local: str) -> Wanted:
    """Write a file of this machine into a container.

    Args:
        path: Where, absolute; with a slash at its end the file keeps its name.
        local: Which; relative to the working directory.

    Raises:
        UsageError: There is no such file, it is too large, or the path is none.
    """
    source = _local(local)
    try:
        with source.open("rb") as stream:
            new = _digest(stream)
            executable = bool(os.fstat(stream.fileno()).st_mode & 0o100)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}.", "Name a file of this machine.") from error
    path = _inside(path, source.name)
    name = pick_pod_container(found, container)
    before, content = _look(connection, found, name, path)
    kept = _kept(before, content)
    body = {
        "container": name,
        "path": path,
        "local": str(source),
        "size": new.size,
        "sha256": new.sha256,
        "mode": "755" if executable else "",
        "before": dataclasses.asdict(before) if before else None,
        "kept": kept,
    }
    notes = ["The container's own files are gone when it restarts; what lies on a volume stays.", *_delicate(source)]
    reversible = before is None or kept is not None
    if not reversible:
        notes.append("What is there now is overwritten, and is too large or too secret to be kept for an undo.")
    return Wanted(
        action="copy_in",
        title=f"Copy {source} to {path} in {found} (container {name})",
        found=found,
        verb=Verb.COPY_IN,
        body=body,
        arguments={"container": name, "path": path, "local": str(source)},
        notes=tuple(notes),
        reversible=reversible,
    )


def out_of_pod(
    connection: Connection, found: Found, container: str | None, path: str, local: str, *, overwrite: bool
) -> Wanted:
    """Write a file of a container to this machine.

    Args:
        local: Where; in a directory the file keeps its name.
        overwrite: Replace what is there.

    Raises:
        UsageError: There is no such file, it is too large, or there is one here already.
    """
    path = _inside(path, "")
    name = pick_pod_container(found, container)
    source, _ = _look(connection, found, name, path)
    if source is None:
        raise UsageError(
            f"There is no file {path} in {found} (container {name}).",
            "connect_pod with action exec and ls shows files.",
        )
    target = _local(local)
    if target.is_dir() or local.endswith("/"):
        target /= PurePosixPath(path).name
    if not target.parent.is_dir():
        raise UsageError(f"There is no directory {target.parent}.", "Make it, or name another place.")
    if os.path.lexists(target) and not overwrite:
        raise UsageError(f"{target} is there already.", "Say so to overwrite it, or name another place.")
    body = {"container": name, "path": path, "local": str(target), "overwrite": overwrite, **dataclasses.asdict(source)}
    return Wanted(
        action="copy_out",
        title=f"Copy {path} of {found} (container {name}) to {target} on this machine",
        found=found,
        verb=Verb.COPY_OUT,
        body=body,
        arguments={"container": name, "path": path, "local": str(target)},
        notes=(*(["It overwrites what is there."] if os.path.lexists(target) else []), *_delicate(target)),
        reversible=False,
    )


def changes(verb: Verb, body: dict[str, Any]) -> tuple[FieldChange, ...]:
    """What a copy changes, as a diff shows it: the size and hash of the file that is written."""
    if verb is Verb.COPY_OUT:
        return _written(body["local"], _before_here(Path(body["local"])), _File(body["size"], body["sha256"]))
    before = _File(**body["before"]) if body["before"] else None
    new = None if body["size"] is None else _File(body["size"], body["sha256"])
    return _written(f"{body['container']}:{body['path']}", before, new)


def copy_in(connection: Connection, found: Found, body: dict[str, Any]) -> None:
    """Write into the container, and read back what is there then.

    Raises:
        Conflict: The file, there or here, is not the one that was shown.
        ApiError: The container could not write it.
    """
    name, path = body["container"], body["path"]
    there, _ = _look(connection, found, name, path)
    if (dataclasses.asdict(there) if there else None) != body["before"]:
        raise Conflict(f"{path} in {found} changed since the plan was shown.", AGAIN)
    if body["size"] is None:
        _run(connection, found, name, ["rm", "-f", path])
        return
    temporary = f"{path}.shipmate-{secrets.token_hex(4)}"
    words = ["sh", "-c", _WRITE, "sh", str(body["size"]), path, temporary, body["mode"]]
    with _source(body) as stream:
        if _digest(stream) != _File(body["size"], body["sha256"]):
            raise Conflict(f"{body['local']} changed since the plan was shown.", AGAIN)
        stream.seek(0)
        _run(connection, found, name, words, stdin=stream)
    after, _ = _look(connection, found, name, path)
    if after is None or after.sha256 != body["sha256"]:
        raise ApiError(f"{path} in {found} does not hold what was written to it.", "Is its disk full? Copy it again.")


def copy_out(connection: Connection, found: Found, body: dict[str, Any], step: Step) -> Step:
    """Write the container's file here, whole or not at all.

    Returns:
        The step with what was written: a file that grows is copied as it is at that moment.

    Raises:
        Conflict: There is a file here that nobody said to overwrite.
        UsageError: It is larger than was said, or cannot be written here.
    """
    target = Path(body["local"])
    before = _before_here(target)
    size, digest = 0, hashlib.sha256()
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:

                def take(piece: bytes) -> None:
                    nonlocal size
                    size += len(piece)
                    if size > MAX_FILE:
                        raise _too_large(body["path"], size)
                    digest.update(piece)
                    stream.write(piece)

                _run(connection, found, body["container"], ["cat", body["path"]], take=take)
            _put(Path(temporary), target, overwrite=body["overwrite"])
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.", "Name another place.") from error
    return dataclasses.replace(step, changes=_written(str(target), before, _File(size, digest.hexdigest())))


def put_back(found: Found, body: dict[str, Any], title: str) -> Wanted:
    """Undo a copy into a container: what was there is written again, or the file is taken away."""
    before = body["before"] or {"size": None, "sha256": None}
    put = {**body, **before, "before": {"size": body["size"], "sha256": body["sha256"]}, "content": body["kept"]}
    return Wanted("undo", title, found, verb=Verb.COPY_IN, body={**put, "kept": None})


def _put(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        raise Conflict(f"{target} was made by somebody else since the plan was shown.", AGAIN) from error
    except OSError:
        # No hard links on this file system: an exclusive creation is the next best.
        with target.open("xb") as stream:
            stream.write(temporary.read_bytes())


def _source(body: dict[str, Any]) -> BinaryIO:
    if "content" in body:
        return io.BytesIO(base64.b64decode(body["content"]))
    try:
        return Path(body["local"]).open("rb")
    except OSError as error:
        raise UsageError(f"{body['local']} cannot be read: {error.strerror}.", AGAIN) from error


def _look(connection: Connection, found: Found, container: str, path: str) -> tuple[_File | None, bytes]:
    """The file as it is in the container, None where there is none; with its content where that is small."""
    size, digest, data = 0, hashlib.sha256(), bytearray()

    def take(piece: bytes) -> None:
        nonlocal size
        size += len(piece)
        if size > MAX_FILE:
            raise _too_large(path, size)
        digest.update(piece)
        if size <= MAX_KEPT:
            data.extend(piece)

    output = _run(connection, found, container, ["cat", path], take=take, accept="No such file or directory")
    return (None if output.exit_code else _File(size, digest.hexdigest())), bytes(data)


def _kept(before: _File | None, content: bytes) -> str | None:
    """What is there, for an undo; None where it is too large, or holds what the journal does not keep."""
    if before is None or before.size > MAX_KEPT:
        return None
    text, encoded = content.decode("latin-1"), base64.b64encode(content).decode()
    if redact_text(text) != text or redact({"kept": encoded})["kept"] != encoded:
        return None
    return encoded


def _run(
    connection: Connection,
    found: Found,
    container: str,
    argv: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    take: Callable[[bytes], None] | None = None,
    accept: str = "",
) -> CommandOutput:
    try:
        output = run_command(
            connection, found.namespace or "", found.name, container, argv, timeout=COPY_SECONDS, stdin=stdin, take=take
        )
    except ApiError as error:
        if "executable file not found" not in error.message and "no such file or directory" not in error.message:
            raise
        hint = "A debug container (action exec with debug_image) can look at such a pod."
        raise UsageError(f"Container {container} of {found} has no {argv[0]}, which copying needs.", hint) from error
    if output.exit_code is None:
        raise ApiError(f"`{argv[0]}` in {found} did not end in time.", "Try again.")
    if output.exit_code and not (accept and accept in output.stderr):
        said = output.stderr.strip() or f"exit code {output.exit_code}"
        raise UsageError(f"{found} (container {container}): {said}.", "Nothing was copied; name one file.")
    return output


def _delicate(local: Path) -> list[str]:
    """A warning of places that hold settings and secrets, where a file should not come or go unnoticed."""
    hidden = any(part.startswith(".") for part in local.parts)
    return [f"{local} is where settings or secrets are kept."] if hidden or SENSITIVE.search(str(local)) else []


def _local(text: str) -> Path:
    if "\0" in text or not text.strip():
        raise UsageError(f"{text!r} names no file of this machine.", "")
    return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100  links stay as they are


def _inside(path: str, name: str) -> str:
    if path.endswith("/") and name:
        path += name
    if not path.startswith("/") or path.endswith("/") or any(mark in path for mark in "\0\n\r"):
        raise UsageError(f"{path!r} is no file in a container.", "Give an absolute path, such as /tmp/x.")
    return path


def _digest(stream: BinaryIO) -> _File:
    size, digest = 0, hashlib.sha256()
    while piece := stream.read(1 << 20):
        size += len(piece)
        if size > MAX_FILE:
            raise _too_large(getattr(stream, "name", "It"), size)
        digest.update(piece)
    return _File(size, digest.hexdigest())


def _before_here(target: Path) -> _File | None:
    try:
        with target.open("rb") as stream:
            return _digest(stream)
    except (OSError, UsageError):
        # Absent, or no file that could be shown: whether it may be overwritten is asked elsewhere.
        return None


def _written(where: str, before: _File | None, after: _File | None) -> tuple[FieldChange, ...]:
    parts = ((part, getattr(before, part, ABSENT), getattr(after, part, ABSENT)) for part in ("size", "sha256"))
    return tuple(FieldChange((where, part), old, new) for part, old, new in parts if old != new)


def _too_large(path: str, size: int) -> UsageError:
    return UsageError(
        f"{path} is too large to copy: {size / 1024**2:.0f} MiB or more, and {MAX_FILE // 1024**2} MiB are the most.",
        "Compress it, or copy a part of it.",
    )
