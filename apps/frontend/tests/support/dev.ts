import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { startPostgres } from "./postgres";
import { startStubBackend } from "./stub-backend";

// `npm run dev`: the development server, with a stand-in for every part that no setting names.
if (existsSync(".env")) {
  process.loadEnvFile(".env");
}
const port = process.env.PORT ?? "3000";
const missing = (name: string) => !process.env[name];

const postgres = missing("DATABASE_URL") ? await startPostgres() : null;
const backend = missing("NEXT_PUBLIC_API_URL") ? await startStubBackend() : null;
if (postgres) {
  console.info("DATABASE_URL is not set: an empty Postgres that is thrown away at the end.");
}
if (backend) {
  console.info("NEXT_PUBLIC_API_URL is not set: a stub that keeps tasks in memory.");
}

const next = spawn("next", ["dev", "--port", port], {
  stdio: "inherit",
  env: {
    ...process.env,
    DATABASE_URL: postgres?.url ?? process.env.DATABASE_URL,
    BETTER_AUTH_SECRET: process.env.BETTER_AUTH_SECRET || randomBytes(32).toString("base64"),
    BETTER_AUTH_URL: process.env.BETTER_AUTH_URL || `http://localhost:${port}`,
    NEXT_PUBLIC_API_URL: backend?.url ?? process.env.NEXT_PUBLIC_API_URL,
    NEXT_PUBLIC_MCP_URL: process.env.NEXT_PUBLIC_MCP_URL || backend?.url,
  },
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => next.kill(signal));
}
next.on("exit", async (code) => {
  await Promise.all([postgres?.stop(), backend?.stop()]);
  process.exit(code ?? 1);
});
