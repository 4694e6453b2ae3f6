import { NextResponse, type NextRequest } from "next/server";
import { contentPolicy } from "./lib/content-policy";
import { settings } from "./server/settings";

/** Gives every page view a content policy with a nonce of its own; Next puts the nonce on its scripts. */
export function proxy(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const policy = contentPolicy({
    nonce,
    chatkit: settings().NEXT_PUBLIC_OPENAI_DOMAIN_KEY !== undefined,
    development: process.env.NODE_ENV === "development",
  });
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  if (isTrustworthy(settings().BETTER_AUTH_URL)) {
    response.headers.set("cross-origin-opener-policy", "same-origin");
  }
  return response;
}

/** Whether a browser trusts what comes from an address: elsewhere it ignores the opener policy, and complains of it. */
function isTrustworthy(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === "https:" || /^(localhost|.+\.localhost|127\..+|\[::1\])$/.test(hostname);
}

export const config = { matcher: "/((?!api/|_next/static/|_next/image).*)" };
