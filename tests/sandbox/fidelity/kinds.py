"""Flow control, devices, addresses and storage drivers: bodies to create, and changes of what was created."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from fidelity.changes import JSON_PATCH, MERGE, STRATEGIC
from fidelity.model import Area, Case, Step

Object = dict[str, Any]
CSR = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"
RESOURCE = "/apis/resource.k8s.io/v1"
CLASSES, SLICES = f"{RESOURCE}/deviceclasses", f"{RESOURCE}/resourceslices"
CLAIMS, TEMPLATES = (
    f"{RESOURCE}/namespaces/{{ns}}/resourceclaims",
    f"{RESOURCE}/namespaces/{{ns}}/resourceclaimtemplates",
)
ADDRESSES, RANGES = "/apis/networking.k8s.io/v1/ipaddresses", "/apis/networking.k8s.io/v1/servicecidrs"
STORAGE = "/apis/storage.k8s.io/v1"
NODES, ATTRIBUTES = f"{STORAGE}/csinodes", f"{STORAGE}/volumeattributesclasses"
CAPACITIES = f"{STORAGE}/namespaces/{{ns}}/csistoragecapacities"

GROUP = {"kind": "Group", "group": {"name": "g"}}
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}


def schema(**spec: Any) -> Object:
    rules = [{"subjects": [GROUP], "resourceRules": [EVERYTHING]}]
    return {"spec": {"priorityLevelConfiguration": {"name": "catch-all"}, "rules": rules, **spec}}


def rule(**fields: Any) -> Object:
    return schema(rules=[{"subjects": [GROUP], **fields}])


def resources(**fields: Any) -> Object:
    return rule(resourceRules=[{**EVERYTHING, **fields}])


def subject(**fields: Any) -> Object:
    return schema(rules=[{"subjects": [fields], "resourceRules": [EVERYTHING]}])


def level(**limited: Any) -> Object:
    return {"spec": {"type": "Limited", "limited": limited}}


def queue(**queuing: Any) -> Object:
    return level(limitResponse={"type": "Queue", "queuing": queuing})


def request(**fields: Any) -> Object:
    return {"name": "r", "exactly": {"deviceClassName": "c", **fields}}


def claim(*requests: Any, **devices: Any) -> Object:
    return {"spec": {"devices": {"requests": list(requests), **devices}}}


def slice_of(*devices: Any, **spec: Any) -> Object:
    pool = {"name": "p", "resourceSliceCount": 1}
    given = {"devices": list(devices)} if devices else {}
    return {"spec": {"driver": "d.e.com", "pool": pool, "nodeName": "n", **given, **spec}}


def driver(**fields: Any) -> Object:
    return {"name": "d.e.com", "nodeID": "n", **fields}


def parent(**fields: Any) -> Object:
    return {"metadata": {"name": "10.96.77.7"}, "spec": {"parentRef": {"resource": "services", "name": "s", **fields}}}


CASES: dict[str, tuple[str, list[Object]]] = {
    "flow schemas": (
        FLOW,
        [
            schema(),
            {"spec": {}},
            schema(matchingPrecedence=1),
            schema(matchingPrecedence=-1),
            schema(matchingPrecedence=10001),
            schema(distinguisherMethod={"type": "ByUser"}),
            schema(distinguisherMethod={"type": "ByShoe"}),
            schema(priorityLevelConfiguration={"name": "A_b"}),
            schema(rules=[{}]),
            subject(kind="User", user={"name": "u"}),
            subject(kind="User"),
            subject(kind="User", user={"name": ""}, group={"name": "g"}),
            subject(kind="ServiceAccount", serviceAccount={"name": "*", "namespace": "n"}),
            subject(kind="ServiceAccount", serviceAccount={"name": "A_b"}, user={"name": "u"}),
            subject(kind="Dog"),
            resources(verbs=[]),
            resources(verbs=["*", "get"]),
            resources(verbs=["fly"]),
            resources(apiGroups=[]),
            resources(apiGroups=["*", "apps"]),
            resources(resources=[]),
            resources(resources=["*", "pods"]),
            resources(namespaces=[]),
            resources(namespaces=[], clusterScope=True),
            resources(namespaces=["*", "n"]),
            resources(namespaces=["A_b"]),
            rule(nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/a/*", "/"]}]),
            rule(nonResourceRules=[{"verbs": [], "nonResourceURLs": []}]),
            rule(nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": ["", "a", "/a b", "/a//b", "/*/a", "/a*"]}]),
            rule(nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": ["*", "/a"]}]),
        ],
    ),
    "priority levels": (
        LEVELS,
        [
            level(limitResponse={"type": "Reject"}),
            level(),
            {"spec": {}},
            {"spec": {"type": "Limited"}},
            {"spec": {"type": "Exempt"}},
            {"spec": {"type": "Limited", "exempt": {}}},
            level(limitResponse={"type": "Queue"}),
            level(limitResponse={"type": "Reject", "queuing": {}}),
            queue(),
            queue(queues=-1, handSize=-1, queueLengthLimit=-1),
            queue(queues=4, handSize=8),
            queue(queues=10_000_001),
            queue(queues=9_000_000, handSize=8),
            level(limitResponse={"type": "Reject"}, nominalConcurrencyShares=-1, lendablePercent=101),
            level(limitResponse={"type": "Reject"}, borrowingLimitPercent=-1, nominalConcurrencyShares=0),
        ],
    ),
    "device classes": (
        CLASSES,
        [
            {"spec": {}},
            {"spec": {"selectors": [{"cel": {"expression": "device.driver == 'd'"}}]}},
            {"spec": {"selectors": [{}]}},
            {"spec": {"config": [{"opaque": {"driver": "d.e.com", "parameters": {"a": 1}}}]}},
            {"spec": {"config": [{}]}},
            {"spec": {"config": [{"opaque": {"driver": "A_b", "parameters": [1]}}]}},
            {"spec": {"config": [{"opaque": {"driver": "", "parameters": {}}}]}},
            {"spec": {"extendedResourceName": "e.com/x"}},
        ],
    ),
    "claims": (
        CLAIMS,
        [
            claim(request()),
            {"spec": {}},
            claim(request(), request()),
            claim({"name": "A_b", "exactly": {"deviceClassName": "c"}}),
            claim({"name": "r"}),
            claim(request(deviceClassName="")),
            claim(request(deviceClassName="A_b")),
            claim(request(allocationMode="All")),
            claim(request(allocationMode="All", count=2)),
            claim(request(allocationMode="Some")),
            claim(request(count=-1)),
            claim(request(selectors=[{}])),
            claim({"name": "r", "firstAvailable": [{"name": "a", "deviceClassName": "c"}]}),
            claim({"name": "r", "firstAvailable": [{"name": "a", "deviceClassName": "c"}] * 2}),
            claim({**request(), "firstAvailable": [{"name": "a", "deviceClassName": "c"}]}),
            claim(request(), constraints=[{"requests": ["r"], "matchAttribute": "e.com/a"}]),
            claim(request(), constraints=[{"requests": ["x", "r/a", "a/b/c"], "matchAttribute": "a"}]),
            claim(request(), constraints=[{"matchAttribute": "e.com/"}, {"matchAttribute": "/a"}, {}]),
            claim(request(), config=[{"requests": ["r", "r"], "opaque": {"driver": "d", "parameters": {}}}]),
            {**claim(request()), "status": {"reservedFor": [{"resource": "pods", "name": "p", "uid": "u"}]}},
        ],
    ),
    "claim templates": (
        TEMPLATES,
        [
            {"spec": claim(request())},
            {"spec": {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, **claim(request())}},
            {"spec": {"metadata": {"labels": {"a b": "c d"}}, **claim(request())}},
            {"spec": claim({"name": "r"})},
            {"spec": {}},
        ],
    ),
    "slices": (
        SLICES,
        [
            slice_of({"name": "g"}),
            {"spec": {}},
            slice_of({"name": "g"}, {"name": "g"}),
            slice_of({"name": "A_b"}),
            slice_of(nodeName=""),
            slice_of(nodeName=None),
            slice_of(allNodes=True),
            slice_of(nodeName=None, allNodes=True),
            slice_of(nodeName=None, allNodes=False),
            slice_of(nodeName=None, nodeSelector={"nodeSelectorTerms": []}),
            slice_of(driver="A_b"),
            slice_of(pool={"name": "", "resourceSliceCount": 0}),
            slice_of(pool={"name": "a/B_c", "resourceSliceCount": 1, "generation": -1}),
            slice_of({"name": "g", "attributes": {"a": {"int": 1}, "b": {"string": "s"}, "c": {"version": "1.2.3"}}}),
            slice_of({"name": "g", "attributes": {"a": {}}}),
            slice_of({"name": "g", "attributes": {"a-b": {"bool": True}}}),
            slice_of({"name": "g", "attributes": {"a": {"version": "1.2"}}}),
            slice_of({"name": "g", "attributes": {"a": {"string": "s" * 65}}}),
            slice_of({"name": "g", "capacity": {"memory": {"value": "1Gi"}}}),
            slice_of({"name": "g", "capacity": {"e.com/": {"value": "1"}}}),
            slice_of({"name": "g", "taints": [{"key": "a", "effect": "NoSchedule"}], "allNodes": True}),
        ],
    ),
    "addresses": (
        ADDRESSES,
        [
            parent(),
            parent(namespace="n", group=""),
            {**parent(), "metadata": {"name": "10.96.0.07"}},
            {**parent(), "metadata": {"name": "x"}},
            {**parent(), "metadata": {"name": "2001:DB8::1"}},
            {**parent(), "metadata": {"name": "2001:db8::1"}},
            {"metadata": {"name": "10.96.77.8"}, "spec": {}},
            parent(resource="", name=""),
            parent(group="A_b", resource="a/b", name="..", namespace="a%"),
        ],
    ),
    "ranges": (
        RANGES,
        [
            {"spec": {"cidrs": ["10.200.0.0/24"]}},
            {"spec": {"cidrs": ["10.200.0.0/24", "2001:db8::/112"]}},
            {"spec": {}},
            {"spec": {"cidrs": ["10.200.0.0/24", "10.201.0.0/24"]}},
            {"spec": {"cidrs": ["10.200.0.0/24"] * 3}},
            {"spec": {"cidrs": ["x"]}},
            {"spec": {"cidrs": ["10.200.0.1"]}},
            {"spec": {"cidrs": ["10.200.0.1/24"]}},
            {"spec": {"cidrs": ["10.200.00.0/24"]}},
            {"spec": {"cidrs": ["2001:DB8::/112"]}},
        ],
    ),
    "storage drivers of nodes": (
        NODES,
        [
            {"spec": {"drivers": [driver()]}},
            {"spec": {}},
            {"spec": {"drivers": [driver(topologyKeys=["a.com/z"], allocatable={"count": 3})]}},
            {"spec": {"drivers": [driver(), driver()]}},
            {"spec": {"drivers": [driver(name="A_b", nodeID="")]}},
            {"spec": {"drivers": [driver(name="", nodeID="n" * 257)]}},
            {"spec": {"drivers": [driver(topologyKeys=["a", "a", "b c"], allocatable={"count": -1})]}},
        ],
    ),
    "capacities": (
        CAPACITIES,
        [
            {"storageClassName": "s"},
            {"storageClassName": "s", "capacity": "1Gi", "maximumVolumeSize": "10Mi"},
            {"storageClassName": "A_b", "capacity": "-1"},
            {},
            {"storageClassName": "s", "nodeTopology": {"matchLabels": {"a": "b"}}},
            {"storageClassName": "s", "nodeTopology": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
        ],
    ),
    "classes of attributes": (
        ATTRIBUTES,
        [
            {"driverName": "d.e.com", "parameters": {"a": "b"}},
            {"driverName": "d.e.com"},
            {"driverName": "a b", "parameters": {"": "b"}},
            {},
        ],
    ),
}


CHANGES: dict[str, tuple[str, Object, list[tuple[str, Any, str]]]] = {
    "flow schemas": (
        FLOW,
        schema(),
        [
            ("", {"spec": {"matchingPrecedence": 77}}, MERGE),
            ("", {"spec": {"matchingPrecedence": 0}}, MERGE),
            ("", {"spec": {"rules": None}}, MERGE),
            ("", [{"op": "replace", "path": "/spec/rules/0/subjects", "value": []}], JSON_PATCH),
        ],
    ),
    "levels": (
        LEVELS,
        queue(),
        [
            ("", {"spec": {"limited": {"lendablePercent": 50}}}, MERGE),
            ("", {"spec": {"limited": {"limitResponse": {"type": "Reject"}}}}, STRATEGIC),
        ],
    ),
    "addresses": (
        ADDRESSES,
        parent(),
        [("", {"spec": {"parentRef": {"name": "t"}}}, MERGE), ("", {"metadata": {"labels": {"a": "b"}}}, MERGE)],
    ),
    "ranges": (
        RANGES,
        {"spec": {"cidrs": ["10.200.0.0/24"]}},
        [
            ("", {"spec": {"cidrs": ["10.201.0.0/24"]}}, MERGE),
            ("", {"spec": {"cidrs": []}}, MERGE),
            ("", {"spec": {"cidrs": ["10.200.0.0/24", "2001:db8::/112"]}}, MERGE),
        ],
    ),
    "slices": (
        SLICES,
        slice_of({"name": "g"}),
        [
            ("", {"spec": {"pool": {"name": "q"}}}, MERGE),
            ("", {"spec": {"driver": "e.e.com", "nodeName": "m"}}, MERGE),
            ("", {"spec": {"devices": [{"name": "h"}]}}, MERGE),
        ],
    ),
    "classes": (CLASSES, {"spec": {}}, [("", {"spec": {"config": [{}]}}, MERGE)]),
    "capacities": (
        CAPACITIES,
        {"storageClassName": "s", "capacity": "1Gi"},
        [("", {"storageClassName": "t"}, MERGE), ("", {"capacity": "2Gi"}, MERGE)],
    ),
    "attributes": (
        ATTRIBUTES,
        {"driverName": "d.e.com", "parameters": {"a": "b"}},
        [("", {"parameters": {"a": "c"}}, MERGE), ("", {"driverName": "e.e.com"}, MERGE)],
    ),
    "nodes": (
        NODES,
        {"spec": {"drivers": [driver()]}},
        [
            ("", {"spec": {"drivers": [driver(allocatable={"count": 2})]}}, MERGE),
            ("", {"spec": {"drivers": [driver(), driver(name="e.e.com")]}}, STRATEGIC),
        ],
    ),
    "claims": (
        CLAIMS,
        claim(request()),
        [
            ("", {"metadata": {"labels": {"a": "b"}}}, MERGE),
            ("/status", {"status": {"reservedFor": [{"resource": "pods", "name": "p", "uid": "u"}]}}, MERGE),
            ("/status", {"status": {"reservedFor": [{"resource": ""}, {"resource": ""}]}}, MERGE),
        ],
    ),
}


def named(body: Object, name: str) -> Object:
    """The body with this name, unless it has one."""
    return {**body, "metadata": {"name": name, **body.get("metadata", {})}}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _creation(random: Random, index: int) -> Iterator[Step]:
    path, bodies = CASES[random.choice(sorted(CASES))]
    for body in random.sample(bodies, k=2):
        yield Step("POST", f"{path}?dryRun=All", named(without_nulls(body), f"k{index}-{random.getrandbits(20):05x}"))


def _change(random: Random, index: int) -> Iterator[Step]:
    path, body, patches = CHANGES[random.choice(sorted(set(CHANGES) - WATCHED))]
    sent = named(body, f"c{index}-{random.getrandbits(20):05x}")
    one = f"{path}/{sent['metadata']['name']}"
    yield Step("POST", path, sent)
    for below, patch, media in random.sample(patches, k=min(2, len(patches))):
        yield Step("PATCH", f"{one}{below}?dryRun=All", patch, media)
    yield Step("GET", one)
    yield Step("DELETE", one)


# Of these a controller writes the status.
WATCHED = {"flow schemas", "ranges"}


def kinds(random: Random, count: int) -> Iterator[Case]:
    """Creations, and chains of changes."""
    for index in range(max(1, count // 3)):
        make, name = random.choice([(_creation, "created"), (_change, "changed")])
        yield Case(f"beside workloads, {name}", tuple(make(random, index)))


KINDS = Area("flow control, devices, addresses, storage drivers", kinds, share=1.5)
