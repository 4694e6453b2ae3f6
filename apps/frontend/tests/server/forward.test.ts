import { once } from "node:events";
import { Agent, get, type IncomingMessage, type ServerResponse } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newAccount } from "../support/account";
import { startFrontend } from "../support/frontend";
import { freePort, serve, type Listening } from "../support/net";
import { startPostgres, type Postgres } from "../support/postgres";
import type { Service } from "../support/processes";

// The production server with a service behind it that records what reaches it.
interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

let postgres: Postgres;
let behind: Listening;
let frontend: Service;
let cookie: string;
let seen: Seen[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  postgres = await startPostgres();
  behind = await serve(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) {
      parts.push(part as Buffer);
    }
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(parts).toString() });
    answer(request, response);
  });
  frontend = await startFrontend({ databaseUrl: postgres.url, apiUrl: behind.url, mcpUrl: behind.url });
  const signedUp = await fetch(`${frontend.url}/api/auth/sign-up/email`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: frontend.url },
    body: JSON.stringify(newAccount()),
  });
  expect(signedUp.status).toBe(200);
  cookie = signedUp.headers
    .getSetCookie()
    .map((one) => one.split(";", 1)[0])
    .join("; ");
});

afterAll(async () => {
  await frontend?.stop();
  await Promise.all([behind?.stop(), postgres?.stop()]);
});

beforeEach(() => {
  seen = [];
  answer = (_request, response) => response.writeHead(200, { "content-type": "application/json" }).end("{}");
});

const send = (path: string, init: RequestInit = {}) =>
  fetch(frontend.url + path, { ...init, headers: { cookie, ...(init.headers as Record<string, string>) } });

test("a service gets a token that the published keys verify, and never the session's cookie", async () => {
  await send("/api/tasks?status=open&search=a%26b");
  const [request] = seen;
  expect(request?.url).toBe("/api/tasks?status=open&search=a%26b");
  expect(request?.headers.cookie).toBeUndefined();
  const token = request?.headers.authorization?.replace("Bearer ", "") ?? "";
  const keys = createRemoteJWKSet(new URL(`${frontend.url}/api/auth/jwks`));
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: frontend.url,
    audience: frontend.url,
  });
  expect(protectedHeader.alg).toBe("EdDSA");
  expect(payload.exp! - payload.iat!).toBeLessThanOrEqual(15 * 60);
  expect(Object.keys(payload).sort()).toEqual(["aud", "exp", "iat", "iss", "sub"]);
});

test.each([
  ["/api/tasks/1b/complete", "POST", "/api/tasks/1b/complete"],
  ["/api/chat", "POST", "/chat"],
  ["/api/chat/conversations", "GET", "/chat/conversations"],
  ["/api/chatkit", "POST", "/chatkit"],
  ["/api/mcp", "POST", "/mcp"],
])("%s reaches the path of the service: %s %s", async (path, method, expected) => {
  await send(path, { method, ...(method === "POST" ? { body: "{}" } : {}) });
  expect(seen.map(({ url }) => url)).toEqual([expected]);
});

test("signing out holds at once, though the token would be good for some minutes more", async () => {
  const account = newAccount();
  const headers = { "content-type": "application/json", origin: frontend.url, "x-forwarded-for": "192.0.2.7" };
  const body = JSON.stringify(account);
  const signedUp = await fetch(`${frontend.url}/api/auth/sign-up/email`, { method: "POST", headers, body });
  const own = {
    cookie: signedUp.headers
      .getSetCookie()
      .map((one) => one.split(";", 1)[0])
      .join("; "),
  };
  expect((await send("/api/tasks", { headers: own })).status).toBe(200);
  await send("/api/auth/sign-out", { method: "POST", headers: { ...headers, ...own }, body: "{}" });
  expect((await send("/api/tasks", { headers: own })).status).toBe(401);
  expect(seen).toHaveLength(1);
});

test("without a session nothing is passed on", async () => {
  const response = await fetch(`${frontend.url}/api/tasks`);
  expect(response.status).toBe(401);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(seen).toEqual([]);
});

test("another site's request is refused, though the browser sends the cookie with it", async () => {
  const response = await send("/api/tasks", {
    method: "POST",
    headers: { origin: "https://evil.example", "content-type": "text/plain" },
    body: '{"title":"x"}',
  });
  expect(response.status).toBe(403);
  expect(seen).toEqual([]);
});

test.each([
  "/api/tasks/..%2f..%2fmetrics",
  "/api/tasks/%2e%2e/%2e%2e/metrics",
  "/api/tasks/%252e%252e/metrics",
  "/api/chat/..%2f..%2fmetrics",
])("a path cannot climb out of its service's part: %s", async (path) => {
  // Not with fetch, which would tidy the path up before it sends it.
  const request = get(frontend.url, { path, headers: { cookie } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "close");
  expect(
    seen.map(({ url }) => new URL(url, behind.url).pathname).filter((one) => !/^\/(api\/tasks|chat)/.test(one)),
  ).toEqual([]);
});

test("a body that is too large is refused before it is passed on", async () => {
  const response = await send("/api/tasks", { method: "POST", body: "x".repeat(1_000_001) });
  expect(response.status).toBe(413);
  expect(seen).toEqual([]);
});

test("what the service answers comes back as it is, without its cookies and its server's name", async () => {
  answer = (_request, response) =>
    response
      .writeHead(422, { "content-type": "application/problem+json", "set-cookie": "a=b", server: "secret/1.0" })
      .end('{"title":"Unprocessable","detail":"title: too long"}');
  const response = await send("/api/tasks", { method: "POST", body: "{}" });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ detail: "title: too long" });
  expect(response.headers.get("server")).toBeNull();
  expect(response.headers.getSetCookie().join()).not.toContain("a=b");
});

test("an event reaches the browser while the answer still goes on, also for one that takes gzip", async () => {
  let rest: () => void = () => undefined;
  answer = (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write('data: {"type":"delta","text":"1"}\n\n');
    rest = () => response.end('data: {"type":"done","conversation_id":"c"}\n\n');
  };
  const response = await send("/api/chat", { method: "POST", body: "{}", headers: { "accept-encoding": "gzip" } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  // The rest is only sent once the first part has arrived: a proxy that collects the answer would wait for ever.
  expect((await reader.read()).value).toContain('"text":"1"');
  rest();
  expect((await reader.read()).value).toContain('"done"');
});

test("a reader who leaves ends the work for them", async () => {
  let left: Promise<unknown> = Promise.resolve();
  answer = (_request, response) => {
    left = once(response, "close");
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: {}\n\n");
  };
  const controller = new AbortController();
  const response = await send("/api/chat", { method: "POST", body: "{}", signal: controller.signal });
  await response.body!.getReader().read();
  controller.abort();
  await left;
});

test("a service that is away is said without its address", async () => {
  const gone = `http://127.0.0.1:${await freePort()}`;
  const other = await startFrontend({ databaseUrl: postgres.url, apiUrl: gone, mcpUrl: gone });
  try {
    const response = await fetch(`${other.url}/api/tasks`, { headers: { cookie } });
    const body = await response.text();
    expect(response.status).toBe(502);
    expect(body).toContain("cannot be reached");
    expect(body).not.toContain("127.0.0.1");

    expect((await fetch(`${other.url}/api/health`)).status).toBe(200);
    const ready = await fetch(`${other.url}/api/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({
      status: "degraded",
      checks: { database: "ok", backend: "unreachable", mcp: "unreachable" },
    });
  } finally {
    await other.stop();
  }
});

/** Waits until a service takes no new connections. */
async function untilClosed(url: string): Promise<void> {
  await expect
    .poll(() =>
      fetch(`${url}/api/health`).then(
        () => "open",
        () => "closed",
      ),
    )
    .toBe("closed");
}

test("a stop lets the requests that run come to their end", async () => {
  let finish: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    answer = (_request, response) => {
      finish = () => response.writeHead(200, { "content-type": "application/json" }).end('{"kept":true}');
      resolve();
    };
  });
  const other = await startFrontend({ databaseUrl: postgres.url, apiUrl: behind.url, mcpUrl: behind.url });
  const running = fetch(`${other.url}/api/tasks`, { headers: { cookie } });
  await reached;
  const stopped = other.stop();
  await untilClosed(other.url);
  finish();
  expect(await (await running).json()).toEqual({ kept: true });
  await stopped;
});

test("a stop answers what was on its way on a connection that it takes for idle", async () => {
  const other = await startFrontend({ databaseUrl: postgres.url, apiUrl: behind.url, mcpUrl: behind.url });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const health = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const asking = get(`${other.url}/api/health`, { agent }, (answered) => {
        answered.resume().on("end", () => resolve(answered));
      });
      asking.on("error", reject);
    });
  expect((await health()).headers.connection).toBe("keep-alive");
  const stopped = other.stop();
  await untilClosed(other.url);
  const last = await health();
  expect(last.statusCode).toBe(200);
  expect(last.headers.connection).toBe("close");
  await stopped;
});

test("a page carries a content policy of its own and the other security headers", async () => {
  const [first, second] = await Promise.all([fetch(`${frontend.url}/sign-in`), fetch(`${frontend.url}/sign-in`)]);
  const nonces = [first, second].map(
    (page) => /'nonce-([^']+)'/.exec(page.headers.get("content-security-policy")!)![1],
  );
  expect(nonces[0]).not.toBe(nonces[1]);
  expect(first.headers.get("x-content-type-options")).toBe("nosniff");
  expect(first.headers.get("x-frame-options")).toBe("DENY");
  expect(first.headers.get("x-powered-by")).toBeNull();
  const scripts = (await first.text()).match(/<script[^>]*>/g) ?? [];
  expect(scripts.length).toBeGreaterThan(0);
  scripts.forEach((script) => expect(script).toContain(`nonce="${nonces[0]}"`));
});
