"""The user's own `helm`: found, told which cluster, run; no value that may be secret is ever in its arguments."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from mcp_tools.errors import ShipmateError, Unreachable, UsageError
from mcp_tools.reads.answer import clip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_tools.cluster.connection import Connection

OLDEST = (3, 15)
LOOK_SECONDS = 120.0
"""A chart may have to be pulled first."""
STOP_SECONDS = 15.0
ERROR_WIDTH = 600
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_FAILED = re.compile(r"^Error: (?:[A-Z ]+ FAILED: )?", re.MULTILINE)
_SILENT = re.compile(r"cluster unreachable|connection refused|no route to host|i/o timeout", re.IGNORECASE)


class HelmFailed(ShipmateError):
    """`helm` refused, or could not do, what it was asked for."""

    code: ClassVar[str] = "helm"


def major() -> int:
    """The major version of the user's `helm`.

    Raises:
        UsageError: There is none, or it is too old.
    """
    program = shutil.which("helm")
    if program is None:
        raise UsageError(
            "Changing a release needs Helm, and there is no helm on the PATH.",
            "Install Helm 3.15 or newer (https://helm.sh/docs/intro/install/); reading releases works without.",
        )
    version = _version(program, Path(program).stat().st_mtime)
    if version < OLDEST:
        found = ".".join(map(str, version))
        raise UsageError(f"Helm {found} is too old.", "Install Helm 3.15 or newer: https://helm.sh/docs/intro/install/")
    return version[0]


@functools.lru_cache(maxsize=4)
def _version(program: str, _changed: float) -> tuple[int, int]:
    said = subprocess.run(  # noqa: S603  words, no shell
        [program, "version", "--template", "{{.Version}}"], capture_output=True, text=True, timeout=20, check=False
    )
    found = _VERSION.match(said.stdout.strip())
    if found is None:
        raise UsageError(f"{program} does not tell its version: {clip(said.stderr.strip() or said.stdout)}", "")
    return int(found[1]), int(found[2])


def run(connection: Connection, namespace: str, words: Sequence[str], values: Mapping[str, Any] | None = None) -> str:
    """Run `helm` to its end.

    Args:
        words: Its arguments; `-f -` among them reads `values`.

    Returns:
        What it printed.

    Raises:
        HelmFailed: It ended with an error; carries its words.
        Unreachable: It could not reach the cluster.
        UsageError: There is no Helm, or it is too old.
    """
    major()
    try:
        done = subprocess.run(  # noqa: S603  words, no shell
            _words(connection, namespace, words),
            input=json.dumps(values or {}),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LOOK_SECONDS,
            check=False,
            env=_environment(connection),
            # A Ctrl-C in the terminal must not cut a rollback off.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise HelmFailed(
            f"helm {words[0]} did not end in {LOOK_SECONDS:.0f} s.", "Is the chart's registry slow?"
        ) from error
    if done.returncode:
        raise failure(words[0], done.stderr)
    return done.stdout


class Running:
    """A `helm` at work, in a session of its own: a Ctrl-C in the terminal is for us, and it outlives us."""

    def __init__(
        self, connection: Connection, namespace: str, words: Sequence[str], values: Mapping[str, Any] | None
    ) -> None:
        major()
        self._verb = words[0]
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed when it ended
        self._process = subprocess.Popen(  # noqa: S603  words, no shell
            _words(connection, namespace, words),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env=_environment(connection),
            start_new_session=True,
        )
        if self._process.stdin:
            self._process.stdin.write(json.dumps(values or {}).encode())
            self._process.stdin.close()

    @property
    def ended(self) -> bool:
        """Whether it is done."""
        return self._process.poll() is not None

    def failure(self) -> ShipmateError | None:
        """Why it failed, once it ended; None where it did not."""
        if not self._process.returncode:
            return None
        self._said.seek(0)
        return failure(self._verb, self._said.read().decode(errors="replace"))

    def stop(self) -> None:
        """Let it end now, so that it writes down how far it came."""
        if self.ended:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def failure(verb: str, said: str) -> ShipmateError:
    """What `helm` said on its way out, as an error of ours."""
    parts = _FAILED.split(said.strip())
    words = clip(" ".join(parts[-1].split()), ERROR_WIDTH) or "it said nothing"
    if _SILENT.search(words):
        return Unreachable(f"helm {verb} cannot reach the cluster: {words}", "Check that it runs and is reachable.")
    return HelmFailed(f"helm {verb}: {words}", _hint(words))


def _hint(words: str) -> str:
    if "missing in charts/ directory" in words:
        return "Fetch the chart's dependencies first: helm dependency build."
    if "repo" in words and "not found" in words:
        return "Add the repository first: helm repo add."
    if "no matches for kind" in words:
        return "The cluster does not serve that kind: install its CustomResourceDefinition first."
    return "Nothing was changed where this was a plan; helm_releases shows how the release stands."


def _words(connection: Connection, namespace: str, words: Sequence[str]) -> list[str]:
    where = ["--namespace", namespace]
    if connection.kubeconfig:
        where += ["--kube-context", connection.context]
    return [shutil.which("helm") or "helm", *words, *where]


def _environment(connection: Connection) -> dict[str, str]:
    # What the user set for another cluster must not decide here.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_KUBE", "HELM_NAMESPACE"))}
    kept.pop("KUBECONFIG", None)
    files = os.pathsep.join(str(Path(part).expanduser()) for part in connection.kubeconfig.split(os.pathsep) if part)
    return {**kept, **({"KUBECONFIG": files} if files else {}), "HELM_DRIVER": "secret"}
