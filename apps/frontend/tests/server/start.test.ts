import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, startFrontend } from "../support/frontend";
import { freePort } from "../support/net";
import { startPostgres, type Postgres } from "../support/postgres";

let postgres: Postgres;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(() => postgres?.stop());

/** Starts the production server with these settings and nothing else, and waits for its end. */
async function startInVain(settings: Record<string, string>): Promise<{ code: number; errors: string[] }> {
  const child = spawn(process.execPath, ["server.js"], {
    cwd: path.join(ROOT, ".next/standalone"),
    env: { NODE_ENV: "production", HOSTNAME: "127.0.0.1", PORT: String(await freePort()), ...settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => (text += part));
  const [code] = (await once(child, "close")) as [number];
  return { code, errors: text.trim().split("\n") };
}

const GOOD = { BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef", BETTER_AUTH_URL: "http://localhost:3000" };

test("a missing setting stops the start with one line that names it", async () => {
  expect(await startInVain(GOOD)).toEqual({
    code: 1,
    errors: ["todo-frontend cannot start: DATABASE_URL is not set"],
  });
});

test("a database that refuses the user stops the start with one line that has no password in it", async () => {
  const url = postgres.url.replace("todo@", "nobody:hunter2@");
  const { code, errors } = await startInVain({ ...GOOD, DATABASE_URL: url });
  expect(code).toBe(1);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(/^todo-frontend cannot start: the database at DATABASE_URL cannot be used: /);
  expect(errors[0]).not.toContain("hunter2");
});

test("replicas that start together on an empty database make the tables once", async () => {
  const settings = { databaseUrl: postgres.url, apiUrl: "http://127.0.0.1:9", mcpUrl: "http://127.0.0.1:9" };
  const starting = await Promise.allSettled([startFrontend(settings), startFrontend(settings)]);
  const replicas = starting.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const client = new pg.Client(postgres.url);
  try {
    expect(starting.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(replicas.map(({ output }) => output()).join("")).not.toMatch(/cannot start|Error/);
    await client.connect();
    const { rows } = await client.query<{ table_name: string }>(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name",
    );
    expect(rows.map((row) => row.table_name)).toEqual(["account", "jwks", "session", "user", "verification"]);
  } finally {
    await client.end();
    await Promise.all(replicas.map(({ stop }) => stop()));
  }
});
