import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAccount } from "../support/account";
import { accessibilityProblems, launchBrowser, PHONE, picture, signUp, visit } from "../support/browser";
import { startFrontend } from "../support/frontend";
import { startModel, type Model } from "../support/model";
import { freePort } from "../support/net";
import { startPostgres } from "../support/postgres";
import { startBackend, startMcpServer } from "../support/services";

// The three services as they ship, a real Postgres and a real browser; only the model is a stand-in, at the wire.
// With TODO_URL it is the stack that is served there, whose backend has its model on this machine's TODO_MODEL_PORT.
const { TODO_URL, TODO_MODEL_PORT } = process.env;
let browser: Browser;
let model: Model;
let frontend: { url: string };
/** The services that a browser must not hear of. */
const hidden = ["backend:8000", "mcp-server:8001"];
const started: { stop: () => Promise<void> }[] = [];

async function keep<T extends { stop: () => Promise<void> }>(starting: Promise<T>): Promise<T> {
  const one = await starting;
  started.unshift(one);
  return one;
}

async function startEverything(): Promise<void> {
  const postgres = await keep(startPostgres());
  model = await keep(startModel());
  const port = await freePort();
  const apiUrl = `http://127.0.0.1:${port}`;
  const mcp = await keep(startMcpServer(apiUrl));
  frontend = await keep(startFrontend({ databaseUrl: postgres.url, apiUrl, mcpUrl: mcp.url }));
  await keep(
    startBackend({ databaseUrl: postgres.url, frontendUrl: frontend.url, mcpUrl: mcp.url, modelUrl: model.url, port }),
  );
  hidden.push(new URL(apiUrl).host, new URL(mcp.url).host);
}

beforeAll(async () => {
  if (TODO_URL) {
    model = await keep(startModel(Number(TODO_MODEL_PORT)));
    frontend = { url: TODO_URL };
  } else {
    await startEverything();
  }
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  for (const one of started) {
    await one.stop();
  }
});

test("a user signs up, adds a task, lets the assistant add milk, completes it, comes back and signs out", async () => {
  const { page, complaints } = await visit(browser, frontend.url);
  const look = async (name: string) => {
    await picture(page, `journey-${name}`);
    expect(await accessibilityProblems(page), name).toEqual([]);
  };
  const account = newAccount();
  await page.goto("/");
  expect(page.url()).toMatch(/\/sign-in$/);
  await signUp(page, account);
  await page.getByText("Nothing to do yet").waitFor();

  await page.getByLabel("New task").fill("Bake bread #kitchen");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("checkbox", { name: "Done: Bake bread" }).waitFor();
  await look("1-added");

  await page.getByLabel("Message to the assistant").fill("add milk");
  await page.keyboard.press("Enter");
  await page.getByText("Added a task").waitFor();
  await page.getByText("Done: it is on your list.").waitFor();
  const milk = page.getByRole("checkbox", { name: "Done: milk" });
  await milk.waitFor();
  await look("2-chat");
  const tools = model.requests.at(-1)?.tools?.map((tool) => tool.function.name);
  expect(tools).toContain("add_task");

  await milk.check({ force: true });
  await expect.poll(async () => (await (await page.request.get("/api/tasks?status=done")).json()).total).toBe(1);
  await page.reload();
  await milk.waitFor();
  expect(await milk.isChecked()).toBe(true);
  expect(await page.getByRole("checkbox", { name: "Done: Bake bread" }).isChecked()).toBe(false);
  await page.getByText("Done: it is on your list.").waitFor();
  await look("3-reloaded");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await look("4-signed-out");
  expect((await page.request.get("/api/tasks")).status()).toBe(401);
  expect((await page.goto("/"))?.url()).toMatch(/\/sign-in$/);

  await page.getByLabel("E-mail").fill(account.email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("Invalid email or password").waitFor();
  await page.getByLabel("Password").fill(account.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await milk.waitFor();
  // The wrong password is meant; a browser logs every 401.
  expect(complaints.filter((said) => !said.includes("401"))).toEqual([]);
});

test("two users do not see each other's tasks", async () => {
  const ada = await visit(browser, frontend.url);
  const bob = await visit(browser, frontend.url, { viewport: PHONE });
  await signUp(ada.page, newAccount());
  await signUp(bob.page, { ...newAccount(), name: "Bob" });
  const made = await ada.page.request.post("/api/tasks", { data: { title: "Ada's secret" } });
  const { id } = (await made.json()) as { id: string };
  expect((await bob.page.request.get(`/api/tasks/${id}`)).status()).toBe(404);
  await bob.page.reload();
  await bob.page.getByText("Nothing to do yet").waitFor();
});

test("what the browser gets names no service behind the frontend and holds no token", async () => {
  const { page } = await visit(browser, frontend.url);
  const bodies: Promise<string>[] = [];
  page.on("response", (response) => bodies.push(response.text().catch(() => "")));
  await signUp(page, newAccount());
  await page.getByText("Nothing to do yet").waitFor();
  const seen = (await Promise.all(bodies)).join("\n");
  expect(seen).toContain("Nothing to do yet");
  for (const host of hidden) {
    expect(seen).not.toContain(host);
  }
  expect(seen).not.toMatch(/\beyJ[\w-]+\.eyJ/);
  expect((await page.request.get("/api/auth/token")).status()).toBe(404);
});
