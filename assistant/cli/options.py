"""Options that several commands share: which cluster, which model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from assistant.settings import Settings
    from mcp_tools.cluster.target import Target


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the command line said about the cluster and the model; None and False where it said nothing."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    sandbox: bool = False
    model: str | None = None
    read_only: bool = False

    def over(self, other: Chosen | None) -> Chosen:
        """This, with what it leaves open taken from the other: an option may stand before or after a command."""
        if other is None:
            return self
        return Chosen(**{item.name: getattr(self, item.name) or getattr(other, item.name) for item in fields(self)})

    def target(self) -> Target:
        """The cluster that was named.

        Raises:
            UsageError: Two were.
        """
        from mcp_tools.cluster.target import Target
        from mcp_tools.errors import UsageError

        if self.sandbox and (self.context or self.kubeconfig):
            raise UsageError(
                "--sandbox is a cluster of its own.", "Leave out --context and --kubeconfig, or --sandbox."
            )
        return Target(self.kubeconfig, self.context, self.namespace, self.sandbox)

    def settings(self) -> Settings:
        """The settings of this process; errors as `target` and `load_settings`."""
        from assistant.settings import load_settings

        return load_settings(self.target(), self.model, read_only=self.read_only)


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options; it takes them as `chosen`."""

    @functools.wraps(command)
    def wrapped(
        *args: Any,
        context: str | None,
        namespace: str | None,
        kubeconfig: str | None,
        sandbox: bool,
        model: str | None,
        read_only: bool,
        **more: Any,
    ) -> Any:
        given = Chosen(kubeconfig, context, namespace, sandbox, model, read_only)
        return command(*args, chosen=given.over(click.get_current_context().obj), **more)

    decorated: Callable[..., Any] = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


_OPTIONS = (
    click.option("--context", metavar="NAME", help="The kubeconfig context. Default: the current one."),
    click.option("-n", "--namespace", metavar="NAME", help="Default: the context's."),
    click.option("--kubeconfig", metavar="PATH", help="Default: $KUBECONFIG, else ~/.kube/config."),
    click.option("--sandbox", is_flag=True, help="The embedded cluster; started when it does not run."),
    click.option("--model", metavar="PROVIDER:NAME", help="Such as openai:gpt-5-mini, or offline."),
    click.option("--read-only", is_flag=True, help="Look, and change nothing."),
)
