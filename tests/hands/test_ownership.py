"""Who else manages an object is said before a change of it is approved, with what to change instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Person, deployment, deployments

from mcp_tools.changes.model import Decision
from mcp_tools.cluster.connection import APPLY_PATCH

if TYPE_CHECKING:
    from hands_helpers import Kube

    from mcp_tools.toolbox import Toolbox

Warned = Callable[..., str]


@pytest.fixture
def warned(box: Toolbox) -> Warned:
    """The warnings of the plan that a tool makes."""

    def ask(tool: str, **arguments: Any) -> str:
        person = Person(Decision.DECLINED)
        box.call(tool, arguments, approver=person.approve)
        return "\n".join(person.plans[-1].warnings)

    return ask


def crd(group: str, version: str, kind: str, plural: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        (
            {"annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"}},
            ("the Helm release shop in namespace prod", "Change the release's values"),
        ),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ("a Helm release", "values")),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:x/web"}},
            ("Argo CD manages it (application shop)", "Git"),
        ),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, ("application shop",)),
        (
            {
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "shop",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                }
            },
            ("Flux manages it (Kustomization flux-system/shop)", "source in Git"),
        ),
        (
            {
                "labels": {"helm.toolkit.fluxcd.io/name": "shop", "app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "shop"},
            },
            ("HelmRelease shop", "Change its values"),
        ),
    ],
    ids=["helm", "helm label", "argo", "argo label", "flux", "flux helm"],
)
def test_the_marks_of_a_tool_are_recognised(
    kube: Kube, space: str, warned: Warned, marks: dict[str, Any], words: tuple[str, ...]
) -> None:
    kube.make(deployments(space), deployment("web", replicas=1, **marks))
    for tool, arguments in (("scale", {"replicas": 2}), ("configure_workload", {"image": "nginx:1.28"})):
        said = warned(tool, target="deployment/web", **arguments)
        assert all(word in said for word in words), said
        assert len(said.splitlines()) == 1, "each owner is named once"
    assert "makes it again" in warned("delete_resource", target="deployment/web")


def test_the_object_that_an_operator_watches_is_named(kube: Kube, space: str, warned: Warned) -> None:
    parent = kube.make(f"/api/v1/namespaces/{space}/configmaps", {"metadata": {"name": "eu"}})
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "eu", "uid": parent["metadata"]["uid"]}
    kube.make(deployments(space), deployment("web", replicas=1, ownerReferences=[{**owner, "controller": True}]))
    said = warned("scale", target="deployment/web", replicas=2)
    assert "controlled by configmap/eu, which may set this back. Change that one instead" in said


@pytest.mark.parametrize(
    ("manager", "words"),
    [
        ("helm", "belongs to a Helm release"),
        ("argocd-controller", "Argo CD manages it"),
        ("kustomize-controller", "Flux manages it"),
        ("shop-operator", "shop-operator set spec.replicas"),
        ("kubectl-edit", ""),
    ],
)
def test_who_wrote_a_field_is_recognised_without_any_mark(
    kube: Kube, space: str, warned: Warned, manager: str, words: str
) -> None:
    kube.connection.write(
        "PATCH",
        deployments(space, "web"),
        deployment("web", replicas=1, namespace=space),
        content_type=APPLY_PATCH,
        query=[("fieldManager", manager)],
    )
    said = warned("scale", target="deployment/web", replicas=2)
    assert words in said
    assert bool(said) is bool(words)


def test_autoscalers_of_every_sort_are_recognised(kube: Kube, space: str, warned: Warned) -> None:
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    kube.make(deployments(space), deployment("web", replicas=1))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    autoscalers = f"/apis/autoscaling/v2/namespaces/{space}/horizontalpodautoscalers"
    scaler = {"metadata": {"name": "web-hpa"}, "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6}}
    kube.make(autoscalers, scaler)
    assert "web-hpa (2 to 6 replicas) will set this back. Change its minimum" in warned(
        "scale", target="deployment/web", replicas=9
    )
    kube.delete(f"{autoscalers}/web-hpa")
    for definition in (
        crd("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
        crd("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler", "verticalpodautoscalers"),
    ):
        kube.make(crds, definition)
    try:
        scaled = kube.make(
            f"/apis/keda.sh/v1alpha1/namespaces/{space}/scaledobjects",
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "metadata": {"name": "web-queue"},
                "spec": {"scaleTargetRef": {"name": "web"}, "maxReplicaCount": 8},
            },
        )
        owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web-queue", "controller": True}
        meta = {"name": "keda-hpa-web", "ownerReferences": [{**owner, "uid": scaled["metadata"]["uid"]}]}
        kube.make(autoscalers, {**scaler, "metadata": meta})
        kube.make(
            f"/apis/autoscaling.k8s.io/v1/namespaces/{space}/verticalpodautoscalers",
            {
                "apiVersion": "autoscaling.k8s.io/v1",
                "kind": "VerticalPodAutoscaler",
                "metadata": {"name": "web-vpa"},
                "spec": {"targetRef": target},
            },
        )
        said = warned("scale", target="deployment/web", replicas=9)
        assert "KEDA ScaledObject web-queue (0 to 8 replicas)" in said
        assert "keda-hpa-web" not in said
        said = warned("configure_workload", target="deployment/web", requests={"cpu": "100m"})
        assert "VerticalPodAutoscaler web-vpa" in said
    finally:
        for name in ("scaledobjects.keda.sh", "verticalpodautoscalers.autoscaling.k8s.io"):
            kube.delete(f"{crds}/{name}")
