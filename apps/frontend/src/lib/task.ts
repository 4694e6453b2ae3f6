import { z } from "zod";

export const PRIORITIES = ["low", "medium", "high"] as const;
export const RECURRENCES = ["none", "daily", "weekly", "monthly"] as const;

const taskSchema = z.object({
  id: z.uuid(),
  title: z.string(),
  description: z.string(),
  priority: z.enum(PRIORITIES),
  tags: z.array(z.string()),
  due_date: z.string().nullable(),
  recurrence: z.enum(RECURRENCES),
  completed: z.boolean(),
  completed_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});

const taskPageSchema = z.object({
  items: z.array(taskSchema),
  total: z.int(),
  page: z.int(),
  page_size: z.int(),
});

export type Task = z.infer<typeof taskSchema>;
export type TaskPage = z.infer<typeof taskPageSchema>;
export type Priority = Task["priority"];
export type Recurrence = Task["recurrence"];

/** What a user decides about a task; the rest is the backend's. */
export type TaskDraft = Pick<Task, "title" | "description" | "priority" | "tags" | "due_date" | "recurrence">;

export const parseTask = (value: unknown): Task => taskSchema.parse(value);
export const parseTaskPage = (value: unknown): TaskPage => taskPageSchema.parse(value);

export const EMPTY_DRAFT: TaskDraft = {
  title: "",
  description: "",
  priority: "medium",
  tags: [],
  due_date: null,
  recurrence: "none",
};

/** Splits what was typed into tags: commas or spaces, a `#` in front or not, each once. */
export function parseTags(text: string): string[] {
  const words = text.split(/[\s,]+/).map((word) => word.replace(/^#+/, ""));
  return [...new Set(words.filter(Boolean))];
}

/**
 * Reads a quickly typed task: `#word` is a tag, `!low` or `!high` a priority, the rest the title.
 *
 * @returns The draft; its title is empty where only marks were typed.
 */
export function parseQuickTask(text: string): TaskDraft {
  const draft = { ...EMPTY_DRAFT };
  const title: string[] = [];
  const tags: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const priority = PRIORITIES.find((one) => word === `!${one}`);
    if (priority) {
      draft.priority = priority;
    } else if (/^#[^#]/.test(word)) {
      tags.push(word);
    } else {
      title.push(word);
    }
  }
  return { ...draft, title: title.join(" "), tags: parseTags(tags.join(" ")) };
}
