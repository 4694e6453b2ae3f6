import { z } from "zod";
import { PRIORITIES } from "./task";

export const PAGE_SIZE = 50;

// What the address bar holds is anybody's: a value that is not known falls back to its default.
const filtersSchema = z.object({
  search: z.string().max(200).catch(""),
  status: z.enum(["all", "open", "done"]).catch("all"),
  priority: z.enum(["", ...PRIORITIES]).catch(""),
  tag: z.string().max(50).catch(""),
  sort: z.enum(["created", "due", "priority", "title"]).catch("created"),
  page: z.coerce.number().int().min(1).max(100_000).catch(1),
});

export type Filters = z.infer<typeof filtersSchema>;

export const NO_FILTERS: Filters = filtersSchema.parse({});

// The order that a reader expects of each: newest first, most urgent first, A to Z.
const ORDER: Record<Filters["sort"], "asc" | "desc"> = { created: "desc", due: "asc", priority: "desc", title: "asc" };

/** The filters that an address names. */
export function filtersOf(params: URLSearchParams): Filters {
  return filtersSchema.parse(Object.fromEntries(params));
}

/** The address for filters: only what differs from the default. */
export function addressOf(filters: Filters): string {
  const entries = Object.entries(filters).filter(([name, value]) => value !== NO_FILTERS[name as keyof Filters]);
  const query = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return query ? `/?${query}` : "/";
}

/** The backend's query for filters; equal filters give equal text, so that it also names the cached list. */
export function queryOf(filters: Filters): string {
  const query = new URLSearchParams({
    status: filters.status,
    sort: filters.sort,
    order: ORDER[filters.sort],
    page: String(filters.page),
    page_size: String(PAGE_SIZE),
  });
  for (const name of ["search", "priority", "tag"] as const) {
    if (filters[name]) {
      query.set(name, filters[name]);
    }
  }
  return query.toString();
}

/** Whether anything is left out of the list. */
export function isNarrowed({ search, status, priority, tag }: Filters): boolean {
  return Boolean(search || priority || tag || status !== "all");
}
