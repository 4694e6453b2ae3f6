"use client";

import { Search, X } from "lucide-react";
import { useRef, useState, type Ref } from "react";
import type { Filters } from "@/lib/filters";

const STATUSES = [
  ["all", "All"],
  ["open", "Open"],
  ["done", "Done"],
] as const satisfies readonly (readonly [Filters["status"], string])[];

const TYPING_PAUSE_MS = 250;

interface Props {
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
  searchRef: Ref<HTMLInputElement>;
}

export function FilterBar({ filters, onChange, searchRef }: Props) {
  return (
    <div role="search" aria-label="Filter tasks" className="flex flex-wrap items-center gap-2">
      <SearchField filters={filters} onChange={onChange} searchRef={searchRef} />
      <select
        aria-label="Sort by"
        value={filters.sort}
        onChange={(event) => onChange({ sort: event.target.value as Filters["sort"] })}
        className="field choice w-auto border-line"
      >
        <option value="created">Newest first</option>
        <option value="due">By due date</option>
        <option value="priority">By priority</option>
        <option value="title">A to Z</option>
      </select>
      <fieldset className="flex rounded-lg bg-raised p-1">
        <legend className="sr-only">Status</legend>
        {STATUSES.map(([status, label]) => (
          <label
            key={status}
            className="rounded-md px-3 py-1 text-sm font-medium text-soft has-checked:bg-pill has-checked:text-ink has-checked:shadow-card has-focus-visible:outline-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name="status"
              className="sr-only"
              checked={filters.status === status}
              onChange={() => onChange({ status })}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <select
        aria-label="Priority"
        value={filters.priority}
        onChange={(event) => onChange({ priority: event.target.value as Filters["priority"] })}
        className="field choice w-auto flex-1 border-line sm:flex-none"
      >
        <option value="">Any priority</option>
        <option value="high">High</option>
        <option value="medium">Medium</option>
        <option value="low">Low</option>
      </select>
      {filters.tag && (
        <button
          type="button"
          onClick={() => onChange({ tag: "" })}
          className="inline-flex min-h-9 items-center gap-1.5 rounded-full bg-tint px-3 text-sm font-medium text-accent"
        >
          #{filters.tag}
          <X size={14} aria-hidden />
          <span className="sr-only">Stop filtering by this tag</span>
        </button>
      )}
    </div>
  );
}

/** Keeps what is typed to itself and asks for it when the typing pauses. */
function SearchField({ filters, onChange, searchRef }: Props) {
  const [text, setText] = useState(filters.search);
  const [sent, setSent] = useState(filters.search);
  const [known, setKnown] = useState(filters.search);
  if (filters.search !== known) {
    setKnown(filters.search);
    // Somebody else's change, such as "Clear filters"; our own comes back while more is being typed.
    if (filters.search !== sent) {
      setText(filters.search);
    }
  }
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  return (
    <div className="relative min-w-40 flex-1">
      <Search
        size={16}
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 text-soft"
      />
      <input
        ref={searchRef}
        type="search"
        aria-label="Search tasks"
        placeholder="Search"
        maxLength={200}
        value={text}
        onChange={(event) => {
          const search = event.target.value;
          setText(search);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => {
            setSent(search.trim());
            onChange({ search: search.trim() });
          }, TYPING_PAUSE_MS);
        }}
        className="field border-line pl-9"
      />
    </div>
  );
}
