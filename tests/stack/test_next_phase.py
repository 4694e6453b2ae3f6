"""Events over Kafka, and DigitalOcean: rendered, valid, consistent with what the backend writes, and off."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator
from stack_helpers import ROOT, Object, Render

pytestmark = pytest.mark.cluster

ON = ("events.enabled=true", "events.strimziCluster=kafka")
NAME = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"}
# The fields of Dapr's and Strimzi's custom resources that are in use, from their reference pages.
SPECS = {
    ("dapr.io/v1alpha1", "Component"): {
        "type": {"const": "pubsub.kafka"},
        "version": {"const": "v1"},
        "metadata": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "value"],
                "additionalProperties": False,
                "properties": {"name": {"type": "string"}, "value": {"type": "string", "minLength": 1}},
            },
        },
    },
    ("dapr.io/v2alpha1", "Subscription"): {
        "pubsubname": NAME,
        "topic": NAME,
        "routes": {"type": "object", "required": ["default"], "properties": {"default": {"pattern": "^/"}}},
    },
    ("kafka.strimzi.io/v1beta2", "KafkaTopic"): {
        "partitions": {"type": "integer", "minimum": 1},
        "replicas": {"type": "integer", "minimum": 1},
        "config": {"type": "object", "required": ["retention.ms"], "properties": {"retention.ms": {"type": "integer"}}},
    },
}


def of(objects: list[Object], kind: str) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def topics() -> set[str]:
    schema = json.loads((ROOT / "apps/backend/events.schema.json").read_text())
    return set(schema["$defs"]["Topic"]["enum"])


@pytest.mark.parametrize("values", ["dev", "staging", "prod", "doks"])
def test_nothing_of_the_next_phase_runs_until_it_is_asked_for(render: Render, values: str) -> None:
    objects = render(values)
    assert not [one for one in objects if one["apiVersion"].startswith(("dapr.io", "kafka."))]
    for deployment in of(objects, "Deployment").values():
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        assert annotations["dapr.io/enabled"] == "false"
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert annotations["dapr.io/app-id"] == container["name"]
        assert annotations["dapr.io/app-port"] == str(container["ports"][0]["containerPort"])


def test_each_topic_that_the_backend_writes_has_a_consumer_and_is_made(render: Render) -> None:
    objects = render("doks", *ON)
    (component,) = of(objects, "Component").values()
    subscriptions = of(objects, "Subscription")
    assert {one["spec"]["topic"] for one in subscriptions.values()} == set(of(objects, "KafkaTopic")) == topics()
    for one in subscriptions.values():
        assert one["spec"]["pubsubname"] == component["metadata"]["name"]
        assert set(one["scopes"]) < set(component["scopes"])
    for deployment in of(objects, "Deployment").values():
        assert deployment["spec"]["template"]["metadata"]["annotations"]["dapr.io/enabled"] == "true"


def test_the_custom_resources_are_as_dapr_and_strimzi_want_them(render: Render) -> None:
    checked = 0
    for one in render("doks", *ON):
        fields = SPECS.get((one["apiVersion"], one["kind"]))
        if fields is None:
            assert "." not in one["apiVersion"].partition("/")[0] or ".k8s.io" in one["apiVersion"]
            continue
        schema = {"type": "object", "required": list(fields), "additionalProperties": False, "properties": fields}
        Draft202012Validator(schema).validate(one["spec"])
        checked += 1
    assert checked == 1 + 2 * len(topics())


def test_the_page_tells_of_the_same_topics_and_consumers(render: Render) -> None:
    page = (ROOT / "docs/NEXT-PHASE.md").read_text()
    told = dict(re.findall(r"^\| `([a-z-]+)` \|[^|]*\| `backend` \| `(\w+)`", page, re.MULTILINE))
    rendered = {one["spec"]["topic"]: one["scopes"][0] for one in of(render("doks", *ON), "Subscription").values()}
    assert told == rendered


def test_on_digitalocean_one_load_balancer_and_its_registry_are_used(render: Render) -> None:
    objects = render("doks")
    assert {one["spec"]["type"] for one in of(objects, "Service").values()} == {"ClusterIP"}
    for deployment in of(objects, "Deployment").values():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith("registry.digitalocean.com/")
    assert of(objects, "Ingress")["todo-ingress"]["spec"]["tls"]
