"""What a refusal by RBAC (HTTP 403) means: the right that is missing, and the rule that would give it."""

from __future__ import annotations

import re

# The words are those of the API server (k8s.io/apiserver, endpoints/handlers/responsewriters/errors.go).
_REFUSAL = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)"| at the cluster scope)?'
)


def missing_right(message: str) -> str:
    """What to do about a refusal: the rule that is missing, and where; a general sentence for words we do not know."""
    found = _REFUSAL.search(message)
    if not found:
        return "Ask for a Role that allows this verb on this resource."
    kind = "Role" if found["namespace"] else "ClusterRole"
    where = f" in namespace {found['namespace']}" if found["namespace"] else ""
    rule = f'apiGroups: ["{found["group"]}"], resources: ["{found["resource"]}"], verbs: ["{found["verb"]}"]'
    return f"{found['user']} needs a {kind}{where} with the rule {{{rule}}}, and a binding to it."
