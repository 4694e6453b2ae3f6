"""Being let in to a cluster: the client with its credentials, which can be loaded anew while the connection lasts."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

from mcp_tools.cluster.kubeconfig import IN_CLUSTER, open_client
from mcp_tools.errors import Unauthenticated

if TYPE_CHECKING:
    from mcp_tools.cluster.kubeconfig import ClientSetup
    from mcp_tools.cluster.target import Target


class Access:
    """The client of a cluster, shared by all who use the connection, with credentials that can be loaded anew."""

    def __init__(self, target: Target) -> None:
        self.setup = open_client(target)
        # What was chosen once stays chosen, whatever becomes of the kubeconfig's current context.
        pinned = bool(target.context) or target.sandbox or self.setup.context == IN_CLUSTER
        self._target = target if pinned else dataclasses.replace(target, context=self.setup.context)
        self._lock = threading.Lock()

    def renew(self, refused: ClientSetup) -> bool:
        """Load the credentials again: ask the plugin, read the token's file.

        Args:
            refused: The client whose credentials ended or were refused.

        Returns:
            Whether there are others now, so that it is worth asking again.

        Raises:
            Unauthenticated: They cannot be loaded, or the context is another cluster's by now.
        """
        with self._lock:
            if self.setup is not refused:
                return True
            fresh = open_client(self._target)
            if fresh.server != refused.server:
                fresh.client.close()
                raise Unauthenticated(
                    f"The context {refused.context!r} was {refused.server} and is {fresh.server} now.",
                    "Start again to work with the other cluster.",
                )
            self.setup = fresh
            return fresh.credentials != refused.credentials
