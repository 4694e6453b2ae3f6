"""What the user allows to be changed at all, and what may be changed without asking.

It stands in the engine, below every tool and face: nothing that writes can go around it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from mcp_tools.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.changes.model import Plan
    from mcp_tools.changes.operations import Wanted

Patterns = list[Annotated[str, Field(min_length=1)]]
HINT = "The policy is in config.toml; see docs/configuration.md."


class AutoApproval(BaseModel):
    """Changes that need no question: all of `actions`, in all of `contexts` and `namespaces` that match.

    Only what can be undone is ever approved so, and never in a context that `never_auto_approve` matches.
    """

    model_config = ConfigDict(extra="forbid")

    contexts: Patterns
    actions: Patterns
    namespaces: Patterns = ["*"]


class Policy(BaseModel):
    """The whole policy. Patterns are shell patterns: `*`, `?` and `[…]`.

    Attributes:
        read_only: Nothing is changed.
        contexts: Only in these may something be changed.
        namespaces: Only in these may something be changed; objects without a namespace count as changes everywhere,
            and are refused where this is set.
        protected_namespaces: In these nothing is changed.
        protected_labels: What bears one of these labels is not changed; an empty value stands for any.
        never_auto_approve: Contexts in which every change is asked for.
    """

    model_config = ConfigDict(extra="forbid")

    read_only: bool = False
    contexts: Patterns = ["*"]
    namespaces: Patterns | None = None
    protected_namespaces: Patterns = ["kube-system", "kube-public", "kube-node-lease"]
    protected_labels: dict[str, str] = {"shipmate/protected": "true"}
    auto_approve: list[AutoApproval] = []
    never_auto_approve: Patterns = ["*prod*"]

    def check(self, context: str, wanted: Wanted) -> None:
        """Let a change pass or refuse it.

        Raises:
            NotAllowed: The policy forbids it; says which rule.
        """
        found = wanted.found
        if self.read_only:
            raise NotAllowed(f"Nothing is changed in read-only mode: {wanted.title}.", HINT)
        if not _matches(context, self.contexts):
            raise NotAllowed(f"Nothing may be changed in context {context!r}.", HINT)
        # A namespace is itself what its name protects.
        namespace = found.name if found.kind.plural == "namespaces" else found.namespace
        if namespace and _matches(namespace, self.protected_namespaces):
            raise NotAllowed(f"Namespace {namespace} is protected: {wanted.title}.", HINT)
        if self.namespaces is not None and not (namespace and _matches(namespace, self.namespaces)):
            where = f"namespace {namespace}" if namespace else "the cluster as a whole"
            raise NotAllowed(f"Nothing may be changed in {where}: {wanted.title}.", HINT)
        labels = (found.object.get("metadata") or {}).get("labels") or {}
        for key, value in self.protected_labels.items():
            if key in labels and value in {"", labels[key]}:
                raise NotAllowed(f"{found} bears the label {key}={labels[key]} and is protected.", HINT)

    def approves(self, plan: Plan) -> bool:
        """Whether the user said yes to this beforehand."""
        if not plan.reversible or _matches(plan.context, self.never_auto_approve):
            return False
        return any(
            _matches(plan.context, rule.contexts)
            and _matches(plan.action, rule.actions)
            and all(_matches(step.target.namespace or "", rule.namespaces) for step in plan.steps)
            for rule in self.auto_approve
        )


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
