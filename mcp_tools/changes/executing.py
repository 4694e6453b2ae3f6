"""Running a command in a container: some only look and need no approval, all others are a change that is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Wanted, pick_pod_container
from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.resolve import Found

MAX_WORDS = 100
LOOKING = frozenset(
    {"cat", "date", "df", "du", "egrep", "file", "free", "getent", "grep", "head", "hostname", "id", "ip", "ls"}
    | {"md5sum", "netstat", "nproc", "ps", "pwd", "sha256sum", "ss", "stat", "tail", "uname"}
    | {"uptime", "wc", "which", "whoami"}
)
"""Programs that change nothing, whatever their arguments, but for those below."""
_RECURSIVE = re.compile(r"^-\w*[rR]|^--(?:dereference-)?recursive")
CHANGING_WORDS = {
    "date": re.compile(r"-s|--set|^\d{4,}"),
    "hostname": re.compile(r"^[^-]|^-F|^-b"),
    # iproute2 takes any abbreviation, so that what is allowed is named and not what is forbidden.
    "ip": re.compile(r"^(?!(?:-4|-6|addr|address|link|route|neigh|show)$)"),
    "ss": re.compile(r"^-\w*K|--kill"),
    "file": re.compile(r"^-\w*[Cf]|--compile|--files-from"),
    "getent": re.compile(r"^shadow$"),
    # A search through everything meets mounted secrets without naming them.
    "grep": _RECURSIVE,
    "egrep": _RECURSIVE,
    "tail": re.compile(r"^-\w*[fF]|^--(?:follow|retry)"),
}
"""Arguments with which a program does more than look, or looks further than was said."""
SENSITIVE = re.compile(
    r"secret|token|shadow|passw|credential|environ|\.env\b|\.pem$|\.key$|id_rsa|id_ed25519", re.IGNORECASE
)
"""Words that name what should not be shown without a question."""


def only_looks(argv: Sequence[str]) -> bool:
    """Whether a command, by its parsed words, changes nothing and reads nothing delicate."""
    program = PurePosixPath(argv[0]).name
    if program not in LOOKING or (argv[0] != program and not argv[0].startswith(("/bin/", "/usr/bin/", "/sbin/"))):
        return False
    changing = CHANGING_WORDS.get(program)
    return not any(SENSITIVE.search(word) or (changing and changing.search(word)) for word in argv[1:])


def require_command(argv: Sequence[str]) -> None:
    """Refuse what is no command.

    Raises:
        UsageError: There is none, or it is too long.
    """
    if not argv or not argv[0] or len(argv) > MAX_WORDS or any("\0" in word for word in argv):
        raise UsageError("That is no command.", "Give its words, such as ls -l /tmp.")


def run_in_pod(found: Found, argv: Sequence[str], container: str | None) -> Wanted:
    """Run a command in a pod's container.

    Raises:
        UsageError: There is no command, or no such container.
        Ambiguous: There are several containers and none was named.
    """
    require_command(argv)
    name = pick_pod_container(found, container)
    return Wanted(
        action="exec",
        title=f"Run `{' '.join(argv)}` in {found} (container {name})",
        found=found,
        arguments={"argv": list(argv), "container": name},
        verb=Verb.EXEC,
        body={"argv": list(argv), "container": name},
        notes=("What a command does cannot be dry-run, watched or undone.",),
        reversible=False,
    )
