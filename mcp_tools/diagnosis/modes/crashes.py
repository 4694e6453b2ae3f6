"""Containers that start and do not stay: how the last run ended, and its last words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.clues import Clue, Source, clue_of, service_of, variables_of
from mcp_tools.diagnosis.containers import (
    BATCH,
    View,
    fact,
    go_back,
    grouped,
    patch,
    pods,
    reported,
    seconds_between,
    target_of,
    template_path,
    troubled,
    views_of,
)
from mcp_tools.diagnosis.logs.digest import Digest, digest
from mcp_tools.diagnosis.model import PROVEN, Evidence, Finding, Fix, Found, Mode, Ref, detector
from mcp_tools.diagnosis.modes.probe_failures import killed_by_probe
from mcp_tools.quantity import parse

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Snapshot

START_ERRORS = frozenset({"RunContainerError", "CreateContainerError", "StartError"})
NOT_FOUND, NOT_EXECUTABLE, KILLED, SEGFAULT, TERMINATED = 127, 126, 137, 139, 143
FLAPS = 2
RECENT_SECONDS = 900.0
LONG_RUN_SECONDS = 20.0
OOM_BUMP = 100
SURE = 0.9
LIKELY = 0.75


def failing(snapshot: Snapshot, view: View) -> bool:
    """Whether this container does not stay; one that failed long ago and runs since is healed."""
    waiting = view.waiting.get("reason")
    if waiting in START_ERRORS or (waiting == "CrashLoopBackOff"):
        return True
    if not view.ended:
        return False
    if view.running is None:
        return bool(view.ended.get("exitCode")) or not view.init
    recent = seconds_between(str(view.ended.get("finishedAt") or ""), snapshot.now) < RECENT_SECONDS
    return recent and (view.restarts >= FLAPS or not view.status.get("ready"))


def _cause(snapshot: Snapshot, view: View, looks: Looks) -> Finding | None:
    """What the last end says, the surest sign first."""
    ended, message = view.ended, f"{view.waiting.get('message', '')} {view.ended.get('message', '')}"
    code = int(ended.get("exitCode") or 0)
    if ended.get("reason") == "OOMKilled":
        return _out_of_memory(snapshot, view)
    if ended.get("reason") in START_ERRORS or view.waiting.get("reason") in START_ERRORS:
        return _not_started(snapshot, view, message)
    hook = view.events(snapshot, "FailedPostStartHook")
    if hook and view.spec.get("lifecycle", {}).get("postStart"):
        return _make(
            snapshot,
            view,
            "post-start-hook",
            f"The post-start hook of container {view.name} fails, and the kubelet kills the container",
            "lifecycle.postStart",
            (reported(hook[0]),),
        )
    if killed := killed_by_probe(snapshot, view):
        return killed
    lines = looks.last_words(view.pod, view.name)
    if view.init:
        words = digest(lines).last_words
        said = f"Init container {view.name} ends with code {code}" + (f": {words}" if words else "")
        return _make(snapshot, view, "init-fails", said, "command", (_log(view, words),) if words else ())
    clue = clue_of(lines)
    if clue and clue.kind == "rbac":
        return None  # told by the detector of rights, with the role
    if clue and (found := _from_clue(snapshot, view, clue)):
        return found
    if code in {NOT_FOUND, NOT_EXECUTABLE}:
        words = digest(lines).last_words
        if code == NOT_FOUND:
            cause, kind = "calls a program that is not there", "command-not-found"
        else:
            cause, kind = "calls a file that cannot be executed", "command-not-executable"
        return _make(snapshot, view, kind, f"The command of container {view.name} {cause}: {words}", "command")
    return _by_code(snapshot, view, code, digest(lines))


def _by_code(snapshot: Snapshot, view: View, code: int, told: Digest) -> Finding:
    lived = seconds_between(str(view.ended.get("startedAt") or ""), str(view.ended.get("finishedAt") or ""))
    words, first = told.last_words, told.first_error
    log = (_log(view, words),) if words else ()
    if first is not None and first.text not in words:
        log = (*log, fact(view.pod, f"first error in the log of container {view.name}", first.text, first.first))
    tail = f": {words}" if words else ""
    name = f"Container {view.name}"
    if code == 0:
        said = f"{name} ends without an error and is restarted for ever"
        return _make(snapshot, view, "exits-cleanly", said, "command", log)
    if code == SEGFAULT:
        return _make(snapshot, view, "crash-signal", f"{name} ends with a segmentation fault", "image", log)
    if code == TERMINATED:
        said = f"{name} ends by SIGTERM that the kubelet did not send{tail}"
        return _make(snapshot, view, "crash-signal", said, "image", log, confidence=SURE)
    if code == KILLED:
        said = f"{name} was killed (SIGKILL), and neither its memory limit nor a probe explains it"
        return _make(snapshot, view, "crash-signal", said, "image", log, confidence=LIKELY)
    if lived > LONG_RUN_SECONDS:
        said = f"{name} becomes ready and fails again and again{tail}"
        return _make(snapshot, view, "flapping", said, "image", log, confidence=SURE)
    return _make(snapshot, view, "crash-error", f"{name} ends with code {code}{tail}", "image", log, confidence=SURE)


def _from_clue(snapshot: Snapshot, view: View, clue: Clue) -> Finding | None:
    name, log = f"Container {view.name}", (_log(view, clue.line),)
    match clue.kind:
        case "platform":
            said = f"The image {view.spec.get('image')} is built for another processor than the node's"
            return _make(snapshot, view, "exec-format", said, "image", log)
        case "not-found":
            said = f"The command of container {view.name} calls {clue.about}, which is not there"
            return _make(snapshot, view, "command-not-found", said, "command", log)
        case "address-in-use":
            return _port_taken(snapshot, view, clue)
        case "no-space":
            said = f"{name} finds no space left where it writes"
            return _make(snapshot, view, "no-space", said, "image", log)
        case "bind-denied":
            said = f"{name} may not listen on port {clue.about}: ports below 1024 are for root or NET_BIND_SERVICE"
            field = "securityContext.runAsUser"
            return _make(snapshot, view, "low-port", said, "", log, path=field, more=_free_ports(view))
        case "read-only":
            said = f"{name} writes where its root file system is read-only, and nothing writable is mounted there"
            return _make(snapshot, view, "read-only-root", said, "volumeMounts", log)
        case "permission" if view.ended.get("exitCode") == NOT_EXECUTABLE:
            said = f"The command of container {view.name} calls a file that cannot be executed: {clue.line}"
            return _make(snapshot, view, "command-not-executable", said, "command", log)
        case "permission":
            said = f"{name} may not write to a file or directory: {clue.line}"
            field = "securityContext.fsGroup"
            return _make(snapshot, view, "file-permission", said, "", log, path=field, more=_own_volumes(view))
        case "variable":
            return _variable(snapshot, view, clue)
        case "memory":
            return _make(snapshot, view, "out-of-memory", f"{name} runs out of memory", "resources.limits.memory", log)
        case "name" | "refused" | "timeout" | "no-dns":
            return _dependency(snapshot, view, clue)
    return None


def _out_of_memory(snapshot: Snapshot, view: View) -> Finding:
    limit = (view.spec.get("resources") or {}).get("limits", {}).get("memory", "")
    lived = seconds_between(str(view.ended.get("startedAt") or ""), str(view.ended.get("finishedAt") or ""))
    how = f"its memory limit of {limit}" if limit else "the memory of its node"
    if lived > LONG_RUN_SECONDS:
        said, field = f"Container {view.name} uses ever more memory until it reaches {how} and is killed", "image"
    else:
        said, field = f"Container {view.name} needs more than {how} and is killed", "resources.limits.memory"
    evidence = [_end(view)]
    if limit:
        evidence.append(fact(view.root, view.field("resources.limits.memory"), limit))
    found = _make(snapshot, view, "oom-killed", said, field, tuple(evidence), more=_more_memory(snapshot, view, limit))
    # More memory does not heal a leak: it only takes longer.
    return replace(found, fixes=found.fixes[::-1]) if lived > LONG_RUN_SECONDS else found


def _more_memory(snapshot: Snapshot, view: View, limit: str) -> tuple[Fix, ...]:
    """The limit of an earlier revision where that was higher.

    Else twice the limit, and at least 100Mi more: by how much the Vertical Pod Autoscaler raises after an OOM kill.
    """
    found = re.fullmatch(r"(\d+)(Mi|Gi|M|G)", limit)
    if not found or view.init:
        return ()
    number, unit = int(found[1]), found[2]
    more = f"{max(2 * number, number + OOM_BUMP if unit in {'Mi', 'M'} else 0)}{unit}"
    earlier = [one for one in _earlier_limits(snapshot, view) if parse(one) > parse(limit)]
    if earlier:
        more = max(earlier, key=parse)
    said = f"Raise the memory limit of {view.name} to {more}" + (", which it had before" if earlier else "")
    arguments = {**target_of(view.root), "container": view.name, "limits": {"memory": more}}
    return (Fix(said, "configure_workload", arguments),)


def _earlier_limits(snapshot: Snapshot, view: View) -> Iterator[str]:
    for revision in snapshot.revisions(view.root)[1:]:
        for container in revision.template.get("containers") or ():
            memory = ((container.get("resources") or {}).get("limits") or {}).get("memory")
            if container.get("name") == view.name and memory:
                yield str(memory)


def _free_ports(view: View) -> tuple[Fix, ...]:
    """The pod's own low ports are for everybody: a safe sysctl, which every Pod Security level admits."""
    path = f"{template_path(view.root)}.securityContext.sysctls"
    kept = (view.pod.spec.get("securityContext") or {}).get("sysctls") or ()
    setting = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    return (patch(view.root, "Let its pods listen on low ports without being root", {path: [*kept, setting]}),)


def _own_volumes(view: View) -> tuple[Fix, ...]:
    """Its volumes given to the group of its user, where it has any and is of none yet."""
    shared, own = view.pod.spec.get("securityContext") or {}, view.spec.get("securityContext") or {}
    group = own.get("runAsGroup", own.get("runAsUser", shared.get("runAsGroup", shared.get("runAsUser"))))
    claims = any(volume.get("persistentVolumeClaim") for volume in view.pod.spec.get("volumes") or ())
    if not group or not claims or shared.get("fsGroup"):
        return ()
    path = f"{template_path(view.root)}.securityContext.fsGroup"
    return (patch(view.root, f"Give its volumes to the group {group} (fsGroup)", {path: group}),)


def _not_started(snapshot: Snapshot, view: View, message: str) -> Finding:
    said = re.sub(r"^.*unable to start container process: ", "", message).strip()[:200]
    evidence = (fact(view.pod, f"status of container {view.name}", message.strip()),)
    if "not a directory" in message or "onto a file" in message:
        mounts: list[dict[str, str]] = [item for item in view.spec.get("volumeMounts") or () if item.get("subPath")]
        mount = mounts[0] if mounts else {}
        cause = f"The volume {mount.get('name')} has no file {mount.get('subPath')} that container {view.name} mounts"
        return _make(snapshot, view, "sub-path", cause, "volumeMounts", evidence)
    if "exec format error" in message:
        cause = f"The image {view.spec.get('image')} is built for another processor than the node's"
        return _make(snapshot, view, "exec-format", cause, "image", evidence)
    if "permission denied" in message.lower():
        cause = f"The command of container {view.name} cannot be executed: {said}"
        return _make(snapshot, view, "command-not-executable", cause, "command", evidence)
    cause = f"The command of container {view.name} cannot be started: {said}"
    return _make(snapshot, view, "command-not-found", cause, "command", evidence)


def _port_taken(snapshot: Snapshot, view: View, clue: Clue) -> Finding:
    said = f"Container {view.name} listens on a port on which another container of its pod listens"
    views = [item for item in views_of(snapshot, view.pod) if not item.init and item.name != view.name]
    if not views:
        said = f"Container {view.name} listens on a port that is taken"
    return _make(snapshot, view, "port-taken", said, "ports", (_log(view, clue.line),), confidence=SURE)


def _variable(snapshot: Snapshot, view: View, clue: Clue) -> Finding | None:
    known = variables_of(snapshot, view.root, view.spec, view.field())
    source = known.get(clue.about)
    if source is not None and source.value:
        return None
    state = "is not set" if source is None else "is empty" if source.value == "" else "comes from a Secret"
    said = f"Container {view.name} needs the environment variable {clue.about}, which {state}"
    sure = LIKELY if source is not None and source.value is None else PROVEN
    return _make(snapshot, view, "env-missing", said, "env", (_log(view, clue.line),), confidence=sure)


def _dependency(snapshot: Snapshot, view: View, clue: Clue) -> Finding:
    whom = f"{clue.host}:{clue.port}" if clue.port else clue.host or "what it depends on"
    service = service_of(snapshot, clue.host, view.root.namespace)
    log = (_log(view, clue.line),)
    known = variables_of(snapshot, view.root, view.spec, view.field())
    source = next((item for item in known.values() if clue.host and item.value and clue.host in item.value), None)
    if service and clue.kind == "name" and snapshot.missing("Service", service.namespace, service.name):
        return _unknown_host(snapshot, view, clue, source)
    how = {"refused": "is refused", "timeout": "gets no answer"}.get(clue.kind, "cannot find the name")
    said = f"Container {view.name} cannot reach {whom}: its connection {how}"
    if clue.kind in {"name", "no-dns"}:
        said = f"Container {view.name} cannot find the name {clue.host or 'of what it depends on'}"
    return _make(
        snapshot,
        view,
        "dependency-unreachable",
        said,
        "env",
        log,
        confidence=LIKELY,
        blames=(service,) if service else (),
    )


def _unknown_host(snapshot: Snapshot, view: View, clue: Clue, source: Source | None) -> Finding:
    if source is None:
        where, place = "", ""
    else:
        place = f" ({source.name})"
        where = source.field
    said = f"Container {view.name} is told to connect to {clue.host}{place}, and there is no Service of this name"
    finding = _make(snapshot, view, "dependency-unknown", said, "env", (_log(view, clue.line),))
    if source is not None:
        extra = Evidence(source.object, where, source.value or "")
        evidence = (*finding.evidence, extra)
        return replace(finding, object=source.object, field=where, evidence=evidence, confidence=SURE)
    return finding


def _make(  # noqa: PLR0917  what every cause has
    snapshot: Snapshot,
    view: View,
    kind: str,
    cause: str,
    field: str,
    evidence: tuple[Evidence, ...] = (),
    *,
    path: str = "",
    confidence: float = PROVEN,
    more: tuple[Fix, ...] = (),
    blames: tuple[Ref, ...] = (),
) -> Finding:
    where = f"{template_path(view.root)}.{path}" if path else view.field(field)
    end = (_end(view),) if view.ended and kind != "oom-killed" else ()
    return Finding(
        kind,
        cause,
        view.root.ref,
        where,
        (view.pod.ref,),
        (*evidence, *end),
        (*more, *go_back(snapshot, view.root)),
        confidence=confidence,
        blames=blames,
        advice=_ADVICE.get(kind, "Repair the program or its settings: its last words say where it ends."),
    )


_ADVICE = {
    "command-not-found": "Correct the command, or put the program into the image.",
    "command-not-executable": "Make the file executable in the image, or correct the command.",
    "exits-cleanly": "Run what ends by itself as a Job.",
    "env-missing": "Set the variable, or name the ConfigMap or Secret that has it.",
    "oom-killed": "Find out what the memory goes to where more of it does not help.",
    "exec-format": "Build the image for the processors of the nodes.",
    "dependency-unreachable": "Look at what it connects to: does that run, and does it listen there?",
    "no-space": "Give the volume more room, or let the program write less.",
}


def _end(view: View) -> Evidence:
    ended = view.ended
    what = f"{ended.get('reason') or 'ended'}, exit code {ended.get('exitCode')}, {view.restarts} restarts"
    return fact(view.pod, f"last end of container {view.name}", what, str(ended.get("finishedAt") or ""))


def _log(view: View, line: str) -> Evidence:
    return fact(view.pod, f"log of container {view.name}", line)


@detector(
    "how a container ended last, its limits, and the last lines of its log before that",
    Mode("exec-format", (8,), "The image is built for another processor"),
    Mode("oom-killed", (9,), "The container needs more memory than it may have"),
    Mode("crash-error", (10,), "The program ends with an error"),
    Mode("command-not-found", (11,), "The start command calls a program that is not there"),
    Mode("command-not-executable", (12,), "The start command calls a file that cannot be executed"),
    Mode("exits-cleanly", (13,), "The program ends without an error and is restarted for ever"),
    Mode("crash-signal", (15,), "The program is ended by a signal"),
    Mode("env-missing", (16,), "An environment variable that the program needs is not set"),
    Mode("dependency-unreachable", (17,), "What the program depends on does not answer"),
    Mode("dependency-unknown", (17, 80), "What the program depends on has another name"),
    Mode("port-taken", (18,), "Two containers of a pod listen on one port"),
    Mode("no-space", (19,), "The volume or disk is full"),
    Mode("post-start-hook", (20,), "The post-start hook fails"),
    Mode("flapping", (21,), "The program becomes ready and fails again and again"),
    Mode("init-fails", (22,), "An init container fails"),
    Mode("sub-path", (36,), "A single file is mounted that the volume does not have"),
    Mode("read-only-root", (39,), "The program writes to a read-only root file system"),
    Mode("file-permission", (40,), "The program may not write to a file"),
    Mode("low-port", (42,), "The program may not listen on a port below 1024"),
    Mode("out-of-memory", (9,), "The program itself runs out of memory"),
)
def crashes(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each container that does not stay."""
    views = (
        view
        for pod in troubled(snapshot)
        for view in views_of(snapshot, pod)
        if view.root.ref.kind not in BATCH and failing(snapshot, view)
    )
    for group in grouped(views):
        yield from _merged(snapshot, group, looks)


def _merged(snapshot: Snapshot, group: list[View], looks: Looks) -> Iterator[Finding]:
    # The newest pod tells what is wrong now; the others of its revision are affected in the same way.
    newest = max(group, key=lambda view: view.pod.created)
    found = _cause(snapshot, newest, looks)
    if found is not None:
        yield replace(found, affected=pods(group))
