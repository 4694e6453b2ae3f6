"""A process that dies in the middle of a change leaves enough for the next one to say how it ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hands_helpers import Kube, done, there

from mcp_tools.errors import NotFound

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo
    from mcp_tools.toolbox import Toolbox

CONFIGS = "/api/v1/namespaces/{}/configmaps/{}"
KILLED = """
import os, sys
from pathlib import Path
from mcp_tools.changes import engine, journal, steps
from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.toolbox import Toolbox

kubeconfig, namespace, place, point, manifest = sys.argv[1:]
owner, name = {
    "before the write": (steps.Writer, "_write"),
    "after the write": (steps.Writer, "_carried_out"),
    "after the journal": (engine.Engine, "_see_through"),
    "before the end": (journal.Journal, "finish"),
}[point]
def die(*_, **__):
    os.kill(os.getpid(), 9)
setattr(owner, name, die)
target = Target(kubeconfig=kubeconfig, namespace=namespace)
box = Toolbox(target, approver=lambda _: Decision.APPROVED, journal=Path(place))
box.call("apply_manifest", {"manifest": manifest})
"""


@pytest.mark.parametrize("point", ["before the write", "after the write", "after the journal", "before the end"])
def test_a_process_that_is_killed_leaves_a_trace_that_the_next_one_reads(
    sandbox: SandboxInfo,
    make_box: Callable[..., Toolbox],
    kube: Kube,
    space: str,
    tmp_path: Path,
    point: str,
) -> None:
    config = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {space}}}\ndata: {{a: '1'}}\n"
    arguments = [str(sandbox.kubeconfig), space, str(tmp_path / "journal.db"), point, config]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, timeout=60)
    assert killed.returncode == -9
    arrived = point != "before the write"
    assert there(kube, CONFIGS.format(space, "c")) is arrived

    box = make_box()
    (sentence,) = box.recover()
    assert ("stands" in sentence) is arrived
    (entry,) = box.call("list_changes", {}).data["changes"]
    assert entry["status"] == ("interrupted" if arrived else "failed")
    assert box.recover() == []
    if arrived:
        done(box, "undo_change")
        assert not there(kube, CONFIGS.format(space, "c"))
    else:
        with pytest.raises(NotFound):
            box.call("undo_change", {})


def test_a_change_of_a_process_that_lives_is_left_to_it(make_box: Callable[..., Toolbox], web: str) -> None:
    other = make_box()
    seen: list[list[str]] = []
    box = make_box()
    box.reporter = lambda _: seen.append(other.recover())
    done(box, "scale", target="web", replicas=3)
    assert seen
    assert not any(seen)
