import path from "node:path";
import { freePort } from "./net";
import { startService, type Service } from "./processes";

export const ROOT = path.resolve(import.meta.dirname, "../..");
const STANDALONE = path.join(ROOT, ".next/standalone");

interface Settings {
  databaseUrl: string;
  apiUrl: string;
  mcpUrl: string;
  domainKey?: string;
}

/** Starts the production build as its image does. */
export async function startFrontend({ databaseUrl, apiUrl, mcpUrl, domainKey = "" }: Settings): Promise<Service> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  return startService({
    command: process.execPath,
    args: ["server.js"],
    cwd: STANDALONE,
    env: {
      NODE_ENV: "production",
      HOSTNAME: "127.0.0.1",
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      BETTER_AUTH_SECRET: "only-for-tests-and-long-enough-to-pass",
      BETTER_AUTH_URL: url,
      NEXT_PUBLIC_API_URL: apiUrl,
      NEXT_PUBLIC_MCP_URL: mcpUrl,
      NEXT_PUBLIC_OPENAI_DOMAIN_KEY: domainKey,
    },
    url,
    health: "/api/health",
  });
}
