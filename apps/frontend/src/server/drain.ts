import { subscribe } from "node:diagnostics_channel";
import type { Server, ServerResponse } from "node:http";

const QUIET_MS = 3_000;

interface Handled {
  response: ServerResponse;
  server: Server;
}

/**
 * Closes each connection after its request once the process is asked to stop.
 *
 * Next then takes no new connections and waits for the open ones; a client that keeps its connection busy, as an
 * ingress does, would hold the process until it is killed with requests on it. A connection that is idle is not closed
 * at once: a request may be on its way, and would be lost.
 */
export function drainOnStop(): void {
  let server: Server | undefined;
  let closeIdle: (() => void) | undefined;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    // Before Next's own, which closes the server, and with it what is idle.
    process.prependListener(signal, () => {
      if (!server || closeIdle) {
        return;
      }
      closeIdle = server.closeIdleConnections.bind(server);
      server.closeIdleConnections = () => undefined;
      setTimeout(closeIdle, QUIET_MS);
    });
  }
  subscribe("http.server.request.start", (message) => {
    const handled = message as Handled;
    server ??= handled.server;
    if (closeIdle) {
      handled.response.setHeader("connection", "close");
    }
  });
  subscribe("http.server.response.finish", () => {
    if (closeIdle) {
      // The requests that had begun before: their connections stay open.
      setTimeout(closeIdle, QUIET_MS);
    }
  });
}
