import { randomUUID } from "node:crypto";
import { problem } from "./problem";
import { settings } from "./settings";
import { tokenFor } from "./token";

const MAX_BODY_BYTES = 1_000_000;
const REQUEST_HEADERS = ["accept", "content-type", "last-event-id", "mcp-protocol-version", "traceparent"];
const RESPONSE_HEADERS = ["content-type", "retry-after", "mcp-session-id"];

interface Target {
  /** The other service's base URL. */
  base: string;
  /** The path's parts below it, not encoded. */
  path: readonly string[];
  /** How long it may take until the answer begins. */
  patienceMs?: number;
}

/**
 * Passes a browser's request on to another service, as the user whose session the cookie names.
 *
 * The session's cookie stays here; the service gets a token of a few minutes instead. Answers are streamed.
 */
export async function forward(request: Request, { base, path, patienceMs = 15_000 }: Target): Promise<Response> {
  if (!isSafe(request.method) && isForeign(request)) {
    return problem(403, "Forbidden", "The request comes from another site.");
  }
  if (path.some((part) => part === "" || part === "." || part === "..")) {
    return problem(404, "Not Found", "No such path.");
  }
  const session = await tokenFor(request.headers);
  if (!session) {
    return problem(401, "Unauthorized", "You are signed out. Sign in again.");
  }
  const body = isSafe(request.method) ? undefined : await readBody(request);
  if (body === null) {
    return problem(413, "Content Too Large", `A request may have ${MAX_BODY_BYTES / 1e6} MB.`);
  }

  const url = new URL(`${base}/${path.map(encodeURIComponent).join("/")}`);
  url.search = new URL(request.url).search;
  const requestId = randomUUID();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    const answer = await fetch(url, {
      method: request.method,
      headers: {
        ...pick(request.headers, REQUEST_HEADERS),
        authorization: `Bearer ${session.token}`,
        "x-request-id": requestId,
      },
      body: body ?? null,
      redirect: "manual",
      cache: "no-store",
      // A closed tab ends the work for it.
      signal: AbortSignal.any([request.signal, patience.signal]),
    });
    const headers = new Headers({
      ...pick(answer.headers, RESPONSE_HEADERS),
      // no-transform: a proxy on the way that compresses would hold back the parts of a stream.
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-request-id": answer.headers.get("x-request-id") ?? requestId,
    });
    session.cookies.forEach((cookie) => headers.append("set-cookie", cookie));
    return new Response(answer.body, { status: answer.status, headers });
  } catch (error) {
    if (request.signal.aborted) {
      return new Response(null, { status: 499 });
    }
    console.error(`${request.method} ${url.pathname} (request ${requestId}) failed: ${why(error)}`);
    return patience.signal.aborted
      ? problem(504, "Gateway Timeout", "The service takes too long to answer. Try again soon.")
      : problem(502, "Bad Gateway", "The service cannot be reached right now. Try again soon.");
  } finally {
    clearTimeout(timer);
  }
}

function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Cookies are SameSite=Lax already; this holds for the browser that is old, or the subdomain that is not ours. */
function isForeign(request: Request): boolean {
  const origin = request.headers.get("origin");
  return origin !== null && origin !== settings().BETTER_AUTH_URL;
}

async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    size += value.length;
    if (size > MAX_BODY_BYTES) {
      await reader.cancel();
      return null;
    }
    parts.push(value);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function pick(headers: Headers, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)!]] : [])));
}

function why(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const cause = error.cause;
  return cause instanceof Error ? `${error.message}: ${cause.message || cause.name}` : error.message;
}
