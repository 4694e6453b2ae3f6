"use client";

import { ListChecks, RotateCw, SearchX, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { isNarrowed, NO_FILTERS, type Filters } from "@/lib/filters";
import type { TaskPage } from "@/lib/task";

interface Props {
  page: TaskPage | undefined;
  error: Error | undefined;
  filters: Filters;
  onFilter: (change: Partial<Filters>) => void;
  onRetry: () => void;
  /** The rows of a list that is there. */
  children: (page: TaskPage) => ReactNode;
}

/** The list, or what stands in its place: loading, failed, empty, nothing found. */
export function TaskList({ page, error, filters, onFilter, onRetry, children }: Props) {
  if (!page) {
    return error ? <Failed message={error.message} onRetry={onRetry} /> : <Skeleton />;
  }
  if (page.items.length === 0 && page.total === 0) {
    return isNarrowed(filters) ? (
      <Notice
        icon={<SearchX size={22} aria-hidden />}
        title="Nothing matches"
        text="No task fits these filters."
        action={
          <Button variant="plain" onClick={() => onFilter({ ...NO_FILTERS, sort: filters.sort })}>
            Clear filters
          </Button>
        }
      />
    ) : (
      <Notice
        icon={<ListChecks size={22} aria-hidden />}
        title="Nothing to do yet"
        text="Type your first task above, or ask the assistant to add it for you."
      />
    );
  }
  return (
    <>
      {error && <Stale message={error.message} onRetry={onRetry} />}
      <ul aria-label="Tasks" className="divide-y divide-line">
        {children(page)}
      </ul>
      <Pager page={page} onPage={(number) => onFilter({ page: number })} />
    </>
  );
}

function Failed({ message, onRetry }: { message: string; onRetry: () => void }) {
  return (
    <div role="alert">
      <Notice
        icon={<TriangleAlert size={22} aria-hidden />}
        tone="danger"
        title="Your tasks could not be loaded"
        text={message}
        action={<Button onClick={onRetry}>Try again</Button>}
      />
    </div>
  );
}

function Stale({ message, onRetry }: { message: string; onRetry: () => void }) {
  return (
    <div role="alert" className="flex items-center gap-2 border-b border-line bg-warn-tint px-5 py-2 text-sm text-warn">
      <span className="min-w-0 flex-1">This list may be old. {message}</span>
      <button type="button" onClick={onRetry} className="inline-flex min-h-8 items-center gap-1.5 font-medium">
        <RotateCw size={14} aria-hidden /> Reload
      </button>
    </div>
  );
}

function Skeleton() {
  return (
    <div role="status" className="divide-y divide-line">
      <span className="sr-only">Loading tasks…</span>
      {["w-2/3", "w-1/2", "w-3/5", "w-2/5"].map((width) => (
        <div key={width} className="flex animate-pulse items-center gap-4 px-5 py-5">
          <span className="size-5.5 rounded-full bg-raised" />
          <span className={`h-4 rounded bg-raised ${width}`} />
        </div>
      ))}
    </div>
  );
}

function Pager({ page, onPage }: { page: TaskPage; onPage: (number: number) => void }) {
  const last = Math.max(1, Math.ceil(page.total / page.page_size));
  if (last === 1 && page.page === 1) {
    return null;
  }
  return (
    <nav aria-label="Pages" className="flex items-center justify-between border-t border-line px-4 py-2 text-sm">
      <Button variant="quiet" disabled={page.page <= 1} onClick={() => onPage(Math.min(page.page - 1, last))}>
        Previous
      </Button>
      <span className="text-soft">
        Page {page.page} of {last}
      </span>
      <Button variant="quiet" disabled={page.page >= last} onClick={() => onPage(page.page + 1)}>
        Next
      </Button>
    </nav>
  );
}
