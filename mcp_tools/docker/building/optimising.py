"""A Dockerfile made better on a copy: both built, measured, started; only then is the patch proposed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.building.explaining import failure_in
from mcp_tools.docker.building.measuring import READY_SECONDS, How, Measured, measure_image, own_caches
from mcp_tools.docker.building.trial import image_sizes, require_engine, trial
from mcp_tools.docker.dockerfile.advising import codes, files_of, improve, look_at, relook, shown
from mcp_tools.docker.dockerfile.edits import DOCKERFILE, as_diff
from mcp_tools.docker.dockerfile.rules.sources import megabytes
from mcp_tools.docker.dockerfile.writing import writing
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import Answer, clip, count
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection

    from mcp_tools.changes.outside import Work
    from mcp_tools.docker.building.trial import Tell
    from mcp_tools.docker.dockerfile.advising import Improved
    from mcp_tools.docker.dockerfile.model import Finding, Look

ATTEMPTS = 4
WORSE = 1.02
"""What may be noise of a measurement: 2 % of the size."""
WIDTH = 300
OF_STARTS = frozenset(
    {
        *("root-user", "user-name", "healthcheck", "shell-form", "pid-1", "entrypoint-exec", "several-cmd"),
        *("expose-mismatch", "loopback-bind"),
    }
)
"""Findings whose patches change nothing that is built."""


@dataclass(frozen=True, slots=True)
class Optimised:
    """What came of it.

    Attributes:
        improved: The patch, with its findings.
        before, after: Measured the same way, one after the other.
        given_up: Findings whose patches broke the build or the start, each with why.
        busy: The machine had more to do than it has processors: the times may be off.
    """

    look: Look
    dockerfile: Path
    improved: Improved
    before: Measured
    after: Measured
    given_up: tuple[tuple[Finding, str], ...]
    busy: bool = False

    @property
    def better(self) -> bool:
        """Whether it is worth a proposal: it builds, starts no worse, and is no larger."""
        runs = self.after.builds and (self.after.starts is not None or self.before.starts is None)
        return bool(self.improved.after) and runs and self.after.size <= self.before.size * WORSE

    def answer(self) -> Answer:
        """As an answer.

        Returns:
            `proposed` (whether the patch is worth it), `table` (rows of `what`, `before`, `after`), `patch` (a unified
            diff), `applied` and `left` (code, line, reason), `given_up` (code, why), `before` and `after` (numbers:
            `size_bytes`, `cold_seconds`, `warm_seconds`, `start_seconds`, `layers`), `busy`.
        """
        applied = self.improved.applied
        data: dict[str, Any] = {
            "dockerfile": str(self.dockerfile),
            "proposed": self.better,
            "busy": self.busy,
            "table": self.table(),
            "before": _numbers(self.before),
            "after": _numbers(self.after),
            "applied": [_told(one) for one in applied],
            "left": [_told(one) for one in self.improved.left if not one.edits][:10],
            "given_up": [{"code": one.code, "why": clip(redact_text(why), WIDTH)} for one, why in self.given_up],
            "patch": shown(as_diff(self.improved.before, self.improved.after)),
        }
        if not self.improved.after:
            return Answer(f"There is no patch to try for {self.dockerfile}.", data)
        if not self.better:
            return Answer(f"Nothing is proposed for {self.dockerfile}: {self._against()}.", data)
        size = f"{megabytes(self.before.size)} → {megabytes(self.after.size)}"
        cold = f"cold build {_seconds(self.before.cold)} → {_seconds(self.after.cold)}"
        warm = f"after a change {_seconds(self.before.warm)} → {_seconds(self.after.warm)}"
        changes = count(len(codes(applied)), "change")
        noise = " The machine was busy meanwhile: take the times as rough." if self.busy else ""
        return Answer(f"{self.dockerfile} with {changes}: {size}, {cold}, {warm}; {self._started()}.{noise}", data)

    def work(self) -> Work:
        """The change of the files, for the transaction.

        Raises:
            UsageError: It is not worth it.
        """
        if not self.better:
            raise UsageError(f"Nothing is proposed: {self._against()}.", "See the table.")
        why = f"({', '.join(codes(self.improved.applied)[:6])})"
        notes = tuple(f"{row['what']}: {row['before']} → {row['after']}" for row in self.table())
        return writing(
            self.look, self.dockerfile, self.improved.after, action="optimise_dockerfile", why=why, notes=notes
        )

    def table(self) -> list[dict[str, str]]:
        """Before and after, a row for each thing that was measured."""
        one, two = self.before, self.after
        return [
            {"what": "image", "before": megabytes(one.size), "after": megabytes(two.size)},
            {"what": "layers", "before": str(one.layers), "after": str(two.layers)},
            {"what": "cold build", "before": _seconds(one.cold), "after": _seconds(two.cold)},
            {"what": "build after a change", "before": _seconds(one.warm), "after": _seconds(two.warm)},
            {"what": "start", "before": _seconds(one.starts), "after": _seconds(two.starts)},
            {"what": "smoke test", "before": one.smoke, "after": two.smoke or "not tried: it does not build"},
        ]

    def _against(self) -> str:
        if not self.improved.after:
            return "no patch is left" if self.given_up else "there is no patch"
        if not self.after.builds:
            return "it does not build with the patch"
        if self.after.starts is None and self.before.starts is not None:
            return f"it does not start with the patch ({self.after.smoke})"
        return f"it gets larger ({megabytes(self.before.size)} → {megabytes(self.after.size)})"

    def _started(self) -> str:
        if self.after.starts is None:
            return f"neither starts by itself ({self.after.smoke})"
        return f"it starts in {self.after.starts:.1f} s ({self.after.smoke})"


def optimise(
    dockerfile: Path,
    tell: Tell,
    context: Path | None = None,
    *,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    environment: Mapping[str, str] | None = None,
    smoke: Sequence[str] = (),
    without: Collection[str] = (),
    only: Collection[str] = (),
    ready_seconds: float = READY_SECONDS,
    stop: threading.Event | None = None,
) -> Optimised:
    """Apply the patches on a copy, build both, measure both, start both. Takes minutes; changes nothing of the user's.

    A patch that breaks the build or the start is given up, the riskiest first, and the rest is tried again.

    Args:
        dockerfile: The file, or a folder with a `Dockerfile`.
        tell: Hears what is being done.
        context: What is built from; the file's folder if not given.
        build_args, target: Of both builds.
        environment: Of both containers: what the program cannot start without.
        smoke: A command that has to end with 0 in both containers once they are ready.
        without, only: Codes of findings that are not, or alone, patched.
        ready_seconds: How long a container may take to be ready.
        stop: Set from another thread, it ends the work with `Stopped`.

    Raises:
        NotFound: There is no such file.
        UsageError: It is no Dockerfile, does not build as it is, or its context is too large to be copied.
        ConnectionProblem: No Docker engine answers.
    """
    require_engine()
    look = look_at(dockerfile, context, build_args=build_args, sizes=image_sizes())
    path = dockerfile / DOCKERFILE if dockerfile.is_dir() else dockerfile
    how = How(build_args or {}, target, environment, smoke, ready_seconds)
    dropped: dict[str, tuple[Finding, str]] = {}
    improved = improve(look, without, only)
    if not improved.after:
        return Optimised(look, path, improved, Measured(), Measured(), ())
    before = _measured(look, {}, how, tell, "before", stop)
    if not before.builds:
        failure = failure_in(before.failure, look)
        why = f": {clip(redact_text(failure.told.cause), WIDTH)}" if failure else ""
        raise UsageError(f"{path} does not build as it is{why}.", "Ask why the build fails first.")
    after = Measured()
    for _ in range(ATTEMPTS):
        after = _measured(look, improved.after, how, tell, "after", stop)
        broken = not after.builds or (after.starts is None and before.starts is not None)
        if not broken:
            break
        worst = _suspect(improved.applied, after)
        dropped[worst.code] = (worst, _why(after, relook(look, {**files_of(look), **improved.after})))
        improved = improve(look, {*without, *dropped}, only)
        if not improved.after:
            break
    return Optimised(look, path, improved, before, after, tuple(dropped.values()), _busy())


def _suspect(applied: Sequence[Finding], after: Measured) -> Finding:
    """The riskiest patch; a build that fails does so for none that only says how the program runs."""
    of_builds = [one for one in applied if one.code not in OF_STARTS]
    return max(applied if after.builds else of_builds or applied, key=lambda one: one.risk)


def _busy() -> bool:
    # Builds themselves keep about one processor at work.
    return hasattr(os, "getloadavg") and os.getloadavg()[1] > (os.cpu_count() or 1) + 1


def _measured(  # noqa: PLR0917  all that a measurement depends on
    look: Look, texts: Mapping[str, str], how: How, tell: Tell, name: str, stop: threading.Event | None
) -> Measured:
    found = {**files_of(look), **texts}
    found[DOCKERFILE] = own_caches(found[DOCKERFILE], f"shipmate-{secrets.token_hex(4)}")
    with trial(look.context, found, name, stop) as tried:
        return measure_image(tried, how, lambda what, line: tell(f"{name}: {what}", line))


def _why(measured: Measured, look: Look) -> str:
    if measured.builds:
        return measured.smoke
    failure = failure_in(measured.failure, look)
    return f"it does not build: {failure.told.cause}" if failure else "it does not build"


def _numbers(measured: Measured) -> dict[str, Any]:
    return {
        "size_bytes": measured.size,
        "layers": measured.layers,
        "cold_seconds": round(measured.cold, 2),
        "warm_seconds": None if measured.warm is None else round(measured.warm, 2),
        "start_seconds": None if measured.starts is None else round(measured.starts, 2),
    }


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def _told(one: Finding) -> dict[str, Any]:
    return {"code": one.code, "line": one.line, "reason": clip(redact_text(one.reason), WIDTH)}
