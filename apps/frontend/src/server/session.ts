import "server-only";
import { headers } from "next/headers";
import { auth } from "./auth";

/** The session that the request's cookie names, or null. */
export async function currentSession() {
  return auth().api.getSession({ headers: await headers() });
}
