"use client";

import { useRef } from "react";
import useSWR from "swr";
import { useNotify } from "@/components/ui/toaster";
import { completeTask, createTask, deleteTask, listTasks, updateTask } from "@/lib/api";
import { PAGE_SIZE, queryOf, type Filters } from "@/lib/filters";
import type { Task, TaskDraft, TaskPage } from "@/lib/task";

const KEY = "tasks";
const PENDING = "pending-";
const NONE: TaskPage = { items: [], total: 0, page: 1, page_size: PAGE_SIZE };

/** Whether a cached value is a list of tasks: what to load again after the assistant has worked on them. */
export const isTaskList = (key: unknown): boolean => Array.isArray(key) && key[0] === KEY;

/** Whether the backend does not know the task yet. */
export const isPending = (task: Task): boolean => task.id.startsWith(PENDING);

const replace = (id: string, change: Partial<Task>) => (page: TaskPage) => ({
  ...page,
  items: page.items.map((task) => (task.id === id ? { ...task, ...change } : task)),
});

/**
 * The tasks that filters name, and what a user does to them.
 *
 * A change shows at once, is sent, and the list is loaded again; a change that fails is taken back and said.
 */
export function useTasks(filters: Filters) {
  const notify = useNotify();
  const drafts = useRef(0);
  const { data, error, isLoading, isValidating, mutate } = useSWR<TaskPage, Error, [string, string]>(
    [KEY, queryOf(filters)],
    ([, query]) => listTasks(query),
    { keepPreviousData: true },
  );

  async function change(expect: (page: TaskPage) => TaskPage, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await mutate(
        async () => {
          await work();
          return undefined;
        },
        {
          optimisticData: (_known, shown) => expect(shown ?? data ?? NONE),
          populateCache: false,
          rollbackOnError: true,
        },
      );
      return true;
    } catch (reason) {
      notify({ tone: "error", text: reason instanceof Error ? reason.message : String(reason) });
      return false;
    }
  }

  const add = (draft: TaskDraft) => {
    const now = new Date().toISOString();
    const task: Task = {
      ...draft,
      id: `${PENDING}${++drafts.current}`,
      completed: false,
      completed_at: null,
      created_at: now,
      updated_at: now,
    };
    return change(
      (page) => ({ ...page, items: [task, ...page.items], total: page.total + 1 }),
      () => createTask(draft),
    );
  };

  const edit = (task: Task, draft: TaskDraft) => change(replace(task.id, draft), () => updateTask(task.id, draft));

  const complete = (task: Task, completed: boolean) =>
    change(replace(task.id, { completed }), () => completeTask(task.id, completed));

  const restore = ({ title, description, priority, tags, due_date, recurrence, completed }: Task) =>
    change(
      (page) => page,
      async () => {
        // The next occurrence of a completed recurring task exists already: completing it anew must not make another.
        const repeats = completed ? "none" : recurrence;
        const copy = await createTask({ title, description, priority, tags, due_date, recurrence: repeats });
        if (completed) {
          await completeTask(copy.id, true);
        }
      },
    );

  const remove = async (task: Task) => {
    const removed = await change(
      (page) => ({ ...page, items: page.items.filter(({ id }) => id !== task.id), total: page.total - 1 }),
      () => deleteTask(task.id),
    );
    if (removed) {
      notify({
        tone: "info",
        text: `Deleted “${task.title}”`,
        action: { label: "Undo", run: () => void restore(task) },
      });
    }
  };

  return { page: data, error, isLoading, isValidating, reload: () => mutate(), add, edit, complete, remove };
}
