"use client";

import { useSyncExternalStore } from "react";

/** Tailwind's `lg`, from which two columns fit. */
const WIDE = "(min-width: 64rem)";

function subscribe(changed: () => void): () => void {
  const list = matchMedia(WIDE);
  list.addEventListener("change", changed);
  return () => list.removeEventListener("change", changed);
}

/** Whether two columns fit; true on the server, so that what it renders is hidden by `max-lg:` where they do not. */
export function useWide(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => matchMedia(WIDE).matches,
    () => true,
  );
}
