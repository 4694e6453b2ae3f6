import { betterAuth } from "better-auth";
import { jwt } from "better-auth/plugins";
import { database } from "./database";
import { settings } from "./settings";

function createAuth() {
  const { BETTER_AUTH_URL: publicUrl, BETTER_AUTH_SECRET: secret } = settings();
  return betterAuth({
    appName: "Todo",
    baseURL: publicUrl,
    secret,
    database: database(),
    emailAndPassword: { enabled: true },
    // Tokens are for the backend and are attached on the server: no endpoint or header hands one to the browser.
    disabledPaths: ["/token"],
    plugins: [
      jwt({
        disableSettingJwtHeader: true,
        jwt: {
          issuer: publicUrl,
          audience: publicUrl,
          expirationTime: "15m",
        },
      }),
    ],
    telemetry: { enabled: false },
  });
}

let instance: ReturnType<typeof createAuth> | undefined;

/** Better Auth, made when first asked for, so that a build needs no settings. */
export function auth(): ReturnType<typeof createAuth> {
  instance ??= createAuth();
  return instance;
}
