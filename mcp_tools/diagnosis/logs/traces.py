"""Tracebacks and panics of Python, Node, Java, Go and Rust, folded to the line that matters and its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 500
"""Lines of one trace; a goroutine dump may be longer and says nothing more then."""
WIDTH = 400

_PYTHON = re.compile(r"Traceback \(most recent call last\):\s*$")
_BAR = re.compile(r"^\s*[|+] ?")
_PY_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+)')
_PY_RAISED = re.compile(r"^(?P<error>[A-Za-z_][\w.]*)(?:: ?(?P<message>.*))?$")
_PY_LINK = re.compile(r"^(?:During handling of the above exception|The above exception was the direct cause)")
_AT = re.compile(r"^\s+at (?P<what>.+)$")
_JAVA_FRAME = re.compile(r"\((?P<file>[\w$]+\.(?:java|kt|scala|groovy|clj)):(?P<line>\d+)\)|\((?:Native|Unknown)")
_NODE_FRAME = re.compile(r"\(?(?P<file>(?:file://)?[^\s():]*[/\\][^\s()]*?|node:[\w/]+):(?P<line>\d+):\d+\)?(?: \{)?$")
_HEAD = re.compile(
    r"(?:^|[\s:\]])(?P<error>[\w.$]*(?:Error|Exception|Throwable)[\w$]*)(?: \[(?P<code>\w+)\])?(?:: (?P<message>.*))?$"
)
_CAUSED = re.compile(
    r"^\s*(?:Caused by|Suppressed): (?P<error>[\w.$]+)(?:: (?P<message>.*))?$|^\s+\[cause\]: (?P<rest>.*)$"
)
_MORE = re.compile(r"^\s+\.\.\. \d+ (?:more|common frames)")
_GO = re.compile(r"^(?P<error>panic|fatal error): (?P<message>.*)$")
_GO_PART = re.compile(r"^(?:goroutine \d+ .*\[|\t|created by |\[signal |panic: |exit status |\S+\(.*\)$|runtime[./ ])")
_GO_FRAME = re.compile(r"^\t(?P<file>\S+\.go):(?P<line>\d+)")
_RUST = re.compile(r"^thread '(?P<thread>[^']*)'(?: \(\d+\))? panicked at (?P<rest>.*)$")
_RUST_PLACE = re.compile(r"(?P<file>[^\s:,']+\.rs):(?P<line>\d+)")
_RUST_PART = re.compile(r"^(?:note: |stack backtrace:|\s+\d+: |\s+at )")
_FOREIGN = re.compile(
    r"site-packages|dist-packages|/lib/python\d|<frozen |node_modules|^node:|/go/src/|/pkg/mod/|/libexec/|/rustc/"
    r"|\.cargo|^(?:java|javax|jakarta|jdk|sun|kotlin|scala|io\.(?:netty|grpc)|com\.(?:mysql|zaxxer|fasterxml|google)"
    r"|org\.(?:springframework|apache|postgresql|hibernate|eclipse|jboss))\."
)


@dataclass(frozen=True, slots=True)
class Raised:
    """One error of a chain.

    Attributes:
        error: Its type, such as `KeyError`; `panic` where the language has no types.
        message: What it says.
        place: `file:line` of the program's own code where the stack tells, else of the deepest frame; may be empty.
    """

    error: str
    message: str = ""
    place: str = ""

    def __str__(self) -> str:
        """`KeyError: 'NAME' (/app/config.py:18)`."""
        said = f"{self.error}: {self.message}" if self.message else self.error
        return f"{said} ({self.place})" if self.place else said


@dataclass(frozen=True, slots=True)
class Trace:
    """A folded trace.

    Attributes:
        raised: What reached the top.
        root: Where it began; the same where there is no chain.
        first, end: The lines that it takes, as a range.
    """

    language: str
    raised: Raised
    root: Raised
    first: int
    end: int

    def __str__(self) -> str:
        """The line that matters."""
        return str(self.root) if self.raised == self.root else f"{self.root}, which became {self.raised.error}"


def traces_in(lines: Sequence[str]) -> Iterator[Trace]:
    """The traces in a log, in their order; they do not overlap."""
    position = 0
    while position < len(lines):
        found = _at(lines, position)
        if found is not None:
            yield found
        position = max(found.end, position + 1) if found else position + 1


def _at(lines: Sequence[str], position: int) -> Trace | None:
    line = lines[position]
    if "Traceback" in line and _PYTHON.search(line[:WIDTH]):
        return _python(lines, position)
    if line.startswith(("panic: ", "fatal error: ")):
        return _go(lines, position)
    if line.startswith("thread '"):
        return _rust(lines, position)
    # A stack of Node or Java is known by its first frame; its head is the line before, or a few lines before.
    following = lines[position + 1] if position + 1 < len(lines) else ""
    if following[:1] in {" ", "\t"} and _AT.match(following[:WIDTH]) and not _AT.match(line[:WIDTH]):
        return _at_stack(lines, position)
    return None


def _place(frames: Sequence[tuple[str, str]], *, deepest_first: bool) -> str:
    ordered = frames if deepest_first else frames[::-1]
    own = [frame for frame in ordered if not _FOREIGN.search(frame[0])]
    chosen = (own or list(ordered))[:1]
    return f"{chosen[0][0]}:{chosen[0][1]}" if chosen else ""


def _python(lines: Sequence[str], first: int) -> Trace:
    chain: list[Raised] = []
    frames: list[tuple[str, str]] = []
    linked, expected, end = False, True, first + 1
    grouped = bool(_BAR.match(lines[first]))
    for position in range(first + 1, min(len(lines), first + LONGEST)):
        line = lines[position][:WIDTH]
        while grouped and _BAR.match(line):
            line = _BAR.sub("", line, count=1)
        if grouped and line.startswith("-"):
            end, expected = position + 1, True
        elif frame := _PY_FRAME.match(line):
            frames.append((frame["file"], frame["line"]))
            end = position + 1
        elif not line.strip() or _PY_LINK.match(line):
            linked = linked or bool(_PY_LINK.match(line))
        elif _PYTHON.search(line):
            if not (linked or grouped):
                break
            linked, expected, end = False, True, position + 1
        elif line[:1] in {" ", "\t"}:
            end = position + 1
        elif expected and (raised := _PY_RAISED.match(line)):
            chain.append(
                Raised(raised["error"], (raised["message"] or "").strip(), _place(frames, deepest_first=False))
            )
            frames, expected, end = [], False, position + 1
        elif chain and not linked and _continues(line, chain[-1]):
            chain[-1] = Raised(chain[-1].error, f"{chain[-1].message} {line.strip()}"[:WIDTH], chain[-1].place)
            end = position + 1
        else:
            break
    chain = chain or [Raised("Traceback", "cut off", _place(frames, deepest_first=False))]
    # In a group the first is the group itself and what follows are its parts; in a chain the first began it all.
    root = chain[1] if grouped and len(chain) > 1 else chain[0]
    return Trace("python", chain[0] if grouped else chain[-1], root, first, end)


def _continues(line: str, raised: Raised) -> bool:
    """Whether a line at the margin still belongs to a message: pydantic's fields, SQLAlchemy's background."""
    return line.startswith(("(Background", "[SQL", "DETAIL", "HINT")) or (
        "validation error" in raised.message and re.fullmatch(r"[\w.]+", line) is not None
    )


def _at_stack(lines: Sequence[str], position: int) -> Trace | None:
    head, first = None, position
    for first in range(position, max(-1, position - 5), -1):
        head = _HEAD.search(lines[first][:WIDTH])
        if head or lines[first][:1] in {" ", "\t", ""}:
            break
    if head is None:
        return None
    message = " ".join([head["message"] or "", *(lines[index].strip() for index in range(first + 1, position + 1))])
    chain = [Raised(head["error"], message.strip()[:WIDTH])]
    frames: list[tuple[str, str]] = []
    java, end = False, position + 1
    for index in range(position + 1, min(len(lines), position + LONGEST)):
        line = lines[index][:WIDTH]
        if frame := _AT.match(line):
            found = _JAVA_FRAME.search(line)
            java = java or bool(found)
            found = found or _NODE_FRAME.search(line)
            if found and found["file"]:
                package = frame["what"].rpartition("(")[0].rpartition(".")[0].rpartition(".")[0] if java else ""
                frames.append((f"{package}.{found['file']}" if package else found["file"], found["line"]))
        elif cause := _CAUSED.match(line):
            chain[-1] = Raised(chain[-1].error, chain[-1].message, _place(frames, deepest_first=True))
            inner = _HEAD.search(cause["rest"].rstrip(" {")) if cause["rest"] else cause
            if inner is not None and not line.lstrip().startswith("Suppressed"):
                chain.append(Raised(inner["error"], (inner["message"] or "").strip()))
                frames = []
        elif not _MORE.match(line):
            break
        end = index + 1
    chain[-1] = Raised(chain[-1].error, chain[-1].message, _place(frames, deepest_first=True))
    return Trace("java" if java else "node", chain[0], chain[-1], first, end)


def _go(lines: Sequence[str], first: int) -> Trace | None:
    head = _GO.match(lines[first][:WIDTH])
    if head is None:
        return None
    frames: list[tuple[str, str]] = []
    end, other = first + 1, False
    for position in range(first + 1, min(len(lines), first + LONGEST)):
        line = lines[position][:WIDTH]
        if line.strip() and not _GO_PART.match(line):
            break
        if line.strip():
            end = position + 1
        # The first goroutine is the one that panicked.
        other = other or (line.startswith("goroutine ") and bool(frames))
        if not other and (frame := _GO_FRAME.match(line)):
            frames.append((frame["file"], frame["line"]))
    raised = Raised(head["error"], head["message"].strip(), _place(frames, deepest_first=True))
    return Trace("go", raised, raised, first, end)


def _rust(lines: Sequence[str], first: int) -> Trace | None:
    head = _RUST.match(lines[first][:WIDTH])
    if head is None:
        return None
    place = _RUST_PLACE.search(head["rest"])
    quoted = re.match(r"'(?P<message>.*)', ", head["rest"])
    message, end = (quoted["message"] if quoted else ""), first + 1
    if not quoted and end < len(lines):
        message, end = lines[end].strip()[:WIDTH], end + 1
    while end < min(len(lines), first + LONGEST) and _RUST_PART.match(lines[end][:WIDTH]):
        end += 1
    raised = Raised("panic", message, f"{place['file']}:{place['line']}" if place else "")
    return Trace("rust", raised, raised, first, end)
