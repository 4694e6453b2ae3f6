"""What a deletion takes along for good, and what holds it up, is said before it is approved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Person, done

from mcp_tools.changes.model import Decision

if TYPE_CHECKING:
    from hands_helpers import Kube

    from mcp_tools.toolbox import Toolbox


def warned(box: Toolbox, target: str) -> str:
    person = Person(Decision.DECLINED)
    box.call("delete_resource", {"target": target}, approver=person.approve)
    return "\n".join(person.plans[-1].warnings)


@pytest.mark.parametrize(
    ("policy", "words"),
    [("Delete", "is deleted with all its data"), ("Retain", "keeps its data (reclaim policy Retain)")],
)
def test_what_becomes_of_the_data_of_a_claim_is_said(
    kube: Kube, space: str, box: Toolbox, policy: str, words: str
) -> None:
    volume = f"{space}-pv"
    size = {"storage": "1Gi"}
    kube.make(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": volume},
            "spec": {
                "capacity": size,
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/tmp/none"},
                "persistentVolumeReclaimPolicy": policy,
                "storageClassName": "",
            },
        },
    )
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": size}, "volumeName": volume}
    claims = f"/api/v1/namespaces/{space}/persistentvolumeclaims"
    kube.make(claims, {"metadata": {"name": "data"}, "spec": {**spec, "storageClassName": ""}})
    try:
        said = warned(box, "pvc/data")
    finally:
        kube.delete(f"{claims}/data")
        kube.delete(f"/api/v1/persistentvolumes/{volume}")
    assert words in said
    assert "undo cannot bring it back" in said
    assert "only when no pod uses it any more (finalizer kubernetes.io/pvc-protection)" in said


@pytest.mark.parametrize(("policy", "words"), [("Delete", "goes with it"), ("Retain", "stay, with their data")])
def test_what_becomes_of_the_claims_of_a_statefulset_is_said(
    kube: Kube, space: str, box: Toolbox, policy: str, words: str
) -> None:
    claim: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    labels = {"app": "db"}
    body = {
        "metadata": {"name": "db"},
        "spec": {
            "replicas": 0,
            "serviceName": "db",
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "db", "image": "nginx:1.27"}]},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy},
        },
    }
    kube.make(f"/apis/apps/v1/namespaces/{space}/statefulsets", body)
    assert words in warned(box, "statefulset/db")


def test_a_finalizer_of_somebody_else_is_named(kube: Kube, space: str, box: Toolbox) -> None:
    configs = f"/api/v1/namespaces/{space}/configmaps"
    kube.make(configs, {"metadata": {"name": "held", "finalizers": ["example.com/wait"]}})
    assert "its controller has done its work and removes it (finalizer example.com/wait)" in warned(box, "cm/held")
    kube.merge(f"{configs}/held", {"metadata": {"finalizers": None}})


def test_json_that_escapes_a_character_as_two_is_read(kube: Kube, space: str, box: Toolbox) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "\U0001f6a2"}}
    done(box, "apply_manifest", manifest=json.dumps(body))
    assert kube.get(f"/api/v1/namespaces/{space}/configmaps/c")["data"] == {"a": "\U0001f6a2"}
