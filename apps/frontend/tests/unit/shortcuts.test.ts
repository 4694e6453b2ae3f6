import { expect, test } from "vitest";
import { SHORTCUTS, shortcutOf } from "@/lib/shortcuts";

const press = (key: string, modifiers = {}) =>
  shortcutOf({ key, ctrlKey: false, metaKey: false, altKey: false, ...modifiers });

test("every documented key does what is written beside it, and no key does two things", () => {
  for (const { id, keys } of SHORTCUTS) {
    keys.forEach((key) => expect(press(key)).toBe(id));
  }
});

test("a key with a modifier is left to the browser", () => {
  expect(press("n", { ctrlKey: true })).toBeNull();
  expect(press("k", { metaKey: true })).toBeNull();
  expect(press("e", { altKey: true })).toBeNull();
});
