"""list, watch, Tables and logs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sandbox_helpers import MERGE, TABLE, Client

from mcp_tools.sandbox.api.tables import COLUMNS
from mcp_tools.sandbox.objects.kinds import KINDS, Kind
from mcp_tools.sandbox.objects.store import HISTORY


def maps(space: str) -> str:
    return f"/api/v1/namespaces/{space}/configmaps"


def make(api: Client, space: str, name: str, **labels: str) -> Any:
    answer = api("POST", maps(space), {"metadata": {"name": name, "labels": labels}})
    assert answer.status == 201
    return answer.body


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer.body["items"] if item["metadata"]["name"] != "kube-root-ca.crt"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=web", ["a", "b"]),
        ("tier==web,env!=prod", ["b"]),
        ("tier in (web, db),env", ["a", "c"]),
        ("tier notin (web)", ["c", "d"]),
        ("!tier", ["d"]),
        ("size>3", ["c"]),
    ],
)
def test_label_selectors(api: Client, space: str, selector: str, expected: list[str]) -> None:
    make(api, space, "a", tier="web", env="prod")
    make(api, space, "b", tier="web")
    make(api, space, "c", tier="db", env="prod", size="5")
    make(api, space, "d")
    from urllib.parse import quote

    assert names(api("GET", f"{maps(space)}?labelSelector={quote(selector)}")) == expected


def test_field_selectors(api: Client) -> None:
    pods = "/api/v1/namespaces/todo-app/pods"
    everywhere = names(api("GET", pods))
    assert names(api("GET", f"{pods}?fieldSelector=status.phase%3DRunning")) == everywhere
    on_one = names(api("GET", f"{pods}?fieldSelector=spec.nodeName%3Dsandbox-1"))
    assert 0 < len(on_one) < len(everywhere)
    assert api("GET", f"{pods}?fieldSelector=spec.color%3Dred").message == "field label not supported: spec.color"


def test_pages_hold_everything_once(api: Client, space: str) -> None:
    for number in range(7):
        make(api, space, f"m{number}")
    found, token, pages = [], "", 0
    while True:
        answer = api("GET", f"{maps(space)}?limit=3&continue={token}")
        found += names(answer)
        pages += 1
        token = answer.body["metadata"].get("continue", "")
        if not token:
            break
        assert answer.body["metadata"]["remainingItemCount"] > 0
    assert (found, pages) == ([f"m{number}" for number in range(7)], 3)
    assert api("GET", f"{maps(space)}?limit=3&continue=nonsense").status == 400


NAMELESS = {"IPAddress"}  # whose age has no column, on an API server too


def test_every_kind_has_a_table(api: Client) -> None:
    for kind in KINDS:
        if "list" not in kind.verbs:
            continue
        answer = api("GET", kind.path(), accept=TABLE)
        assert answer.status == 200, kind.name
        assert answer.body["kind"] == "Table"
        assert answer.body["columnDefinitions"][0]["name"] in {"Name", "Last Seen"}
        for row in answer.body["rows"]:
            assert len(row["cells"]) == len(answer.body["columnDefinitions"]) + (kind.name in NAMELESS)
            assert row["object"]["kind"] == "PartialObjectMetadata"


def test_the_table_of_deployments(api: Client) -> None:
    path = "/apis/apps/v1/namespaces/todo-app/deployments/backend"
    body = api("GET", f"{path}?includeObject=None", accept=TABLE).body
    shown = {c["name"]: cell for c, cell in zip(body["columnDefinitions"], body["rows"][0]["cells"], strict=True)}
    assert (shown["Name"], shown["Ready"], shown["Up-to-date"]) == ("backend", "2/2", 2)
    assert shown["Images"] == "todo-backend:1.0.0"
    assert body["rows"][0]["object"] is None
    wide = [column["name"] for column in body["columnDefinitions"] if column["priority"] == 1]
    assert wide == ["Containers", "Images", "Selector"]


class Watch:
    def __init__(self, api: Client, path: str, **options: Any) -> None:
        self._response = api.open("GET", path, preload_content=False, timeout=10, **options)
        self.status = self._response.status
        self._lines = self._read()

    def _read(self) -> Iterator[dict[str, Any]]:
        pending = b""
        for chunk in self._response.stream(1 << 16):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)

    def next(self) -> dict[str, Any]:
        return next(self._lines)

    def rest(self) -> list[dict[str, Any]]:
        return list(self._lines)

    def close(self) -> None:
        self._response.close()


def test_a_watch_tells_what_enters_changes_and_leaves_a_selector(api: Client, space: str) -> None:
    make(api, space, "old", tier="web")
    version = api("GET", maps(space)).body["metadata"]["resourceVersion"]
    watch = Watch(api, f"{maps(space)}?watch=1&resourceVersion={version}&labelSelector=tier%3Dweb")
    make(api, space, "other", tier="db")
    make(api, space, "new", tier="web")
    api("PATCH", f"{maps(space)}/new", {"data": {"a": "b"}}, media=MERGE)
    api("PATCH", f"{maps(space)}/old", {"metadata": {"labels": {"tier": "db"}}}, media=MERGE)
    api("DELETE", f"{maps(space)}/new")
    seen = [watch.next() for _ in range(4)]
    watch.close()
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in seen] == [
        ("ADDED", "new"),
        ("MODIFIED", "new"),
        ("DELETED", "old"),
        ("DELETED", "new"),
    ]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))


def test_a_watch_without_a_version_begins_with_what_is_there(api: Client, space: str) -> None:
    make(api, space, "here")
    watch = Watch(api, f"{maps(space)}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dhere")
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in watch.rest()] == [("ADDED", "here")]


def test_a_streamed_list_ends_with_a_bookmark(api: Client, space: str) -> None:
    make(api, space, "here")
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watch = Watch(api, f"{maps(space)}?{query}&fieldSelector=metadata.name%3Dhere")
    assert watch.next()["type"] == "ADDED"
    mark = watch.next()
    watch.close()
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "list" in kind.verbs], ids=lambda kind: kind.gvk)
def test_a_row_has_a_cell_for_each_published_column(api: Client, kind: Kind) -> None:
    table = api("GET", kind.path(), accept=TABLE).body
    headers = [column["name"] for column in table["columnDefinitions"]]
    shown = [column.name for column in COLUMNS["Event" if kind.name == "Event" else kind.qualified]]
    nameless = kind.name in NAMELESS
    assert headers == (shown[:-1] if nameless else shown)
    assert all(len(row["cells"]) == len(headers) + nameless for row in table["rows"] or ())


def test_a_watch_in_tables_names_its_columns_once(api: Client, space: str) -> None:
    make(api, space, "one")
    make(api, space, "two")
    watch = Watch(api, f"{maps(space)}?watch=1&timeoutSeconds=1", accept=TABLE)
    events = watch.rest()
    assert [bool(event["object"]["columnDefinitions"]) for event in events][:2] == [True, False]
    assert {event["object"]["rows"][0]["cells"][0] for event in events} >= {"one", "two"}


def test_a_version_that_is_forgotten_is_gone(api: Client, space: str) -> None:
    make(api, space, "busy")
    first = api("GET", maps(space)).body["metadata"]["resourceVersion"]
    for number in range(HISTORY + 10):
        api("PATCH", f"{maps(space)}/busy", {"data": {"n": str(number)}}, media=MERGE)
    watch = Watch(api, f"{maps(space)}?watch=1&resourceVersion={first}")
    event = watch.next()
    watch.close()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_logs_of_the_stack_grow_and_can_be_cut(api: Client) -> None:
    pods = api("GET", "/api/v1/namespaces/todo-app/pods?labelSelector=app.kubernetes.io/name%3Dbackend").body["items"]
    path = f"/api/v1/namespaces/todo-app/pods/{pods[0]['metadata']['name']}/log"

    def lines(query: str = "") -> list[str]:
        body = api.open("GET", f"{path}?{query}").data.decode()
        return [line for line in body.split("\n") if line]

    everything = lines()
    assert 100 < len(everything) <= 2000
    assert all("ts" in json.loads(line) for line in everything)
    assert lines("tailLines=3") == lines("tailLines=5")[-3:]
    assert 0 < len(lines("sinceSeconds=60")) < len(everything)
    assert len(api.open("GET", f"{path}?limitBytes=10").data) == 10
    stamped = lines("timestamps=true&tailLines=2")
    assert all(line[:4].isdigit() and line.split(" ", 1)[1].startswith("{") for line in stamped)
    assert api("GET", f"{path}?container=nope").status == 400
    assert "previous terminated container" in api("GET", f"{path}?previous=true").message
    response = api.open("GET", f"{path}?follow=true&tailLines=0", preload_content=False, timeout=30)
    started = time.monotonic()
    grown = next(response.stream(1 << 16))
    response.close()
    assert json.loads(grown.split(b"\n")[0])["ts"]
    assert time.monotonic() - started < 30


def test_events_in_both_groups(api: Client) -> None:
    old = api("GET", "/api/v1/namespaces/todo-app/events").body["items"]
    new = api("GET", "/apis/events.k8s.io/v1/namespaces/todo-app/events").body["items"]
    assert len(old) == len(new) > 10
    by_uid = {event["metadata"]["uid"]: event for event in new}
    for event in old:
        twin = by_uid[event["metadata"]["uid"]]
        assert (twin["note"], twin["regarding"], twin.get("deprecatedCount")) == (
            event["message"],
            event["involvedObject"],
            event.get("count"),
        )


def test_metrics_follow_the_requests(api: Client) -> None:
    pods = api("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/todo-app/pods").body["items"]
    assert len(pods) == 5
    for pod in pods:
        assert pod["containers"][0]["usage"]["cpu"].endswith("m")
    nodes = api("GET", "/apis/metrics.k8s.io/v1beta1/nodes").body["items"]
    assert len(nodes) == 2
    for node in nodes:
        kubelet = api("GET", f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary").body
        assert node["usage"]["cpu"] == f"{kubelet['node']['cpu']['usageNanoCores'] // 1_000_000}m"
