import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAccount } from "../support/account";
import { accessibilityProblems, launchBrowser, PHONE, picture, signUp, visit, type Visit } from "../support/browser";
import { startFrontend } from "../support/frontend";
import type { Listening } from "../support/net";
import { startPostgres, type Postgres } from "../support/postgres";
import type { Service } from "../support/processes";
import { startStubBackend } from "../support/stub-backend";

// The frontend alone: its production build, a real Postgres, a real browser, and a stub that speaks the contract.
let postgres: Postgres;
let backend: Listening;
let frontend: Service;
let browser: Browser;

beforeAll(async () => {
  [postgres, backend] = await Promise.all([startPostgres(), startStubBackend()]);
  frontend = await startFrontend({ databaseUrl: postgres.url, apiUrl: backend.url, mcpUrl: backend.url });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await frontend?.stop();
  await Promise.all([postgres?.stop(), backend?.stop()]);
});

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** Somebody's list as it looks after a while. */
async function furnish(page: Page): Promise<void> {
  const tasks = [
    { title: "Water the tomatoes", tags: ["garden"], recurrence: "daily", due_date: inDays(0) },
    {
      title: "Read the chapter on consensus",
      description: "Notes for Thursday's group: what a quorum promises, and what it does not.",
      tags: ["study"],
      due_date: inDays(4),
    },
    { title: "Renew the passport", priority: "high", due_date: inDays(-3), tags: ["papers", "travel"] },
    { title: "Back up the laptop", priority: "low", recurrence: "monthly", due_date: inDays(20) },
    { title: "Call Grandmother" },
  ];
  for (const data of tasks) {
    expect((await page.request.post("/api/tasks", { data })).status()).toBe(201);
  }
  await page.reload();
  await page.getByRole("checkbox", { name: "Done: Back up the laptop" }).check({ force: true });
  await page.getByText("Call Grandmother").waitFor();
}

async function signedIn(options?: Parameters<typeof visit>[2]): Promise<Visit> {
  const visitor = await visit(browser, frontend.url, options);
  await signUp(visitor.page, newAccount());
  return visitor;
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const [device, viewport] of [
    ["desktop", undefined],
    ["phone", PHONE],
  ] as const) {
    test(`every page is accessible and keeps the content policy on a ${device} in ${colorScheme}`, async () => {
      const options = { colorScheme, ...(viewport ? { viewport, hasTouch: true, isMobile: true } : {}) };
      const { page, complaints } = await visit(browser, frontend.url, options);
      const look = async (name: string) => {
        await picture(page, `${name}-${device}-${colorScheme}`);
        expect(await accessibilityProblems(page), name).toEqual([]);
      };

      await page.goto("/sign-in");
      await look("sign-in");
      await page.goto("/sign-up");
      await look("sign-up");
      await signUp(page, newAccount());
      await page.getByText("Nothing to do yet").waitFor();
      await look("empty");
      await furnish(page);
      await look("tasks");
      await page.getByRole("button", { name: "Renew the passport", exact: true }).click();
      await page.getByRole("dialog", { name: "Edit task" }).waitFor();
      await look("edit");
      await page.getByRole("button", { name: "Cancel" }).click();
      if (device === "phone") {
        await page.getByRole("button", { name: "Assistant" }).click();
      } else {
        await page.keyboard.press("?");
        await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
        await look("shortcuts");
        await page.keyboard.press("Escape");
      }
      await page.getByLabel("Message to the assistant").fill("add milk");
      await page.keyboard.press("Enter");
      await page.getByText("is on your list").waitFor();
      await page.getByRole("button", { name: "New conversation" }).waitFor();
      await look("chat");
      expect(complaints).toEqual([]);

      expect((await page.goto("/nowhere"))?.status()).toBe(404);
      await look("not-found");
      await page.context().close();
    });
  }
}

test("a task can be added, found, completed and deleted from the keyboard alone", async () => {
  const { page } = await signedIn();
  await page.getByText("Nothing to do yet").waitFor();
  await page.keyboard.press("n");
  await page.keyboard.type("Buy stamps #errands !high");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Feed the cat");
  await page.keyboard.press("Enter");
  await page.getByRole("checkbox", { name: "Done: Feed the cat" }).waitFor();
  await page.getByRole("button", { name: "Show tasks tagged errands" }).waitFor();
  // Both are saved: a task that is still on its way takes no commands.
  await expect.poll(() => page.getByRole("checkbox", { disabled: false }).count()).toBe(2);
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());

  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByRole("checkbox", { name: "Done: Buy stamps", checked: true }).waitFor();
  await page.keyboard.press("k");
  await page.keyboard.press("Delete");
  await page.getByText("Deleted “Feed the cat”").waitFor();
  await expect.poll(() => page.getByRole("checkbox", { name: "Done: Feed the cat" }).count()).toBe(0);

  await page.getByRole("button", { name: "Undo" }).press("Enter");
  await page.getByRole("checkbox", { name: "Done: Feed the cat" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("stamps");
  await expect.poll(() => page.getByRole("checkbox").count()).toBe(1);
  expect(new URL(page.url()).searchParams.get("search")).toBe("stamps");
  await page.context().close();
});

test("filters stay in the address, so that a reload shows the same list", async () => {
  const { page } = await signedIn();
  await furnish(page);
  await page.getByText("Done", { exact: true }).click();
  await expect.poll(() => page.getByRole("checkbox").count()).toBe(1);
  await page.reload();
  await page.getByRole("checkbox", { name: "Done: Back up the laptop" }).waitFor();
  expect(await page.getByRole("checkbox").count()).toBe(1);
  await page.getByLabel("Priority").selectOption("high");
  await page.getByText("Nothing matches").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect.poll(() => page.getByRole("checkbox").count()).toBe(5);
  await page.context().close();
});

test("the chosen theme is there after a reload, from the server's first byte", async () => {
  const { page } = await visit(browser, frontend.url, { colorScheme: "light" });
  await signUp(page, newAccount());
  await page.getByRole("button", { name: /^Theme: system/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  const html = await (await page.request.get("/")).text();
  expect(html).toContain('data-theme="dark"');
  await page.context().close();
});

test("a change that the backend refuses is taken back and said", async () => {
  const { page } = await signedIn();
  await furnish(page);
  await page.route("**/complete", (route) =>
    route.fulfill({ status: 503, json: { title: "Service Unavailable", detail: "The database does not answer." } }),
  );
  await page.getByRole("checkbox", { name: "Done: Call Grandmother" }).check({ force: true });
  await page.getByText("The database does not answer.").waitFor();
  await expect.poll(() => page.getByRole("checkbox", { name: "Done: Call Grandmother" }).isChecked()).toBe(false);
  await page.context().close();
});

test("the page says so when the backend is away, and recovers when it is back", async () => {
  const { page } = await visit(browser, frontend.url);
  let away = true;
  await page.route("**/api/tasks?*", (route) =>
    away
      ? route.fulfill({
          status: 502,
          json: { title: "Bad Gateway", detail: "The service cannot be reached right now." },
        })
      : route.continue(),
  );
  await signUp(page, newAccount());
  await page.getByText("Your tasks could not be loaded").waitFor();
  await picture(page, "error");
  expect(await accessibilityProblems(page)).toEqual([]);
  away = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Nothing to do yet").waitFor();
  await page.context().close();
});
