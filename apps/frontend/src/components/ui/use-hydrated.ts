"use client";

import { useSyncExternalStore } from "react";

const never = () => () => undefined;

/** Whether the page's scripts have taken over; false in what the server renders. */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}
