"""Jobs and CronJobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import fact, is_over, patch, reported, seconds_between, target_of, views_of
from mcp_tools.diagnosis.logs.digest import digest
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, detector

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

SURE = 0.9
LIKELY = 0.7
SIDECAR_SECONDS = 60.0


@detector(
    "the conditions of Jobs, how their pods ended, and what these said",
    Mode("job-sidecar", (24,), "A container that never ends keeps a Job from completing"),
    Mode("job-failed", (97,), "A Job failed as often as it may"),
    Mode("job-deadline", (98,), "A Job takes longer than it may"),
    Mode("suspended", (99,), "A Job or CronJob is suspended"),
)
def jobs(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each Job that does not complete; of a CronJob only its last one counts."""
    for job in snapshot.all("Job"):
        owner = snapshot.owner(job)
        if owner is not None and job is not max(snapshot.owned(owner), key=lambda item: item.created):
            continue
        failed = job.conditions.get("Failed", {})
        affected = tuple(pod.ref for pod in snapshot.pods_of(snapshot.root(job)))
        if failed.get("status") == "True" and failed.get("reason") == "DeadlineExceeded":
            seconds = job.spec.get("activeDeadlineSeconds")
            cause = f"{job.ref} takes longer than the {seconds} s that it may"
            evidence: tuple[Evidence, ...] = (fact(job, "status.conditions[Failed].message", failed.get("message")),)
            field, advice = "spec.activeDeadlineSeconds", f"Make the Job again with more than {seconds} s."
            yield Finding("job-deadline", cause, job.ref, field, affected, evidence, advice=advice)
        elif failed.get("status") == "True":
            yield _failed(snapshot, looks, job, failed, affected)
        elif job.spec.get("suspend") and owner is None:
            fix = patch(job, f"Resume {job.ref}", {"spec.suspend": False})
            evidence = (fact(job, "spec.suspend", "true"),)
            yield Finding("suspended", f"{job.ref} is suspended", job.ref, "spec.suspend", affected, evidence, (fix,))
        else:
            yield from _held(snapshot, job)


def _failed(
    snapshot: Snapshot, looks: Looks, job: Resource, failed: dict[str, str], affected: tuple[Ref, ...]
) -> Finding:
    evidence = [
        fact(job, "status.conditions[Failed].message", failed.get("message"), failed.get("lastTransitionTime", ""))
    ]
    said, index = "", 0
    pods = sorted(snapshot.owned(job), key=lambda pod: pod.created, reverse=True)
    for pod in pods[:1]:
        for view in views_of(snapshot, pod):
            if view.ended.get("exitCode"):
                words = digest(looks.log(pod, view.name)).last_words
                index = view.index
                said = f": container {view.name} ends with code {view.ended['exitCode']}" + (
                    f", {words}" if words else ""
                )
                evidence.append(fact(pod, f"log of container {view.name}", words))
                break
    cause = f"{job.ref} failed as often as it may{said}"
    field = f"spec.template.spec.containers[{index}].command"
    advice = "Repair what it runs, and make the Job again: one that failed is not tried any more."
    return Finding("job-failed", cause, job.ref, field, affected, tuple(evidence), confidence=SURE, advice=advice)


def _held(snapshot: Snapshot, job: Resource) -> Found:
    """A Job one of whose containers has done its work while another goes on."""
    for pod in snapshot.owned(job):
        views = [view for view in views_of(snapshot, pod) if view.section == "containers"]
        done = [view for view in views if view.running is None and view.ended and not view.ended.get("exitCode")]
        rest = [view for view in views if view.running is not None]
        if is_over(pod) or not done or not rest:
            continue
        finished = str(done[0].ended.get("finishedAt") or "")
        if seconds_between(finished, snapshot.now) > SIDECAR_SECONDS:
            names = ", ".join(view.name for view in rest)
            cause = (
                f"Container {done[0].name} of {job.ref} has done its work, and {names} keeps the Job from completing"
            )
            evidence = (
                fact(pod, f"status of container {done[0].name}", "Completed", finished),
                fact(pod, f"status of container {rest[0].name}", "running"),
            )
            field = f"spec.template.spec.containers[{rest[0].index}]"
            advice = (
                f"Make the Job again with {rest[0].name} in initContainers, restartPolicy Always: a sidecar ends last."
            )
            yield Finding("job-sidecar", cause, job.ref, field, (pod.ref,), evidence, confidence=SURE, advice=advice)


@detector(
    "CronJobs that start nothing, with their events and their active Jobs",
    Mode("cronjob-suspended", (99,), "A CronJob is suspended"),
    Mode("cronjob-blocked", (100,), "A run that never ends keeps the next ones away"),
)
def schedules(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each CronJob that starts no Jobs."""
    for item in snapshot.all("CronJob"):
        if item.spec.get("suspend"):
            fix = patch(item, f"Resume {item.ref}", {"spec.suspend": False})
            evidence: tuple[Evidence, ...] = (fact(item, "spec.suspend", "true"),)
            yield Finding(
                "cronjob-suspended", f"{item.ref} is suspended", item.ref, "spec.suspend", (), evidence, (fix,)
            )
            continue
        active = item.status.get("active") or ()
        events = snapshot.events(item, "JobAlreadyActive")
        if active and events and item.spec.get("concurrencyPolicy") == "Forbid":
            name = active[0].get("name")
            cause = f"The run {name} of {item.ref} does not end, and no second one may start beside it"
            affected = tuple(Ref("Job", item.namespace, one.get("name", "")) for one in active)
            field = "spec.concurrencyPolicy"
            sentence = f"Let the next run of {item.ref} replace one that does not end"
            stop = Fix(f"Delete the run {name}", "delete_resource", {**target_of(item), "target": f"job/{name}"})
            yield Finding(
                "cronjob-blocked",
                cause,
                item.ref,
                field,
                affected,
                (reported(events[0]),),
                (patch(item, sentence, {field: "Replace"}), stop),
                confidence=LIKELY,
                advice="Find out why a run does not end.",
            )
