"""A patch for a failed build, tried by building it on a copy; where another failure follows, that one as well."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.building.explaining import answer, failure_in
from mcp_tools.docker.building.trial import image_sizes, require_engine, trial
from mcp_tools.docker.dockerfile.advising import files_of, look_at, relook, shown
from mcp_tools.docker.dockerfile.edits import apply, as_diff
from mcp_tools.docker.dockerfile.writing import writing
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import Answer, clip
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from mcp_tools.changes.outside import Work
    from mcp_tools.docker.building.explaining import Failure
    from mcp_tools.docker.building.trial import Tell
    from mcp_tools.docker.dockerfile.model import Look

ROUNDS = 3
WIDTH = 300


@dataclass(frozen=True, slots=True)
class Fix:
    """What became of a patch.

    Attributes:
        failures: Those that were met, the first one first; each but the last was got past.
        files: The files that the patch changes, as they are and as they are to be.
        builds: With the patch, the build goes through.
        seconds: That it took.
    """

    look: Look
    dockerfile: Path
    failures: tuple[Failure, ...]
    before: Mapping[str, str]
    after: Mapping[str, str]
    builds: bool
    seconds: float

    def answer(self) -> Answer:
        """As an answer.

        Returns:
            What `explain` gives of the first failure, with `builds`, `seconds`, `patch` (all of it) and `then` (the
            failures behind the first: kind, line, cause).
        """
        first = answer(self.failures[0], self.look)
        then = [
            {
                "kind": one.kind.id if one.kind else "",
                "line": one.line,
                "cause": clip(redact_text(one.told.cause), WIDTH),
            }
            for one in self.failures[1:]
        ]
        data: dict[str, Any] = {**first.data, "builds": self.builds, "seconds": round(self.seconds, 1), "then": then}
        data.pop("patch", None)
        if self.after:
            data["patch"] = shown(as_diff(self.before, self.after))
        if not self.after:
            return Answer(f"{first.summary} There is no patch for it that could be tried.", data)
        if self.builds:
            return Answer(f"{first.summary} Tried: with the patch it builds, in {self.seconds:.1f} s.", data)
        last = then[-1]["cause"] if then else data["cause"]
        return Answer(f"{first.summary} Tried: with the patch it still fails: {last}.", data)

    def work(self) -> Work:
        """The change of the files, for the transaction.

        Raises:
            UsageError: The patch was not seen to build.
        """
        if not self.builds:
            raise UsageError("The patch does not make it build, so it is not written.", "See what still fails.")
        cause = clip(redact_text(self.failures[0].told.cause), 120)
        return writing(self.look, self.dockerfile, self.after, action="fix_build", why=f"so that it builds: {cause}")


def try_fix(
    log: str,
    context: Path,
    tell: Tell,
    *,
    dockerfile: Path | None = None,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    stop: threading.Event | None = None,
) -> Fix:
    """Explain a failed build, and try the patch by building a copy; nothing of the user's is changed.

    Args:
        log: Of the failed build; empty to build it first.
        context, dockerfile, build_args, target: Of the build.
        tell: Hears what is being done.
        stop: Set from another thread, it ends the work with `Stopped`.

    Raises:
        UsageError: The build does not fail, or the context is too large to be copied.
        NotFound: There is no Dockerfile.
        ConnectionProblem: No Docker engine answers.
    """
    require_engine()
    path = dockerfile or context / "Dockerfile"
    sizes = image_sizes()
    look = look_at(path, context, build_args=build_args, sizes=sizes, demanding=False)
    before = files_of(look)
    with trial(look.context, before, stop=stop) as tried:
        if not log:
            log = tried.build(tell, build_args=build_args, target=target).log
        failures: list[Failure] = []
        now, builds, seconds = look, False, 0.0
        after: dict[str, str] = {}
        for _ in range(ROUNDS):
            failure = failure_in(log, now)
            if failure is None or _known(failure, failures):
                break
            failures.append(failure)
            if not failure.told.edits:
                break
            old = files_of(now, failure.told.edits)
            new = apply(old, failure.told.edits)
            changed = {name: text for name, text in new.items() if old.get(name) != text}
            after |= changed
            before = {**{name: text for name, text in old.items() if name in changed}, **before}
            for name, text in changed.items():
                tried.put(name, text)
            now = relook(now, new)
            tell("trying the patch", "")
            built = tried.build(tell, build_args=build_args, target=target)
            builds, seconds, log = built.ok, built.seconds, built.log
            if builds:
                break
    if not failures:
        raise UsageError("The build does not fail.", "Give the log of the one that does.")
    kept = {name: text for name, text in before.items() if name in after}
    return Fix(dataclasses.replace(look), path, tuple(failures), kept, after, builds, seconds)


def _known(failure: Failure, before: list[Failure]) -> bool:
    """The same again: the patch was of no use."""
    return any(one.kind == failure.kind and one.told.cause == failure.told.cause for one in before)
