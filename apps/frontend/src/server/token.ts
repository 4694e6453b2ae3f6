import { auth } from "./auth";

const REUSE_MS = 5 * 60_000;
const MOST = 1_000;

interface Issued {
  token: string;
  at: number;
}

/** Tokens by session: signing one takes a query and a decryption more than looking up the session. */
const issued = new Map<string, Issued>();

/**
 * The token with which the backend knows the user of a request's session, or null without one.
 *
 * The session is looked up each time, so that signing out holds at once. `cookies` go back to the browser: a session
 * that is used lives longer.
 */
export async function tokenFor(headers: Headers): Promise<{ token: string; cookies: string[] } | null> {
  const { response: found, headers: set } = await auth().api.getSession({ headers, returnHeaders: true });
  if (!found) {
    return null;
  }
  const known = issued.get(found.session.id);
  if (known && Date.now() - known.at < REUSE_MS) {
    return { token: known.token, cookies: set.getSetCookie() };
  }
  const { token } = await auth().api.signJWT({
    body: { payload: { sub: found.user.id, iat: Math.floor(Date.now() / 1000) } },
  });
  remember(found.session.id, { token, at: Date.now() });
  return { token, cookies: set.getSetCookie() };
}

function remember(session: string, token: Issued): void {
  // A Map keeps the order of insertion: the first is the oldest.
  issued.delete(session);
  issued.set(session, token);
  for (const oldest of issued.keys()) {
    if (issued.size <= MOST) {
      break;
    }
    issued.delete(oldest);
  }
}
