"""The lines of an answer that goes on: a log that is followed, a watch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

CHUNK = 1 << 16


class Lines:
    """The lines as they come; closing it, also from another thread, ends them.

    Args:
        response: The answer, its body unread.
        broken: Makes our error of urllib3's.
        longest: Of a line that does not end, so many bytes from its beginning are given.
    """

    def __init__(self, response: Any, broken: Callable[[Exception], Exception], longest: int) -> None:
        self._response = response
        self._broken = broken
        self._longest = longest
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        """Each line without its end.

        Raises:
            Unreachable: The connection broke, or was silent for too long.
        """
        import urllib3.exceptions

        parts: list[bytes] = []
        size, cut = 0, False
        try:
            for chunk in self._response.stream(CHUNK, decode_content=True):
                *ended, rest = chunk.split(b"\n")
                for line in ended:
                    # What follows the beginning that was given belongs to the same line.
                    if not cut:
                        yield b"".join((*parts, line))
                    parts, size, cut = [], 0, False
                if rest and not cut:
                    parts.append(rest)
                    size += len(rest)
                if size > self._longest:
                    yield b"".join(parts)
                    parts, size, cut = [], 0, True
            if parts and not self._closed:
                yield b"".join(parts)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # A socket that is closed under its reader fails in one of several ways.
            if not self._closed:
                if isinstance(error, ValueError):
                    raise
                raise self._broken(error) from error
        finally:
            # Whoever stops in the middle leaves a connection that nobody else can use.
            self._response.close()

    def close(self) -> None:
        """End them: a thread that waits for the next line goes on at once."""
        self._closed = True
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._response.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
        self._response.close()
