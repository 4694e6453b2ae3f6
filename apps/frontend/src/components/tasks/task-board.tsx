"use client";

import { useRef, useState } from "react";
import { useShortcuts } from "@/components/shell/use-shortcuts";
import type { ShortcutId } from "@/lib/shortcuts";
import type { Task, TaskDraft, TaskPage } from "@/lib/task";
import { FilterBar } from "./filter-bar";
import { QuickAdd } from "./quick-add";
import { TaskDialog } from "./task-dialog";
import { TaskList } from "./task-list";
import { TaskRow } from "./task-row";
import { useFilters } from "./use-filters";
import { isPending, useTasks } from "./use-tasks";

interface Props {
  onChat: () => void;
  onHelp: () => void;
}

/** What the dialog works on: a task that is there, or a new one begun with what was typed. */
type Editing = { task: Task } | { begun: TaskDraft };

export function TaskBoard({ onChat, onHelp }: Props) {
  const [filters, setFilters] = useFilters();
  const tasks = useTasks(filters);
  const [editing, setEditing] = useState<Editing | null>(null);
  const add = useRef<HTMLInputElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const board = useRef<HTMLElement>(null);
  const today = new Date();

  /** Does something with the task in focus; false where there is none. */
  function onTask(run: (task: Task) => void): boolean {
    const id = document.activeElement?.closest<HTMLElement>("[data-task]")?.dataset.task;
    const task = tasks.page?.items.find((one) => one.id === id);
    if (!task || isPending(task)) {
      return false;
    }
    run(task);
    return true;
  }

  useShortcuts((shortcut) => {
    const act: Record<ShortcutId, () => unknown> = {
      add: () => add.current?.focus(),
      search: () => search.current?.focus(),
      next: () => moveFocus(board.current, 1),
      previous: () => moveFocus(board.current, -1),
      complete: () => onTask((task) => void tasks.complete(task, !task.completed)),
      edit: () => onTask((task) => setEditing({ task })),
      remove: () =>
        onTask((task) => {
          moveFocus(board.current, 1);
          void tasks.remove(task);
        }),
      chat: onChat,
      help: onHelp,
    };
    return act[shortcut]() !== false;
  });

  return (
    <main ref={board} className="min-w-0 flex-1 px-4 py-6 sm:px-6 sm:py-8">
      <div className="mx-auto flex max-w-3xl flex-col gap-4">
        <div className="flex items-baseline justify-between gap-4">
          <h1 className="text-2xl font-semibold tracking-tight">Tasks</h1>
          <p role="status" className="text-sm text-soft">
            {tasks.page && count(tasks.page)}
          </p>
        </div>
        <QuickAdd
          inputRef={add}
          onAdd={(draft) => void tasks.add(draft)}
          onDetails={(begun) => setEditing({ begun })}
        />
        <FilterBar filters={filters} onChange={setFilters} searchRef={search} />
        <section
          aria-label="List"
          aria-busy={tasks.isLoading}
          className="overflow-hidden rounded-2xl border border-line bg-surface shadow-card"
        >
          <TaskList
            page={tasks.page}
            error={tasks.error}
            filters={filters}
            onFilter={setFilters}
            onRetry={() => void tasks.reload()}
          >
            {(page) =>
              page.items.map((task) => (
                <TaskRow
                  key={task.id}
                  task={task}
                  today={today}
                  onComplete={(completed) => void tasks.complete(task, completed)}
                  onEdit={() => setEditing({ task })}
                  onRemove={() => void tasks.remove(task)}
                  onTag={(tag) => setFilters({ tag })}
                />
              ))
            }
          </TaskList>
        </section>
      </div>
      {editing && (
        <TaskDialog
          title={"task" in editing ? "Edit task" : "New task"}
          draft={"task" in editing ? editing.task : editing.begun}
          onSave={(draft) => void ("task" in editing ? tasks.edit(editing.task, draft) : tasks.add(draft))}
          onClose={() => setEditing(null)}
        />
      )}
    </main>
  );
}

function count({ total }: TaskPage): string {
  return `${total} ${total === 1 ? "task" : "tasks"}`;
}

/** Moves the focus from task to task; from elsewhere to the first or the last. */
function moveFocus(board: HTMLElement | null, step: 1 | -1): boolean {
  const titles = [...(board?.querySelectorAll<HTMLElement>("[data-task-title]:not(:disabled)") ?? [])];
  const row = document.activeElement?.closest("[data-task]");
  const current = titles.findIndex((title) => row?.contains(title));
  const target = current < 0 ? (step > 0 ? 0 : titles.length - 1) : current + step;
  titles[target]?.focus();
  return target in titles;
}
