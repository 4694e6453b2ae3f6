"""What the user allows to be changed at all, and what may be changed without asking.

It stands in the engine, below every tool and face: nothing that writes can go around it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from mcp_tools.cluster.kinds import built_in
from mcp_tools.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_tools.changes.model import ObjectRef, Plan
    from mcp_tools.changes.operations import Wanted

Patterns = list[Annotated[str, Field(min_length=1)]]
HINT = "The policy is in config.toml; see docs/CONFIGURATION.md."


class AutoApproval(BaseModel):
    """Changes that need no question: all of `actions`, in all of `contexts` and `namespaces` that match.

    Only what can be undone is ever approved so, only in namespaces (what belongs to the cluster as a whole is asked
    for), and never in a context that `never_auto_approve` matches.
    """

    model_config = ConfigDict(extra="forbid")

    contexts: Patterns = Field(description="in these contexts")
    actions: Patterns = Field(description="`scale`, `restart`, `set_image`, …: as `shipmate history` shows them")
    namespaces: Patterns = Field(default=["*"], description="in these namespaces")


class Policy(BaseModel):
    """The whole policy. Patterns are shell patterns: `*`, `?` and `[…]`."""

    model_config = ConfigDict(extra="forbid")

    read_only: bool = Field(default=False, description="nothing is changed; `--read-only` does it for one run")
    contexts: Patterns = Field(default=["*"], description="only in these may something be changed")
    namespaces: Patterns | None = Field(
        default=None, description="only in these may something be changed; what has no namespace is then refused"
    )
    protected_namespaces: Patterns = Field(
        default=["kube-system", "kube-public", "kube-node-lease"], description="in these nothing is changed"
    )
    protected_containers: Patterns = Field(
        default=["minikube*", "kind-*", "k3d-*", "*-control-plane"],
        description="containers of the Docker engine that are not changed: nodes of local clusters",
    )
    protected_labels: dict[str, str] = Field(
        default={"shipmate/protected": "true"},
        description="what bears one, or is in a namespace that does, is not changed; an empty value stands for any",
    )
    auto_approve: list[AutoApproval] = Field(default=[], description="changes that need no question")
    never_auto_approve: Patterns = Field(
        default=["*prod*"],
        description="contexts, and addresses of API servers, with which every change is asked for; "
        "upper and lower case are the same",
    )
    manifest_urls: Patterns = Field(
        default=[],
        description="https addresses that `apply -f ADDRESS` may read a manifest from; none unless they are named",
    )

    def check(self, context: str, wanted: Wanted, around: Mapping[str, str]) -> None:
        """Let a change pass or refuse it.

        Args:
            around: The labels of the object's namespace.

        Raises:
            NotAllowed: The policy forbids it; says which rule.
        """
        found = wanted.found
        self._check_context(context, wanted.title)
        # A namespace is itself what its name protects.
        namespace = found.name if found.kind == built_in("namespaces") else found.namespace
        if namespace and _matches(namespace, self.protected_namespaces, loosely=True):
            raise NotAllowed(f"Namespace {namespace} is protected: {wanted.title}.", HINT)
        if self.namespaces is not None and not (namespace and _matches(namespace, self.namespaces)):
            where = f"namespace {namespace}" if namespace else "the cluster as a whole"
            raise NotAllowed(f"Nothing may be changed in {where}: {wanted.title}.", HINT)
        labels = (found.object.get("metadata") or {}).get("labels") or {}
        for bearer, borne in ((str(found), labels), (f"Namespace {namespace}", around)):
            if rule := self.protecting(borne):
                raise NotAllowed(f"{bearer} bears the label {rule} and is protected.", HINT)

    def check_outside(
        self, context: str, title: str, target: str = "", labels: Mapping[str, str] | None = None
    ) -> None:
        """Let a change outside of any cluster pass or refuse it.

        Args:
            context: The name that stands for a context: `docker-compose`, or a minikube profile.
            target: What it is done to, as `kind/name`.
            labels: What that bears.

        Raises:
            NotAllowed: The policy forbids it; says which rule.
        """
        self._check_context(context, title)
        if self.namespaces is not None:
            raise NotAllowed(f"Nothing may be changed outside of certain namespaces: {title}.", HINT)
        if why := self.protection(target, labels or {}):
            raise NotAllowed(f"{why}: {title}.", HINT)

    def protection(self, target: str, labels: Mapping[str, str]) -> str:
        """What protects a thing outside of any cluster, as a clause; empty where nothing does.

        Args:
            target: As `kind/name`.
        """
        kind, _, name = target.partition("/")
        if kind == "container" and _matches(name, self.protected_containers, loosely=True):
            return f"Container {name} is protected"
        rule = self.protecting(labels)
        return f"{target} bears the label {rule} and is protected" if rule else ""

    def protecting(self, labels: Mapping[str, str]) -> str:
        """The label among these that protects what bears it, as `key=value`; empty where none does."""
        found = (key for key, value in self.protected_labels.items() if key in labels and value in {"", labels[key]})
        return next((f"{key}={labels[key]}" for key in found), "")

    def _check_context(self, context: str, title: str) -> None:
        if self.read_only:
            raise NotAllowed(f"Nothing is changed in read-only mode: {title}.", HINT)
        if not _matches(context, self.contexts):
            raise NotAllowed(f"Nothing may be changed in context {context!r}.", HINT)

    def approves(self, plan: Plan, server: str) -> bool:
        """Whether the user said yes to this beforehand.

        Args:
            server: The API server's address: a context can be called anything.
        """
        never = any(_matches(name, self.never_auto_approve, loosely=True) for name in (plan.context, server))
        if not plan.reversible or never or not all(_place(step.target) for step in plan.steps):
            return False
        actions = plan.arguments.get("actions") or [plan.action]
        return any(
            _matches(plan.context, rule.contexts)
            and all(_matches(action, rule.actions) for action in actions)
            and all(_matches(_place(step.target), rule.namespaces) for step in plan.steps)
            for rule in self.auto_approve
        )


def _place(target: ObjectRef) -> str:
    """The namespace of an object, or that it is; empty for what belongs to the cluster as a whole."""
    return target.name if (target.api_version, target.kind) == ("v1", "Namespace") else target.namespace or ""


def _matches(text: str, patterns: Sequence[str], *, loosely: bool = False) -> bool:
    """Whether a pattern matches; loosely in whatever case, for what must not be missed."""
    if loosely:
        return any(fnmatchcase(text.casefold(), pattern.casefold()) for pattern in patterns)
    return any(fnmatchcase(text, pattern) for pattern in patterns)
