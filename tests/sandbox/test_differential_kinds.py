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
from fidelity.kinds import CASES, CHANGES, CSR, FLOW, LEVELS, WATCHED, named, without_nulls
from fidelity.model import compare
from sandbox_helpers import APPLY, MERGE, TABLE, Client

pytestmark = pytest.mark.cluster

Object = dict[str, Any]


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-kinds-{uuid.uuid4().hex[:6]}"
    for client in (real, api):
        assert client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
    yield real, api, namespace
    for client in (real, api):
        client("DELETE", f"/api/v1/namespaces/{namespace}")


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


def seen(answer: Any) -> Object:
    return {"code": answer.status, "body": answer.body, "warning": answer.headers.get("Warning", "")}


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


def test_nobody_deletes_all_namespaces_at_once(both: tuple[Client, Client, str]) -> None:
    answers = [seen(client("DELETE", "/api/v1/namespaces?dryRun=All")) for client in both[:2]]
    assert answers[0]["code"] == 405
    assert compare(*answers, both[2]) == []
