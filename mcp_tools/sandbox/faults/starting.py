"""Init containers and sidecars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.injector import restricted
from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_INIT = "spec.template.spec.initContainers[0]"


def _with_init(box: Injector, script: str) -> None:
    made = restricted("migrate", {"image": "busybox:1.36", "command": ["sh", "-c", script]})
    box.pod("backend", initContainers=made["containers"])


@fault(
    "init-fails",
    22,
    Cause("Deployment", "backend", f"{_INIT}.command", "the migration ends with code 1"),
    Symptom("Pod", "backend", "relation tasks is missing"),
)
def init_fails(box: Injector) -> None:
    """A migration that fails before the program starts."""
    _with_init(box, "echo ERROR: relation tasks is missing; exit 1")


@fault(
    "init-hangs",
    23,
    Cause("Deployment", "backend", f"{_INIT}.command", "the init container never ends"),
    Symptom("Pod", "backend", "containers with incomplete status: [migrate]"),
)
def init_hangs(box: Injector) -> None:
    """An init container that waits for ever."""
    _with_init(box, "echo waiting for the migration lock; sleep infinity")


@fault(
    "job-sidecar",
    24,
    Cause("Job", "backup", "spec.template.spec.containers[1]", "a second container never ends, and the Job with it"),
    Symptom("Pod", "backup", '"reason":"Completed"'),
)
def job_sidecar(box: Injector) -> None:
    """A Job that a helper container keeps from completing."""
    helper = restricted("log-shipper", {"image": "busybox:1.36", "command": ["sh", "-c", "sleep infinity"]})
    own = restricted("backup", {"image": "busybox:1.36", "command": ["sh", "-c", "echo backup written"]})
    box.job("backup", {}, {"containers": [*own["containers"], *helper["containers"]]})
