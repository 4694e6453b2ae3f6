"""What stands below an object: scale, eviction, binding, finalize; and reviews that are answered and not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.access import reviews
from mcp_tools.sandbox.api.response import Response, json_response, negotiate
from mcp_tools.sandbox.api.writing import APPLY_PATCHES, check_name, decode, patch_object, unpatchable
from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.controllers.scheduler import bind
from mcp_tools.sandbox.objects import selectors
from mcp_tools.sandbox.objects.custom import look_up, put
from mcp_tools.sandbox.objects.deletion import DeleteOptions
from mcp_tools.sandbox.objects.errors import Refused, bad_request, conflict, failure, unsupported_media
from mcp_tools.sandbox.objects.registry import Registry, WriteOptions
from mcp_tools.sandbox.objects.schema import ANY, DecodeError, complete, conform, shape_of
from mcp_tools.sandbox.objects.validation import check_scale

if TYPE_CHECKING:
    from mcp_tools.sandbox.access.users import Tokens
    from mcp_tools.sandbox.api.request import Address, Request
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object


def scale(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """GET, PUT or PATCH the `Scale` of a workload."""
    owner = registry.get(kind, address.namespace, address.name)
    current = scale_of(owner, kind)
    if request.method == "GET":
        return json_response(current)
    options = request.write_options("scale")
    if request.method == "PATCH":
        media = request.content_type
        if media in APPLY_PATCHES or "patch" not in media:
            raise unsupported_media()
        shape = shape_of("autoscaling/v1/Scale") or ANY
        body = request.json()
        patched = patch_object(shape, current, media, body)
        try:
            wanted = conform(shape, patched, [])
        except DecodeError as error:
            raise unpatchable(shape, patched, media, body, error) from error
    else:
        wanted = _decode_scale(request.json())
    check_name({"metadata": wanted.get("metadata") or {}}, address)
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    check_scale(address.name, replicas)
    sent = (wanted.get("metadata") or {}).get("resourceVersion")

    def change(draft: Object) -> None:
        put(draft, ((kind.custom and kind.custom.scale) or _SCALE)["specReplicasPath"], replicas)
        if sent:
            draft["metadata"]["resourceVersion"] = sent

    plain = WriteOptions(
        options.manager, dry_run=options.dry_run, subresource="scale", user=options.user, replies=options.replies
    )
    updated = registry.modify(kind, address.namespace, address.name, change, plain)
    return json_response(scale_of(updated, kind))


def _decode_scale(wanted: Any) -> Object:
    if not isinstance(wanted, dict):
        raise bad_request("couldn't get version/kind; json parse error")
    try:
        found: Object = conform(shape_of("autoscaling/v1/Scale") or ANY, wanted, [])
    except DecodeError as error:
        raise bad_request(f'Scale in version "v1" cannot be handled as a Scale: {error}') from error
    return found


_SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}


def scale_of(owner: Object, kind: Kind) -> Object:
    """The `autoscaling/v1` Scale of a workload."""
    meta, spec = owner["metadata"], owner.get("spec") or {}
    fields = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    if kind.custom and kind.custom.scale:
        paths = kind.custom.scale
        count = look_up(owner, paths["specReplicasPath"])
        shown = look_up(owner, paths.get("labelSelectorPath") or "") if paths.get("labelSelectorPath") else None
        present: Object = {"replicas": look_up(owner, paths["statusReplicasPath"]) or 0}
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {field: meta[field] for field in fields if field in meta},
            "spec": {"replicas": count} if count else {},
            "status": {**present, "selector": shown} if shown else present,
        }
    selector = spec.get("selector")
    shown = selectors.render(selector if owner["kind"] != "ReplicationController" else {"matchLabels": selector or {}})
    status: Object = {"replicas": (owner.get("status") or {}).get("replicas", 0), "selector": shown}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: meta[field] for field in fields if field in meta},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": status,
    }


def evict(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """POST an eviction: a deletion that a PodDisruptionBudget may forbid."""
    body = request.json()
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error")
    pod = registry.get(kind, address.namespace, address.name)
    sent = body.get("deleteOptions") or {}
    grace = sent.get("gracePeriodSeconds") if isinstance(sent, dict) else None
    dry_run = bool(request.query.get("dryRun") or (isinstance(sent, dict) and sent.get("dryRun")))
    budget = _exhausted_budget(registry, pod)
    if budget:
        causes = [{"reason": "DisruptionBudget", "message": f"The disruption budget {budget} needs its pods."}]
        message = "Cannot evict pod as it would violate the pod's disruption budget."
        raise Refused(429, "TooManyRequests", message, {"causes": causes})
    options = DeleteOptions(grace_seconds=grace if isinstance(grace, int) else None, dry_run=dry_run)
    registry.delete(kind, address.namespace, address.name, options)
    return json_response({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)


def _exhausted_budget(registry: Registry, pod: Object) -> str:
    labels = pod["metadata"].get("labels") or {}
    if (pod.get("status") or {}).get("phase") != "Running":
        return ""
    for budget in registry.store.all_of(registry.kinds.named("PodDisruptionBudget"), pod["metadata"]["namespace"]):
        allowed = (budget.get("status") or {}).get("disruptionsAllowed", 0)
        if allowed < 1 and selectors.label_selector(budget["spec"].get("selector"))(labels):
            return str(budget["metadata"]["name"])
    return ""


def bind_pod(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """POST a binding: put a pod on a node, as a scheduler does."""
    body = request.json()
    target = body.get("target") if isinstance(body, dict) else None
    name = target.get("name") if isinstance(target, dict) else None
    if not isinstance(name, str) or not name:
        raise failure("target.name: Required value")
    pod = registry.get(kind, address.namespace, address.name)
    if pod["spec"].get("nodeName"):
        raise conflict(
            kind, address.name, f'pod {address.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
        )
    bind(registry, pod, name)
    return json_response({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)


def finalize(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """PUT a namespace's finalizers."""
    obj, warnings = decode(request, kind, request.json())
    options = request.write_options("finalize")
    updated = registry.update(kind, "", address.name, obj, options)
    wanted = negotiate(request.headers.get("accept", ""))
    return Response(200, wanted.encode(updated), wanted.media, warnings)


def review(request: Request, registry: Registry, tokens: Tokens, kind: Kind, namespace: str) -> Response:
    """POST a review: who somebody is, or what they may do."""
    obj, warnings = decode(request, kind, request.json())
    if kind.name == "SelfSubjectReview":
        obj["metadata"]["creationTimestamp"] = rfc3339(registry.clock.now())
    if namespace:
        obj["metadata"]["namespace"] = namespace
    asked = (obj.get("spec") or {}).get("resourceAttributes")
    if isinstance(asked, dict):
        obj["spec"]["resourceAttributes"] = {key: value for key, value in asked.items() if value != ""}
    complete(registry.shape(kind), obj)
    registry.record(kind, None, obj, request.write_options(""))
    status = reviews.answer(registry, tokens, kind, obj.get("spec") or {}, request.user, namespace)
    return json_response({**obj, "status": status}, 201, warnings)


def token(request: Request, registry: Registry, tokens: Tokens, kind: Kind, address: Address) -> Response:
    """POST a TokenRequest for a ServiceAccount."""
    account = registry.get(kind, address.namespace, address.name)
    body = request.json()
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error")
    try:
        wanted = conform(shape_of("authentication.k8s.io/v1/TokenRequest") or ANY, body, [])
    except DecodeError as error:
        start = 'TokenRequest in version "v1" cannot be handled as a TokenRequest'
        raise bad_request(f"{start}: {error}") from error
    return json_response(reviews.issue_token(registry, tokens, account, wanted.get("spec") or {}), 201)
