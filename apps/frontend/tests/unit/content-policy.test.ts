import { expect, test } from "vitest";
import { contentPolicy } from "@/lib/content-policy";

test("nothing from outside is let in, and no inline or evaluated code", () => {
  const policy = contentPolicy({ nonce: "abc", chatkit: false, development: false });
  expect(policy).not.toContain("http");
  expect(policy).not.toContain("unsafe");
  expect(policy).toContain("script-src 'self' 'nonce-abc' 'strict-dynamic'");
  expect(policy).toContain("frame-src 'none'");
});

test("ChatKit's origin, and no other, is let in where a domain key is set", () => {
  const policy = contentPolicy({ nonce: "abc", chatkit: true, development: false });
  const outside = new Set(policy.match(/https?:[^\s;]+/g));
  expect([...outside]).toEqual(["https://cdn.platform.openai.com"]);
  expect(policy).not.toContain("unsafe");
});
