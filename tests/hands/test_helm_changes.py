"""A release is changed as everything is: shown, asked for, watched, taken back; the user's `helm` does the writing."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, Person, deployments, done, there
from helm_helpers import Helm, helm_on, make_chart, stored
from needs import missing

from mcp_tools.changes.model import Decision, Phase, Progress
from mcp_tools.changes.policy import Policy
from mcp_tools.errors import Conflict, NotAllowed, NotFound, PlanExpired, UsageError

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo
    from mcp_tools.toolbox import Toolbox

pytestmark = pytest.mark.cluster
WORD = "Tr0ub4dor-and-3"


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(make_chart(tmp_path))


@pytest.fixture
def helm(sandbox: SandboxInfo, space: str) -> Helm:
    return helm_on(str(sandbox.kubeconfig), space)


def history(helm: Helm) -> list[tuple[int, str]]:
    return [(row["revision"], row["status"]) for row in json.loads(helm("history", "shop", "-o", "json"))]


def colour(kube: Kube, space: str) -> str:
    (container,) = kube.get(deployments(space, "shop"))["spec"]["template"]["spec"]["containers"]
    return str(container["env"][0]["value"])


def touched(plan: dict[str, Any]) -> set[str]:
    return {row["object"].partition(" ")[0] for row in plan["diff"]}


def test_the_life_of_a_release(box: Toolbox, kube: Kube, helm: Helm, space: str, chart: str, tmp_path: Path) -> None:
    given = {"release": "shop", "chart": chart}
    assert done(box, "change_release", action="install", **given)["replicas"] == {"desired": 1, "ready": 1}
    assert history(helm) == [(1, "deployed")]
    assert box.call("change_release", {"action": "upgrade", **given}).data["status"] == "unchanged"
    (tmp_path / "green.yaml").write_text("colour: green\n")
    upgrade = {"action": "upgrade", **given, "values_files": [str(tmp_path / "green.yaml")], "set": {"hook": True}}
    foreseen = box.call("helm_releases", {**upgrade, "action": "diff"}).data
    changed = done(box, "change_release", **upgrade)
    assert touched(changed) == {"release/shop", "job/shop-migrate", "configmap/shop-settings", "deployment/shop"}
    assert {row["object"].partition(" ")[0] for row in foreseen["objects"]} == touched(changed)
    assert colour(kube, space) == "green"
    done(box, "change_release", action="upgrade", **given, set={"replicas": 2})
    values = json.loads(helm("get", "values", "shop", "-o", "json"))
    assert values == {"colour": "green", "hook": True, "replicas": 2}
    done(box, "change_release", action="rollback", release="shop", revision=1)
    assert colour(kube, space) == "blue"
    done(box, "undo_change")
    assert json.loads(helm("get", "values", "shop", "-o", "json")) == values
    done(box, "change_release", action="uninstall", release="shop")
    assert not there(kube, deployments(space, "shop"))
    done(box, "undo_change")
    assert colour(kube, space) == "green"
    assert history(helm)[-1] == (6, "deployed")


def test_an_upgrade_that_cannot_work_is_taken_back_and_told(
    box: Toolbox, kube: Kube, helm: Helm, space: str, chart: str
) -> None:
    done(box, "change_release", action="install", release="shop", chart=chart)
    bad = {"action": "upgrade", "release": "shop", "chart": chart, "set": {"image": "nginx:absent", "colour": "red"}}
    told = box.call("change_release", bad).data
    assert told["status"] == "rolled_back"
    assert "its image cannot be pulled" in told["reason"]
    assert colour(kube, space) == "blue"
    assert history(helm) == [(1, "superseded"), (2, "failed"), (3, "deployed")]
    done(box, "undo_change")
    assert not there(kube, deployments(space, "shop"))


def test_a_first_install_that_cannot_work_leaves_nothing(box: Toolbox, kube: Kube, space: str, chart: str) -> None:
    new = f"{space}-new"
    bad = {"action": "install", "release": "shop", "chart": chart, "set": {"image": "nginx:absent"}, "namespace": new}
    told = box.call("change_release", bad).data
    assert told["status"] == "rolled_back"
    assert {"object": f"namespace/{new}", "verb": "create"} in told["diff"]
    with pytest.raises(NotFound):
        box.call("helm_releases", {"action": "status", "release": "shop", "namespace": new})


def test_a_secret_value_is_in_no_argument_no_journal_and_no_answer(
    box: Toolbox, kube: Kube, space: str, chart: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("helm") or missing("there is no helm on the PATH")
    spy = tmp_path / "bin" / "helm"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/argv\nexec {program} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}{os.pathsep}{os.environ['PATH']}")
    told = done(box, "change_release", action="install", release="shop", chart=chart, set={"password": WORD})
    assert kube.get(f"/api/v1/namespaces/{space}/secrets/shop-login")["data"]["password"]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    argv = (tmp_path / "argv").read_text()
    assert "upgrade --install shop" in argv
    assert WORD not in argv
    assert WORD.encode() not in kept
    assert WORD not in json.dumps(told)


def test_every_object_of_a_chart_is_asked_of_the_policy(box: Toolbox, chart: str) -> None:
    elsewhere = {"action": "install", "release": "shop", "chart": chart, "set": {"elsewhere": "kube-system"}}
    with pytest.raises(NotAllowed, match="kube-system is protected"):
        box.call("change_release", elsewhere)


def test_a_label_that_protects_an_object_protects_it_from_an_upgrade(
    box: Toolbox, kube: Kube, space: str, chart: str
) -> None:
    done(box, "change_release", action="install", release="shop", chart=chart)
    path = f"/api/v1/namespaces/{space}/configmaps/shop-settings"
    kube.merge(path, {"metadata": {"labels": {"shipmate/protected": "true"}}})
    with pytest.raises(NotAllowed, match="shop-settings"):
        box.call("change_release", {"action": "upgrade", "release": "shop", "chart": chart, "set": {"colour": "red"}})


def test_a_release_that_was_cut_off_is_told_and_freed(
    box: Toolbox, kube: Kube, helm: Helm, space: str, chart: str
) -> None:
    done(box, "change_release", action="install", release="shop", chart=chart)
    pending = stored("shop", 2, "pending-upgrade", namespace=space, manifest="", apply_method="ssa")
    kube.make(f"/api/v1/namespaces/{space}/secrets", pending)
    with pytest.raises(Conflict, match=r"pending-upgrade since 2026-01-02.*rolling it back"):
        box.call("change_release", {"action": "upgrade", "release": "shop", "chart": chart, "set": {"colour": "red"}})
    done(box, "change_release", action="rollback", release="shop")
    assert history(helm)[-1] == (3, "deployed")
    done(box, "change_release", action="upgrade", release="shop", chart=chart, set={"colour": "red"})


def test_what_changed_since_the_plan_was_shown_is_not_carried_out(
    make_box: Callable[..., Toolbox], person: Person, chart: str, tmp_path: Path
) -> None:
    box = make_box()
    person.decision = Decision.DEFERRED
    plan = box.call("change_release", {"action": "install", "release": "shop", "chart": chart}).data
    make_chart(tmp_path, version="0.2.0")
    person.decision = Decision.APPROVED
    with pytest.raises(Conflict, match="changed since the plan was shown"):
        make_box().call("apply_plan", {"plan_id": plan["plan_id"]})
    with pytest.raises(PlanExpired):
        box.call("apply_plan", {"plan_id": plan["plan_id"]})


def test_a_chart_is_found_by_its_name_where_none_is_given(
    box: Toolbox, chart: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(box, "change_release", action="install", release="shop", chart=chart)
    upgrade = {"action": "upgrade", "release": "shop", "set": {"colour": "red"}}
    monkeypatch.chdir(tmp_path)
    done(box, "change_release", **upgrade)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(UsageError, match="no chart of that name"):
        box.call("change_release", upgrade)


def test_over_http_no_file_of_the_server_is_read(make_box: Callable[..., Toolbox], chart: str) -> None:
    box = make_box()
    box.local_files = False
    for given in ({"chart": chart}, {"chart": "oci://registry.test/shop", "values_files": ["/etc/passwd"]}):
        for tool, action in (("change_release", "install"), ("helm_releases", "diff")):
            with pytest.raises(NotAllowed, match="Over HTTP"):
                box.call(tool, {"action": action, "release": "shop", **given})


def test_no_file_but_those_of_the_working_directory_is_read(box: Toolbox, chart: str, tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    for place in (tmp_path / ".hidden", tmp_path.parent):
        (place / "values.yaml").write_text("colour: red\n")
    for path in (".hidden/values.yaml", "../values.yaml", "link.yaml", "~/.kube/config"):
        for tool, action in (("change_release", "install"), ("helm_releases", "diff")):
            given = {"action": action, "release": "shop", "chart": chart, "values_files": [path]}
            with pytest.raises(NotAllowed, match="working directory"):
                box.call(tool, given)


def test_in_read_only_mode_a_difference_is_told_and_nothing_changed(
    make_box: Callable[..., Toolbox], chart: str, helm: Helm
) -> None:
    box = make_box(policy=Policy(read_only=True))
    given = {"release": "shop", "chart": chart}
    assert "Install shop-0.1.0" in box.call("helm_releases", {"action": "diff", **given}).summary
    with pytest.raises(NotAllowed):
        box.call("change_release", {"action": "install", **given})
    assert json.loads(helm("list", "-o", "json")) == []


def test_an_upgrade_whose_end_nobody_waited_for_is_found_out_and_can_be_undone(
    make_box: Callable[..., Toolbox],
    person: Person,
    kube: Kube,
    space: str,
    chart: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = make_box()
    done(box, "change_release", action="install", release="shop", chart=chart)

    def leave(progress: Progress) -> None:
        if progress.phase is Phase.WATCHING:
            raise KeyboardInterrupt

    hear = person.hear
    monkeypatch.setattr(person, "hear", leave)
    upgrade = {"action": "upgrade", "release": "shop", "chart": chart, "set": {"colour": "red", "replicas": 2}}
    assert make_box().call("change_release", upgrade).data["status"] == "interrupted"
    monkeypatch.setattr(person, "hear", hear)
    later = make_box()
    for _ in range(200):
        said = later.recover()
        if said:
            break
        time.sleep(0.1)
    assert "it did complete, and stands" in said[0]
    done(later, "undo_change")
    assert colour(kube, space) == "blue"
