"""Releases are read from where Helm keeps them, without Helm, and without a word of their secrets."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from helm_helpers import stored

from assistant.events import Event, ToolCalled
from assistant.offline.brain import OfflineBrain
from assistant.offline.model import NotUnderstood
from mcp_tools.errors import Ambiguous, ApiError, NotFound, ShipmateError

if TYPE_CHECKING:
    from hands_helpers import Kube

    from mcp_tools.toolbox import Toolbox

DEFAULTS = {
    "image": {"name": "shop", "tag": "1"},
    "replicas": 2,
    "debug": True,
    "secrets": {"mail": ""},
    "database": {"password": "chart-hunter2"},
}
GIVEN = {
    "image": {"tag": "2"},
    "debug": None,
    "secrets": {"mail": "hunter2-mail", "other": ["hunter2-list"]},
    "database": {"password": "hunter2"},
}
MANIFEST = """---
# Source: shop/templates/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {anything: hunter2-manifest}
"""


@pytest.fixture
def shop(kube: Kube, space: str) -> None:
    """Two releases: one of three revisions, one that was cut off."""
    path = f"/api/v1/namespaces/{space}/secrets"
    chart = {"metadata": {"name": "shop", "version": "0.2.0", "appVersion": "1.28"}, "values": DEFAULTS}
    kube.make(path, stored("shop", 1, "superseded", config={"replicas": 1}))
    kube.make(path, stored("shop", 2, "superseded", config={"image": {"tag": "1"}}))
    kube.make(path, stored("shop", 10, config=GIVEN, chart=chart, manifest=MANIFEST))
    kube.make(path, stored("worker", 1, "superseded"))
    kube.make(path, stored("worker", 2, "pending-upgrade"))


def ask(box: Toolbox, **given: Any) -> dict[str, Any]:
    told: dict[str, Any] = box.call("helm_releases", given).data
    assert "hunter2" not in json.dumps(told)
    return told


@pytest.mark.usefixtures("shop")
def test_the_newest_revision_of_each_release_is_listed_and_what_is_stuck_comes_first(box: Toolbox) -> None:
    told = ask(box)
    assert [(row["name"], row["revision"], row["status"], row["chart"]) for row in told["releases"]] == [
        ("worker", 2, "pending-upgrade", "shop-0.1.0"),
        ("shop", 10, "deployed", "shop-0.2.0"),
    ]
    assert "worker: somebody changes it right now, or was cut off" in told["summary"]


@pytest.mark.usefixtures("shop")
def test_values_say_who_gave_them_and_hide_what_is_secret(box: Toolbox) -> None:
    rows = {row["path"]: row for row in ask(box, action="values", release="shop", full=True)["values"]}
    assert rows["image.tag"] == {"path": "image.tag", "value": "2", "origin": "user", "default": "1"}
    assert rows["replicas"] == {"path": "replicas", "value": 2, "origin": "chart"}
    assert rows["secrets.mail"]["value"] == rows["database.password"]["value"] == "[redacted]"
    assert "debug" not in rows
    by_user = ask(box, action="values", release="shop")["values"]
    assert {row["path"] for row in by_user} == {"image.tag", "secrets.mail", "secrets.other", "database.password"}
    earlier = ask(box, action="values", release="shop", revision=1)["values"]
    assert earlier == [{"path": "replicas", "value": 1, "origin": "user"}]


@pytest.mark.usefixtures("shop")
def test_a_history_says_which_values_each_revision_changed(box: Toolbox) -> None:
    rows = ask(box, action="history", release="shop")["revisions"]
    assert [row["revision"] for row in rows] == [10, 2, 1]
    assert rows[1]["changed"] == ["image.tag", "replicas"]
    assert "secrets.mail" in rows[0]["changed"]


@pytest.mark.usefixtures("shop")
def test_a_manifest_is_told_by_its_objects_and_shown_whole_without_secrets(box: Toolbox) -> None:
    told = ask(box, action="manifest", release="shop", full=True)
    assert told["objects"] == ["secret/login", "configmap/settings"]
    assert "colour: blue" in told["manifest"]
    assert "anything: [redacted]" in told["manifest"]
    assert ask(box, action="status", release="shop")["objects"] == told["objects"]


@pytest.mark.usefixtures("shop")
def test_a_name_that_is_not_there_is_answered_with_its_neighbours(box: Toolbox) -> None:
    with pytest.raises(NotFound, match="Did you mean shop"):
        ask(box, action="status", release="shopp")
    with pytest.raises(NotFound, match="Kept are: 1, 2, 10"):
        ask(box, action="values", release="shop", revision=3)


def test_a_release_that_unpacks_to_gigabytes_is_refused(box: Toolbox, kube: Kube, space: str) -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join([*(packer.compress(bytes(1024 * 1024)) for _ in range(64)), packer.flush()])
    secret = stored("bomb")
    secret["data"]["release"] = base64.b64encode(base64.b64encode(bomb)).decode()
    kube.make(f"/api/v1/namespaces/{space}/secrets", secret)
    with pytest.raises(ApiError, match="larger than"):
        ask(box, action="status", release="bomb")


def test_a_day_is_turned_into_the_revision_before_it(box: Toolbox, kube: Kube, space: str) -> None:
    noon = dt.datetime.now().astimezone().replace(hour=12)
    days = {1: 5, 2: 1, 3: 1, 4: 0}
    for revision, ago in days.items():
        info = {"status": "deployed", "last_deployed": (noon - dt.timedelta(days=ago)).isoformat(), "description": ""}
        status = "deployed" if revision == max(days) else "superseded"
        kube.make(
            f"/api/v1/namespaces/{space}/secrets", stored("blog", revision, status, info=info | {"status": status})
        )
    wanted = {"yesterday": 1, "today": 3}
    for day, revision in wanted.items():
        calls: list[Event] = []
        with contextlib.suppress(ShipmateError):  # the rollback itself needs Helm
            OfflineBrain(box).respond(f"roll blog back to before {day}'s upgrade", calls.append)
        asked = [call.arguments for call in calls if isinstance(call, ToolCalled) and call.name == "change_release"]
        assert [one["revision"] for one in asked] == [revision]


@pytest.mark.usefixtures("shop")
def test_without_a_name_the_only_release_is_meant_and_else_all_are_named(box: Toolbox) -> None:
    with pytest.raises(Ambiguous) as several:
        box.call("helm_releases", {"action": "history"})
    assert several.value.candidates == ("shop", "worker")


def test_a_day_without_a_change_is_told(box: Toolbox, kube: Kube, space: str) -> None:
    kube.make(f"/api/v1/namespaces/{space}/secrets", stored("blog", 1))
    with pytest.raises(NotUnderstood, match="was not changed yesterday"):
        OfflineBrain(box).respond("roll blog back to before yesterday's upgrade", lambda _: None)
