// node next-keys.mjs BUILD SECRET: puts keys that follow from a secret in the place of those that Next made up, so that the
// same sources make the same files. Next keeps no such keys in a container, and has no setting for those of preview mode.
// Who knows one can have pages made anew or read a server action's closure: they must not follow from the sources alone.
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const [build, secret] = process.argv.slice(2);
const PREVIEW = ["prerender-manifest.json", "server/preview-props.json"];
const ACTIONS = ["server/server-reference-manifest.json", "server/server-reference-manifest.js"];

const read = (file) => readFileSync(path.join(build, file), "utf8");
const derived = (name) => createHmac("sha256", readFileSync(secret)).update(name).digest();

function replace(files, was, is) {
  for (const file of files) {
    writeFileSync(path.join(build, file), read(file).replaceAll(was, is));
  }
}

const { preview } = JSON.parse(read(PREVIEW[0]));
for (const [name, value] of Object.entries(preview)) {
  replace(PREVIEW, value, derived(name).toString("hex").slice(0, value.length));
}
const { encryptionKey } = JSON.parse(read(ACTIONS[0]));
replace(ACTIONS, encryptionKey, derived("encryptionKey").toString("base64"));
