"""No secret passes the door, whatever it is wrapped in; and what is no secret stays readable."""

from __future__ import annotations

import copy
import json
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_tools.changes.diff import public
from mcp_tools.changes.model import FieldChange
from mcp_tools.reads.answer import clip
from mcp_tools.redaction import MASK, redact, redact_text

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKC\nhunter22\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        "PGPASSWORD=hunter22 psql -h db",
        "password: hunter22",
        "password=no-hunter22",
        "password=$hunter22",
        "password=<hunter22",
        "token=/hunter22/key+",
        "user=u;Password=a,hunter22;Database=d",
        'msg="login" password="not hunter22 but a sentence"',
        r'{"msg": "payload {\"api_key\": \"hunter22\"}"}',
        'cut off while "password": "hunter22',
        'password="a\\"hunter22"',
        "docker login --password hunter22 -u me",
        "mysqldump --password=hunter22",
        "postgresql://todo:hunter22@db:5432/todo",
        "postgresql://todo:p@hunter22@db/todo",
        "postgresql://todo:p/hunter22@db/todo",
        "redis://:hunter22@cache:6379/0",
        "https://hunter22hunter22hunter22@git.example.com/x.git",
        "https://blob.example.com/c?sv=1&sig=hunter22%3D",
        "Authorization: Bearer hunterxhunterx",
        "Authorization: Basic hunterxhunterx",
        "curl -H 'X-Api-Key: hunter22'",
        "Cookie: theme=dark; session=hunter22",
        "Set-Cookie: sid=x; id=hunter22; Path=/",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyMiJ9.hunter22",
        "AKIAHUNTER22HUNTER22",
        "ghp_hunter22hunter22hunter22",
        "xoxb-hunter22-hunter22",
        "sk-proj-hunter22hunter22",
        PEM,
        PEM.partition("-----END")[0],
        PEM.replace("\n", "\\n"),
        json.dumps({"kind": "Secret", "data": {"plain": "hunter22"}}),
        json.dumps([{"name": "DB_PASSWORD", "value": "hunter22"}]),
        "curl -s -u me:hunter22 https://example.com",
        "curl --user 'me:hunter22' https://example.com",
        "mysql -h db -u root -phunter22 todo",
        "sshpass -p hunter22 ssh db",
        "create secret api with pin=hunter22 and 'colour=hunter22 too'",
        "kubectl create secret generic api --from-literal=pin=hunter22",
        "apiVersion: v1\nkind: Secret\ndata:\n  pin: hunter22\n  more: |\n    hunter22\n    a: hunter22\ntype: O\n",
        "---\nstringData: {pin: hunter22}\nkind: 'Secret'\n---\nkind: ConfigMap\n",
    ],
)
def test_a_secret_in_a_text_is_masked(text: str) -> None:
    masked = redact_text(text)
    assert "hunter" not in masked.lower()
    assert MASK in masked


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "Secret", "data": {"url": "hunter22"}, "stringData": {"user": "hunter22"}},
        {"kind": "SecretList", "items": [{"data": {"x": "hunter22"}}]},
        {"items": [{"kind": "Secret", "data": {"x": "hunter22"}}]},
        {"kind": "ConfigMap", "data": {"admin-password": "hunter22", "PIN_TOKEN": 11}},
        {"env": [{"name": "DB_PASSWORD", "value": "hunter22"}]},
        {"args": ["--password", "hunter22", "--verbose"]},
        {"password": 227722},
        {
            "kind": "Secret",
            "metadata": {
                "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": json.dumps(
                        {"kind": "Secret", "stringData": {"x": "hunter22"}}
                    )
                }
            },
        },
    ],
)
def test_a_secret_in_an_object_is_masked(value: Any) -> None:
    masked = json.dumps(redact(value))
    assert not {"hunter22", "227722"} & set(masked.replace('"', " ").replace(",", " ").replace("}", " ").split())
    assert MASK in masked


@pytest.mark.parametrize(
    "value",
    [
        'MountVolume.SetUp failed: secret "db-credentials" not found',
        "secret todo-secret not found",
        "the token: expired",
        "password: required",
        "password: <set to the key 'url' in secret 'db'>",
        "--password=$(DB_PASSWORD)",
        "TOKEN=$TOKEN",
        "used 1234 tokens, max_tokens=4096, completion_tokens: 5",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "docker-pullable://registry:5000/team/app@sha256:" + "a1" * 32,
        "registry.example.com/app@sha256:" + "b2" * 32,
        "https://example.com/a?b=c#d",
        "rollout is basic authorisation-free; passport: valid; PWD=/app",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        '{"level": "info", "msg": "token refreshed",   "tokens": 3}',
        {"secretName": "db", "automountServiceAccountToken": True, "tokenExpirationSeconds": 3600, "password": None},
        {"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]},
        {"kind": "Secret", "metadata": {"name": "db", "labels": {"app": "todo"}}, "type": "Opaque"},
        {"continue_token": "100", "kind": "Pod"},
        "docker run -u 1000:1000 curlimages/curl",
        "mysql --version -p",
        "create configmap api with pin=1234",
        "kind: Secret\nmetadata:\n  name: api\n---\nkind: ConfigMap\ndata:\n  colour: blue\n",
    ],
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert redact(value) == value


secrets = st.text(string.ascii_letters + string.digits + "_-+/=.!$%^*~", min_size=8, max_size=40).map(
    lambda t: f"Zq9{t}"
)
names = st.sampled_from(["DB_PASSWORD", "apiKey", "client-secret", "AUTH_TOKEN", "github.token", "db_passwd2"])
plain = st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=20) | st.booleans(), max_size=3)


def _jwt(secret: str) -> str:
    letters = "".join(filter(str.isalnum, secret))
    return f"eyJhbGciOiJIUzI1NiJ9.{letters}.{letters}"


POSITIONS: list[Callable[[str, str], Any]] = [
    lambda name, secret: {"kind": "Secret", "data": {"x": secret}},
    lambda name, secret: {"kind": "Secret", "stringData": {name: secret}},
    lambda name, secret: {"env": [{"name": name, "value": secret}]},
    lambda name, secret: {name: secret},
    lambda name, secret: f"{name}={secret}",
    lambda name, secret: f"{name}: {secret}, next",
    lambda name, secret: f"2026-01-01 {json.dumps({name: secret})} done",
    lambda name, secret: json.dumps({"outer": json.dumps({name: secret})}),
    lambda name, secret: json.dumps({"outer": json.dumps({"kind": "Secret", "data": {"x": secret}})}),
    lambda name, secret: f"postgres://user:{secret}@db:5432/todo",
    lambda name, secret: f"Authorization: Bearer {secret}",
    lambda name, secret: f"Cookie: a=b; c={secret}",
    lambda name, secret: _jwt(secret),
    lambda name, secret: f"--{name.lower().replace('_', '-')} {secret}",
    lambda name, secret: f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----",
]
WRAPPINGS: list[Callable[[Any, dict[str, Any]], Any]] = [
    lambda value, other: value,
    lambda value, other: [other, value],
    lambda value, other: {**other, "nested": {"deep": [value, other]}},
    lambda value, other: {"kind": "List", "items": [{"spec": value}]},
    lambda value, other: json.dumps({"msg": value}),
]


@given(secrets, names, st.sampled_from(POSITIONS), st.sampled_from(WRAPPINGS), plain)
@example("Zq9$SECRET_NAME", "DB_PASSWORD", POSITIONS[4], WRAPPINGS[0], {})
def test_no_secret_survives_in_any_position(
    secret: str, name: str, position: Callable[[str, str], Any], wrap: Callable[[Any, Any], Any], other: dict[str, Any]
) -> None:
    value = wrap(position(name, secret), other)
    before = copy.deepcopy(value)
    once = redact(value)
    assert secret not in json.dumps(once)
    assert "Zq9" not in json.dumps(once)
    assert redact(once) == once
    assert value == before


@given(st.text(max_size=200) | st.sampled_from(["password=", "Authorization: Bearer ", '"token":"', "a://b:c@"]))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


def test_a_diff_masks_by_its_path_alone() -> None:
    env = ("spec", "template", "spec", "containers", ("name", "app"), "env", ("name", "DB_PASSWORD"), "value")
    assert public(FieldChange(env, "hunter22", "hunter23")) == {
        "path": "spec.template.spec.containers[app].env[DB_PASSWORD].value",
        "old": MASK,
        "new": MASK,
    }
    assert public(FieldChange(("data", "url"), "aHVudGVy", "aHVudGVy2"), "Secret")["new"] == MASK
    assert public(FieldChange(("data",), None, {"url": "aHVudGVy"}), "Secret")["new"] == {"url": MASK}
    assert public(FieldChange(("spec", "replicas"), 2, 3))["new"] == 3


def test_a_text_is_masked_before_it_is_cut() -> None:
    text = "x" * 380 + " postgresql://todo:hunter22-and-much-more@db:5432/todo"
    assert "hunter" not in clip(text)


HOSTILE = ["a.", "-a", "a-", "password.", "password=", "-password ", "eyJaaaaaa-", "a://b:", "bearer ", "-----BEGIN "]
HOSTILE += ["'password='", '\\"password\\":', "password=,", "cookie ", "[", '{"a":', "<a", "basic a", " ", "\\", ","]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", HOSTILE)
def test_a_long_hostile_line_takes_no_longer_than_its_length(unit: str) -> None:
    for start in ("see ://password eyJ ", "password=", "postgres://u:"):
        redact_text(start + unit * (500_000 // len(unit)) + "@")
