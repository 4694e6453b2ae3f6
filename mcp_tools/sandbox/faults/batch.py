"""Jobs and CronJobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.faults.injector import restricted
from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector


def _shell(script: str) -> dict[str, Any]:
    return {"image": "busybox:1.36", "command": ["sh", "-c", script]}


@fault(
    "job-backoff",
    97,
    Cause("Job", "import", "spec.template.spec.containers[0].command", "every try ends with code 2"),
    Symptom("Job", "import", "BackoffLimitExceeded"),
)
def job_backoff(box: Injector) -> None:
    """A Job that fails until it may not try again."""
    box.job("import", _shell("echo ERROR: line 14: bad date; exit 2"), backoffLimit=1)


@fault(
    "job-deadline",
    98,
    Cause("Job", "import", "spec.activeDeadlineSeconds", "the work takes longer"),
    Symptom("Job", "import", "DeadlineExceeded"),
)
def job_deadline(box: Injector) -> None:
    """A Job that takes longer than it may."""
    box.job("import", _shell("sleep 600"), activeDeadlineSeconds=10)


@fault(
    "job-suspended", 99, Cause("Job", "import", "spec.suspend", "it is true"), Symptom("Job", "import", "JobSuspended")
)
def job_suspended(box: Injector) -> None:
    """A Job that is suspended."""
    box.job("import", _shell("echo done"), suspend=True)


@fault(
    "cronjob-suspended",
    99,
    Cause("CronJob", "nightly", "spec.suspend", "it is true"),
    Symptom("CronJob", "nightly", '"suspend":true'),
)
def cronjob_suspended(box: Injector) -> None:
    """A CronJob that is suspended."""
    template = {
        "spec": {"template": {"spec": {**restricted("nightly", _shell("echo done")), "restartPolicy": "Never"}}}
    }
    box.create("CronJob", "nightly", spec={"schedule": "0 3 * * *", "suspend": True, "jobTemplate": template})


@fault(
    "cronjob-forbidden",
    100,
    Cause(
        "CronJob", "sync", "spec.concurrencyPolicy", "the first run never ends, and no second one may start beside it"
    ),
    Symptom("CronJob", "sync", "JobAlreadyActive"),
)
def cronjob_forbidden(box: Injector) -> None:
    """A CronJob whose first run keeps all others away."""
    pod = {**restricted("sync", _shell("sleep infinity")), "restartPolicy": "Never"}
    template = {"spec": {"template": {"spec": pod}}}
    box.create(
        "CronJob", "sync", spec={"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": template}
    )
