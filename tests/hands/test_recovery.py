"""A process that dies anywhere in a change leaves enough for the next one to say how it ended, and to undo it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, deployment, done, there
from wire_helpers import Death, detour, die, is_write, lose_answer, lose_request, wire

from mcp_tools.changes import steps, watch
from mcp_tools.errors import NotFound, ShipmateError, UsageError

if TYPE_CHECKING:
    from hands_helpers import Person

    from mcp_tools.sandbox.lifecycle import SandboxInfo
    from mcp_tools.toolbox import Toolbox

MakeBox = Callable[..., "Toolbox"]
CONFIGS = "/api/v1/namespaces/{}/configmaps/{}"
MANY = 60
"""More requests than any change here makes."""


def config(space: str, name: str, value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": space},
        "data": {"a": value},
    }


def manifest(*documents: dict[str, Any]) -> dict[str, Any]:
    return {"manifest": "\n---\n".join(map(json.dumps, documents))}


def data_of(kube: Kube, space: str, name: str) -> str | None:
    path = CONFIGS.format(space, name)
    return kube.get(path)["data"]["a"] if there(kube, path) else None


def state(kube: Kube, space: str) -> tuple[str | None, ...]:
    return tuple(data_of(kube, space, name) for name in ("one", "two", "three"))


BEFORE = ("old", "old", None)


def begin(kube: Kube, space: str) -> None:
    for name in ("one", "two"):
        kube.make(CONFIGS.format(space, ""), config(space, name, "old"))


def wanted(space: str) -> dict[str, Any]:
    return manifest(*(config(space, name, "new") for name in ("one", "two", "three")))


@pytest.mark.parametrize("answered", [False, True], ids=["a request is lost", "an answer is lost"])
@pytest.mark.timeout(120)
def test_killed_at_any_request_nothing_is_lost_and_nothing_is_done_twice(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, space: str, tmp_path: Path, answered: bool
) -> None:
    begin(kube, space)
    seen = set()
    for at in range(1, MANY):
        folder = tmp_path / str(at)
        folder.mkdir()
        killed, writes = die(sandbox.kubeconfig, space, folder, Death(at, answered), "apply_manifest", wanted(space))
        stood = state(kube, space)
        changed = sum(old != new for old, new in zip(BEFORE, stood, strict=True))
        assert len(writes) == len(set(writes)) == changed, "what was sent is there, once"
        box = make_box(journal=folder / "journal.db")
        sentences = box.recover()
        assert state(kube, space) == stood, "finding out changes nothing"
        (entry,) = box.call("list_changes", {}).data["changes"] or [None]
        if not killed:
            assert entry["status"] == "verified"
        elif entry is None:
            assert (sentences, changed) == ([], 0)
        else:
            (sentence,) = sentences
            ended = {0: ("failed", "nothing of it stands"), 3: ("verified", "did complete")}
            status, words = ended.get(changed, ("interrupted", f"{changed} of 3 objects stand changed"))
            assert (entry["status"], words in sentence) == (status, True), sentence
        assert box.recover() == []
        seen.add(changed)
        if changed:
            done(box, "undo_change")
        with pytest.raises((NotFound, UsageError)):
            box.call("undo_change", {})
        assert state(kube, space) == BEFORE
        box.close()
        if not killed:
            break
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize("answered", [False, True], ids=["a request is lost", "an answer is lost"])
@pytest.mark.timeout(120)
def test_an_undo_that_is_killed_can_be_asked_for_again(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, space: str, tmp_path: Path, answered: bool
) -> None:
    begin(kube, space)
    for at in range(1, MANY):
        folder = tmp_path / str(at)
        folder.mkdir()
        box = make_box(journal=folder / "journal.db")
        done(box, "apply_manifest", **wanted(space))
        killed, writes = die(
            sandbox.kubeconfig, space, folder, Death(at, answered, writes_only=True), "undo_change", {}
        )
        assert len(writes) == len(set(writes))
        box.recover()
        if state(kube, space) != BEFORE:
            done(box, "undo_change")
        assert state(kube, space) == BEFORE
        with pytest.raises((NotFound, UsageError)):
            box.call("undo_change", {})
        box.close()
        if not killed:
            return
    raise AssertionError("it never came to its end")


@pytest.mark.timeout(180)
def test_killed_in_the_middle_of_a_rollout_or_its_rollback_what_stands_is_said_and_put_back(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, space: str, web: str, tmp_path: Path
) -> None:
    bad = deployment("web", container={"image": "nginx:no-such-tag"}, namespace=space)
    asked = manifest(config(space, "one", "new"), bad)
    begin(kube, space)
    said = []
    # Two writes, and two that take them back.
    for death in (Death(3, answered=False, writes_only=True), Death(3, answered=True, writes_only=True)):
        folder = tmp_path / f"{death.at}{death.answered}"
        folder.mkdir()
        killed, _ = die(sandbox.kubeconfig, space, folder, death, "apply_manifest", asked)
        assert killed
        box = make_box(journal=folder / "journal.db")
        said += box.recover()
        done(box, "undo_change")
        assert kube.get(web)["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"
        assert data_of(kube, space, "one") == "old"
    assert "its rollout did not complete: pod web-" in said[0]
    assert "1 of 2 objects stand changed" in said[1]


def test_a_cluster_that_goes_silent_in_the_middle_is_asked_later(
    sandbox: SandboxInfo,
    make_box: MakeBox,
    kube: Kube,
    web: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    person: Person,
) -> None:
    monkeypatch.setattr(watch, "API_SECONDS", 1.0)
    silent = back = False

    def meddle(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        nonlocal silent
        if silent and not back:
            return lose_request(handler)
        silent = is_write(handler, body)
        return on()

    with wire(sandbox.kubeconfig, meddle) as url:
        box = make_box(kubeconfig=detour(sandbox.kubeconfig, url, tmp_path / "config"))
        result = box.call("scale", {"target": "web", "replicas": 3})
        assert result.data["status"] == "interrupted"
        assert "Applied, not verified" in result.summary
        assert "stopped answering" in result.summary
        assert kube.get(web)["spec"]["replicas"] == 3
        back = True
        # The same process finds out before it does the next thing.
        person.progress.clear()
        done(box, "undo_change")
    assert "in flight" in person.progress[0].message
    assert kube.get(web)["spec"]["replicas"] == 2


def test_a_write_that_nobody_can_tell_of_is_not_called_failed(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, web: str, tmp_path: Path
) -> None:
    silent = back = False

    def meddle(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        nonlocal silent
        if back:
            return on()
        if silent:
            return lose_request(handler)
        silent = is_write(handler, body)
        return lose_answer(handler, on) if silent else on()

    with wire(sandbox.kubeconfig, meddle) as url:
        box = make_box(kubeconfig=detour(sandbox.kubeconfig, url, tmp_path / "config"))
        with pytest.raises(steps.InDoubt, match="may or may not"):
            box.call("scale", {"target": "web", "replicas": 3})
        assert box.recover() == []
        back = True
        (sentence,) = box.recover()
        assert "it stands" in sentence or "did complete" in sentence
        done(box, "undo_change")
    assert kube.get(web)["spec"]["replicas"] == 2


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_write_that_met_trouble_is_done_once(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, web: str, tmp_path: Path, status: int
) -> None:
    from hands_helpers import answer

    arrived = 0

    def meddle(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        nonlocal arrived
        if not is_write(handler, body) or arrived > 1:
            return on()
        arrived += 1
        if arrived == 1:
            handler.headers.replace_header("Content-Length", "0")
            return answer(handler, status, {"message": "etcdserver: request timed out"})
        # The second one is carried out, and nobody hears of it.
        return lose_answer(handler, on)

    generation = kube.get(web)["metadata"]["generation"]
    with wire(sandbox.kubeconfig, meddle) as url:
        box = make_box(kubeconfig=detour(sandbox.kubeconfig, url, tmp_path / "config"))
        done(box, "scale", target="web", replicas=3)
    assert kube.get(web)["metadata"]["generation"] == generation + 1
    assert arrived == 2


def test_a_server_that_is_gone_for_a_while_in_a_rollout_is_waited_for(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, web: str, tmp_path: Path, person: Person
) -> None:
    left = 20

    def meddle(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        nonlocal left
        wrote = kube.get(web)["spec"]["replicas"] == 3
        if wrote and left and not is_write(handler, body):
            left -= 1
            return lose_request(handler)
        return on()

    with wire(sandbox.kubeconfig, meddle) as url:
        box = make_box(kubeconfig=detour(sandbox.kubeconfig, url, tmp_path / "config"), rollout_timeout=3.0)
        done(box, "scale", target="web", replicas=3)
    assert any("does not answer" in progress.message for progress in person.progress)


def test_a_rollback_waits_for_a_server_that_is_gone(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, web: str, tmp_path: Path
) -> None:
    writes = 0

    def meddle(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        nonlocal writes
        writes += is_write(handler, body)
        if is_write(handler, body) and 1 < writes < 4:
            return lose_request(handler) if writes == 2 else lose_answer(handler, on)
        return on()

    with wire(sandbox.kubeconfig, meddle) as url:
        box = make_box(kubeconfig=detour(sandbox.kubeconfig, url, tmp_path / "config"))
        result = box.call("configure_workload", {"target": "web", "image": "nginx:no-such-tag"})
    assert result.data["status"] == "rolled_back", result.summary
    assert kube.get(web)["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"


def test_a_change_of_another_cluster_of_the_same_name_is_left_alone(
    sandbox: SandboxInfo, make_box: MakeBox, kube: Kube, space: str, web: str, tmp_path: Path
) -> None:
    from hands_helpers import answer

    def other(handler: Any, body: bytes, on: Callable[[], None]) -> None:
        if handler.path == "/api/v1/namespaces/kube-system":
            return answer(handler, 200, {"metadata": {"uid": "another"}})
        return on()

    box = make_box()
    done(box, "scale", target="web", replicas=3)
    with wire(sandbox.kubeconfig, other) as url:
        elsewhere = make_box(kubeconfig=detour(sandbox.kubeconfig, url, tmp_path / "config"))
        with pytest.raises(NotFound, match="no change to undo"):
            elsewhere.call("undo_change", {})
        with pytest.raises(ShipmateError, match="another cluster"):
            elsewhere.call("undo_change", {"change_id": 1})
    done(box, "undo_change")


def test_a_change_of_a_process_that_lives_is_left_to_it(make_box: MakeBox, web: str) -> None:
    other = make_box()
    seen: list[list[str]] = []
    box = make_box()
    box.reporter = lambda _: seen.append(other.recover())
    done(box, "scale", target="web", replicas=3)
    assert seen
    assert not any(seen)


@pytest.mark.parametrize("back", [False, True], ids=["keep", "roll back"])
def test_stopped_between_two_steps_the_rest_is_not_begun(
    make_box: MakeBox, kube: Kube, space: str, web: str, back: bool
) -> None:
    begin(kube, space)
    box = make_box()
    box.reporter = lambda progress: box.interrupt(roll_back=back) if "configmap/one" in progress.message else None
    steps_ = [
        {"tool": "apply_manifest", "arguments": manifest(config(space, "one", "new"))},
        {"tool": "scale", "arguments": {"target": "web", "replicas": 3}},
    ]
    result = box.call("change_several", {"steps": steps_})
    assert kube.get(web)["spec"]["replicas"] == 2
    assert data_of(kube, space, "one") == ("old" if back else "new")
    assert result.data["status"] == ("rolled_back" if back else "interrupted"), result.summary
    if not back:
        assert "a further step was not begun" in result.summary
        done(box, "undo_change")
        assert data_of(kube, space, "one") == "old"
