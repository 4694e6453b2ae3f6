"""Every place that alerts are told to: what arrives there, and that one which fails holds up and loses nothing else."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from monitor_helpers import receiving, until

from mcp_tools.diagnosis.model import Ref
from mcp_tools.diagnosis.taking import take
from mcp_tools.errors import UsageError
from mcp_tools.monitoring.alert import Alert, Severity, State
from mcp_tools.monitoring.configuring import MonitorSettings
from mcp_tools.monitoring.sinks.alertmanager import ALERTS, Alertmanager
from mcp_tools.monitoring.sinks.base import Sink, SinkFailed
from mcp_tools.monitoring.sinks.desktop import Desktop
from mcp_tools.monitoring.sinks.kubernetes import KubernetesEvents
from mcp_tools.monitoring.sinks.outbox import Outbox
from mcp_tools.monitoring.sinks.posting import Poster
from mcp_tools.monitoring.sinks.slack import Slack
from mcp_tools.monitoring.sinks.terminal import Terminal
from mcp_tools.monitoring.sinks.webhook import Webhook

if TYPE_CHECKING:
    from hands_helpers import Kube

BEGAN = dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)
OVER = BEGAN + dt.timedelta(minutes=7)
FIRING = Alert(
    "crash-loop",
    Severity.CRITICAL,
    Ref("Deployment", "todo-app", "backend"),
    "Container app was restarted 5 times <!channel> & more; password=hunter2hunter2",
    BEGAN,
    State.FIRING,
    evidence=("exit code 1", "Authorization: Bearer abcdef0123456789"),
    labels={"container": "app", "a-b/c": "x"},
    fired_at=BEGAN,
)
RESOLVED = replace(FIRING, state=State.RESOLVED, resolved_at=OVER)

MAKE: dict[str, Callable[[str], Sink]] = {
    "webhook": lambda url: Webhook(Poster(url, "s3cret-token", answer_seconds=0.5)),
    "slack": lambda url: Slack(Poster(url, answer_seconds=0.5)),
    "alertmanager": lambda url: Alertmanager(Poster(f"{url}{ALERTS}", answer_seconds=0.5)),
}


def told(body: Any) -> list[str]:
    """The alerts in a body, whoever it is for, as `firing` or `resolved`."""
    if isinstance(body, list):
        now = dt.datetime.now(dt.UTC)
        return ["firing" if dt.datetime.fromisoformat(item["endsAt"]) > now else "resolved" for item in body]
    if "attachments" in body:
        return [item["title"].split()[0].lower() for item in body["attachments"]]
    return [item["status"] for item in body["alerts"]]


@pytest.mark.parametrize("name", MAKE)
def test_a_receiver_that_fails_and_stalls_first_gets_everything_once_and_in_order(name: str) -> None:
    said: list[str] = []
    with receiving(503, "stall", "hang up", 429) as (receiver, url):
        box = Outbox(MAKE[name](url), said.append, first_pause=0.05)
        box.put(FIRING)
        box.put(RESOLVED)
        until(lambda: box.counts.sent == 2)
        box.close(10)
    assert [item for body in receiver.bodies for item in told(body)] == ["firing", "resolved"]
    assert box.counts.failures == 4
    assert box.counts.dropped == 0
    assert len(said) == 2, "that it fails, and that it works again"
    assert "hunter2" not in json.dumps(receiver.bodies)
    assert "abcdef0123456789" not in json.dumps(receiver.bodies)


@pytest.mark.parametrize("name", MAKE)
def test_what_a_receiver_will_never_take_is_given_up_and_said_without_the_address(name: str) -> None:
    said: list[str] = []
    with receiving(404, 403) as (receiver, url):
        box = Outbox(MAKE[name](f"{url}/services/T0/B0/secret-path"), said.append, first_pause=0.05)
        box.put(FIRING)
        until(lambda: box.counts.dropped == 1)
        box.close(10)
    assert receiver.tries == 1
    assert "404" in said[0]
    assert "secret-path" not in "".join(said)


class Slow(Sink):
    """A sink that takes its time, and then fails at some."""

    name = "slow"
    batch = 1

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.go = threading.Event()

    def send(self, alerts: Sequence[Alert]) -> None:
        self.taken.append(alerts[0].object.name)
        self.go.wait(60)
        if alerts[0].object.name == "a1":
            raise SinkFailed("no", final=True)
        if alerts[0].object.name == "a6":
            raise ZeroDivisionError


def test_a_full_queue_drops_the_oldest_and_nobody_waits() -> None:
    said: list[str] = []
    done: list[str] = []
    sink = Slow()
    box = Outbox(sink, said.append, room=3)
    for number in range(1, 9):
        name = f"a{number}"
        box.put(replace(FIRING, object=Ref("Pod", "x", name)), lambda name=name: done.append(name))
        until(lambda: sink.taken)
    assert done == ["a2", "a3", "a4", "a5"]
    sink.go.set()
    until(lambda: len(done) == 8)
    box.close(10)
    assert sink.taken == ["a1", "a6", "a7", "a8"]
    assert (box.counts.sent, box.counts.dropped) == (2, 6)


# Of Alertmanager's api/v2/openapi.yaml, the definitions that POST /alerts is described by.
LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
TIME = {"type": "string", "format": "date-time"}
POSTABLE = {
    "type": "array",
    "items": {
        "allOf": [
            {"type": "object", "properties": {"startsAt": TIME, "endsAt": TIME, "annotations": LABELS}},
            {
                "type": "object",
                "properties": {"labels": LABELS, "generatorURL": {"type": "string", "format": "uri"}},
                "required": ["labels"],
            },
        ]
    },
}


def test_alertmanager_is_told_again_while_it_fires_and_then_when_it_ended() -> None:
    with receiving() as (receiver, url):
        box = Outbox(Alertmanager(Poster(f"{url}{ALERTS}"), repeat_seconds=0.2), lambda _: None)
        box.stand([FIRING])
        box.put(FIRING)
        until(lambda: len(receiver.bodies) >= 4)
        box.stand([])
        box.put(RESOLVED)
        until(lambda: told(receiver.bodies[-1]) == ["resolved"])
        count = len(receiver.bodies)
        time.sleep(1)
        box.close(10)
    assert len(receiver.bodies) == count, "what is over is not told again"
    assert set(receiver.paths) == {"/api/v2/alerts"}
    checker = jsonschema.Draft7Validator(POSTABLE, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    for body in receiver.bodies:
        checker.validate(body)
    first, last = receiver.bodies[0][0], receiver.bodies[-1][0]
    assert first["labels"] == last["labels"]
    assert first["labels"] == {
        "alertname": "crash-loop", "severity": "critical", "namespace": "todo-app", "kind": "Deployment",
        "name": "backend", "container": "app", "a_b_c": "x",
    }  # fmt: skip
    assert first["startsAt"] == "2026-03-01T10:00:00Z"
    assert last["endsAt"] == "2026-03-01T10:07:00Z"


def test_the_webhook_speaks_alertmanagers_version_4() -> None:
    with receiving() as (receiver, url):
        sink = MAKE["webhook"](url)
        sink.send([FIRING, replace(RESOLVED, object=Ref("Node", "", "n1"))])
    (body,) = receiver.bodies
    assert receiver.headers[0]["Authorization"] == "Bearer s3cret-token"
    assert body.keys() == {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
        "commonAnnotations", "externalURL", "alerts",
    }  # fmt: skip
    assert (body["version"], body["status"], body["truncatedAlerts"]) == ("4", "firing", 0)
    assert body["groupLabels"] == {"alertname": "crash-loop"}
    assert "namespace" not in body["commonLabels"]
    first, second = body["alerts"]
    assert first.keys() == {
        "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint",
    }  # fmt: skip
    assert (first["status"], first["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert (second["status"], second["endsAt"]) == ("resolved", "2026-03-01T10:07:00Z")
    assert first["fingerprint"] == FIRING.fingerprint


def test_a_slack_message_mentions_nobody() -> None:
    with receiving() as (receiver, url):
        MAKE["slack"](url).send([FIRING])
    (body,) = receiver.bodies
    assert body["text"] == "Shipmate: 1 firing"
    assert "<!channel>" not in json.dumps(body)
    assert "&lt;!channel&gt; &amp; more" in body["attachments"][0]["text"]


def test_the_terminal_gets_one_line_whatever_a_cluster_writes() -> None:
    lines: list[str] = []
    Terminal(lambda _, line: lines.append(line)).send([replace(FIRING, summary="a\x1b[2J\nb\r\x07")])
    assert lines == ["2026-03-01T10:00:00Z FIRING critical crash-loop todo-app/deployment/backend: a [2J b "]


def test_the_desktop_is_asked_by_its_own_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="notify-send"):
        Desktop()
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\nfor word; do echo "$word" >>{tmp_path}/told; done\n')
    program.chmod(0o755)
    Desktop().send([replace(FIRING, summary="--icon=x"), *[RESOLVED] * 9])
    said = (tmp_path / "told").read_text().splitlines()
    assert said[:5] == [
        "--app-name=shipmate", "--urgency=critical", "--",
        "FIRING critical crash-loop todo-app/deployment/backend", "--icon=x",
    ]  # fmt: skip
    assert said.count("--app-name=shipmate") == 6
    assert "5 more alerts" in said
    program.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    with pytest.raises(SinkFailed, match="no display"):
        Desktop().send([FIRING])


def test_an_event_about_the_object_is_counted_and_not_repeated(kube: Kube, space: str) -> None:
    made = kube.make(f"/api/v1/namespaces/{space}/configmaps", {"metadata": {"name": "web"}})
    snapshot = take(kube.connection, space)
    sink = KubernetesEvents(kube.connection, snapshot.at)
    about = replace(FIRING, object=Ref("ConfigMap", space, "web"))
    for alert in (about, about, replace(RESOLVED, object=about.object), about):
        sink.send([alert])
    sink.send([replace(FIRING, object=Ref("Cluster", "", "here"))])  # there is no such object: nothing to write
    events = kube.get(f"/api/v1/namespaces/{space}/events")["items"]
    found = {event["reason"]: event for event in events if event["source"].get("component") == "shipmate"}
    assert found.keys() == {"CrashLoop", "CrashLoopResolved"}
    assert (found["CrashLoop"]["count"], found["CrashLoop"]["type"]) == (3, "Warning")
    assert (found["CrashLoopResolved"]["count"], found["CrashLoopResolved"]["type"]) == (1, "Normal")
    assert found["CrashLoop"]["involvedObject"]["uid"] == made["metadata"]["uid"]


@pytest.mark.parametrize(
    ("sinks", "words"),
    [
        ({"webhook": {"url": "https://user:pw@x.example/"}}, "credentials"),
        ({"webhook": {}}, "one of url and url_env"),
        ({"slack": {"url": "ftp://x"}}, "url"),
        ({"pager": True}, "pager"),
    ],
)
def test_a_sink_that_cannot_work_is_refused_when_it_is_configured(sinks: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MonitorSettings.model_validate({"sinks": sinks})
