import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export interface Listening {
  url: string;
  stop: () => Promise<void>;
}

/** Serves HTTP on a free port of the loopback, or on the port of every interface that is asked for. */
export async function serve(listener: RequestListener, everywhere?: number): Promise<Listening> {
  const server = createServer(listener);
  if (everywhere) {
    server.listen(everywhere);
  } else {
    server.listen(0, "127.0.0.1");
  }
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const { url, stop } = await serve(() => undefined);
  await stop();
  return Number(new URL(url).port);
}
