import { z } from "zod";

/** The environment cannot be used; the message is one line that names each setting. */
export class BadSettings extends Error {
  override name = "BadSettings";
}

const serviceUrl = (example: string) =>
  z
    .url({ protocol: /^https?$/, error: `must be a URL such as ${example}` })
    .transform((url) => url.replace(/\/+$/, ""));

function isPostgresUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : null;
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1;
}

function isOrigin(value: string): boolean {
  return /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

const schema = z.object({
  DATABASE_URL: z
    .string({ error: "is not set" })
    .refine(isPostgresUrl, "must be a URL such as postgresql://user:password@host/database?sslmode=require"),
  BETTER_AUTH_SECRET: z
    .string({ error: "is not set" })
    .min(32, "must have 32 characters or more, for example from `openssl rand -base64 32`"),
  BETTER_AUTH_URL: z
    .string({ error: "is not set" })
    // Kept to the letter: the backend compares the token's issuer with the same text.
    .refine(isOrigin, "must be an address without a path, such as https://todo.example.com"),
  NEXT_PUBLIC_API_URL: serviceUrl("http://backend:8000").default("http://backend:8000"),
  NEXT_PUBLIC_MCP_URL: serviceUrl("http://mcp-server:8001").default("http://mcp-server:8001"),
  NEXT_PUBLIC_OPENAI_DOMAIN_KEY: z
    .string()
    .regex(/^[\w.-]+$/, "must be the domain key as OpenAI shows it, without spaces")
    .optional(),
});

export type Settings = Readonly<z.infer<typeof schema>>;

/**
 * Checks the settings of an environment; an empty variable counts as not set.
 *
 * @throws {BadSettings} A setting is missing or malformed. The message never holds a value.
 */
export function parseSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.fromEntries(
    Object.entries(environment)
      .map(([name, value]) => [name, value?.trim()] as const)
      .filter(([, value]) => value),
  );
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw new BadSettings(parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("; "));
  }
  return parsed.data;
}

let current: Settings | undefined;

/** The settings of this process. Read when first asked for, so that a build needs none. */
export function settings(): Settings {
  // The whole object on purpose: Next writes `process.env.NEXT_PUBLIC_…` into the bundle at build time.
  current ??= parseSettings(process.env);
  return current;
}
