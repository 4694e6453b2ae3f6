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
  let stopping = false;
  let known: Server | undefined;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => (stopping = true));
  }
  subscribe("http.server.request.start", (message) => {
    const { response, server } = message as Handled;
    if (server !== known) {
      known = server;
      const closeIdle = server.closeIdleConnections.bind(server);
      // Node calls it when Next closes the server.
      server.closeIdleConnections = () => void setTimeout(closeIdle, QUIET_MS);
    }
    if (stopping) {
      response.setHeader("connection", "close");
    }
  });
  subscribe("http.server.response.finish", (message) => {
    if (stopping) {
      // The requests that had begun before: their connections stay open.
      (message as Handled).server.closeIdleConnections();
    }
  });
}
