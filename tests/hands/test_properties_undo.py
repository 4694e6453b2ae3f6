"""Plan, apply, undo: the object is back, field by field, whatever it was and whatever was changed."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from needs import missing
from spec_strategies import DATA_KEYS, MAPS, SORTS, TEXT, WORKLOADS, Sort

from mcp_tools.changes import watch
from mcp_tools.changes.diff import compare
from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.errors import Invalid, ShipmateError, UsageError
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo

EXAMPLES = int(os.environ.get("SHIPMATE_EXAMPLES", "4"))
"""Of each kind and each change; a longer run finds more."""
QUICK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
OF_EACH_KIND = pytest.mark.parametrize("sort", SORTS, ids=[sort.kind for sort in SORTS])
Change = Callable[["Bench", Sort, st.DataObject], None]
numbers = itertools.count()


@dataclass
class Bench:
    """Where objects are tried: a cluster, a namespace of its own, and somebody who says yes."""

    kube: Kube
    box: Toolbox
    space: str

    def make(self, sort: Sort, content: dict[str, Any], labels: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """A fresh object; returns its name and how the server keeps it."""
        name = f"t{next(numbers)}"
        self.kube.make(sort.path(self.space), sort.made(self.space, name, content, labels))
        return name, self.kube.get(sort.path(self.space, name))

    def there_and_back(self, sort: Sort, name: str, before: dict[str, Any], tool: str, **arguments: Any) -> bool:
        """Change and undo; says whether there was anything to change."""
        try:
            changed = self.box.call(tool, arguments).data
        except Invalid:
            return False
        assert changed["status"] in {"verified", "unchanged"}, changed
        if changed["status"] == "unchanged":
            return False
        try:
            undone = self.box.call("undo_change", {"change_id": changed["change_id"]}).data
        except UsageError as error:
            # A random name may read like a password's.
            if "secret" not in error.message:
                raise
            return True
        assert undone["status"] == "verified", undone
        after = self.kube.get(sort.path(self.space, name))
        assert compare(_kept(before, tool), _kept(after, tool)) == ()
        return True


def _kept(obj: dict[str, Any], tool: str) -> dict[str, Any]:
    """What has to come back: the address of a Service that was deleted may be another's by then."""
    if tool != "delete_resource" or obj["kind"] != "Service":
        return obj
    return {**obj, "spec": {key: value for key, value in obj["spec"].items() if not key.startswith("clusterIP")}}


@contextmanager
def bench_on(kube: Kube, kubeconfig: str | None, journal: Path) -> Iterator[Bench]:
    space = f"properties-{os.getpid()}"
    kube.make("/api/v1/namespaces", {"metadata": {"name": space}})
    box = Toolbox(Target(kubeconfig=kubeconfig, namespace=space), approver=lambda _: Decision.APPROVED, journal=journal)
    with pytest.MonkeyPatch.context() as patch:
        # Nothing runs here that could fall over after it was ready.
        patch.setattr(watch, "SETTLE_SECONDS", 0.0)
        yield Bench(kube, box, space)
    box.close()
    kube.delete(f"/api/v1/namespaces/{space}")


@pytest.fixture(scope="module")
def bench(sandbox: SandboxInfo, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench_on(kube, str(sandbox.kubeconfig), tmp_path_factory.mktemp("journal") / "journal.db") as found:
        yield found


@pytest.fixture(scope="module")
def real_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if not os.environ.get("KUBECONFIG"):
        missing("no real cluster: set KUBECONFIG to the kubeconfig of one")
    try:
        kube = Kube(Target())
    except ShipmateError as error:
        missing(error.message)
    with bench_on(kube, None, tmp_path_factory.mktemp("real") / "journal.db") as found:
        yield found
    kube.connection.close()


def apply_and_undo(bench: Bench, sort: Sort, data: st.DataObject) -> None:
    first, second = data.draw(st.tuples(sort.content, sort.content))
    name, before = bench.make(sort, first, data.draw(MAPS))
    document = sort.made(bench.space, name, second, data.draw(MAPS))
    bench.there_and_back(sort, name, before, "apply_manifest", manifest=json.dumps(document))


def set_and_undo(bench: Bench, sort: Sort, data: st.DataObject) -> None:
    first, second = data.draw(st.tuples(sort.content, sort.content))
    name, before = bench.make(sort, first, data.draw(MAPS))
    (part,) = {*first, *second} or {"data"}
    old, new = first.get(part, {}), second.get(part, {})
    fields: dict[str, Any]
    if isinstance(old, list):
        fields = {part: new}
    else:
        fields = {f"{part}[{key}]": new.get(key) for key in {*old, *new} if old.get(key) != new.get(key)}
    arguments = {"fields": fields, "labels": data.draw(MAPS), "annotations": data.draw(MAPS)}
    if any(arguments.values()):
        bench.there_and_back(sort, name, before, "patch_resource", target=f"{sort.plural}/{name}", **arguments)


def delete_and_undo(bench: Bench, sort: Sort, data: st.DataObject) -> None:
    name, before = bench.make(sort, data.draw(sort.content), data.draw(MAPS))
    assert bench.there_and_back(sort, name, before, "delete_resource", target=f"{sort.plural}/{name}")


@pytest.mark.parametrize("change", [apply_and_undo, set_and_undo, delete_and_undo])
@OF_EACH_KIND
@QUICK
@given(data=st.data())
def test_what_was_changed_is_as_before(bench: Bench, sort: Sort, change: Change, data: st.DataObject) -> None:
    change(bench, sort, data)


@pytest.mark.cluster
@pytest.mark.timeout(300)
@pytest.mark.parametrize("change", [apply_and_undo, set_and_undo, delete_and_undo])
@OF_EACH_KIND
@settings(QUICK, max_examples=2)
@given(data=st.data())
def test_on_a_real_cluster_too(real_bench: Bench, sort: Sort, change: Change, data: st.DataObject) -> None:
    change(real_bench, sort, data)


@pytest.mark.parametrize("sort", WORKLOADS, ids=[sort.kind for sort in WORKLOADS])
@QUICK
@given(data=st.data())
def test_a_container_that_was_configured_is_as_before(bench: Bench, sort: Sort, data: st.DataObject) -> None:
    name, before = bench.make(sort, data.draw(sort.content), data.draw(MAPS))
    containers = before["spec"]["template"]["spec"]["containers"]
    container = data.draw(st.sampled_from(containers))
    there = [item["name"] for item in container.get("env") or []]
    env = data.draw(st.dictionaries(st.sampled_from([*there, "ZZ"]), st.one_of(st.none(), TEXT), max_size=3))
    arguments = {
        "image": data.draw(st.sampled_from([None, "nginx:1.29"])),
        "env": {key: value for key, value in env.items() if value is not None or key in there},
        "requests": data.draw(st.sampled_from([{}, {"cpu": "50m"}, {"memory": "32Mi", "cpu": "20m"}])),
    }
    if any(arguments.values()):
        target = f"{sort.plural}/{name}"
        bench.there_and_back(
            sort, name, before, "configure_workload", target=target, container=container["name"], **arguments
        )


@QUICK
@given(data=st.data())
def test_what_was_in_a_secret_is_not_kept_and_said_to_be_gone(bench: Bench, data: st.DataObject) -> None:
    sort = Sort("v1", "Secret", "secrets", st.just({}))
    first, second = data.draw(st.tuples(*[st.dictionaries(DATA_KEYS, TEXT, min_size=1, max_size=3)] * 2))
    name, before = bench.make(sort, {"stringData": first}, {})
    document = sort.made(bench.space, name, {"stringData": second}, {"l": "v"})
    changed = bench.box.call("apply_manifest", {"manifest": json.dumps(document)}).data
    taken = {key: value for key, value in second.items() if first.get(key) != value}
    if taken:
        with pytest.raises(UsageError, match="secret"):
            bench.box.call("undo_change", {"change_id": changed["change_id"]})
    else:
        bench.box.call("undo_change", {"change_id": changed["change_id"]})
        assert compare(before, bench.kube.get(sort.path(bench.space, name))) == ()
