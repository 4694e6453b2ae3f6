import { expect, test } from "vitest";
import { BadSettings, parseSettings } from "@/server/settings";

const GOOD = {
  DATABASE_URL: "postgresql://todo:hunter2@db/todo?sslmode=require",
  BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef",
  BETTER_AUTH_URL: "https://todo.example.com",
};

const complaint = (environment: Record<string, string>): string => {
  try {
    parseSettings(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(BadSettings);
    return (error as Error).message;
  }
  throw new Error("the settings were taken");
};

test("the other services have the addresses of the cluster when nothing else is said", () => {
  const settings = parseSettings(GOOD);
  expect(settings.NEXT_PUBLIC_API_URL).toBe("http://backend:8000");
  expect(settings.NEXT_PUBLIC_MCP_URL).toBe("http://mcp-server:8001");
  expect(settings.NEXT_PUBLIC_OPENAI_DOMAIN_KEY).toBeUndefined();
});

test("every missing setting is named in one line", () => {
  expect(complaint({})).toBe("DATABASE_URL is not set; BETTER_AUTH_SECRET is not set; BETTER_AUTH_URL is not set");
});

test("a setting that is empty, as an unfilled .env has it, counts as not set", () => {
  expect(complaint({ ...GOOD, BETTER_AUTH_SECRET: " " })).toBe("BETTER_AUTH_SECRET is not set");
  expect(parseSettings({ ...GOOD, NEXT_PUBLIC_OPENAI_DOMAIN_KEY: "" }).NEXT_PUBLIC_OPENAI_DOMAIN_KEY).toBeUndefined();
});

test.each([
  ["DATABASE_URL", "mysql://root:hunter2@db/todo"],
  ["DATABASE_URL", "postgresql://db"],
  ["BETTER_AUTH_SECRET", "hunter2"],
  ["BETTER_AUTH_URL", "https://todo.example.com/"],
  ["BETTER_AUTH_URL", "localhost:3000"],
  ["NEXT_PUBLIC_API_URL", "api.internal:8000"],
  ["NEXT_PUBLIC_MCP_URL", "ftp://mcp"],
  ["NEXT_PUBLIC_OPENAI_DOMAIN_KEY", "two words; script-src *"],
])("a malformed %s is named, and its value kept back: %s", (name, value) => {
  const said = complaint({ ...GOOD, [name]: value });
  expect(said).toMatch(new RegExp(`^${name} must `));
  expect(said).not.toContain("\n");
  expect(said).not.toContain(value);
});

test("a service's address may end in a slash", () => {
  expect(parseSettings({ ...GOOD, NEXT_PUBLIC_API_URL: "http://api:8000/" }).NEXT_PUBLIC_API_URL).toBe(
    "http://api:8000",
  );
});
