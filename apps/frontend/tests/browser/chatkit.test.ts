import type { Browser, Route } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAccount } from "../support/account";
import { launchBrowser, signUp, visit } from "../support/browser";
import { startFrontend } from "../support/frontend";
import type { Listening } from "../support/net";
import { startPostgres, type Postgres } from "../support/postgres";
import type { Service } from "../support/processes";
import { startStubBackend } from "../support/stub-backend";

// With a domain key. OpenAI's own script is not here: what the page does with one is, under the real content policy.
const SCRIPT = "https://cdn.platform.openai.com/**";
const COMPONENT = `
  customElements.define("openai-chatkit", class extends HTMLElement {
    setOptions(options) { this.textContent = options.api.url + " for " + options.api.domainKey; }
  });
`;

let postgres: Postgres;
let backend: Listening;
let frontend: Service;
let browser: Browser;

beforeAll(async () => {
  [postgres, backend] = await Promise.all([startPostgres(), startStubBackend()]);
  frontend = await startFrontend({
    databaseUrl: postgres.url,
    apiUrl: backend.url,
    mcpUrl: backend.url,
    domainKey: "domain_pk_test",
  });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await frontend?.stop();
  await Promise.all([postgres?.stop(), backend?.stop()]);
});

test("the panel is ChatKit, which is let in and talks to our own origin", async () => {
  const { page, complaints } = await visit(browser, frontend.url);
  await page.route(SCRIPT, (route) => route.fulfill({ contentType: "text/javascript", body: COMPONENT }));
  await signUp(page, newAccount());
  await page.getByText("/api/chatkit for domain_pk_test").waitFor();
  expect(complaints).toEqual([]);
  await page.context().close();
});

test.each([
  ["refuses", (route: Route) => route.abort()],
  ["never answers", () => undefined],
])("where OpenAI %s, the plain panel stands in", async (_, answer) => {
  const { page } = await visit(browser, frontend.url);
  await page.route(SCRIPT, answer);
  await signUp(page, newAccount());
  await page.getByLabel("Message to the assistant").fill("add milk");
  await page.keyboard.press("Enter");
  await page.getByRole("checkbox", { name: "Done: milk" }).waitFor();
  await page.context().close();
});
