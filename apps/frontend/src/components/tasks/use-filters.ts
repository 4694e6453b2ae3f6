"use client";

import { useSearchParams } from "next/navigation";
import { addressOf, filtersOf, type Filters } from "@/lib/filters";

/** The filters, kept in the address so that a view can be bookmarked and survives a reload. */
export function useFilters(): [Filters, (change: Partial<Filters>) => void] {
  const params = useSearchParams();
  const filters = filtersOf(new URLSearchParams(params));
  const narrow = (change: Partial<Filters>) => {
    // Read anew: the address may have changed since this render.
    const current = filtersOf(new URLSearchParams(window.location.search));
    window.history.replaceState(null, "", addressOf({ ...current, page: 1, ...change }));
  };
  return [filters, narrow];
}
