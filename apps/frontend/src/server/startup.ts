import { setTimeout as sleep } from "node:timers/promises";
import { drainOnStop } from "./drain";
import { migrate } from "./migrate";
import { BadSettings, settings } from "./settings";

const DATABASE_PATIENCE_MS = 30_000;

/** Errors that pass when the database has come up: nobody listens yet, no such name yet, still starting. */
const NOT_YET = new Set(["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "57P03"]);

/** Checks the settings, makes the tables, and readies the stop; what is wrong stops the process with one line. */
export async function start(): Promise<void> {
  try {
    settings();
    drainOnStop();
    await migrateWhenReady();
  } catch (error) {
    console.error(`todo-frontend cannot start: ${reason(error)}`);
    process.exit(1);
  }
}

async function migrateWhenReady(): Promise<void> {
  const deadline = Date.now() + DATABASE_PATIENCE_MS;
  for (;;) {
    try {
      return await migrate();
    } catch (error) {
      if (!NOT_YET.has(code(error)) || Date.now() > deadline) {
        throw error;
      }
      await sleep(500);
    }
  }
}

function code(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function reason(error: unknown): string {
  if (error instanceof BadSettings) {
    return error.message;
  }
  const said = error instanceof Error ? error.message || code(error) : String(error);
  return `the database at DATABASE_URL cannot be used: ${said.split("\n", 1)[0]}`;
}
