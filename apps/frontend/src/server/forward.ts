import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { request as ask, type Dispatcher } from "undici";
import { problem } from "./problem";
import { settings } from "./settings";
import { tokenFor } from "./token";

const MAX_BODY_BYTES = 1_000_000;
const REQUEST_HEADERS = ["accept", "content-type", "last-event-id", "mcp-protocol-version", "traceparent"];
const WITHOUT_BODY = new Set([204, 205, 304]);
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

  const url = `${base}/${path.map(encodeURIComponent).join("/")}${search(request.url)}`;
  const requestId = randomUUID();
  const stop = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop.abort();
  }, patienceMs);
  // A closed tab ends the work for it, also one that was closed while the session was looked up.
  request.signal.addEventListener("abort", () => stop.abort(), { once: true });
  if (request.signal.aborted) {
    stop.abort();
  }
  try {
    // fetch makes streams, and copies of headers, for each request: a good part of the CPU that one takes.
    const answer = await ask(url, {
      method: request.method as Dispatcher.HttpMethod,
      headers: {
        ...pick(REQUEST_HEADERS, (name) => request.headers.get(name)),
        authorization: `Bearer ${session.token}`,
        "x-request-id": requestId,
      },
      body: body ?? null,
      signal: stop.signal,
    });
    const headers = new Headers({
      ...pick(RESPONSE_HEADERS, (name) => first(answer.headers[name])),
      // no-transform: a proxy on the way that compresses would hold back the parts of a stream.
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-request-id": first(answer.headers["x-request-id"]) ?? requestId,
    });
    session.cookies.forEach((cookie) => headers.append("set-cookie", cookie));
    return new Response(await content(answer), { status: answer.statusCode, headers });
  } catch (error) {
    if (request.signal.aborted) {
      return new Response(null, { status: 499 });
    }
    console.error(`${request.method} ${new URL(url).pathname} (request ${requestId}) failed: ${why(error)}`);
    return late
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

/** What is short is passed on in one piece, and a stream as a stream. */
async function content({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<BodyInit | null> {
  if (WITHOUT_BODY.has(statusCode)) {
    await body.dump();
    return null;
  }
  const length = Number(headers["content-length"] ?? Infinity);
  return length <= MAX_BODY_BYTES ? body.arrayBuffer() : (Readable.toWeb(body) as ReadableStream<Uint8Array>);
}

function search(url: string): string {
  const start = url.indexOf("?");
  return start < 0 ? "" : url.slice(start);
}

function pick(names: readonly string[], of: (name: string) => string | null | undefined): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (typeof of(name) === "string" ? [[name, of(name)!]] : [])));
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function why(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const cause = error.cause;
  return cause instanceof Error ? `${error.message}: ${cause.message || cause.name}` : error.message;
}
