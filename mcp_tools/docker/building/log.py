"""The log of a build, of BuildKit (`--progress=plain`, the terminal's form, Compose), the classic builder or Podman."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Builder = Literal["buildkit", "classic", "podman", "unknown"]
MAX_LINES = 200_000
WIDTH = 2000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r(?!\n)")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ")
_COMPOSE = re.compile(r"^[\w.-]+ +\| ")
_VERTEX = re.compile(r"^#(?P<id>\d+) (?P<title>(?:\[[^\]]+\]|FROM|sha256:|exporting|importing|resolve|copy|\.\.\.).*)$")
_OUTPUT = re.compile(r"^#(?P<id>\d+) \d+\.\d+ ?(?P<text>.*)$")
_ERROR = re.compile(r"^#(?P<id>\d+) ERROR:? ?(?P<text>.*)$")
_STATUS = re.compile(r"^#(?P<id>\d+) (?:DONE|CACHED|CANCELED)\b")
_FOOTER = re.compile(r"^ > (?P<title>.+):$")
_FOOTER_LINE = re.compile(r"^(?:#\d+ )?\d+\.\d+ ?(?P<text>.*)$")
_SOLVE = re.compile(r"^(?:ERROR:|error:|target [\w.-]+:|failed to solve|Error: )+ ?(?P<text>.*)$")
_EXCERPT = re.compile(r"^(?P<file>[^\s:][^:]*):(?P<line>\d+)$")
_STEP = re.compile(r"^(?:Step|STEP) (?P<number>\d+)/\d+ ?: (?P<title>.*)$")
_RETURNED = re.compile(r"^The command '(?P<text>.*)' returned a non-zero code: (?P<code>\d+)")
_EXIT = re.compile(r"(?:exit code:|exit status|returned a non-zero code:) ?(?P<code>\d+)")
_NOISE = re.compile(
    r"^(?: ---> |Removing intermediate container|Sending build context|DEPRECATED: |Successfully built|Using cache)"
)
_LABEL = re.compile(r"^\[(?P<stage>[^\]]*?) ?(?:(?P<number>\d+)/(?P<of>\d+))?\] (?P<text>.*)$")


@dataclass(slots=True)
class Step:
    """One step of a build.

    Attributes:
        title: The instruction, as the builder writes it, on one line.
        stage: Its name in BuildKit's label; empty where there is none.
        number: Of the classic builder the number of the instruction, from 1; None of BuildKit's.
        lines: What it printed.
        error: What the builder says of its failure.
    """

    title: str
    stage: str = ""
    number: int | None = None
    lines: list[str] = field(default_factory=list)
    error: str = ""


@dataclass(slots=True)
class BuildLog:
    """A log taken apart.

    Attributes:
        failed: The step that failed; None where the failure is of none, or there is none.
        error: The builder's last word; empty where it did not fail.
        exit_code: Of the command that failed.
        line: Of the Dockerfile, where the builder tells it.
        rest: Lines of no step.
    """

    builder: Builder
    steps: list[Step]
    failed: Step | None = None
    error: str = ""
    exit_code: int | None = None
    line: int | None = None
    rest: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What tells of the failure: the failed step's own lines, what the builder says of it, or all that there is."""
        if self.failed is None:
            return [*self.rest, *([self.error] if self.error else [])]
        own = [*self.failed.lines, self.failed.error, self.error]
        return [line for line in own if line]


def read_log(text: str) -> BuildLog:
    """Read a log; what is no build's log is lines of no step."""
    lines = [_clean(line) for line in text.splitlines()[-MAX_LINES:]]
    if any(_VERTEX.match(line) for line in lines) or any(line.startswith(("[+] Building", " > [")) for line in lines):
        found = _buildkit(lines)
    elif any(_STEP.match(line) for line in lines):
        found = _classic(lines)
    else:
        found = BuildLog("unknown", [], rest=[line for line in lines if line.strip()])
        solved = [match["text"] for line in lines if (match := _SOLVE.match(line))]
        found.error = solved[-1] if solved else ""
    codes = [
        match["code"]
        for line in (found.error, found.failed.error if found.failed else "")
        for match in _EXIT.finditer(line)
    ]
    found.exit_code = int(codes[0]) if codes else found.exit_code
    return found


def _clean(line: str) -> str:
    return _COMPOSE.sub("", _STAMP.sub("", _ANSI.sub("", line[:WIDTH]))).rstrip()


def _labelled(title: str) -> Step:
    match = _LABEL.match(title)
    return Step(match["text"], match["stage"]) if match else Step(title)


def _buildkit(lines: list[str]) -> BuildLog:
    steps: dict[str, Step] = {}
    found = BuildLog("buildkit", [])
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if error := _ERROR.match(line):
            step = steps.setdefault(error["id"], Step(""))
            step.error = error["text"]
            found.failed = found.failed if found.failed and found.failed.error else step
        elif output := _OUTPUT.match(line):
            steps.setdefault(output["id"], Step("")).lines.append(output["text"])
        elif _STATUS.match(line) or line.startswith(("[+] Building", " => ", "--------------------")):
            continue
        elif vertex := _VERTEX.match(line):
            step = steps.setdefault(vertex["id"], _labelled(vertex["title"]))
            if not step.title:
                step.title = _labelled(vertex["title"]).title
        elif footer := _FOOTER.match(line):
            index = _footer(lines, index, footer["title"], found)
        elif (excerpt := _EXCERPT.match(line)) and index < len(lines) and lines[index].startswith("------"):
            found.line = int(excerpt["line"])
            index = next((at + 1 for at in range(index + 1, len(lines)) if lines[at].startswith("-----")), len(lines))
        elif solved := _SOLVE.match(line):
            found.error = solved["text"]
        elif line.strip() and not line.startswith(("------", "#")):
            found.rest.append(line)
    found.steps = list(steps.values())
    return found


def _footer(lines: list[str], index: int, title: str, found: BuildLog) -> int:
    """The lines of the failed step once more, which are all there is where the log is a terminal's."""
    told: list[str] = []
    while index < len(lines) and not lines[index].startswith("------"):
        match = _FOOTER_LINE.match(lines[index])
        told.append(match["text"] if match else lines[index])
        index += 1
    if found.failed is None or not (found.failed.lines or found.failed.title):
        step = _labelled(title)
        step.lines = told
        if found.failed:
            step.error = found.failed.error
        found.failed = step
    return index + 1


def _classic(lines: list[str]) -> BuildLog:
    podman = any(line.startswith("STEP ") for line in lines)
    found = BuildLog("podman" if podman else "classic", [])
    for line in lines:
        if step := _STEP.match(line):
            found.steps.append(Step(step["title"], number=int(step["number"])))
        elif _NOISE.match(line) or not line.strip():
            continue
        elif returned := _RETURNED.match(line):
            found.error, found.exit_code = line, int(returned["code"])
        elif found.steps:
            found.steps[-1].lines.append(line)
        else:
            found.rest.append(line)
    succeeded = any(line.startswith(("Successfully built", "COMMIT ")) for line in lines)
    if found.steps and not succeeded:
        found.failed = found.steps[-1]
        found.error = found.error or next((line for line in reversed(found.failed.lines) if line), "")
    return found
