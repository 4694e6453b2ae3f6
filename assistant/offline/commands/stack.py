"""The todo stack as a whole: deploy, upgrade, back, status, take down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from assistant.offline.model import Refuse, Step, ToolCall

if TYPE_CHECKING:
    from assistant.offline.commands.said import Said

_STACK = (
    r"(?:the |my |our )?(?:whole |entire |full |complete )?todo[- ](?:list[- ])?"
    r"(?:stack|(?<=todo )app(?:lication)?(?: stack)?|app[- ]stack)"
)
_ACTIONS = (
    ("deploy", r"(?:deploy|install|launch|ship|set up|bring up|start up|roll out|release)"),
    ("upgrade", r"(?:upgrade|update|redeploy|rebuild|rebuild and (?:re)?deploy)"),
    ("rollback", r"(?:roll ?back|revert|downgrade|take back|undo the (?:last )?upgrade of)"),
    ("destroy", r"(?:destroy|tear down|take down|uninstall|remove|undeploy|clean up)"),
    ("open", r"(?:open|browse|visit|forward|port-forward)"),
    ("status", r"(?:status of|state of|how is|how's|check|show|where is|what is the (?:url|address|status) of)"),
)
_AFTER = {
    "rollback": r"roll {stack} back",
    "destroy": r"(?:tear|take|bring) {stack} down",
    "status": r"(?:is |what is |get )?{stack}(?:'s)? (?:status|state|url|address|up|ready|healthy|running)",
}
_ENVIRONMENTS = {
    "dev": "dev", "development": "dev", "staging": "staging", "stage": "staging", "prod": "prod", "production": "prod"
}  # fmt: skip
_HOW = {
    "helm": "helm", "the chart": "helm", "the helm chart": "helm", "compose": "compose", "docker compose": "compose",
    "docker-compose": "compose", "docker": "compose", "manifests": "manifests", "kubectl": "manifests",
    "the manifests": "manifests",
}  # fmt: skip
_WAYS = "|".join(sorted(map(re.escape, _HOW), key=len, reverse=True))
_SAYS_HOW = rf"(?:with|using|by|via|through|on|in|to) (?P<how>{_WAYS})"
_TAILS = (
    _SAYS_HOW,
    rf"(?:in|into|to|on|for|from) (?:the )?(?P<environment>{'|'.join(_ENVIRONMENTS)})(?: environment)?",
    r"(?:in|into|to|from) (?:the )?namespace (?P<namespace>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)",
    r"(?:in|into|to|from) (?:the )?(?P<in>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?) namespace",
    r"(?:to |at |as |with )?(?:version |tag |release )(?P<version>\w[\w.-]*)",
    r"to (?P<to>v?\d[\w.-]*)",
    r"(?:at|under|on|as) (?P<url>https?://\S+?)/?",
    r"(?:on|to|in|into) (?P<minikube>minikube)",
    r"(?:to|on|in|into) (?:the |my |our |this )?(?:cluster|kubernetes|k8s)",
    r"(?:from|to) (?:the )?(?:version|release|one) before|(?:to )?(?:the )?previous version",
)


def match(given: Said) -> Step | None:
    """A call of `todo_stack`, or None."""
    if given.argv or not given.only():
        return None
    text = given.text
    if "todo" not in text.lower():
        return None
    for action, verb in _ACTIONS:
        for head in (rf"{verb} {_STACK}", _AFTER.get(action, "").replace("{stack}", _STACK)):
            found = re.match(rf"{head}(?= |$)", text, re.IGNORECASE) if head else None
            arguments = _tail(text[found.end() :]) if found else None
            if arguments is not None:
                return _call(action, {**given.namespace, **arguments})
    return None


def not_whole(raw: str, step: Step | None) -> Step | None:
    """What to say where a change of one object was read in a sentence about the stack as a whole; None elsewhere."""
    about = isinstance(step, ToolCall) and step.arguments.get("target", "").rpartition("/")[2] == "todo"
    if not about or not re.search(_STACK, raw, re.IGNORECASE):
        return None
    return Refuse(
        "That is nothing that I do to the todo stack as a whole; nothing was done.",
        ("deploy the todo stack", "upgrade the todo stack", "roll back the todo stack", "status of the todo stack"),
        "Its parts are the deployments mcp-server, backend and frontend.",
    )


def asked(given: Said) -> Step | None:
    """As `match`, of a question: it never changes anything."""
    step = match(given)
    return step if isinstance(step, ToolCall) and step.arguments["action"] == "status" else None


def _tail(text: str) -> dict[str, Any] | None:
    """What a sentence says after naming the stack; None where a word of it is not understood."""
    said: dict[str, Any] = {}
    rest = text.strip()
    while rest:
        found = next((m for tail in _TAILS if (m := re.match(rf"(?:{tail})(?= |$)", rest, re.IGNORECASE))), None)
        if found is None:
            return None
        for key, value in found.groupdict().items():
            if value is not None and said.setdefault(key, value) != value:
                return None
        rest = rest[found.end() :].strip()
    return said


def _call(action: str, said: dict[str, Any]) -> Step:
    arguments: dict[str, Any] = {"action": action}
    if "how" in said:
        arguments["how"] = _HOW[said["how"].lower()]
    if "environment" in said:
        arguments["environment"] = _ENVIRONMENTS[said["environment"].lower()]
    version = said.get("version") or said.get("to")
    if version and action not in {"deploy", "upgrade"}:
        return Refuse(
            "The todo stack goes back to what was there before its last upgrade, one at a time.",
            ("roll back the todo stack", f"deploy the todo stack version {version}"),
        )
    if version:
        arguments["version"] = version
    if namespace := said.get("namespace") or said.get("in"):
        arguments["namespace"] = namespace.lower()
    if "url" in said:
        arguments["url"] = said["url"].lower()
    if "minikube" in said:
        arguments["minikube"] = True
    return ToolCall("todo_stack", arguments)
