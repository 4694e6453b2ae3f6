import { database } from "./database";
import { settings } from "./settings";

const PATIENCE_MS = 2_000;

type Check = "ok" | "unreachable";

export interface Readiness {
  /** `degraded`: pages and sign-in work, a service behind them does not answer. */
  status: "ok" | "degraded" | "unavailable";
  checks: { database: Check; backend: Check; mcp: Check };
}

/** Asks the database and the two services, all at once and not for long. */
export async function readiness(): Promise<Readiness> {
  const { NEXT_PUBLIC_API_URL: api, NEXT_PUBLIC_MCP_URL: mcp } = settings();
  const [database_, backend, mcpServer] = await Promise.all([
    check("database", () => database().query("SELECT 1")),
    check("backend", () => answers(`${api}/health/live`)),
    check("mcp", () => answers(`${mcp}/health`)),
  ]);
  const checks = { database: database_, backend, mcp: mcpServer };
  const status = database_ !== "ok" ? "unavailable" : backend === "ok" && mcpServer === "ok" ? "ok" : "degraded";
  return { status, checks };
}

async function answers(url: string): Promise<void> {
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  await answer.body?.cancel();
  if (!answer.ok) {
    throw new Error(`answered ${answer.status}`);
  }
}

async function check(name: string, ask: () => Promise<unknown>): Promise<Check> {
  try {
    await ask();
    return "ok";
  } catch (error) {
    console.warn(`health: ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return "unreachable";
  }
}
