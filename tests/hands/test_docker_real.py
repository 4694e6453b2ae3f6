"""Containers on a real Docker engine: looked at, diagnosed, changed, taken back and undone."""

from __future__ import annotations

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hands_helpers import Person, done
from needs import missing

from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.docker import pruning
from mcp_tools.docker.registry import PullFailed
from mcp_tools.errors import Conflict, NotFound, PlanExpired, UsageError
from mcp_tools.toolbox import Toolbox

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
IMAGE = "busybox:latest"
WAITS = ["sh", "-c", "trap exit TERM; while true; do sleep 0.1; done"]
OURS = f"shipmate-test-{uuid.uuid4().hex[:6]}"


def docker(*words: str, check: bool = True) -> str:
    ended = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=120, check=False)
    assert not check or ended.returncode == 0, ended
    return ended.stdout.strip()


def named(name: str) -> str:
    return f"{OURS}-{name}"


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    try:
        there = docker("image", "inspect", "--format={{.Id}}", IMAGE, check=False)
        there = there or docker("pull", "--quiet", IMAGE, check=False)
    except OSError:
        there = ""
    if not there:
        missing(f"no Docker engine with the image {IMAGE}")
    yield
    of_us = docker("ps", "--all", "--quiet", f"--filter=name={OURS}").split()
    if of_us:
        docker("rm", "--force", "--volumes", *of_us)
    volumes = docker("volume", "ls", "--quiet", f"--filter=name={OURS}").split()
    if volumes:
        docker("volume", "rm", *volumes)


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def box(person: Person, tmp_path: Path) -> Iterator[Toolbox]:
    target = Target(kubeconfig="/dev/null")
    box = Toolbox(target, approver=person.approve, reporter=person.hear, journal=tmp_path / "journal.db")
    yield box
    box.close()


@pytest.fixture
def web() -> Iterator[str]:
    """A container with a secret in its environment, a volume and a port."""
    name = named("web")
    more = (f"--volume={named('data')}:/data", "--publish=127.0.0.1::80", "--env=DB_PASSWORD=hunter22hunter22")
    script = "echo from the start; echo token=hunter33hunter33; trap exit TERM; while true; do sleep 0.1; done"
    docker(
        "run",
        "--detach",
        f"--name={name}",
        "--label=com.docker.compose.project=" + OURS,
        *more,
        IMAGE,
        "sh",
        "-c",
        script,
    )
    yield name
    docker("rm", "--force", name, check=False)


def state(name: str) -> str:
    return docker("inspect", "--format={{.State.Status}}", name, check=False)


def wait(what: Callable[[], bool]) -> None:
    for _ in range(600):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("it never came true")


def look(box: Toolbox, action: str, **given: Any) -> dict[str, Any]:
    return box.call("inspect_docker", {"action": action, **given}).data


def test_a_container_is_listed_told_and_read_with_its_secrets_masked(box: Toolbox, web: str) -> None:
    listed = look(box, "containers", project=OURS)
    first = dict(zip(listed["columns"], listed["rows"][0], strict=True))
    assert first["name"] == web
    assert first["status"].startswith("Up")
    assert first["ports"].startswith("127.0.0.1:")
    assert look(box, "projects")["projects"]
    container = look(box, "inspect", target=web)["container"]
    assert container["env"]["DB_PASSWORD"] == "[redacted]"
    assert container["mounts"] == [f"{named('data')}:/data"]
    wait(lambda: len(look(box, "logs", target=web)["lines"]) == 2)
    assert look(box, "logs", target=web)["lines"] == ["from the start", "token=[redacted]"]
    assert look(box, "logs", target=web, contains="start")["lines"] == ["from the start"]
    assert "hunter" not in str((listed, container))
    used = next(row for row in look(box, "stats")["containers"] if row["name"] == web)
    assert used["pids"] >= 1
    assert look(box, "stats", target=web)["containers"][0]["limit_mib"] is None


def test_images_are_told_by_size_with_what_each_layer_costs(box: Toolbox) -> None:
    images = look(box, "images")["images"]
    sizes = [image["size_mib"] for image in images]
    assert sizes == sorted(sizes, reverse=True)
    layers = look(box, "layers", target=IMAGE)
    assert layers["image"] == IMAGE
    assert sum(layer["size_mib"] for layer in layers["layers"]) == pytest.approx(layers["size_mib"], abs=0.2)
    with pytest.raises(NotFound, match=IMAGE):
        look(box, "layers", target="busybos:latest")


SICK = {
    "exit": (("sh", "-c", "echo ready; echo 'ERROR no table tasks' >&2; exit 3"), ()),
    "oom": (("sh", "-c", "x=a; while true; do x=$x$x$x$x; done"), ("--memory=8m", "--memory-swap=8m")),
    "sick": (
        ("sleep", "1000"),
        ("--health-cmd=echo no answer on 8000; exit 1", "--health-interval=1s", "--health-retries=1"),
    ),
    "loop": (("sh", "-c", "echo FATAL bad config; exit 1"), ("--restart=always",)),
    "absent": (("no-such-program",), ()),
    "done": (("true",), ()),
}
TOLD = {
    "exit": ["ended with exit code 3", "ERROR no table tasks"],
    "oom": ["killed for using more memory than it may (8 MiB)"],
    "sick": ["unhealthy", "no answer on 8000"],
    "loop": ["Docker has restarted it", "FATAL bad config"],
    "absent": ["no-such-program is not in the image"],
    "done": ["is done: it ended with exit code 0"],
}


@pytest.fixture(scope="module")
def sick(engine: None) -> None:
    for name, (command, options) in SICK.items():
        docker("run", "--detach", f"--name={named(name)}", *options, IMAGE, *command, check=name != "absent")
    health = "--format={{if .State.Health}}{{.State.Health.Status}}{{end}}"
    wait(lambda: docker("inspect", health, named("sick")) == "unhealthy")
    wait(lambda: docker("inspect", "--format={{.RestartCount}}", named("loop")) >= "1")
    wait(lambda: state(named("exit")) == state(named("oom")) == "exited")


@pytest.mark.parametrize("name", SICK)
def test_what_is_wrong_with_a_container_is_told_with_the_line_that_matters(box: Toolbox, sick: None, name: str) -> None:
    result = box.call("inspect_docker", {"action": "diagnose", "target": named(name)})
    for words in TOLD[name]:
        assert words in f"{result.summary} {result.data['findings']}"


def test_a_port_that_is_taken_names_who_has_it(box: Toolbox, web: str) -> None:
    port = docker("port", web, "80").rpartition(":")[2]
    clash = named("clash")
    docker("run", "--detach", f"--name={clash}", f"--publish=127.0.0.1:{port}:80", IMAGE, *WAITS, check=False)
    said = box.call("inspect_docker", {"action": "diagnose", "target": clash}).summary
    assert f"port {port} is taken (container {web} has it)" in said
    with pytest.raises(UsageError, match=f"Port {port} is taken by container {web}"):
        box.call("change_docker", {"action": "run", "target": IMAGE, "name": named("other"), "ports": [f"{port}:80"]})


def test_an_image_is_run_and_the_container_taken_away_by_undo(box: Toolbox, person: Person) -> None:
    name = named("run")
    given = {"action": "run", "target": IMAGE, "name": name, "command": WAITS, "env": {"TOKEN": "hunter44hunter44"}}
    person.decision = Decision.DECLINED
    assert box.call("change_docker", given).data["status"] == "declined"
    assert not state(name)
    person.decision = Decision.APPROVED
    assert done(box, "change_docker", **given)["undo"]
    assert state(name) == "running"
    with pytest.raises(UsageError, match="already"):
        box.call("change_docker", given)
    assert done(box, "undo_change")["status"] == "verified"
    assert not state(name)
    told = repr((person.progress, box.call("list_changes", {}).data))
    assert "hunter44" not in told


def test_a_container_that_does_not_come_up_is_taken_away_again_with_its_reason(box: Toolbox) -> None:
    name = named("failing")
    script = ["sh", "-c", "echo 'ERROR no database' >&2; exit 7"]
    failed = box.call("change_docker", {"action": "run", "target": IMAGE, "name": name, "command": script}).data
    assert failed["status"] == "rolled_back"
    assert "exit code 7" in failed["reason"]
    assert "ERROR no database" in failed["reason"]
    assert not state(name)
    with pytest.raises(PullFailed, match="cannot be pulled"):
        box.call("change_docker", {"action": "run", "target": "registry.invalid/none:1", "name": name})


def test_stop_and_start_undo_each_other_and_a_restart_is_seen_through(box: Toolbox, web: str) -> None:
    stopped = done(box, "change_docker", action="stop", target=web)
    assert state(web) == "exited"
    assert box.call("change_docker", {"action": "stop", "target": web}).data["status"] == "unchanged"
    done(box, "undo_change", change_id=stopped["change_id"])
    assert state(web) == "running"
    with pytest.raises(UsageError, match="undone already"):
        box.call("undo_change", {"change_id": stopped["change_id"]})
    began = docker("inspect", "--format={{.State.StartedAt}}", web)
    assert done(box, "change_docker", action="restart", target=web)["undo"] is None
    assert docker("inspect", "--format={{.State.StartedAt}}", web) != began


def test_a_container_that_goes_by_itself_is_said_to_be_gone(box: Toolbox) -> None:
    for action, undoable in (("stop", False), ("remove", True)):
        name = named(f"fleeting-{action}")
        docker("run", "--detach", "--rm", f"--name={name}", IMAGE, *WAITS)
        data = done(box, "change_docker", action=action, target=name)
        assert any("--rm" in text for text in data["warnings"]) is (action == "stop")
        assert bool(data["undo"]) is undoable
        wait(lambda gone=name: not state(gone))


def test_what_was_removed_is_made_again_as_it_was_unless_that_was_a_secret(box: Toolbox, web: str) -> None:
    removed = done(box, "change_docker", action="remove", target=web)
    assert any("cannot be undone" in text for text in removed["warnings"])
    assert removed["undo"] is None
    name = named("again")
    more = (f"--volume={named('kept')}:/kept", "--env=MODE=fast", "--publish=127.0.0.1::80", "--label=team=blue")
    docker("run", "--detach", f"--name={name}", *more, "--restart=on-failure:2", IMAGE, *WAITS)
    docker("exec", name, "touch", "/kept/file")
    settings = "--format={{json .Config.Env}} {{json .Config.Labels}} {{json .Config.Cmd}} {{json .HostConfig}}"
    before = docker("inspect", settings, name)
    done(box, "change_docker", action="remove", target=name)
    assert not state(name)
    done(box, "undo_change")
    assert state(name) == "running"
    assert docker("inspect", settings, name) == before
    assert docker("exec", name, "ls", "/kept") == "file"
    with pytest.raises(UsageError):
        box.call("undo_change", {"change_id": removed["change_id"]})


def test_a_command_that_only_looks_is_not_asked_for_and_any_other_is(box: Toolbox, web: str, person: Person) -> None:
    looked = box.call("change_docker", {"action": "exec", "target": web, "command": ["ls", "/"]}).data
    assert "data" in looked["stdout"].split()
    assert not person.plans
    given = {"action": "exec", "target": web, "command": ["sh", "-c", "echo out; echo err >&2; touch /x; exit 3"]}
    person.decision = Decision.DECLINED
    assert box.call("change_docker", given).data["status"] == "declined"
    assert "x" not in docker("exec", web, "ls", "/").split()
    person.decision = Decision.APPROVED
    ran = box.call("change_docker", given).data
    assert (ran["status"], ran["exit_code"], ran["stdout"], ran["stderr"]) == ("failed", 3, "out\n", "err\n")


def test_a_plan_waits_for_its_yes_and_is_void_when_somebody_else_was_faster(
    box: Toolbox, web: str, person: Person
) -> None:
    person.decision = Decision.DEFERRED
    first = box.call("change_docker", {"action": "stop", "target": web}).data
    second = box.call("change_docker", {"action": "stop", "target": web}).data
    assert (first["status"], state(web)) == ("planned", "running")
    person.decision = Decision.APPROVED
    done(box, "apply_plan", plan_id=first["plan_id"])
    assert state(web) == "exited"
    with pytest.raises(Conflict, match="by now"):
        box.call("apply_plan", {"plan_id": second["plan_id"]})
    with pytest.raises(PlanExpired):
        box.call("apply_plan", {"plan_id": first["plan_id"]})


@pytest.mark.parametrize(
    ("roll_back", "ends"), [(False, ("interrupted", "running")), (True, ("rolled_back", "exited"))]
)
def test_a_wait_for_health_can_be_stopped_and_taken_back(
    box: Toolbox, person: Person, *, roll_back: bool, ends: tuple[str, str]
) -> None:
    name = named(f"slow-{roll_back}".lower())
    docker("create", f"--name={name}", "--health-cmd=true", "--health-interval=100s", IMAGE, *WAITS)
    ended: list[str] = []
    given = {"action": "start", "target": name}
    waiting = threading.Thread(target=lambda: ended.append(box.call("change_docker", given).data["status"]))
    waiting.start()
    wait(lambda: any("starting" in progress.message and progress.detail for progress in person.progress))
    box.interrupt(roll_back=roll_back)
    waiting.join(60)
    assert (*ended, state(name)) == ends


def test_a_name_of_an_image_is_given_and_taken_back(box: Toolbox) -> None:
    name = f"{OURS}:1"
    done(box, "change_docker", action="tag", target=IMAGE, name=name)
    assert docker("image", "inspect", "--format={{.Id}}", name) == docker("image", "inspect", "--format={{.Id}}", IMAGE)
    done(box, "undo_change")
    assert not docker("images", "--quiet", name)
    assert docker("images", "--quiet", IMAGE)


def test_a_prune_takes_exactly_what_it_showed(box: Toolbox, person: Person) -> None:
    goes, kept, late = (named(name) for name in ("goes", "kept", "late"))
    for name, options in ((goes, ()), (kept, ("--label=shipmate/protected=true",))):
        docker("create", f"--name={name}", *options, IMAGE, "true")

    def protects(target: str, labels: Any) -> bool:
        # What others have on this engine is not ours to prune.
        ours = {f"container/{name}" for name in (goes, kept, late)}
        return target not in ours or box.outside.protects(target, labels)

    work = pruning.prune(protects, ["containers"])
    docker("create", f"--name={late}", IMAGE, "true")
    change = box.outside.run(work, person.approve, person.hear)
    assert [field.path for field in person.plans[0].steps[0].changes] == [("containers", goes)]
    assert "cannot be brought back" in person.plans[0].warnings[0]
    assert change.outcome.value == "verified"
    assert (state(goes), state(kept), state(late)) == ("", "created", "created")
    shown = look(box, "disk")
    assert {"containers", "images", "volumes", "build_cache"} <= set(shown["usage"])
