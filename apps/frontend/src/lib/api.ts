import { z } from "zod";
import { parseTask, parseTaskPage, type Task, type TaskDraft, type TaskPage } from "./task";

/** An answer that is not a success, in words for the user. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const problemSchema = z.object({ title: z.string(), detail: z.string().optional() });

/** What a failed answer says, from its problem document where it has one. */
export async function failure(response: Response): Promise<ApiError> {
  const body = problemSchema.safeParse(await response.json().catch(() => null));
  const said = body.success ? (body.data.detail ?? body.data.title) : `The server answered ${response.status}.`;
  return new ApiError(response.status, said);
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "You seem to be offline. Check the connection and try again.");
  }
  if (!response.ok) {
    throw await failure(response);
  }
  return response.status === 204 ? null : response.json();
}

const taskPath = (id: string) => `/api/tasks/${encodeURIComponent(id)}`;

export const listTasks = async (query: string): Promise<TaskPage> =>
  parseTaskPage(await call("GET", `/api/tasks?${query}`));

export const createTask = async (draft: TaskDraft): Promise<Task> => parseTask(await call("POST", "/api/tasks", draft));

export const updateTask = async (id: string, change: Partial<TaskDraft>): Promise<Task> =>
  parseTask(await call("PATCH", taskPath(id), change));

export const completeTask = async (id: string, completed: boolean): Promise<Task> =>
  parseTask(await call("POST", `${taskPath(id)}/complete`, { completed }));

export const deleteTask = async (id: string): Promise<void> => {
  await call("DELETE", taskPath(id));
};
