"""Jobs run pods to completion; CronJobs make Jobs (kubernetes/pkg/controller/job and cronjob)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import parse_time, rfc3339
from mcp_tools.sandbox.controllers.base import (
    Controller,
    Key,
    is_active,
    is_ready,
    own_or_owner,
    pod_from,
    reference,
)
from mcp_tools.sandbox.controllers.schedule import BadSchedule, Schedule
from mcp_tools.sandbox.objects.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "job-controller"
CRON_SOURCE = "cronjob-controller"
_BACK_OFF = 10.0
_BACK_OFF_MAX = 600.0


class JobController(Controller):
    """Keeps pods running until enough of them succeeded, or too many failed."""

    watches = ("Job", "Pod")

    def keys(self, change: Change) -> Iterable[Key]:
        """The Job itself or the pod's owner."""
        return own_or_owner("Job", change)

    def reconcile(self, key: Key) -> float | None:
        """Take the next step of one Job."""
        job = self.cluster.get("Job", *key)
        if job is None or job["metadata"].get("deletionTimestamp"):
            return None
        status = copy.deepcopy(job.get("status") or {})
        if _over(status):
            return self._expire(job, status)
        spec = job["spec"]
        if spec.get("suspend"):
            self._suspend(job, status)
            return None
        self._resume(job, status)
        status.setdefault("startTime", self.cluster.now())
        pods = self.cluster.owned(job, "Pod")
        phases = [(pod.get("status") or {}).get("phase") for pod in pods]
        status["succeeded"], status["failed"] = phases.count("Succeeded"), phases.count("Failed")
        failures = self._failures(pods) + status["failed"]
        again: float | None = None
        if failures > spec["backoffLimit"]:
            self._finish(job, status, pods, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        elif (left := self._time_left(job, status)) is not None and left <= 0:
            message = "Job was active longer than specified deadline"
            self._finish(job, status, pods, "DeadlineExceeded", message)
        elif self._done(job, pods):
            self._complete(job, status)
        else:
            again = self._keep_running(job, pods, failures)
            again = min((wait for wait in (again, left) if wait is not None), default=None)
        self._write(job, status)
        return again

    def _failures(self, pods: list[Object]) -> int:
        return sum(
            container.get("restartCount", 0)
            for pod in pods
            if pod["spec"]["restartPolicy"] == "OnFailure"
            for container in (pod.get("status") or {}).get("containerStatuses") or ()
        )

    def _done(self, job: Object, pods: list[Object]) -> bool:
        succeeded = sum((pod.get("status") or {}).get("phase") == "Succeeded" for pod in pods)
        wanted = job["spec"].get("completions")
        if wanted is None:
            return succeeded > 0 and not any(is_active(pod) for pod in pods)
        return bool(succeeded >= wanted)

    def _time_left(self, job: Object, status: Object) -> float | None:
        limit = job["spec"].get("activeDeadlineSeconds")
        if limit is None:
            return None
        return parse_time(status["startTime"]) + float(limit) - self.cluster.clock.now()

    def _keep_running(self, job: Object, pods: list[Object], failures: int) -> float | None:
        spec = job["spec"]
        active = [pod for pod in pods if is_active(pod)]
        succeeded = sum((pod.get("status") or {}).get("phase") == "Succeeded" for pod in pods)
        wanted = spec["parallelism"]
        if spec.get("completions") is not None:
            wanted = min(wanted, spec["completions"] - succeeded)
        elif succeeded:
            wanted = min(wanted, len(active))
        for pod in active[wanted:]:
            self._drop(job, pod)
        if len(active) >= wanted:
            return None
        if failures:
            wait = min(_BACK_OFF * 2 ** (failures - 1), _BACK_OFF_MAX)
            ended = max(
                (_ended(pod) for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"), default=0.0
            )
            left = ended + wait - self.cluster.clock.now()
            if left > 0:
                return float(left)
        for _ in range(wanted - len(active)):
            pod = self.cluster.create("Pod", pod_from(copy.deepcopy(spec["template"]), job))
            self.cluster.events.normal(job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", SOURCE)
        return None

    def _complete(self, job: Object, status: Object) -> None:
        now = self.cluster.now()
        message = "Reached expected number of succeeded pods"
        for kind in ("SuccessCriteriaMet", "Complete"):
            _add(status, kind, "CompletionsReached", message, now)
        status["completionTime"] = now
        self.cluster.events.normal(job, "Completed", "Job completed", SOURCE)

    def _finish(self, job: Object, status: Object, pods: list[Object], reason: str, message: str) -> None:
        for pod in pods:
            if is_active(pod):
                self._drop(job, pod)
        for kind in ("FailureTarget", "Failed"):
            _add(status, kind, reason, message, self.cluster.now())
        self.cluster.events.warning(job, reason, message, SOURCE)

    def _suspend(self, job: Object, status: Object) -> None:
        for pod in self.cluster.owned(job, "Pod"):
            if is_active(pod):
                self._drop(job, pod)
        if not _is_suspended(status):
            _drop_condition(status, "Suspended")
            _add(status, "Suspended", "JobSuspended", "Job suspended", self.cluster.now())
            self.cluster.events.normal(job, "Suspended", "Job suspended", SOURCE)
        self._write(job, status)

    def _resume(self, job: Object, status: Object) -> None:
        if _is_suspended(status):
            _drop_condition(status, "Suspended")
            _add(status, "Suspended", "JobResumed", "Job resumed", self.cluster.now(), value="False")
            self.cluster.events.normal(job, "Resumed", "Job resumed", SOURCE)

    def _drop(self, job: Object, pod: Object) -> None:
        self.cluster.delete(pod)
        self.cluster.events.normal(job, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", SOURCE)

    def _write(self, job: Object, status: Object) -> None:
        pods = [pod for pod in self.cluster.owned(job, "Pod") if is_active(pod)]
        counts = {
            "active": len(pods),
            "ready": sum(is_ready(pod) for pod in pods),
            "terminating": 0,
            "succeeded": status.get("succeeded", 0),
            "failed": status.get("failed", 0),
        }
        kept = {name: count for name, count in counts.items() if count or name in {"ready", "terminating"}}
        rest = {name: value for name, value in status.items() if name not in counts}
        self.cluster.set_status(job, {**rest, **kept, "uncountedTerminatedPods": {}})

    def _expire(self, job: Object, status: Object) -> float | None:
        keep = job["spec"].get("ttlSecondsAfterFinished")
        ended = next(f for f in status["conditions"] if f["type"] in {"Complete", "Failed"})["lastTransitionTime"]
        if keep is None:
            return None
        left = parse_time(ended) + float(keep) - self.cluster.clock.now()
        if left > 0:
            return left
        self.cluster.delete(job)
        return None


def _over(status: Object) -> bool:
    return any(
        found["type"] in {"Complete", "Failed"} and found["status"] == "True"
        for found in status.get("conditions") or ()
    )


def _ended(pod: Object) -> float:
    moments = [
        ((container.get("state") or {}).get("terminated") or {}).get("finishedAt")
        for container in pod["status"].get("containerStatuses") or ()
    ]
    return max((parse_time(moment) for moment in moments if moment), default=0.0)


def _is_suspended(status: Object) -> bool:
    return ("Suspended", "True") in ((found["type"], found["status"]) for found in status.get("conditions") or ())


def _drop_condition(status: Object, kind: str) -> None:
    status["conditions"] = [found for found in status.get("conditions") or () if found["type"] != kind]


def _add(status: Object, kind: str, reason: str, message: str, now: str, *, value: str = "True") -> None:
    entry = {"type": kind, "status": value, "lastProbeTime": now, "lastTransitionTime": now}
    status.setdefault("conditions", []).append({**entry, "reason": reason, "message": message})


class CronJobController(Controller):
    """Makes a Job whenever the schedule says so, and keeps a short history of them."""

    watches = ("CronJob", "Job")

    def keys(self, change: Change) -> Iterable[Key]:
        """The CronJob itself or the Job's owner."""
        return own_or_owner("CronJob", change)

    def reconcile(self, key: Key) -> float | None:
        """Run what is due and say when to come back."""
        cron = self.cluster.get("CronJob", *key)
        if cron is None or cron["metadata"].get("deletionTimestamp"):
            return None
        jobs = self.cluster.owned(cron, "Job")
        active = [job for job in jobs if not _over(job.get("status") or {})]
        self._clean(cron, jobs)
        again = None if cron["spec"].get("suspend") else self._run(cron, active)
        cron = self.cluster.get("CronJob", *key) or cron
        active = [job for job in self.cluster.owned(cron, "Job") if not _over(job.get("status") or {})]
        references = [
            {
                "kind": "Job",
                "namespace": job["metadata"]["namespace"],
                "name": job["metadata"]["name"],
                "uid": job["metadata"]["uid"],
                "apiVersion": "batch/v1",
            }
            for job in active
        ]
        status = {key: value for key, value in (cron.get("status") or {}).items() if key != "active"}
        self.cluster.set_status(cron, {**({"active": references} if references else {}), **status})
        return again

    def _run(self, cron: Object, active: list[Object]) -> float | None:
        try:
            schedule = Schedule.parse(cron["spec"]["schedule"])
        except BadSchedule as error:
            self.cluster.events.warning(cron, "UnparseableSchedule", str(error), CRON_SOURCE)
            return None
        now = self.cluster.clock.now()
        last = (cron.get("status") or {}).get("lastScheduleTime") or cron["metadata"]["creationTimestamp"]
        due = schedule.after(max(parse_time(last), now - 120.0))
        if due is not None and due <= now:
            self._start(cron, due, active)
            due = schedule.after(now)
        return None if due is None else due - now + 0.01

    def _start(self, cron: Object, due: float, active: list[Object]) -> None:
        policy = cron["spec"]["concurrencyPolicy"]
        if active and policy == "Forbid":
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.cluster.events.normal(cron, "JobAlreadyActive", message, CRON_SOURCE)
            return
        if policy == "Replace":
            for job in active:
                self.cluster.delete(job)
        template = cron["spec"]["jobTemplate"]
        name = f"{cron['metadata']['name']}-{int(due // 60)}"
        meta = copy.deepcopy(template.get("metadata") or {})
        meta.update(name=name, namespace=cron["metadata"]["namespace"], ownerReferences=[reference(cron)])
        meta["annotations"] = {
            **(meta.get("annotations") or {}),
            "batch.kubernetes.io/cronjob-scheduled-timestamp": rfc3339(due),
        }
        try:
            self.cluster.create("Job", {"metadata": meta, "spec": copy.deepcopy(template["spec"])})
        except Refused as error:
            if error.reason != "AlreadyExists":
                message = f"Error creating job: {error.message}"
                self.cluster.events.warning(cron, "FailedCreate", message, CRON_SOURCE)
        else:
            self.cluster.events.normal(cron, "SuccessfulCreate", f"Created job {name}", CRON_SOURCE)
        self.cluster.set_status(cron, {**(cron.get("status") or {}), "lastScheduleTime": rfc3339(due)})

    def _clean(self, cron: Object, jobs: list[Object]) -> None:
        for kind, limit in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            ended = [
                job
                for job in jobs
                if any(found["type"] == kind for found in (job.get("status") or {}).get("conditions") or ())
            ]
            ended.sort(key=lambda job: job["metadata"]["creationTimestamp"])
            for job in ended[: max(0, len(ended) - cron["spec"][limit])]:
                self.cluster.delete(job)
                self.cluster.events.normal(
                    cron, "SuccessfulDelete", f"Deleted job {job['metadata']['name']}", CRON_SOURCE
                )
