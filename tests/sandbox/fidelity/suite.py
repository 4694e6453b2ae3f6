"""All areas, each in a namespace of its own on both servers."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from differences import until

from fidelity import changes, kinds, reads, removals, rules, states, writes
from fidelity.bodies import base
from fidelity.changes import MERGE
from fidelity.model import Area, Tally, run
from fidelity.removals import KINDS

if TYPE_CHECKING:
    from sandbox_helpers import Client

AREAS: tuple[Area, ...] = (
    writes.CREATIONS,
    changes.PATCHES,
    changes.UPDATES,
    changes.APPLIES,
    reads.LISTS,
    reads.WATCHES,
    removals.DELETIONS,
    removals.BELOW,
    rules.ACCESS,
    rules.ADMISSION,
    kinds.KINDS,
)


def measure(clients: tuple[Client, Client], seed: int, cases: int, wanted: str = "") -> dict[str, Tally]:
    """How often both servers answer alike, by area.

    Args:
        clients: The real one first.
        seed: Of chance.
        cases: Per area, before its share.
        wanted: A word that the areas' names must have.
    """
    tallies = {area.name: measure_area(clients, area, seed, cases) for area in AREAS if wanted in area.name}
    for name, look in states.AREAS.items():
        if wanted in name:
            with Space(clients) as namespace:
                tallies[name] = look(clients, namespace)
    return tallies


def measure_area(clients: tuple[Client, Client], area: Area, seed: int, cases: int) -> Tally:
    """One area of requests, with a source of chance of its own."""
    chance = random.Random(f"{seed}/{area.name}")
    with Space(clients) as namespace:
        return run(area, clients, namespace, chance, int(cases * area.share))


class Space:
    """A namespace of the same name on both servers, for as long as the block runs."""

    def __init__(self, clients: tuple[Client, Client]) -> None:
        self._clients = clients
        self._name = f"fidelity-{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> str:
        for client in self._clients:
            assert client("POST", "/api/v1/namespaces", {"metadata": {"name": self._name}}).status == 201
            account = f"/api/v1/namespaces/{self._name}/serviceaccounts/default"
            until(lambda client=client, path=account: client("GET", path).status == 200)
        return self._name

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            for kind in KINDS:
                self._let_go(client, base(kind)[0].replace("{ns}", self._name))
            client("DELETE", f"/api/v1/namespaces/{self._name}")

    @staticmethod
    def _let_go(client: Client, path: str) -> None:
        """Nothing may be held by a finalizer of which nobody knows."""
        for item in client("GET", path).body["items"]:
            if any(name.startswith("e.com/") for name in item["metadata"].get("finalizers", ())):
                free = {"metadata": {"finalizers": None}}
                client("PATCH", f"{path}/{item['metadata']['name']}", free, media=MERGE)
