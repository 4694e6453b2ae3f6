"""Images that cannot be had: the kubelet's reason and the runtime's message decide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import View, fact, go_back, grouped, pods, reported, troubled, views_of
from mcp_tools.diagnosis.model import Finding, Found, Mode, detector

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Snapshot

REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)
# The first that fits decides: a message of a private registry says "denied" and "does not exist" at once.
_KINDS = (
    ("image-rate-limit", re.compile(r"toomanyrequests|429 Too Many", re.IGNORECASE)),
    ("image-platform", re.compile(r"no match(?:ing manifest)? for (?:platform|\w+/\w+)", re.IGNORECASE)),
    (
        "image-denied",
        re.compile(
            r"\b401\b|\b403\b|denied|unauthori[sz]ed|authorization failed|no basic auth|forbidden", re.IGNORECASE
        ),
    ),
    (
        "image-registry-unreachable",
        re.compile(
            r"no such host|i/o timeout|x509|dial tcp|connection refused|TLS handshake|deadline exceeded", re.IGNORECASE
        ),
    ),
    ("image-not-found", re.compile(r"manifest unknown|not found|does not exist", re.IGNORECASE)),
)

_ADVICE = {
    "image-not-found": "Push the image, or set a tag that the registry has.",
    "image-denied": "Make a pull Secret for the registry and name it in imagePullSecrets.",
    "image-pull-secret": "Make the pull Secret again, with a login that the registry takes.",
    "image-registry-unreachable": "Correct the registry's name, or repair the way from the node to it.",
    "image-rate-limit": "Wait, pull with a login, or use a mirror.",
    "image-platform": "Build the image for the processors of the nodes.",
    "image-name": "Write the image's name in lower case, as registry/repository:tag.",
    "image-not-loaded": "Load the image into the nodes, or let them pull it.",
}


def _kind(view: View, message: str) -> str:
    if view.waiting.get("reason") == "InvalidImageName":
        return "image-name"
    if view.waiting.get("reason") == "ErrImageNeverPull":
        return "image-not-loaded"
    return next((kind for kind, pattern in _KINDS if pattern.search(message)), "image-not-found")


def _essence(view: View) -> str:
    """The runtime's message without what it says twice before."""
    return re.sub(r'^.*failed to resolve reference "[^"]*": ', "", str(view.waiting.get("message")), flags=re.DOTALL)


def _finding(snapshot: Snapshot, views: list[View]) -> Finding:
    view = views[0]
    events = view.events(snapshot, "Failed", "InspectFailed", "FailedToRetrieveImagePullSecret", "ErrImageNeverPull")
    kind = _kind(
        view, " ".join([str(view.waiting.get("message")), *(str(item.body.get("message")) for item in events)])
    )
    image, root = view.spec.get("image", ""), view.root
    missing = [
        item["name"]
        for item in view.pod.spec.get("imagePullSecrets") or ()
        if snapshot.missing("Secret", root.namespace, item.get("name", ""))
    ]
    field = view.field("image")
    cause = {
        "image-not-found": f"The image {image} does not exist in its registry",
        "image-denied": f"The registry of {image} wants credentials that the pod does not have",
        "image-registry-unreachable": f"The registry of {image} cannot be reached from the node",
        "image-rate-limit": f"The registry of {image} limits how often it may be asked",
        "image-platform": f"The image {image} is not built for the node's processor",
        "image-name": f"{image!r} is no valid image name",
        "image-not-loaded": f"The image {image} is not on the node and imagePullPolicy Never forbids to pull it",
    }[kind]
    if kind == "image-denied" and missing:
        kind, field = "image-pull-secret", field.rpartition(".")[0].rpartition(".")[0] + ".imagePullSecrets"
        cause = f"The pull Secret {missing[0]} that {root.ref} names does not exist"
    evidence = (
        fact(view.pod, f"status of container {view.name}", f"{view.waiting['reason']}: {_essence(view)}"),
        *(reported(event) for event in events[:1]),
    )
    fixes = go_back(snapshot, root)
    return Finding(kind, cause, root.ref, field, pods(views), evidence, fixes, advice=_ADVICE[kind])


@detector(
    "the waiting reason of a container, the message of its pull, and the pull Secrets that its pod names",
    Mode("image-not-found", (1,), "The image or its tag does not exist"),
    Mode("image-denied", (2,), "The registry wants credentials"),
    Mode("image-pull-secret", (3,), "The pull Secret that is named does not exist"),
    Mode("image-registry-unreachable", (4,), "The registry cannot be reached: its name, address or certificate"),
    Mode("image-rate-limit", (5,), "The registry limits how often it may be asked"),
    Mode("image-name", (6,), "The image's name is not valid"),
    Mode("image-not-loaded", (7,), "The image is not on the node and may not be pulled"),
    Mode("image-platform", (8,), "The image is built for another processor"),
)
def image_pulls(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each container image that cannot be had."""
    waiting = (
        view for pod in troubled(snapshot) for view in views_of(snapshot, pod) if view.waiting.get("reason") in REASONS
    )
    for views in grouped(waiting):
        yield _finding(snapshot, views)
