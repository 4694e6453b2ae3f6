"""Which cluster a person means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The cluster that was asked for; nothing is read or reached until a connection is made.

    Attributes:
        kubeconfig: A path, or a list of paths as `KUBECONFIG` takes. Default: `$KUBECONFIG`, else `~/.kube/config`,
            else the service account of the pod the process runs in.
        context: A context of that kubeconfig. Default: its `current-context`.
        namespace: Where names are looked up. Default: the context's namespace, else `default`.
        sandbox: The embedded cluster, started when it does not run yet.
    """

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    sandbox: bool = False
