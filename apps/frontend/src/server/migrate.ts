import { getMigrations } from "better-auth/db/migration";
import { auth } from "./auth";
import { database } from "./database";

/** Any number that no other user of the database takes: replicas that start together migrate one after the other. */
const LOCK = 7_046_029_254;

/** Creates what Better Auth's tables lack. Runs under a lock that a transaction pooler keeps too. */
export async function migrate(): Promise<void> {
  const guard = await database().connect();
  try {
    await guard.query("BEGIN");
    await guard.query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    const { runMigrations } = await getMigrations(auth().options);
    await runMigrations();
    await guard.query("COMMIT");
    guard.release();
  } catch (error) {
    // Closing the connection ends the transaction and frees the lock, whatever state it is in.
    guard.release(true);
    throw error;
  }
}
