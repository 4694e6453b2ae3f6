"""The reviews of `authentication.k8s.io` and `authorization.k8s.io`: questions that are answered and not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.access.rbac import Action, judge, rules_of
from mcp_tools.sandbox.access.users import AUDIENCE, User
from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.objects.errors import Cause, bad_request, invalid, invalid_value, show

if TYPE_CHECKING:
    from mcp_tools.sandbox.access.users import Tokens
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]
_MOST_SECONDS = 2**32


def answer(  # noqa: PLR0917
    registry: Registry, tokens: Tokens, kind: Kind, spec: Object, user: User, namespace: str = ""
) -> Object:
    """The status of a review.

    Args:
        registry: Of the cluster.
        tokens: That it issued.
        kind: Of the review.
        spec: What is asked.
        user: Who asks.
        namespace: In which a LocalSubjectAccessReview is asked.

    Raises:
        Refused: 422.
    """
    match kind.name:
        case "SelfSubjectReview":
            return {"userInfo": user.info()}
        case "TokenReview":
            found = tokens.user_of(spec.get("token", ""))
            if found is None:
                return {"user": {}, "error": "invalid bearer token"}
            return {"authenticated": True, "user": found.info(), "audiences": [AUDIENCE]}
        case "SelfSubjectRulesReview":
            if not spec.get("namespace"):
                raise bad_request("no namespace on request")
            resource, other, missing = rules_of(registry, user, spec["namespace"])
            status: Object = {"resourceRules": resource, "nonResourceRules": other, "incomplete": False}
            return {**status, "evaluationError": missing} if missing else status
        case "SelfSubjectAccessReview":
            asker = user
        case _:
            _check_subject(kind, spec, namespace)
            asker = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
    verdict = judge(registry, asker, _action(kind, spec))
    return {"allowed": verdict.allowed, **({"reason": verdict.reason} if verdict.reason else {})}


def _check_subject(kind: Kind, spec: Object, namespace: str) -> None:
    causes = []
    if not spec.get("user") and not spec.get("groups"):
        causes.append(invalid_value("spec.user", "", "at least one of user or group must be specified"))
    if kind.name == "LocalSubjectAccessReview":
        asked = (spec.get("resourceAttributes") or {}).get("namespace", "")
        if path := spec.get("nonResourceAttributes"):
            shown = f'{{"Path":{show(path.get("path", ""))},"Verb":{show(path.get("verb", ""))}}}'
            why = "disallowed on this kind of request"
            causes.append(Cause("FieldValueInvalid", f"Invalid value: {shown}: {why}", "spec.nonResourceAttributes"))
        elif asked != namespace:
            where = "spec.resourceAttributes.namespace"
            causes.append(invalid_value(where, asked, "must match metadata.namespace"))
    if causes:
        # The API server does not name the kind here.
        raise invalid(f".{kind.group}", "", causes)


def _action(kind: Kind, spec: Object) -> Action:
    if path := spec.get("nonResourceAttributes"):
        return Action(path.get("verb", ""), path=path.get("path", ""))
    wanted = spec.get("resourceAttributes")
    if not wanted:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        # The API server does not name the kind here.
        raise invalid(f".{kind.group}", "", [invalid_value("spec.resourceAttributes", None, why)])
    resource = wanted.get("resource", "")
    if wanted.get("subresource"):
        resource = f"{resource}/{wanted['subresource']}"
    return Action(
        wanted.get("verb", ""), wanted.get("group", ""), resource, wanted.get("namespace", ""), wanted.get("name", "")
    )


def issue_token(registry: Registry, tokens: Tokens, account: Object, spec: Object) -> Object:
    """A TokenRequest with its status.

    Raises:
        Refused: 422, the time is out of bounds.
    """
    seconds = spec.get("expirationSeconds", 3600)
    least = 600
    if not least <= seconds <= _MOST_SECONDS:
        why = f"may not specify a duration less than {least // 60} minutes" if seconds < least else "is too large"
        raise invalid("TokenRequest.authentication.k8s.io", "", [invalid_value("spec.expirationSeconds", seconds, why)])
    audiences = spec.get("audiences") or [AUDIENCE]
    now = registry.clock.now()
    meta = account["metadata"]
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
            "creationTimestamp": rfc3339(now),
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": spec.get("boundObjectRef")},
        "status": {
            "token": tokens.issue(account, seconds, audiences),
            "expirationTimestamp": rfc3339(now + seconds),
        },
    }
