import { existsSync } from "node:fs";
import path from "node:path";
import { freePort } from "./net";
import { ROOT } from "./frontend";
import { startService, type Service } from "./processes";

const APPS = path.dirname(ROOT);

interface BackendSettings {
  databaseUrl: string;
  frontendUrl: string;
  mcpUrl: string;
  modelUrl: string;
  port: number;
}

/** Starts the real backend, its model replaced at the wire. */
export function startBackend({ databaseUrl, frontendUrl, mcpUrl, modelUrl, port }: BackendSettings): Promise<Service> {
  return startPython("backend", "app", port, {
    DATABASE_URL: databaseUrl,
    MIGRATE_ON_START: "true",
    BETTER_AUTH_URL: frontendUrl,
    MCP_SERVER_URL: mcpUrl,
    GEMINI_API_KEY: "",
    OPENAI_API_KEY: "not-a-key",
    OPENAI_BASE_URL: `${modelUrl}/v1/`,
    CHAT_MODEL: "stand-in",
  });
}

/** Starts the real MCP server, which works on the tasks of `backendUrl`. */
export async function startMcpServer(backendUrl: string): Promise<Service> {
  return startPython("mcp-server", "todo_mcp", await freePort(), { BACKEND_URL: backendUrl }, "/health");
}

function startPython(
  service: string,
  module: string,
  port: number,
  env: Record<string, string>,
  health = "/health/live",
): Promise<Service> {
  const cwd = path.join(APPS, service);
  return startService({
    command: python(cwd),
    args: ["-m", module],
    cwd,
    // No grace for load balancers: none is in front.
    env: { ...env, HOST: "127.0.0.1", PORT: String(port), DRAIN_SECONDS: "0" },
    url: `http://127.0.0.1:${port}`,
    health,
  });
}

/** The Python that has a service's packages: TODO_PYTHON, or the virtual environment in the service's folder. */
function python(folder: string): string {
  const own = path.join(folder, ".venv/bin/python");
  const found = process.env.TODO_PYTHON ?? (existsSync(own) ? own : null);
  if (!found) {
    throw new Error(`Install ${folder} into ${folder}/.venv, or name a Python that has it in TODO_PYTHON.`);
  }
  return found;
}
