import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/frontend";

const BUILT = path.join(ROOT, ".next/standalone/.next");
const SECRET = "a secret of the project's own";
let place: string;
let made: string[];

beforeAll(() => {
  place = mkdtempSync(path.join(tmpdir(), "next-keys-"));
  const { preview } = JSON.parse(readFileSync(path.join(BUILT, "prerender-manifest.json"), "utf8"));
  const actions = JSON.parse(readFileSync(path.join(BUILT, "server/server-reference-manifest.json"), "utf8"));
  made = [...Object.values<string>(preview), actions.encryptionKey];
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Every file of a folder with its text. */
function files(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const found = names.filter((name) => statSync(path.join(folder, name)).isFile()).sort();
  return Object.fromEntries(found.map((name) => [name, readFileSync(path.join(folder, name), "latin1")]));
}

/** The build as it would be with other keys made up, after the script with a secret. */
function keyed(name: string, secret: string): Record<string, string> {
  const build = path.join(place, name);
  cpSync(BUILT, build, { recursive: true, filter: (file) => !file.includes("node_modules") });
  const others = made.map((key): [string, string] => [
    key,
    /^[0-9a-f]+$/.test(key) ? randomBytes(key.length / 2).toString("hex") : randomBytes(32).toString("base64"),
  ]);
  for (const [file, text] of Object.entries(files(build))) {
    const changed = others.reduce((before, [was, is]) => before.replaceAll(was, is), text);
    if (changed !== text) writeFileSync(path.join(build, file), changed, "latin1");
  }
  writeFileSync(path.join(place, "secret"), secret);
  execFileSync(process.execPath, [path.join(ROOT, "next-keys.mjs"), build, path.join(place, "secret")]);
  const after = files(build);
  for (const [, key] of others) {
    expect(Object.entries(after).filter(([, text]) => text.includes(key))).toEqual([]);
  }
  return after;
}

test("two builds that made up other keys are the same to the byte with the same secret, and differ with another", () => {
  const first = keyed("first", SECRET);
  expect(keyed("second", SECRET)).toEqual(first);
  const other = keyed("third", "another");
  expect(Object.keys(other).filter((name) => other[name] !== first[name])).toEqual([
    "prerender-manifest.json",
    "server/preview-props.json",
    "server/server-reference-manifest.js",
    "server/server-reference-manifest.json",
  ]);
});
