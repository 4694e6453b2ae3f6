"""A change is verified, or rolled back, or never happened: what a user relies on when they say yes."""

from __future__ import annotations

import base64
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
import yaml
from hands_helpers import Kube, Person, answer, deployment, deployments, done, http_server, write_kubeconfig

from mcp_tools.changes.diff import Edit
from mcp_tools.changes.journal import JournalProblem
from mcp_tools.changes.model import Decision, Phase
from mcp_tools.changes.operations import Wanted
from mcp_tools.changes.report import report
from mcp_tools.cluster.resolve import find_object
from mcp_tools.cluster.target import Target
from mcp_tools.errors import (
    Ambiguous,
    ApprovalNeeded,
    Conflict,
    Invalid,
    NotFound,
    PlanExpired,
    ShipmateError,
    Unreachable,
    UsageError,
)
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo

MakeBox = Callable[..., Toolbox]


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def make_box(sandbox: SandboxInfo, space: str, person: Person, tmp_path: Path) -> Iterator[MakeBox]:
    boxes: list[Toolbox] = []

    def make(who: Person = person, kubeconfig: Path = sandbox.kubeconfig, **options: Any) -> Toolbox:
        target = Target(kubeconfig=str(kubeconfig), namespace=space)
        options = {"journal": tmp_path / "journal.db", **options}
        boxes.append(Toolbox(target, approver=who.approve, reporter=who.hear, **options))
        return boxes[-1]

    yield make
    for box in boxes:
        box.close()


@pytest.fixture
def box(make_box: MakeBox) -> Toolbox:
    return make_box()


@pytest.fixture
def web(kube: Kube, space: str) -> str:
    """The path of a Deployment with two pods that are ready."""
    kube.make(deployments(space), deployment("web"))
    while len(ready_pods(kube, space)) < 2:
        time.sleep(0.1)
    return deployments(space, "web")


def image_of(kube: Kube, path: str) -> str:
    return str(kube.get(path)["spec"]["template"]["spec"]["containers"][0]["image"])


def replicas_of(kube: Kube, path: str) -> int:
    return int(kube.get(path)["spec"]["replicas"])


def ready_pods(kube: Kube, space: str) -> set[str]:
    pods = kube.get(f"/api/v1/namespaces/{space}/pods")["items"]
    return {
        pod["metadata"]["name"]
        for pod in pods
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])
    }


def test_scaling_is_shown_carried_out_verified_and_undone(
    kube: Kube, space: str, box: Toolbox, web: str, person: Person
) -> None:
    result = box.call("scale", {"target": "web", "replicas": 4})
    assert result.data["status"] == "verified"
    assert result.data["diff"] == [{"path": "spec.replicas", "old": 2, "new": 4}]
    assert result.data["replicas"] == {"desired": 4, "ready": 4}
    assert len(ready_pods(kube, space)) == 4
    assert f"Scale deployment/web in namespace {space} from 2 to 4 replicas" in person.plans[-1].title
    assert next(progress.phase for progress in person.progress) is Phase.APPLYING
    assert person.progress[-1].phase is Phase.DONE

    undone = box.call("undo_change", {})
    assert undone.data["status"] == "verified"
    assert replicas_of(kube, web) == 2
    with pytest.raises(UsageError, match="undone already"):
        box.call("undo_change", {"change_id": result.data["change_id"]})
    listed = box.call("list_changes", {"limit": 2}).data["changes"]
    assert [(each["action"], each["status"]) for each in listed] == [("undo", "verified"), ("scale", "verified")]
    assert listed[1]["undone_by"] == listed[0]["id"]


def test_an_image_that_does_not_exist_is_rolled_back_and_no_pod_is_lost(
    kube: Kube, space: str, box: Toolbox, web: str
) -> None:
    before = ready_pods(kube, space)
    result = box.call("configure_workload", {"target": "web", "image": "nginx:no-such-tag"})
    assert result.data["status"] == "rolled_back"
    assert "ImagePullBackOff" in result.data["reason"]
    assert "not found" in result.data["reason"]
    assert result.data["replicas"] == {"desired": 2, "ready": 2}
    assert image_of(kube, web) == "nginx:1.27"
    assert before <= ready_pods(kube, space)
    with pytest.raises(UsageError, match="rolled back"):
        box.call("undo_change", {"change_id": result.data["change_id"]})


def test_an_image_that_keeps_crashing_is_rolled_back(kube: Kube, box: Toolbox, web: str) -> None:
    result = box.call("configure_workload", {"target": "web", "image": "busybox:latest"})
    assert result.data["status"] == "rolled_back"
    assert "CrashLoopBackOff" in result.data["reason"]
    assert result.data["replicas"] == {"desired": 2, "ready": 2}
    assert image_of(kube, web) == "nginx:1.27"


def test_a_rollout_that_never_gets_ready_is_rolled_back_when_time_is_up(
    kube: Kube, space: str, make_box: MakeBox, web: str
) -> None:
    box = make_box(rollout_timeout=2.0)
    probe = {"readinessProbe": {"httpGet": {"port": 81}, "periodSeconds": 1}}
    kube.make(deployments(space), deployment("slow", replicas=1, container=probe))
    result = box.call("scale", {"target": "slow", "replicas": 2})
    assert result.data["status"] == "rolled_back"
    assert "not complete after 2 s" in result.data["reason"]
    assert "not healthy either" in result.data["reason"]
    assert replicas_of(kube, deployments(space, "slow")) == 1


def test_a_writer_who_was_faster_wins(kube: Kube, make_box: MakeBox, web: str) -> None:
    person = Person(before=lambda plan: kube.merge(web, {"spec": {"replicas": 5}}))
    with pytest.raises(Conflict, match=r"spec\.replicas was changed by somebody-else"):
        make_box(person).call("scale", {"target": "web", "replicas": 3})
    assert replicas_of(kube, web) == 5
    other = Person(before=lambda plan: kube.merge(web, {"spec": {"minReadySeconds": 1}}))
    with pytest.raises(Conflict, match=r"spec .*changed since"):
        make_box(other).call("scale", {"target": "web", "replicas": 3})
    assert replicas_of(kube, web) == 5


def test_a_writer_who_touches_nothing_of_the_spec_is_in_nobodys_way(kube: Kube, make_box: MakeBox, web: str) -> None:
    person = Person(before=lambda plan: kube.merge(web, {"metadata": {"annotations": {"seen": "yes"}}}))
    assert make_box(person).call("scale", {"target": "web", "replicas": 3}).data["status"] == "verified"
    metadata = kube.get(web)["metadata"]
    assert metadata["annotations"]["seen"] == "yes"


def test_an_object_made_anew_is_not_the_one_that_was_shown(kube: Kube, space: str, make_box: MakeBox, web: str) -> None:
    def replace(_: Any) -> None:
        kube.delete(web)
        kube.make(deployments(space), deployment("web"))

    with pytest.raises(Conflict, match="made anew"):
        make_box(Person(before=replace)).call("scale", {"target": "web", "replicas": 3})
    assert replicas_of(kube, web) == 2


def test_undo_does_not_trample_on_a_later_writer(kube: Kube, box: Toolbox, web: str, person: Person) -> None:
    box.call("scale", {"target": "web", "replicas": 3})
    kube.merge(web, {"spec": {"replicas": 6}})
    asked = len(person.plans)
    with pytest.raises(Conflict, match=r"spec\.replicas was changed by somebody-else"):
        box.call("undo_change", {})
    assert replicas_of(kube, web) == 6
    assert len(person.plans) == asked


def test_no_means_no(kube: Kube, make_box: MakeBox, web: str, sandbox: SandboxInfo, tmp_path: Path) -> None:
    # Controllers write statuses, which moves the version; any write to the spec moves the generation.
    generation = kube.get(web)["metadata"]["generation"]
    result = make_box(Person(Decision.DECLINED)).call("scale", {"target": "web", "replicas": 0})
    assert result.data["status"] == "declined"
    alone = Toolbox(
        Target(kubeconfig=str(sandbox.kubeconfig), namespace=web.split("/")[5]), journal=tmp_path / "other.db"
    )
    with pytest.raises(ApprovalNeeded):
        alone.call("scale", {"target": "web", "replicas": 0})
    alone.close()
    assert kube.get(web)["metadata"]["generation"] == generation


def test_what_is_as_asked_for_is_not_asked_about(box: Toolbox, web: str, person: Person) -> None:
    asked, kept = len(person.plans), len(box.journal.latest(100))
    result = box.call("scale", {"target": "web", "replicas": 2})
    assert result.data["status"] == "unchanged"
    assert "2 of 2 replicas ready" in result.summary
    assert (len(person.plans), len(box.journal.latest(100))) == (asked, kept)


def test_a_plan_waits_for_its_yes_and_works_once(kube: Kube, make_box: MakeBox, web: str) -> None:
    box = make_box(Person(Decision.DEFERRED))
    planned = box.call("scale", {"target": "web", "replicas": 3})
    plan_id = planned.data["plan_id"]
    assert planned.data["status"] == "planned"
    assert plan_id in planned.summary
    assert replicas_of(kube, web) == 2
    yes = Person()
    applied = box.call("apply_plan", {"plan_id": plan_id}, approver=yes.approve)
    assert applied.data["status"] == "verified"
    assert replicas_of(kube, web) == 3
    asked = len(yes.plans)
    for again in (box, make_box()):
        with pytest.raises(PlanExpired, match="used already"):
            again.call("apply_plan", {"plan_id": plan_id}, approver=yes.approve)
    assert len(yes.plans) == asked


def test_a_plan_can_be_carried_out_by_another_process_and_by_one_only(kube: Kube, make_box: MakeBox, web: str) -> None:
    planned = make_box(Person(Decision.DEFERRED)).call("scale", {"target": "web", "replicas": 3})
    boxes = [make_box() for _ in range(3)]
    gate = threading.Barrier(3)
    outcomes: list[str] = []

    def apply(box: Toolbox) -> None:
        gate.wait()
        try:
            outcomes.append(box.call("apply_plan", {"plan_id": planned.data["plan_id"]}).data["status"])
        except PlanExpired:
            outcomes.append("used")

    threads = [threading.Thread(target=apply, args=(box,)) for box in boxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["used", "used", "verified"]
    assert replicas_of(kube, web) == 3


def test_a_plan_expires(kube: Kube, make_box: MakeBox, web: str, tmp_path: Path) -> None:
    box = make_box(Person(Decision.DEFERRED))
    plan_id = box.call("scale", {"target": "web", "replicas": 3}).data["plan_id"]
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("UPDATE changes SET at = '2020-01-01T00:00:00Z' WHERE plan_id = ?", (plan_id,))
    for each in (box, make_box()):
        with pytest.raises(PlanExpired, match="older than 15 minutes"):
            each.call("apply_plan", {"plan_id": plan_id}, approver=Person().approve)
    with pytest.raises(PlanExpired, match="no plan"):
        box.call("apply_plan", {"plan_id": "0" * 8})
    assert replicas_of(kube, web) == 2


def test_an_interrupted_watch_leaves_what_was_applied_and_can_be_undone(
    kube: Kube, make_box: MakeBox, web: str
) -> None:
    box = make_box()
    later = make_box(Person(Decision.DEFERRED))

    def interrupt(progress: Any) -> None:
        if progress.phase is Phase.WATCHING:
            box.interrupt()

    planned = box.call("scale", {"target": "web", "replicas": 3}, approver=Person(Decision.DEFERRED).approve)
    result = box.call("configure_workload", {"target": "web", "image": "nginx:1.28"}, reporter=interrupt)
    assert result.data["status"] == "interrupted"
    assert "not verified" in result.summary
    assert image_of(kube, web) == "nginx:1.28"
    assert box.call("undo_change", {}).data["status"] == "verified"
    assert image_of(kube, web) == "nginx:1.27"
    done(box, "configure_workload", target="web", env={"COLOUR": "blue"})
    box.interrupt()
    with pytest.raises(Conflict, match="spec of deployment/web"):
        box.call("apply_plan", {"plan_id": planned.data["plan_id"]})
    planned = later.call("scale", {"target": "web", "replicas": 3})
    later.interrupt()
    applied = later.call("apply_plan", {"plan_id": planned.data["plan_id"]}, approver=Person().approve)
    assert applied.data["status"] == "verified", "an interrupt ends what runs, not what comes after"


def test_a_name_that_fits_nothing_or_several_offers_what_is_there(
    kube: Kube, space: str, box: Toolbox, web: str
) -> None:
    with pytest.raises(NotFound, match="deployment/web") as absent:
        box.call("scale", {"target": "wbe", "replicas": 1})
    assert f"deployment/web in namespace {space}" in absent.value.candidates
    with pytest.raises(NotFound) as elsewhere:
        box.call("scale", {"target": "backend", "replicas": 1})
    assert "deployment/backend in namespace todo-app" in elsewhere.value.candidates
    stateful = deployment("web", replicas=0)
    stateful = {**stateful, "kind": "StatefulSet", "spec": {**stateful["spec"], "serviceName": "web"}}
    kube.make(f"/apis/apps/v1/namespaces/{space}/statefulsets", stateful)
    with pytest.raises(Ambiguous, match="kind/name") as several:
        box.call("scale", {"target": "web", "replicas": 1})
    assert len(several.value.candidates) == 2
    assert box.call("scale", {"target": "sts/web", "replicas": 1}).data["target"].startswith("statefulset/web")


def test_who_will_set_it_back_is_said_before(kube: Kube, space: str, box: Toolbox, person: Person) -> None:
    marks = {"annotations": {"meta.helm.sh/release-name": "shop"}, "labels": {"argocd.argoproj.io/instance": "shop"}}
    kube.make(deployments(space), deployment("web", replicas=1, **marks))
    autoscaler = {
        "metadata": {"name": "web-hpa"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2,
            "maxReplicas": 6,
        },
    }
    kube.make(f"/apis/autoscaling/v2/namespaces/{space}/horizontalpodautoscalers", autoscaler)
    box.call("scale", {"target": "web", "replicas": 0}, approver=Person(Decision.DECLINED, person.plans.append).approve)
    said = "\n".join(person.plans[-1].warnings)
    for words in ("nothing serves web", "web-hpa (2 to 6 replicas)", "Helm release shop", "Argo CD"):
        assert words in said


SECRET = "hunter2-very-secret"
ENCODED = base64.b64encode(SECRET.encode()).decode()


def test_no_secret_reaches_the_journal_an_answer_or_an_error(
    kube: Kube, space: str, make_box: MakeBox, tmp_path: Path
) -> None:
    person = Person()
    box = make_box(person)
    kube.make(f"/api/v1/namespaces/{space}/secrets", {"metadata": {"name": "db"}, "data": {"url": ENCODED}})
    env = [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "URL", "value": f"postgres://u:{SECRET}@db/x"}]
    kube.make(deployments(space), deployment("web", replicas=1, container={"env": env, "args": ["--token", SECRET]}))

    told = [box.call("describe_resource", {"target": target}) for target in ("secret/db", "deploy/web")]
    told.append(box.call("list_resources", {"kind": "secrets"}))
    changed = Wanted("edit", "Edit", find_object(box.connection, "secret/db", space, ()), (), {})
    value = base64.b64encode(f"new-{SECRET}".encode()).decode()
    edits = (Edit(("data", "url"), value), Edit(("data", "more"), value))
    changed = Wanted("edit", "Edit", changed.found, edits, {"password": SECRET})
    done = box.engine.run(changed, person.approve, person.hear)
    assert done.outcome.value == "verified"
    shown = [report(done).data, *(str(each) for each in told)]
    with pytest.raises(UsageError, match="secret, which the journal does not keep"):
        box.call("undo_change", {"change_id": done.change_id})

    broken = Wanted("edit", "Edit", changed.found, (Edit(("data", "url"), f"{SECRET} !"),))
    with pytest.raises(ShipmateError) as refused:
        box.engine.run(broken, person.approve, person.hear)
    with pytest.raises(UsageError) as unread:
        box.call("configure_workload", {"target": "web", "image": f"https://u:{SECRET}@registry/x"})
    words = f"{shown} {unread.value} {refused.value} {box.call('list_changes', {}).data}"
    held = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    for text in (SECRET, ENCODED, value):
        assert text not in words
        assert text.encode() not in held
    stored = kube.get(f"/api/v1/namespaces/{space}/secrets/db")["data"]
    assert stored == {"url": value, "more": value}
    assert oct((tmp_path / "journal.db").stat().st_mode & 0o777) == "0o600"


def test_a_plan_with_a_secret_is_carried_out_here_or_not_at_all(kube: Kube, space: str, make_box: MakeBox) -> None:
    box = make_box(Person(Decision.DEFERRED))
    path = f"/api/v1/namespaces/{space}/secrets"
    kube.make(path, {"metadata": {"name": "db"}, "data": {"url": ENCODED}})
    found = find_object(box.connection, "secret/db", space, ())
    person = Person(Decision.DEFERRED)
    planned = box.engine.run(
        Wanted("edit", "Edit", found, (Edit(("data", "url"), "bmV3"),)), person.approve, person.hear
    )
    with pytest.raises(PlanExpired, match="holds a secret"):
        make_box().call("apply_plan", {"plan_id": planned.plan.id})
    assert kube.get(f"{path}/db")["data"] == {"url": ENCODED}
    box.call("apply_plan", {"plan_id": planned.plan.id}, approver=Person().approve)
    assert kube.get(f"{path}/db")["data"] == {"url": "bmV3"}


def test_nothing_is_changed_without_a_journal(
    kube: Kube, make_box: MakeBox, web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no directory")
    (tmp_path / "garbage.db").write_text("no database at all, " * 100)
    for place in (tmp_path / "file" / "journal.db", tmp_path, tmp_path / "garbage.db"):
        with pytest.raises(JournalProblem, match="journal") as caught:
            make_box(journal=place).call("scale", {"target": "web", "replicas": 3})
        assert caught.value.hint
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "state"))
    with pytest.raises(ShipmateError, match="XDG_STATE_HOME"):
        make_box(journal=None).call("scale", {"target": "web", "replicas": 3})
    box = make_box()
    box.call("list_changes", {})
    with sqlite3.connect(tmp_path / "journal.db") as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalProblem, match="locked"):
            box.call("scale", {"target": "web", "replicas": 3})
    assert replicas_of(kube, web) == 2


def test_what_the_server_refuses_is_refused_before_anybody_is_asked(
    kube: Kube, space: str, make_box: MakeBox, web: str, person: Person
) -> None:
    box = make_box(asked := Person())
    found = find_object(box.connection, "web", space, ("deployments",))
    with pytest.raises(Invalid):
        box.engine.run(Wanted("edit", "Edit", found, (Edit(("spec", "replicas"), -1),)), asked.approve, asked.hear)
    with pytest.raises(UsageError, match="not an image reference"):
        box.call("configure_workload", {"target": "web", "image": "Not An Image"})
    with pytest.raises(UsageError, match=r"no container 'nope'.*app"):
        box.call("configure_workload", {"target": "web", "image": "nginx:1.28", "container": "nope"})
    assert asked.plans == []


Meddle = Callable[[Any, bytes, Callable[[], None]], None]


@contextmanager
def between(sandbox: SandboxInfo, meddle: Meddle) -> Iterator[str]:
    """A proxy in front of the sandbox that may meddle with writes: call on, or not."""
    token = yaml.safe_load(sandbox.kubeconfig.read_text())["users"][0]["user"]["token"]
    pool = urllib3.PoolManager(cert_reqs="CERT_NONE")
    urllib3.disable_warnings()

    def reply(handler: Any) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {key: handler.headers[key] for key in ("Accept", "Content-Type") if handler.headers[key]}
        headers["Authorization"] = f"Bearer {token}"

        def on() -> None:
            found = pool.request(handler.command, sandbox.url + handler.path, body=body, headers=headers)
            handler.headers.replace_header("Content-Length", "0") if "Content-Length" in handler.headers else None
            answer(handler, found.status, found.data)

        if handler.command == "PATCH" and "dryRun" not in handler.path:
            meddle(handler, body, on)
        else:
            on()

    with http_server(reply) as url:
        yield url
    pool.clear()


def test_an_answer_that_is_lost_does_not_make_a_change_forgotten(
    kube: Kube, sandbox: SandboxInfo, make_box: MakeBox, web: str, tmp_path: Path
) -> None:
    def arrive(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        wire, handler.wfile = handler.wfile, open("/dev/null", "wb")  # noqa: PTH123, SIM115
        on()
        handler.wfile.close()
        handler.wfile = wire
        handler.close_connection = True

    def vanish(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        handler.close_connection = True

    with between(sandbox, arrive) as url:
        box = make_box(kubeconfig=write_kubeconfig(tmp_path / "one", url))
        assert box.call("scale", {"target": "web", "replicas": 3}).data["status"] == "verified"
    with between(sandbox, vanish) as url:
        box = make_box(kubeconfig=write_kubeconfig(tmp_path / "two", url))
        with pytest.raises(Unreachable, match="Nothing was changed"):
            box.call("scale", {"target": "web", "replicas": 4})
    assert replicas_of(kube, web) == 3
    assert box.call("list_changes", {"limit": 1}).data["changes"][0]["status"] == "failed"


def test_a_status_update_at_the_wrong_moment_stops_neither_the_change_nor_its_rollback(
    kube: Kube, sandbox: SandboxInfo, make_box: MakeBox, web: str, tmp_path: Path
) -> None:
    writes: list[bytes] = []

    def race(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        writes.append(body)
        if len(writes) in {1, 3}:
            kube.merge(web, {"metadata": {"annotations": {"touched": str(len(writes))}}})
        on()

    with between(sandbox, race) as url:
        box = make_box(kubeconfig=write_kubeconfig(tmp_path / "config", url))
        result = box.call("configure_workload", {"target": "web", "image": "nginx:no-such-tag"})
    assert result.data["status"] == "rolled_back", result.summary
    assert image_of(kube, web) == "nginx:1.27"
    assert len(writes) == 4
    assert re.search(rb"no-such-tag", writes[1])
