"""Containers that start and do not stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_SPEC = "spec.template.spec.containers[0]"


def _cause(field: str, failure: str, name: str = "backend") -> Cause:
    return Cause("Deployment", name, f"{_SPEC}.{field}", failure)


@fault(
    "oom-limit",
    9,
    _cause("resources.limits.memory", "the limit is below what the program needs"),
    Symptom("Pod", "backend", "OOMKilled"),
)
def oom_limit(box: Injector) -> None:
    """A memory limit below what the program needs."""
    box.container("backend", resources={"requests": {"memory": "16Mi"}, "limits": {"memory": "24Mi"}})


@fault("oom-leak", 9, _cause("image", "release 1.2.1 leaks memory"), Symptom("Pod", "backend", "OOMKilled"))
def oom_leak(box: Injector) -> None:
    """A release that leaks memory until it is killed."""
    box.container("backend", image="todo-backend:1.2.1")


@fault(
    "crash-traceback",
    10,
    _cause("image", "release 1.2.0 lacks a module"),
    Symptom("Pod", "backend", "ModuleNotFoundError"),
)
def traceback(box: Injector) -> None:
    """A release that fails while it imports its own modules."""
    box.container("backend", image="todo-backend:1.2.0")


@fault(
    "command-not-found",
    11,
    _cause("command", "there is no program uvicron"),
    Symptom("Pod", "backend", "executable file not found in $PATH"),
)
def command_not_found(box: Injector) -> None:
    """A start command with a typing error."""
    box.container("backend", command=["uvicron", "src.main:app"])


@fault(
    "script-not-found",
    11,
    _cause("command", "the script calls a program that is not there"),
    Symptom("Pod", "backend", "uvicron: not found"),
)
def script_not_found(box: Injector) -> None:
    """A start script that calls a program that is not there."""
    box.container("backend", command=["sh", "-c", "uvicron src.main:app"])


@fault(
    "command-not-executable",
    12,
    _cause("command", "the file cannot be executed"),
    Symptom("Pod", "backend", "Permission denied"),
)
def not_executable(box: Injector) -> None:
    """A start command that is no program."""
    box.container("backend", command=["sh", "-c", "/app/README.md"])


@fault(
    "exits-cleanly",
    13,
    _cause("command", "the program ends at once, and is restarted for ever"),
    Symptom("Pod", "backend", '"exitCode":0'),
)
def exits_cleanly(box: Injector) -> None:
    """A program that does its work and ends, in a Deployment."""
    box.container("backend", command=["sh", "-c", "echo migrations applied"])


@fault(
    "liveness-kill", 14, _cause("image", "release 1.2.10 does not answer"), Symptom("Pod", "backend", '"exitCode":137')
)
def liveness_kill(box: Injector) -> None:
    """A release that hangs and is killed by its start-up probe."""
    box.patch(
        "Deployment",
        "backend",
        {
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": "backend", "image": "todo-backend:1.2.10", "startupProbe": None}]}
                }
            }
        },
    )


@fault(
    "crash-segfault",
    15,
    _cause("image", "release 1.2.2 ends with a segmentation fault"),
    Symptom("Pod", "backend", '"exitCode":139'),
)
def segfault(box: Injector) -> None:
    """A release that ends with a segmentation fault."""
    box.container("backend", image="todo-backend:1.2.2")


@fault(
    "crash-sigterm",
    15,
    _cause("image", "release 1.2.9 ends itself with SIGTERM"),
    Symptom("Pod", "backend", '"exitCode":143'),
)
def sigterm(box: Injector) -> None:
    """A release whose watchdog ends it."""
    box.container("backend", image="todo-backend:1.2.9")


@fault(
    "env-missing",
    16,
    _cause("env", "BETTER_AUTH_SECRET is empty"),
    Symptom("Pod", "backend", "KeyError: 'BETTER_AUTH_SECRET'"),
)
def env_missing(box: Injector) -> None:
    """An environment variable that the program needs and does not get."""
    box.container("backend", env=[{"name": "BETTER_AUTH_SECRET", "value": "", "valueFrom": None}])


@fault(
    "dependency-refused",
    17,
    Cause("Service", "todo-db", "spec.selector", "nothing stands behind the database's Service"),
    Symptom("Pod", "backend", "ConnectionRefusedError"),
)
def dependency_refused(box: Injector) -> None:
    """A database Service with no pods behind it."""
    box.create(
        "Service", "todo-db", spec={"selector": {"app.kubernetes.io/name": "todo-db"}, "ports": [{"port": 5432}]}
    )
    url = "postgresql://todo@todo-db:5432/todo"
    box.container("backend", env=[{"name": "DATABASE_URL", "value": url, "valueFrom": None}])


@fault(
    "dependency-unknown",
    17,
    _cause("env", "the database's host does not exist"),
    Symptom("Pod", "backend", "Name or service not known"),
)
def dependency_unknown(box: Injector) -> None:
    """A database URL with a host that does not exist."""
    url = "postgresql://todo@postgress:5432/todo"
    box.container("backend", env=[{"name": "DATABASE_URL", "value": url, "valueFrom": None}])


@fault(
    "port-taken",
    18,
    Cause("Deployment", "backend", "spec.template.spec.containers[1]", "two containers of the pod listen on port 8000"),
    Symptom("Pod", "backend", "Address already in use".lower()),
)
def port_taken(box: Injector) -> None:
    """A second container that listens on the same port."""
    from mcp_tools.sandbox.faults.injector import restricted

    refs = [{"configMapRef": {"name": "backend-config"}}, {"secretRef": {"name": "backend-secrets"}}]
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    twin = restricted("canary", {"image": "todo-backend:1.1.0", "envFrom": refs, "volumeMounts": mounts})
    box.pod("backend", containers=twin["containers"])


@fault(
    "disk-full",
    19,
    _cause("image", "release 1.2.6 writes more than the volume holds"),
    Symptom("Pod", "backend", "No space left on device"),
)
def disk_full(box: Injector) -> None:
    """A release that fills its volume while it starts."""
    box.container("backend", image="todo-backend:1.2.6")


@fault(
    "post-start-hook",
    20,
    _cause("lifecycle.postStart", "the hook's command fails"),
    Symptom("Pod", "backend", "FailedPostStartHook"),
)
def post_start_hook(box: Injector) -> None:
    """A post-start hook that fails."""
    box.container("backend", lifecycle={"postStart": {"exec": {"command": ["sh", "-c", "exit 3"]}}})


@fault(
    "flapping",
    21,
    _cause("image", "release 1.2.5 fails after a while"),
    Symptom("Pod", "backend", "IndexError: list index out of range"),
)
def flapping(box: Injector) -> None:
    """A release that becomes ready and fails again and again."""
    box.container("backend", image="todo-backend:1.2.5")
