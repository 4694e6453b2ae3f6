"""Certificates, flow control, devices, addresses and storage drivers: the same requests to both servers.

Each case is a chain of requests to an object named `{name}`, of which only the answers are compared.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from differences import differences, normal, until
from fidelity.model import compare
from sandbox_helpers import APPLY, JSON_PATCH, MERGE, STRATEGIC, TABLE, Client

pytestmark = pytest.mark.cluster

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


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-kinds-{uuid.uuid4().hex[:6]}"
    for client in (real, api):
        assert client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
    yield real, api, namespace
    for client in (real, api):
        client("DELETE", f"/api/v1/namespaces/{namespace}")


def named(body: Object, name: str) -> Object:
    return {**body, "metadata": {"name": name, **body.get("metadata", {})}}


@pytest.mark.parametrize("name", CASES)
def test_creations_are_completed_and_refused_alike(both: tuple[Client, Client, str], name: str) -> None:
    path, bodies = CASES[name]
    found = []
    for index, body in enumerate(bodies):
        where = f"{path}?dryRun=All".replace("{ns}", both[2])
        sent = named(without_nulls(body), f"o{index}-{both[2]}")
        answers = [seen(client("POST", where, sent)) for client in both[:2]]
        if lines := compare(*answers, both[2]):
            found += [f"{sent}", *lines]
    assert not found, "\n".join(found)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def seen(answer: Any) -> Object:
    return {"code": answer.status, "body": answer.body, "warning": answer.headers.get("Warning", "")}


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


# Of these a controller writes the status.
WATCHED = {"flow schemas", "ranges"}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_taken_and_refused_alike(both: tuple[Client, Client, str], name: str) -> None:
    path, body, patches = CHANGES[name]
    path = path.replace("{ns}", both[2])
    sent = named(body, f"c-{both[2]}")
    one = f"{path}/{sent['metadata']['name']}"
    found = []
    try:
        made = [seen(client("POST", path, sent)) for client in both[:2]]
        assert compare(*made, both[2]) == []
        if name in WATCHED:
            for client in both[:2]:
                until(lambda client=client: client("GET", one).body["status"].get("conditions"))
        for below, patch, media in patches:
            where = f"{one}{below}?dryRun=All"
            answers = [seen(client("PATCH", where, patch, media=media)) for client in both[:2]]
            if lines := compare(*answers, both[2]):
                found += [f"{below} {patch}", *lines]
        applied = {**sent, "apiVersion": made[0]["body"]["apiVersion"], "kind": made[0]["body"]["kind"]}
        where = f"{one}?fieldManager=other&dryRun=All"
        answers = [seen(client("PATCH", where, applied, media=APPLY)) for client in both[:2]]
        if lines := compare(*answers, both[2]):
            found += ["apply", *lines]
        tables = [seen(client("GET", one, accept=TABLE)) for client in both[:2]]
        if lines := compare(*tables, both[2]):
            found += ["table", *lines]
    finally:
        ends = [seen(client("DELETE", one)) for client in both[:2]]
    if name not in WATCHED:  # which are held for a while, or told about at another moment
        found += compare(*ends, both[2])
    assert not found, "\n".join(found)


def signing_request(name: str, *organizations: str) -> str:
    """PKCS #10 in PEM, as Kubernetes wants it: in base64."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in organizations]
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts)).sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


PEM = signing_request("bob", "team")
CLIENT = "kubernetes.io/kube-apiserver-client"
REQUESTS: dict[str, Object] = {
    "good": {},
    "for a while": {"expirationSeconds": 3600},
    "too short": {"expirationSeconds": 60},
    "no usages": {"usages": []},
    "odd usages": {"usages": ["client auth", "client auth", "flying"]},
    "no signer": {"signerName": ""},
    "legacy signer": {"signerName": "kubernetes.io/legacy-unknown"},
    "odd signer": {"signerName": "a"},
    "bad domain": {"signerName": "A_b.c/d"},
    "short domain": {"signerName": "a/d"},
    "bad path": {"signerName": "a.b/C_d"},
    "no request": {"request": base64.b64encode(b"hello").decode()},
    "masters": {"request": signing_request("bob", "system:masters")},
    "another's name": {"username": "alice", "groups": ["g"]},
}


def certificate(**spec: Any) -> Object:
    return {"spec": {"request": PEM, "signerName": CLIENT, "usages": ["client auth"], **spec}}


def anonymous(value: Any) -> Any:
    """Both servers have an administrator of another name."""
    if isinstance(value, dict):
        return {key: "-" if key in {"username", "groups", "extra"} else anonymous(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_for_certificates_are_refused_alike(both: tuple[Client, Client, str], name: str) -> None:
    body = named(certificate(**REQUESTS[name]), f"r-{both[2]}")
    answers = [seen(client("POST", f"{CSR}?dryRun=All", body)) for client in both[:2]]
    for answer in answers:
        answer["body"] = anonymous(answer["body"])
        if answer["code"] == 201:
            answer["body"]["spec"].pop("extra", None)
    assert compare(*answers, both[2]) == []


APPROVED = {"type": "Approved", "status": "True", "reason": "Test", "message": "yes"}
DENIED = {**APPROVED, "type": "Denied"}
STEPS: dict[str, list[tuple[str, list[Object]]]] = {
    "approved": [("approval", [APPROVED])],
    "denied": [("approval", [DENIED])],
    "both": [("approval", [APPROVED, DENIED])],
    "twice": [("approval", [APPROVED, APPROVED])],
    "not quite": [("approval", [{**APPROVED, "status": "False"}])],
    "in the wrong place": [("status", [APPROVED])],
    "taken back": [("approval", [DENIED]), ("approval", [])],
    "failed": [("status", [{**APPROVED, "type": "Failed"}])],
}


@pytest.mark.parametrize("name", STEPS)
def test_approvals_are_taken_and_refused_alike(both: tuple[Client, Client, str], name: str) -> None:
    named_as = f"a-{uuid.uuid4().hex[:6]}"
    usages = ["client auth", "digital signature"]
    for client in both[:2]:
        made = client("POST", CSR, named(certificate(usages=usages, signerName="e.com/s"), named_as))
        assert made.status == 201, made.body
    try:
        for below, conditions in STEPS[name]:
            patch = {"status": {"conditions": conditions}}
            answers = [seen(client("PATCH", f"{CSR}/{named_as}/{below}", patch, media=MERGE)) for client in both[:2]]
            for answer in answers:
                answer["body"] = anonymous(answer["body"])
                if isinstance(status := answer["body"].get("status"), dict):
                    answer["body"]["conditions"] = status.get("conditions")
                if isinstance(answer["body"].get("spec"), dict):
                    answer["body"]["spec"].pop("extra", None)
            assert compare(*answers, both[2]) == []
    finally:
        for client in both[:2]:
            client("DELETE", f"{CSR}/{named_as}")


@pytest.mark.parametrize("usages", [["client auth"], ["server auth"]])
def test_what_is_approved_is_signed_or_failed_for_the_same_reason(
    both: tuple[Client, Client, str], usages: list[str]
) -> None:
    ends = []
    for client in both[:2]:
        name = f"s-{uuid.uuid4().hex[:6]}"
        assert client("POST", CSR, named(certificate(usages=usages), name)).status == 201
        client("PATCH", f"{CSR}/{name}/approval", {"status": {"conditions": [APPROVED]}}, media=MERGE)

        def ended(client: Client = client, name: str = name) -> Any:
            status = client("GET", f"{CSR}/{name}").body["status"]
            failed = [item for item in status["conditions"] if item["type"] == "Failed"]
            said = [(item["reason"], item["message"]) for item in failed]
            return [bool(status.get("certificate")), said] if failed or status.get("certificate") else None

        ends.append(until(ended))
        table = client("GET", f"{CSR}/{name}", accept=TABLE).body["rows"][0]["cells"]
        ends[-1] += [table[2], table[4:]]
        client("DELETE", f"{CSR}/{name}")
    assert ends[0] == ends[1]


DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
NOT_SERVED = {"bindings", "componentstatuses"}
ADDED = {"metrics.k8s.io"}


@pytest.mark.parametrize("path", ["/api", "/apis"])
def test_both_say_the_same_about_what_they_serve(both: tuple[Client, Client, str], path: str) -> None:
    found = []
    for client in both[:2]:
        groups = client("GET", path, accept=DISCOVERY).body["items"]
        mine = [group for group in groups if group["metadata"].get("name") not in ADDED]
        mine = [group for group in mine if not group["metadata"].get("name", "").endswith("example.com")]
        for group in mine:
            for version in group["versions"]:
                kept = [item for item in version["resources"] if item["resource"] not in NOT_SERVED]
                version["resources"] = sorted(kept, key=lambda item: item["resource"])
            group["metadata"].pop("creationTimestamp", None)
        found.append(mine)
    assert differences(normal(found[0], both[2]), normal(found[1], both[2])) == []


def test_the_levels_and_schemas_that_are_always_there_are_the_same(both: tuple[Client, Client, str]) -> None:
    for path in (FLOW, LEVELS):
        specs = [
            {item["metadata"]["name"]: item["spec"] for item in client("GET", path).body["items"]}
            for client in both[:2]
        ]
        common = {name: spec for name, spec in specs[1].items() if name in specs[0]}
        assert common
        assert differences({name: specs[0][name] for name in common}, common) == []
