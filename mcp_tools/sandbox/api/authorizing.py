"""Who sends a request, and the action that it is, as authorisation sees it."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_tools.sandbox.access.rbac import Action, judge, refusal
from mcp_tools.sandbox.access.users import ACCOUNT_PREFIX, ADMIN, AUTHENTICATED, User, account_groups
from mcp_tools.sandbox.api.request import address_of
from mcp_tools.sandbox.objects.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.sandbox.access.users import Tokens
    from mcp_tools.sandbox.api.request import Request
    from mcp_tools.sandbox.objects.registry import Registry

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_ACCOUNT = re.compile(re.escape(ACCOUNT_PREFIX) + r"([^:]+):[^:]+")


def user_of(headers: Mapping[str, str], token: str, tokens: Tokens) -> User | None:
    """The user behind the Authorization header; `None` for nobody.

    Args:
        headers: Of the request, with small letters.
        token: Of the administrator.
        tokens: Of everybody else.
    """
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    if hmac.compare_digest(shown.strip().encode(), token.encode()):
        return ADMIN
    return tokens.user_of(shown.strip())


def authorize(request: Request, registry: Registry, user: User) -> User:
    """Refuse what the user may not do.

    Returns:
        The user in whose name it is done: another where the request asks to act for one.

    Raises:
        Refused: 403.
    """
    user = _impersonated(request, registry, user)
    action = action_of(request)
    verdict = judge(registry, user, action)
    if not verdict.allowed:
        raise refusal(user, action, verdict.reason)
    return user


def _impersonated(request: Request, registry: Registry, user: User) -> User:
    name = request.headers.get("impersonate-user", "")
    if not name:
        return user
    wanted = Action("impersonate", resource="users", name=name)
    account = _ACCOUNT.fullmatch(name)
    if account:
        plain = name.rsplit(":", 1)[-1]
        wanted = Action("impersonate", resource="serviceaccounts", namespace=account[1], name=plain)
    verdict = judge(registry, user, wanted)
    if not verdict.allowed:
        raise refusal(user, wanted, verdict.reason)
    groups = [group for group in request.headers.get("impersonate-group", "").split(",") if group]
    if account and not groups:
        groups = list(account_groups(account[1]))
    return User(name, tuple(dict.fromkeys([*groups, AUTHENTICATED])))


def action_of(request: Request) -> Action:
    """The action that a request is."""
    try:
        address = address_of(request.path)
    except Refused:
        address = None
    if address is None or not address.plural:
        return Action("get" if request.method in {"GET", "HEAD"} else request.method.lower(), path=request.path)
    resource = f"{address.plural}/{address.subresource}" if address.subresource else address.plural
    namespace = address.namespace
    if address.plural == "namespaces" and not address.group and address.name:
        namespace = address.name
    action = Action("", address.group, resource, namespace, address.name)
    if request.method in {"GET", "HEAD"}:
        verb = "get" if address.name else "list"
        watching = request.option("watch").lower() in {"1", "true"}
        return replace(action, verb="watch" if watching and not address.subresource else verb)
    if request.method == "DELETE":
        return replace(action, verb="delete" if address.name else "deletecollection")
    return replace(action, verb=_VERBS.get(request.method, request.method.lower()))
