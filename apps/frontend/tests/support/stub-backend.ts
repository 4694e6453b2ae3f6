import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Task, TaskDraft } from "../../src/lib/task";
import { EMPTY_DRAFT } from "../../src/lib/task";
import { serve, type Listening } from "./net";

const RANK = { low: 0, medium: 1, high: 2 };

/**
 * A backend in memory that speaks the contract, to work on the frontend alone.
 *
 * It trusts what a token says without checking it, so it must never serve anything but development.
 */
export async function startStubBackend(): Promise<Listening> {
  const users = new Map<string, Task[]>();
  return serve((request, response) => {
    answer(users, request, response).catch((error: unknown) => {
      problem(response, 500, error instanceof Error ? error.message : String(error));
    });
  });
}

async function answer(users: Map<string, Task[]>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://stub");
  if (url.pathname.startsWith("/health")) {
    return json(response, 200, { status: "ok" });
  }
  const user = subject(request.headers.authorization);
  if (!user) {
    return problem(response, 401, "No token.");
  }
  const tasks = users.get(user) ?? users.set(user, []).get(user)!;
  if (url.pathname === "/chat" && request.method === "POST") {
    return chat(tasks, await body(request), response);
  }
  const [, id, action] = /^\/api\/tasks(?:\/([^/]+))?(?:\/(complete))?$/.exec(url.pathname) ?? [];
  if (!url.pathname.startsWith("/api/tasks")) {
    return problem(response, 404, "No such path.");
  }
  if (!id) {
    return request.method === "POST"
      ? json(response, 201, create(tasks, (await body(request)) as Partial<TaskDraft>))
      : json(response, 200, list(tasks, url.searchParams));
  }
  const task = tasks.find((one) => one.id === id);
  if (!task) {
    return problem(response, 404, "No such task.");
  }
  if (action) {
    const { completed } = await body(request);
    const now = new Date().toISOString();
    Object.assign(task, { completed, completed_at: completed ? now : null, updated_at: now });
  } else if (request.method === "PATCH") {
    Object.assign(task, await body(request), { updated_at: new Date().toISOString() });
  } else if (request.method === "DELETE") {
    tasks.splice(tasks.indexOf(task), 1);
    response.writeHead(204).end();
    return;
  }
  return json(response, 200, task);
}

function create(tasks: Task[], draft: Partial<TaskDraft>): Task {
  const now = new Date().toISOString();
  const task: Task = {
    ...EMPTY_DRAFT,
    ...draft,
    id: randomUUID(),
    completed: false,
    completed_at: null,
    created_at: now,
    updated_at: now,
  };
  tasks.unshift(task);
  return task;
}

function list(tasks: readonly Task[], query: URLSearchParams) {
  const asked = (name: string) => query.get(name) ?? "";
  const found = tasks.filter(
    (task) =>
      `${task.title} ${task.description}`.toLowerCase().includes(asked("search").toLowerCase()) &&
      (asked("status") !== "open" || !task.completed) &&
      (asked("status") !== "done" || task.completed) &&
      (!asked("priority") || task.priority === asked("priority")) &&
      (!asked("tag") || task.tags.includes(asked("tag"))),
  );
  const order = { created: byText("created_at"), due: byText("due_date"), title: byText("title"), priority: byRank };
  found.sort(order[(asked("sort") || "created") as keyof typeof order]);
  if (asked("order") !== "asc") {
    found.reverse();
  }
  const page = Number(asked("page") || 1);
  const size = Number(asked("page_size") || 50);
  return { items: found.slice((page - 1) * size, page * size), total: found.length, page, page_size: size };
}

const byText = (field: "created_at" | "due_date" | "title") => (a: Task, b: Task) =>
  (a[field] ?? "9999").localeCompare(b[field] ?? "9999");
const byRank = (a: Task, b: Task) => RANK[a.priority] - RANK[b.priority];

async function chat(tasks: Task[], { message }: Record<string, unknown>, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const say = async (event: object) => {
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 120));
  };
  const wanted = /^add (.+?)(?: to my list)?$/i.exec(String(message))?.[1];
  if (wanted) {
    await say({ type: "tool", name: "add_task", status: "called" });
    create(tasks, { title: wanted });
    await say({ type: "tool", name: "add_task", status: "done" });
  }
  const words = wanted
    ? `Done: **${wanted}** is on your list.`
    : "I am a stub that stands in for the assistant. Say **add** and a task, and I add it.";
  for (const word of words.split(/(?<= )/)) {
    await say({ type: "delta", text: word });
  }
  await say({ type: "done", conversation_id: randomUUID() });
  response.end();
}

function subject(authorization: string | undefined): string | null {
  const payload = /^Bearer [^.]+\.([^.]+)\./.exec(authorization ?? "")?.[1];
  return payload ? String(JSON.parse(Buffer.from(payload, "base64url").toString()).sub) : null;
}

async function body(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of request) {
    parts.push(part as Buffer);
  }
  return JSON.parse(Buffer.concat(parts).toString() || "{}") as Record<string, unknown>;
}

function json(response: ServerResponse, status: number, value: unknown, type = "application/json"): void {
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, detail: string): void {
  json(response, status, { type: "about:blank", title: "Problem", status, detail }, "application/problem+json");
}
