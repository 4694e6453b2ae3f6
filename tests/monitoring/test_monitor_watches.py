"""The cache is what the API server has: through broken connections, stalls, forgotten versions and refusals."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hands_helpers import Kube, answer, http_server, write_kubeconfig
from monitor_helpers import Wire, detour, until

from mcp_tools.cluster.access import Access
from mcp_tools.cluster.connection import Connection, connect
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.target import Target
from mcp_tools.diagnosis.snapshot import Resource
from mcp_tools.diagnosis.taking import take
from mcp_tools.errors import ApiError, NotFound
from mcp_tools.monitoring import shelf as shelf_module
from mcp_tools.monitoring import watching
from mcp_tools.monitoring.cache import Cache
from mcp_tools.monitoring.shelf import Shelf

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo


def versions(found: Any) -> dict[tuple[str, str], str]:
    return {
        (str(item.ref.kind), item.name): str(item.meta["resourceVersion"])
        for kind in ("ConfigMap", "Secret", "Pod", "Service")
        for item in found.all(kind)
    }


@pytest.fixture
def through(sandbox: SandboxInfo, wire: Wire, tmp_path: Path) -> Connection:
    return connect(Target(kubeconfig=str(detour(sandbox.kubeconfig, wire, tmp_path / "config"))))


def churn(kube: Kube, space: str, dice: random.Random) -> None:
    maps = f"/api/v1/namespaces/{space}/configmaps"
    for _ in range(20):
        name = f"m{dice.randrange(8)}"
        try:
            match dice.randrange(3):
                case 0:
                    kube.make(maps, {"metadata": {"name": name}, "data": {"a": str(dice.random())}})
                case 1:
                    kube.merge(f"{maps}/{name}", {"data": {"a": str(dice.random())}})
                case _:
                    kube.delete(f"{maps}/{name}")
        except ApiError:
            continue  # what is there already cannot be made
        except NotFound:
            continue


def same(cache: Cache, kube: Kube, space: str) -> bool:
    return versions(cache.snapshot()) == versions(take(kube.connection, space))


def test_what_happens_while_the_wire_is_cut_is_caught_up_with(
    kube: Kube, space: str, wire: Wire, through: Connection
) -> None:
    dice = random.Random(5)
    with Cache(through, space) as cache:
        assert cache.wait(60)
        for _ in range(4):
            wire.cut()
            churn(kube, space, dice)
            until(lambda: cache.behind)
            wire.mend()
            churn(kube, space, dice)
            until(lambda: same(cache, kube, space))
            assert cache.wait(60)
        maps = next(item for item in cache.watching if item.kind.name == "ConfigMap")
        assert maps.reconnects
        assert not maps.relists, "it went on from where it was"


@pytest.mark.parametrize("how", ["as an event", "as a status"])
def test_a_version_that_is_forgotten_means_a_new_list(tmp_path: Path, how: str) -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 10 (20)"}
    lists = [("10", ["kept", "deleted-meanwhile"]), ("20", ["kept", "made-meanwhile"])]
    watched: list[str] = []

    def reply(handler: Any) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        if "watch" not in query:
            version, names = lists.pop(0)
            items = [{"metadata": {"name": name, "namespace": "a", "resourceVersion": "1"}} for name in names]
            answer(handler, 200, {"metadata": {"resourceVersion": version}, "items": items})
            return
        watched.append(query["resourceVersion"][0])
        if watched[-1] == "20":
            time.sleep(3)
            answer(handler, 200, b"")
        elif how == "as a status":
            answer(handler, 410, gone)
        else:
            answer(handler, 200, json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")

    stop = threading.Event()
    with http_server(reply) as url:
        connection = Connection(Access(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url)))))
        maps = watching.Watching(
            connection, built_in("cm"), "a", stop=stop, turn=threading.Semaphore(), heard=lambda *_: None
        )
        thread = threading.Thread(target=maps.run, daemon=True)
        thread.start()
        until(lambda: {item.name for item in maps.shelf.items()} == {"kept", "made-meanwhile"})
        assert maps.relists == 1
        until(lambda: "20" in watched)
        stop.set()
        maps.close()
        thread.join(20)
        assert not thread.is_alive()


def test_a_watch_on_which_nothing_gets_through_is_noticed(
    kube: Kube, space: str, wire: Wire, through: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "WATCH_SECONDS", (2, 3))
    monkeypatch.setattr(watching, "GRACE_SECONDS", 2.0)
    with Cache(through, space) as cache:
        assert cache.wait(60)
        wire.stalled = True
        until(lambda: (cache.close_overdue(), sum(item.reconnects for item in cache.watching) >= 10)[1])
        kube.make(f"/api/v1/namespaces/{space}/configmaps", {"metadata": {"name": "new"}})
        wire.cut()
        wire.mend()
        until(lambda: same(cache, kube, space))


def test_a_server_that_is_younger_than_what_was_heard_of_it_is_listed_anew(
    kube: Kube, space: str, through: Connection
) -> None:
    with Cache(through, space) as cache:
        assert cache.wait(60)
        maps = next(item for item in cache.watching if item.kind.name == "ConfigMap")
        # As after a restore from a backup: the server is not there yet.
        maps._version = "999999999"
        with pytest.raises(watching._Gone):
            maps._compare_age()


def test_events_are_bounded_in_number_and_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "MOST_EVENTS", 10)
    shelf = Shelf("Event")

    def event(number: int, time: str) -> Resource:
        return Resource("Event", {"metadata": {"name": f"e{number}", "namespace": "a"}, "lastTimestamp": time})

    shelf.replace(event(number, f"2026-01-01T10:00:{number:02}Z") for number in range(50))
    assert [item.name for item in shelf.items()] == [f"e{number}" for number in range(40, 50)]
    shelf.put(event(60, "2026-01-01T10:30:00Z"))
    assert [item.name for item in shelf.items()][-2:] == ["e49", "e60"]
    assert len(shelf) == 10
    shelf.put(event(61, "2026-01-01T11:15:00Z"))
    assert {item.name for item in shelf.items()} == {"e60", "e61"}


def test_the_cache_ends_at_once_and_with_all_its_threads(through: Connection, space: str) -> None:
    with Cache(through, space) as cache:
        assert cache.wait(60)
        threads = cache._threads
        began = time.monotonic()
    assert not [thread.name for thread in threads if thread.is_alive()]
    assert time.monotonic() - began < 5  # its own limit: waiting for timeouts would take minutes
