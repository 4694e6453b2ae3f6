"""Images that cannot be had, or cannot run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_IMAGE = "spec.template.spec.containers[0].image"


def _cause(failure: str, field: str = _IMAGE) -> Cause:
    return Cause("Deployment", "backend", field, failure)


@fault("image-tag", 1, _cause("the tag 9.9.9 does not exist"), Symptom("Pod", "backend", "manifest unknown"))
def tag(box: Injector) -> None:
    """A release tag that was never pushed."""
    box.container("backend", image="todo-backend:9.9.9")


@fault(
    "image-denied", 2, _cause("the registry wants credentials"), Symptom("Pod", "backend", "no basic auth credentials")
)
def denied(box: Injector) -> None:
    """An image from a private registry, without credentials."""
    box.container("backend", image="registry.example.com/todo-backend:1.1.0")


@fault(
    "image-pull-secret",
    3,
    _cause("the Secret registry-login does not exist", "spec.template.spec.imagePullSecrets"),
    Symptom("Pod", "backend", "FailedToRetrieveImagePullSecret"),
)
def pull_secret(box: Injector) -> None:
    """A pull secret that is named and not there."""
    image = "registry.example.com/todo-backend:1.1.0"
    box.pod("backend", imagePullSecrets=[{"name": "registry-login"}], containers=[{"name": "backend", "image": image}])


@fault(
    "image-registry-name", 4, _cause("the registry's name does not resolve"), Symptom("Pod", "backend", "no such host")
)
def registry_name(box: Injector) -> None:
    """A registry whose name nobody knows."""
    box.container("backend", image="registry.corp.internal/todo-backend:1.1.0")


@fault(
    "image-rate-limit",
    5,
    _cause("the registry limits unauthenticated pulls"),
    Symptom("Pod", "backend", "toomanyrequests"),
)
def rate_limit(box: Injector) -> None:
    """A registry that has had enough of us."""
    box.container("backend", image="mirror.example.com/todo-backend:1.1.0")


@fault("image-name", 6, _cause("the image's name is not valid"), Symptom("Pod", "backend", "InvalidImageName"))
def name(box: Injector) -> None:
    """An image name with capital letters."""
    box.container("backend", image="Todo-Backend:1.1.0")


@fault(
    "image-not-loaded",
    7,
    _cause("the image is not on the node and may not be pulled"),
    Symptom("Pod", "backend", "ErrImageNeverPull"),
)
def not_loaded(box: Injector) -> None:
    """An image that was not loaded into the node, and may not be pulled."""
    box.container("backend", image="todo-backend:1.3.0-dev", imagePullPolicy="Never")


@fault(
    "image-platform",
    8,
    _cause("the image is built for another processor"),
    Symptom("Pod", "backend", "exec format error"),
)
def platform(box: Injector) -> None:
    """An image for another processor."""
    box.container("backend", image="todo-backend:1.1.0-arm64")
