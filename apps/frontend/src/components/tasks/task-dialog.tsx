"use client";

import type { FormEvent, ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { closeDialogOf, Dialog } from "@/components/ui/dialog";
import { parseTags, type Priority, type Recurrence, type TaskDraft } from "@/lib/task";

interface Props {
  title: string;
  draft: TaskDraft;
  onSave: (draft: TaskDraft) => void;
  onClose: () => void;
}

/** Every field of a task. */
export function TaskDialog({ title, draft, onSave, onClose }: Props) {
  // method="dialog" closes the dialog once the fields are valid and this has run.
  function save(event: FormEvent<HTMLFormElement>) {
    const form = new FormData(event.currentTarget);
    const read = (name: string) => String(form.get(name) ?? "").trim();
    onSave({
      title: read("title"),
      description: read("description"),
      priority: read("priority") as Priority,
      recurrence: read("recurrence") as Recurrence,
      due_date: read("due_date") || null,
      tags: parseTags(read("tags")),
    });
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <form method="dialog" className="flex flex-col gap-4 overflow-y-auto p-5" onSubmit={save}>
        <Labelled label="Title">
          <input
            data-focus-first
            className="field"
            name="title"
            required
            maxLength={200}
            pattern=".*\S.*"
            defaultValue={draft.title}
          />
        </Labelled>
        <Labelled label="Description">
          <textarea className="field min-h-24" name="description" maxLength={5000} defaultValue={draft.description} />
        </Labelled>
        <div className="grid grid-cols-1 gap-4 sm:grid-cols-3">
          <Labelled label="Due date">
            <input className="field" type="date" name="due_date" defaultValue={draft.due_date ?? ""} />
          </Labelled>
          <Labelled label="Priority">
            <select className="field choice" name="priority" defaultValue={draft.priority}>
              <option value="high">High</option>
              <option value="medium">Medium</option>
              <option value="low">Low</option>
            </select>
          </Labelled>
          <Labelled label="Repeats">
            <select className="field choice" name="recurrence" defaultValue={draft.recurrence}>
              <option value="none">Never</option>
              <option value="daily">Every day</option>
              <option value="weekly">Every week</option>
              <option value="monthly">Every month</option>
            </select>
          </Labelled>
        </div>
        <Labelled label="Tags">
          <input
            className="field"
            name="tags"
            maxLength={500}
            placeholder="home, errands"
            autoComplete="off"
            defaultValue={draft.tags.join(", ")}
          />
        </Labelled>
        <div className="flex justify-end gap-2 pt-1">
          <Button variant="plain" onClick={(event) => closeDialogOf(event.currentTarget)}>
            Cancel
          </Button>
          <Button type="submit">Save</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return (
    <label className="flex min-w-0 flex-col gap-1.5 text-sm font-medium">
      {label}
      {children}
    </label>
  );
}
