import { subscribe } from "node:diagnostics_channel";
import type { Server, ServerResponse } from "node:http";

interface Handled {
  response: ServerResponse;
  server: Server;
}

/**
 * Closes each connection after its request once the process is asked to stop.
 *
 * Next then takes no new connections and waits for the open ones; a client that keeps its connection busy, as an
 * ingress does, would hold the process until it is killed with requests on it.
 */
export function drainOnStop(): void {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => (stopping = true));
  }
  subscribe("http.server.request.start", (message) => {
    if (stopping) {
      (message as Handled).response.setHeader("connection", "close");
    }
  });
  subscribe("http.server.response.finish", (message) => {
    if (stopping) {
      // The requests that had begun before: their connections are idle once this turn is over.
      setImmediate(() => (message as Handled).server.closeIdleConnections());
    }
  });
}
