import { Pool } from "pg";
import { settings } from "./settings";

let pool: Pool | undefined;

/** The process's connections to Postgres: few, so that two replicas fit a small pooler. */
export function database(): Pool {
  if (!pool) {
    pool = new Pool({
      connectionString: settings().DATABASE_URL,
      max: 5,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 30_000,
    });
    // Without a listener, a connection that the server closes while idle ends the process.
    pool.on("error", (error) => console.error(`database: an idle connection was lost: ${error.message}`));
  }
  return pool;
}
