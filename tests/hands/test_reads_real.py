"""Every read against kubectl on the same real cluster, over a population of objects of every kind."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from population import Population, kubectl, kubectl_json

from mcp_tools.cluster.kinds import Kind, served_kinds
from mcp_tools.cluster.pods import age, list_pods, summarise
from mcp_tools.errors import ShipmateError, UsageError
from mcp_tools.reads.access import check_access
from mcp_tools.reads.comparing import diff_manifest
from mcp_tools.reads.describing import NOISE, describe
from mcp_tools.reads.events import list_events
from mcp_tools.reads.explaining import explain
from mcp_tools.reads.listing import list_resources
from mcp_tools.reads.logs import get_logs
from mcp_tools.reads.rollouts import rollout_status
from mcp_tools.reads.searching import KINDS, search
from mcp_tools.reads.top import top

if TYPE_CHECKING:
    from hands_helpers import Kube

    from mcp_tools.cluster.connection import Connection

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

TRIES = 4
"""A cluster moves: what differs is looked at again, on both sides."""
TIMES = {"AGE", "LAST SCHEDULE", "DURATION", "FIRST SEEN", "LAST SEEN"}
"""Columns that hold a time that passes: they may differ by what passed in between."""
UNLISTED = {"ComponentStatus"}
"""kubectl prints a warning of its own for it; it was deprecated in 1.19."""


@pytest.fixture(scope="module")
def connection(real: Kube) -> Connection:
    return real.connection


@pytest.fixture(scope="module")
def people(connection: Connection) -> Iterator[Population]:
    population = Population(f"reads-{uuid.uuid4().hex[:6]}")
    try:
        population.make()
        yield population
    finally:
        population.remove()


@pytest.fixture(scope="module")
def settled(people: Population) -> Population:
    """The population once its containers did what they will do: some talk, some crash, some never start."""
    until(lambda: "fatal" in kubectl("logs", "-n", people.first, "deploy/app-1", "--previous", fails=True))
    until(lambda: "line 3" in kubectl("logs", "-n", people.first, "deploy/app-0"))
    until(lambda: "Failed" in kubectl("get", "job", "bad-job", "-n", people.second))
    return people


def until(done: Callable[[], object]) -> None:
    """Until it is so; the test's own time limit says when to give up."""
    while not done():
        time.sleep(0.3)


def agree(ours: Callable[[], Any], theirs: Callable[[], Any]) -> None:
    """Both give the same, at some moment."""
    for attempt in range(TRIES):
        mine, other = ours(), theirs()
        if mine == other:
            return
        time.sleep(attempt / 2)
    assert mine == other


def lines_of(text: str) -> list[dict[str, str]]:
    """kubectl's table as dictionaries; a column begins where its heading does."""
    head, *rows = text.splitlines() or [""]
    starts = [found.start() for found in re.finditer(r"\S+(?: \S+)*", head)]
    ends = [*starts[1:], None] if starts else []
    names = [head[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return [
        {name: row[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)} for row in rows
    ]


def still(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: re.sub(r" \(.* ago\)", "", cell) for name, cell in row.items() if name not in TIMES} for row in rows]


def our_lines(connection: Connection, kind: Kind, **given: Any) -> list[dict[str, str]]:
    found = list_resources(connection, f"{kind.plural}.{kind.group}" if kind.group else kind.plural, **given).data
    heads = [head.upper() for head in found["columns"]]
    return [{head: _printed(cell) for head, cell in zip(heads, row, strict=True)} for row in found["rows"]]


def _printed(cell: Any) -> str:
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool) else str(cell).strip()


def test_a_list_of_every_kind_has_the_rows_that_kubectl_prints(connection: Connection, settled: Population) -> None:
    different: dict[str, Any] = {}
    for kind in served_kinds(connection):
        if "list" not in kind.verbs or kind.name in UNLISTED:
            continue
        word = f"{kind.plural}.{kind.version}.{kind.group}" if kind.group else kind.plural
        places = (
            [((settled.first,), False), ((settled.second,), False), (("",), True)] if kind.namespaced else [((), False)]
        )
        for (*space,), across in places:
            where = ["-A"] if across else ["-n", space[0]] if space else []
            given: dict[str, Any] = {"namespace": space[0] if space and not across else None, "all_namespaces": across}
            try:
                agree(
                    lambda kind=kind, given=given: still(our_lines(connection, kind, limit=500, **given)),
                    lambda word=word, where=where: still(lines_of(kubectl("get", word, *where, fails=True))),
                )
            except (AssertionError, ShipmateError) as error:
                different[f"{word} {where}"] = str(error)[:1500]
    assert not different, json.dumps(different, indent=1)


def test_a_kind_that_keeps_no_objects_is_told_from_an_empty_list(connection: Connection) -> None:
    for word in ("tokenreviews.authentication.k8s.io", "bindings"):
        with pytest.raises(UsageError, match="cannot be listed"):
            list_resources(connection, word, None)


@pytest.mark.parametrize(
    ("kind", "given", "theirs"),
    [
        ("pods", {"field_selector": "status.phase=Running"}, ["--field-selector=status.phase=Running"]),
        ("pods", {"field_selector": "spec.nodeName!=,status.phase!=Failed"}, None),
        ("pods", {"label_selector": "app in (app-0, app-1),!none"}, ["-l", "app in (app-0, app-1),!none"]),
        ("configmaps", {"label_selector": "tier!=web,word"}, ["-l", "tier!=web,word"]),
        ("events", {"field_selector": "type=Warning"}, ["--field-selector=type=Warning"]),
        ("secrets", {"field_selector": "type=Opaque"}, ["--field-selector=type=Opaque"]),
    ],
)
def test_selectors_choose_what_they_choose_for_kubectl(
    connection: Connection, settled: Population, kind: str, given: dict[str, str], theirs: list[str] | None
) -> None:
    theirs = theirs or [f"--field-selector={given['field_selector']}"]
    agree(
        lambda: (
            [row[0] for row in list_resources(connection, kind, settled.first, limit=500, **given).data["rows"]]
            if kind != "events"
            else list_resources(connection, kind, settled.first, **given).data["total"]
        ),
        lambda: (
            (names if kind != "events" else len(names))
            if (names := _names(kind, settled.first, *theirs)) is not None
            else None
        ),
    )


def _names(kind: str, space: str, *more: str) -> list[str]:
    return [item["metadata"]["name"] for item in kubectl_json("get", kind, "-n", space, *more)["items"]]


@pytest.mark.parametrize("kind", ["configmaps", "pods", "secrets", "gadgets"])
def test_pages_together_hold_every_object_once(
    connection: Connection, settled: Population, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = sorted(_names(kind, settled.first))
    for page, limit in ((5000, 7), (5, 3), (5, 500), (3, 2)):
        # What is asked of the server at once: a real cluster with more objects than that is too slow to make.
        monkeypatch.setattr("mcp_tools.reads.listing.PAGE", page)
        names: list[str] = []
        token: str | None = None
        while True:
            data = list_resources(connection, kind, settled.first, limit=limit, continue_token=token).data
            names += [row[0] for row in data["rows"]]
            assert data["total"] == len(wanted)
            token = data["continue_token"]
            if token is None:
                break
        assert sorted(names) == wanted


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("configmaps", "metadata.name"),
        ("pods", "spec.nodeName"),
        ("pods", "spec.containers[*].name"),
        ("pods", "status.phase"),
        ("services", "spec.type"),
        ("gadgets", "spec.size"),
        ("gadgets", "spec.word"),
        ("persistentvolumeclaims", "spec.resources.requests.storage"),
        ("serviceaccounts", "metadata.labels.tier"),
    ],
)
def test_chosen_columns_and_order_are_those_of_kubectl(
    connection: Connection, settled: Population, kind: str, path: str
) -> None:
    columns = ("get", kind, "-n", settled.first, "-o", f"custom-columns=NAME:.metadata.name,VALUE:.{path}")
    agree(
        lambda: [
            (row[0], "<none>" if row[1] is None else str(row[1]))
            for row in list_resources(connection, kind, settled.first, columns=[path], limit=500).data["rows"]
        ],
        lambda: [(row["NAME"], row["VALUE"]) for row in lines_of(kubectl(*columns))],
    )
    if "[" not in path and path != "spec.word":  # kubectl refuses to sort by a field that some objects lack
        agree(
            lambda: [
                str(row[1])
                for row in list_resources(
                    connection, kind, settled.first, columns=[path], sort_by=path, limit=500
                ).data["rows"]
                if row[1] is not None
            ],
            lambda: [
                row["VALUE"] for row in lines_of(kubectl(*columns, f"--sort-by=.{path}")) if row["VALUE"] != "<none>"
            ],
        )


def test_values_of_secrets_are_masked_in_chosen_columns(connection: Connection, settled: Population) -> None:
    told = list_resources(connection, "secrets", settled.first, columns=["data.password", "data"]).data
    told2 = list_resources(
        connection, "pods", settled.first, columns=["spec.containers[*].env", "spec.containers[0].env[0].value"]
    ).data
    words = json.dumps([told, told2])
    for secret in kubectl_json("get", "secrets", "-n", settled.first)["items"]:
        for value in (secret.get("data") or {}).values():
            assert value not in words or len(value) < 8
    assert "pw-of-app" not in words
    assert "blue" in words


def test_the_state_of_every_pod_is_what_kubectl_says(connection: Connection, settled: Population) -> None:
    for space in settled.spaces:
        agree(
            lambda space=space: {  # type: ignore[misc]
                pod.metadata.name: (line.ready, line.status, line.restarts)
                for pod in list_pods(connection, space, "")
                if (line := summarise(pod))
            },
            lambda space=space: {  # type: ignore[misc]
                row["NAME"]: (row["READY"], row["STATUS"], int(row["RESTARTS"].split(" ")[0]))
                for row in lines_of(kubectl("get", "pods", "-n", space))
            },
        )


@pytest.mark.parametrize(
    ("target", "given", "theirs"),
    [
        ("app-0", {"tail_lines": 5}, ["--tail=5"]),
        ("app-0", {"since_seconds": 15, "tail_lines": 500}, ["--since=15s"]),
        ("two-containers", {"container": "second", "tail_lines": 4}, ["-c", "second", "--tail=4"]),
        ("beside", {"container": "sidecar", "tail_lines": 4}, ["-c", "sidecar", "--tail=4"]),
        ("beside", {"tail_lines": 4}, ["-c", "app", "--tail=4"]),
    ],
)
def test_logs_are_the_lines_that_kubectl_prints(
    connection: Connection, settled: Population, target: str, given: dict[str, Any], theirs: list[str]
) -> None:
    agree(
        lambda: get_logs(connection, target, settled.first, **given).data["lines"],
        lambda: kubectl("logs", f"deploy/{target}", "-n", settled.first, *theirs).splitlines(),
    )


@pytest.mark.parametrize(("target", "container"), [("ordered", None), ("two-containers", "*")])
def test_logs_of_several_are_merged_by_time(
    connection: Connection, settled: Population, target: str, container: str | None
) -> None:
    def theirs() -> list[str]:
        stamped = []
        for name in _names("pods", settled.first, "-l", f"app={target}"):
            for inside in ("app", "second") if container else ("app",):
                text = kubectl("logs", name, "-n", settled.first, "-c", inside, "--timestamps")
                label = f"{name}/{inside}" if container else name
                stamped += [(*line.split(" ", 1), label) for line in text.splitlines()]
        return [f"[{label}] {text}" for _, text, label in sorted(stamped)][-12:]

    agree(lambda: get_logs(connection, target, settled.first, container=container, tail_lines=12).data["lines"], theirs)


def test_a_crashed_container_is_told_by_its_last_words(connection: Connection, settled: Population) -> None:
    name = _names("pods", settled.first, "-l", "app=app-1")[0]
    said = ["starting", "fatal: no database"]
    until(lambda: get_logs(connection, f"pod/{name}", settled.first).data["lines"] == said)
    agree(
        lambda: get_logs(connection, f"pod/{name}", settled.first, previous=True).data["lines"],
        lambda: kubectl("logs", name, "-n", settled.first, "--previous", fails=True).splitlines(),
    )


def test_events_are_counted_once_each_and_newest_first(connection: Connection, settled: Population) -> None:
    def theirs() -> dict[str, Any]:
        merged: dict[tuple[str, ...], list[Any]] = {}
        for event in kubectl_json("get", "events.v1.events.k8s.io", "-n", settled.second)["items"]:
            series = event.get("series") or {}
            times = series.get("count") or event.get("deprecatedCount") or 1
            about = event["regarding"]
            key = (
                about.get("uid", ""),
                f"{about['kind'].lower()}/{about['name']}",
                event["reason"],
                event.get("note", ""),
            )
            merged.setdefault(key, [0])[0] += times
        return sorted((about, reason, note[:300], times[0]) for (_, about, reason, note), times in merged.items())

    def ours() -> Any:
        rows = list_events(connection, settled.second, limit=300).data["events"]
        return sorted((row["object"], row["reason"], row["message"][:300], row["count"]) for row in rows)

    agree(ours, theirs)
    rows = list_events(connection, settled.second, limit=300).data["events"]
    ages = [seconds(row["age"]) for row in rows]
    assert ages == sorted(ages)
    about = list_events(connection, settled.second, target="deploy/nowhere", limit=300).data["events"]
    assert {"FailedScheduling", "ScalingReplicaSet"} <= {row["reason"] for row in about}
    assert all("nowhere" in row["object"] for row in about)


def seconds(age_word: str) -> int:
    return int(age_word[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[age_word[-1]]


def test_top_has_the_figures_of_kubectl(connection: Connection, settled: Population) -> None:
    until(lambda: kubectl("top", "pods", "-n", settled.first, "--no-headers", fails=True))

    def theirs() -> Any:
        return {
            row["NAME"]: (row["CPU(cores)"], row["MEMORY(bytes)"])
            for row in lines_of(kubectl("top", "pods", "-n", settled.first))
        }

    def ours() -> Any:
        rows = top(connection, "pods", settled.first, limit=500).data["rows"]
        return {row["name"]: (f"{row['cpu_millicores']}m", f"{row['memory_mib']}Mi") for row in rows}

    agree(ours, theirs)
    agree(
        lambda: [
            (row["name"], f"{row['cpu_millicores']}m", f"{row['memory_mib']}Mi")
            for row in top(connection, "nodes", None).data["rows"]
        ],
        lambda: [
            tuple(line.split()[i] for i in (0, 1, 3)) for line in kubectl("top", "nodes", "--no-headers").splitlines()
        ],
    )


def test_rollouts_and_their_history_are_as_kubectl_tells_them(connection: Connection, settled: Population) -> None:
    for colour in ("green", "red"):
        kubectl("set", "env", "deploy/idle", f"COLOUR={colour}", "-n", settled.first)
    until(lambda: len(kubectl("rollout", "history", "deploy/idle", "-n", settled.first).strip().splitlines()) == 5)
    targets = ["deploy/idle", "deploy/app-0", "deploy/app-1", "deploy/absent-image", "sts/ordered", "ds/everywhere"]
    for target in targets:
        where = (target, "-n", settled.first)
        agree(
            lambda target=target: [  # type: ignore[misc]
                row["revision"] for row in reversed(rollout_status(connection, target, settled.first).data["revisions"])
            ],
            lambda where=where: [  # type: ignore[misc]
                int(line.split()[0])
                for line in kubectl("rollout", "history", *where).splitlines()
                if line[:1].isdigit()
            ],
        )
        agree(
            lambda target=target: rollout_status(connection, target, settled.first).data["complete"],  # type: ignore[misc]
            lambda where=where: (  # type: ignore[misc]
                re.search(
                    "successfully rolled out|roll out complete",
                    kubectl("rollout", "status", "--watch=false", *where, fails=True),
                )
                is not None
            ),
        )


@pytest.mark.parametrize(
    "path",
    [
        "pods.spec",
        "deployment",
        "deploy.spec.strategy.rollingUpdate",
        "po.spec.containers.livenessProbe.httpGet",
        "ingress.spec.rules.http.paths",
        "hpa.spec.metrics",
        "networkpolicies.spec.ingress",
        "node.status",
        "storageclass",
        "flowschemas.spec",
        "crd.spec.versions",
        "gadgets.spec",
        "gadgets.spec.size",
    ],
)
def test_a_field_is_explained_with_the_fields_below_it(connection: Connection, people: Population, path: str) -> None:
    text = kubectl("explain", path)
    fields = text.partition("FIELDS:\n")[2]
    found = explain(connection, path).data
    assert [field["name"] for field in found["fields"]] == re.findall(r"^  (\w+)\t<", fields, re.MULTILINE)
    assert sorted(found["required"]) == sorted(re.findall(r"^  (\w+)\t<.*-required-", fields, re.MULTILINE))
    said = " ".join(text.partition("DESCRIPTION:")[2].partition("FIELDS:")[0].split())
    assert " ".join(found["description"].split())[:100] in said or "<empty>" in said


def test_access_is_what_the_server_grants(connection: Connection, people: Population) -> None:
    accounts = [
        (item["metadata"]["namespace"], item["metadata"]["name"])
        for item in people.objects
        if item["kind"] == "ServiceAccount"
    ]
    users = [f"system:serviceaccount:{space}:{name}" for space, name in accounts] + [
        f"{people.mark}-user-{index}" for index in range(3)
    ]
    verbs, resources = ("get", "list", "delete"), ("pods", "secrets", "deployments.apps", "pods/log", "jobs.batch")
    for verb, resource, name in [(v, r, None) for v in verbs for r in resources] + [("get", "pods", "only-this")]:
        who = check_access(connection, verb, resource, people.first, name=name, who="anyone").data["subjects"]
        named = {
            f"system:serviceaccount:{item['namespace']}:{item['name']}"
            if item["kind"] == "ServiceAccount"
            else item["name"]
            for item in who
        }
        for user in people.random.sample(users, 3):
            what = resource.partition("/")
            asked = [verb, f"{what[0]}/{name}" if name else what[0], f"--as={user}", "-n", people.first]
            asked += [f"--subresource={what[2]}"] if what[2] else []
            theirs = kubectl("auth", "can-i", *asked, fails=True).strip() == "yes"
            ours = check_access(connection, verb, resource, people.first, name=name, who=user).data["allowed"]
            assert (ours, user in named) == (theirs, theirs), (user, verb, resource, name)


@pytest.mark.parametrize(
    ("space", "target"),
    [
        (0, "deploy/app-0"),
        (0, "sts/ordered"),
        (0, "ds/everywhere"),
        (1, "job/good-job"),
        (1, "deploy/nowhere"),
        (0, "rc/old-style"),
    ],
)
def test_the_tree_holds_all_that_is_owned(connection: Connection, settled: Population, space: int, target: str) -> None:
    where = settled.spaces[space]
    kinds = [
        line.split()[0]
        for line in kubectl(
            "api-resources", "--namespaced", "--verbs=list,delete", "--no-headers", "-o", "name"
        ).splitlines()
        if not line.startswith("events")
    ]

    def theirs() -> list[str]:
        items = kubectl_json("get", ",".join(kinds), "-n", where)["items"]
        owned = {kubectl_json("get", target, "-n", where)["metadata"]["uid"]}
        names: set[str] = set()
        while True:
            more = {
                item["metadata"]["uid"]: f"{item['kind'].lower()}/{item['metadata']['name']}"
                for item in items
                if any(ref["uid"] in owned for ref in item["metadata"].get("ownerReferences") or [])
            }
            if set(more) <= owned:
                return sorted(names)
            owned |= set(more)
            names |= set(more.values())

    def flat(nodes: list[dict[str, Any]]) -> Iterator[str]:
        for node in nodes:
            yield node["object"]
            yield from flat(node["owns"])

    agree(lambda: sorted(flat(describe(connection, target, where, owned=True).data["owns"])), theirs)


@pytest.mark.parametrize("word", ["cedar", "app-0", "busybox", "example.com", "8080"])
def test_a_search_finds_all_that_holds_the_word(connection: Connection, settled: Population, word: str) -> None:
    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for item in value.values():
                yield from texts(item)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)
        elif value is not None and not isinstance(value, bool):
            yield str(value)

    def theirs() -> Any:
        found = []
        for item in kubectl_json(
            "get",
            ",".join(k for k in KINDS if k not in {"nodes", "namespaces", "persistentvolumes"}),
            "-n",
            settled.first,
        )["items"]:
            meta = item["metadata"]
            places = [
                meta["name"],
                *(f"{k}={v}" for k, v in (meta.get("labels") or {}).items()),
                *texts(item.get("spec")),
            ]
            if any(word in place.lower() for place in places):
                found.append(f"{item['kind'].lower()}/{meta['name']}")
        return sorted(found)

    agree(
        lambda: sorted(row[1] for row in search(connection, word, namespace=settled.first, limit=5000).data["rows"]),
        theirs,
    )


def test_describing_says_what_the_object_says(connection: Connection, settled: Population) -> None:
    for target in ("deploy/app-0", "pod/once", "job/bad-job", "gadgets", "pvc", "svc", "ing", "hpa/grow", "cm"):
        kind, _, name = target.partition("/")
        space = next(s for s in settled.spaces if (name or _names(kind, s)) and (not name or name in _names(kind, s)))
        name = name or _names(kind, space)[0]
        theirs = kubectl_json("get", kind, name, "-n", space)
        data = describe(connection, f"{kind}/{name}", space).data
        shown, body = data["object"], theirs.get("spec") or theirs.get("data") or {}
        assert (shown["kind"], shown["name"], shown["labels"]) == (
            theirs["kind"],
            name,
            theirs["metadata"].get("labels") or {},
        )
        told = shown.get("spec") or shown.get("data") or {}
        assert set(told) <= set(body)
        assert {key for key in body if key not in told} <= set(NOISE)
        conditions = (theirs.get("status") or {}).get("conditions") or []
        assert [(c["type"], c["status"]) for c in data["conditions"]] == [(c["type"], c["status"]) for c in conditions]


def test_the_difference_to_a_manifest_is_that_of_kubectl(connection: Connection, settled: Population) -> None:
    live = [item for item in settled.objects if item["metadata"].get("namespace") == settled.first]
    chosen = {
        kind: next(item for item in live if item["kind"] == kind)
        for kind in ("ConfigMap", "Deployment", "Secret", "Service", "Role", "Gadget")
    }
    documents = json.loads(json.dumps(chosen))
    documents["ConfigMap"]["data"] = {"other": "colour"}
    documents["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"] = "purple"
    documents["Secret"]["stringData"] = {"password": "changed-it"}
    documents["Gadget"]["spec"]["size"] = 1000
    new = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "new", "namespace": settled.first},
        "data": {"a": "b"},
    }
    bad = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "Bad_Name", "namespace": settled.first},
        "spec": {},
    }
    every = [*documents.values(), new, bad]
    found = {
        row["object"].split(" ")[0]: row
        for row in diff_manifest(connection, "---\n".join(json.dumps(d) + "\n" for d in every), None).data["objects"]
    }
    for document in every:
        row = found[f"{document['kind'].lower()}/{document['metadata']['name']}"]
        given = json.dumps(document)
        theirs = kubectl(
            "diff", "--server-side", "--force-conflicts", "--field-manager=shipmate", "-f", "-", given=given, fails=True
        )
        assert row["state"] == (
            "refused" if document is bad else "missing" if document is new else "differs" if theirs else "same"
        )
        added = "\n".join(line for line in theirs.splitlines() if line.startswith("+"))
        for field in row.get("fields", ()):
            if isinstance(field.get("new"), str) and document["kind"] != "Secret":
                assert field["new"] in added
    assert {row["state"] for row in found.values()} == {"same", "differs", "missing", "refused"}
    assert "Bad_Name" in found["service/Bad_Name"]["reason"]
    assert "changed-it" not in json.dumps(found)
    assert "new" not in _names("cm", settled.first)


def test_ages_are_in_the_words_of_kubectl(connection: Connection) -> None:
    for row, item in zip(lines_of(kubectl("get", "ns")), kubectl_json("get", "ns")["items"], strict=True):
        ours, theirs = age(item["metadata"]["creationTimestamp"]), row["AGE"]
        assert ours == re.match(r"\d+[a-z]", theirs)[0] or ours[-1] == "s"  # type: ignore[index]
