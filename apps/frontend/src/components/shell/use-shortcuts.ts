"use client";

import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import { shortcutOf, type ShortcutId } from "@/lib/shortcuts";

const STORED = "shortcuts";
const CHANGED = "shortcuts-changed";

function subscribe(changed: () => void): () => void {
  window.addEventListener(CHANGED, changed);
  return () => window.removeEventListener(CHANGED, changed);
}

/** Whether single keys do something: some people's input tools press keys by accident. */
export function useShortcutsEnabled(): [boolean, (enabled: boolean) => void] {
  const enabled = useSyncExternalStore(
    subscribe,
    () => localStorage.getItem(STORED) !== "off",
    () => true,
  );
  const set = (on: boolean) => {
    localStorage.setItem(STORED, on ? "on" : "off");
    window.dispatchEvent(new Event(CHANGED));
  };
  return [enabled, set];
}

/** Calls `run` when a shortcut is pressed outside a field and outside a dialog; it says whether it did something. */
export function useShortcuts(run: (shortcut: ShortcutId) => boolean): void {
  const [enabled] = useShortcutsEnabled();
  const press = useEffectEvent((event: KeyboardEvent) => {
    const shortcut = shortcutOf(event);
    if (shortcut && !event.defaultPrevented && !isTaken(event.target) && run(shortcut)) {
      event.preventDefault();
    }
  });
  useEffect(() => {
    if (!enabled) {
      return;
    }
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [enabled]);
}

function isTaken(target: EventTarget | null): boolean {
  const writing = "input:not([type=checkbox]), textarea, select, [contenteditable=true]";
  return document.querySelector("dialog[open]") !== null || (target instanceof Element && target.matches(writing));
}
