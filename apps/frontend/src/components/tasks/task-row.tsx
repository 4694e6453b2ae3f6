"use client";

import { Calendar, Check, Flag, Pencil, Repeat, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "@/components/ui/button";
import { describeDue } from "@/lib/due";
import type { Task } from "@/lib/task";
import { isPending } from "./use-tasks";

interface Props {
  task: Task;
  today: Date;
  onComplete: (completed: boolean) => void;
  onEdit: () => void;
  onRemove: () => void;
  onTag: (tag: string) => void;
}

export function TaskRow({ task, today, onComplete, onEdit, onRemove, onTag }: Props) {
  const pending = isPending(task);
  return (
    <li
      data-task={task.id}
      className="group flex items-start gap-1 px-2 py-2.5 transition-colors focus-within:bg-raised/60 hover:bg-raised/60 sm:px-3"
    >
      <label className="grid size-10 shrink-0 cursor-pointer place-content-center">
        <input
          type="checkbox"
          className="peer sr-only"
          aria-label={`Done: ${task.title}`}
          checked={task.completed}
          disabled={pending}
          onChange={(event) => onComplete(event.target.checked)}
        />
        <span className="grid size-5.5 place-content-center rounded-full border-2 border-control text-transparent transition-colors peer-checked:border-accent peer-checked:bg-accent peer-checked:text-on-accent peer-hover:border-accent peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-accent">
          <Check size={14} strokeWidth={3.5} aria-hidden />
        </span>
      </label>
      <div className="min-w-0 flex-1 py-2">
        <button
          type="button"
          data-task-title
          onClick={onEdit}
          disabled={pending}
          className={`block max-w-full rounded text-left font-medium wrap-anywhere ${task.completed ? "text-soft line-through" : ""} ${pending ? "text-soft" : ""}`}
        >
          {task.title}
        </button>
        {task.description && <p className="mt-0.5 line-clamp-2 text-sm wrap-anywhere text-soft">{task.description}</p>}
        <TaskFacts task={task} today={today} onTag={onTag} />
      </div>
      <div className="flex opacity-100 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 pointer-fine:opacity-0">
        <IconButton label={`Edit ${task.title}`} onClick={onEdit} disabled={pending} className="max-sm:hidden">
          <Pencil size={16} aria-hidden />
        </IconButton>
        <IconButton label={`Delete ${task.title}`} onClick={onRemove} disabled={pending} className="hover:text-danger">
          <Trash2 size={16} aria-hidden />
        </IconButton>
      </div>
    </li>
  );
}

function TaskFacts({ task, today, onTag }: Pick<Props, "task" | "today" | "onTag">) {
  const due = task.due_date ? describeDue(task.due_date, today) : null;
  const urgent = task.completed ? "later" : due?.tone;
  const plain = task.priority === "medium" && !due && task.recurrence === "none" && task.tags.length === 0;
  if (plain) {
    return null;
  }
  return (
    <div className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1.5 text-xs text-soft">
      {due && (
        <Fact
          icon={<Calendar size={13} aria-hidden />}
          tone={urgent === "late" ? "bg-danger-tint text-danger" : urgent === "soon" ? "bg-warn-tint text-warn" : ""}
        >
          <span className="sr-only">Due </span>
          {due.label}
        </Fact>
      )}
      {task.priority !== "medium" && (
        <Fact
          icon={<Flag size={13} aria-hidden />}
          tone={task.priority === "high" && !task.completed ? "bg-danger-tint text-danger" : ""}
        >
          {task.priority === "high" ? "High" : "Low"}
          <span className="sr-only"> priority</span>
        </Fact>
      )}
      {task.recurrence !== "none" && <Fact icon={<Repeat size={13} aria-hidden />}>{REPEATS[task.recurrence]}</Fact>}
      {task.tags.map((tag) => (
        <button
          key={tag}
          type="button"
          onClick={() => onTag(tag)}
          aria-label={`Show tasks tagged ${tag}`}
          className="min-h-6 rounded-sm font-medium text-accent hover:underline"
        >
          #{tag}
        </button>
      ))}
    </div>
  );
}

const REPEATS = { daily: "Every day", weekly: "Every week", monthly: "Every month" };

function Fact({ icon, tone = "", children }: { icon: ReactNode; tone?: string; children: ReactNode }) {
  return (
    <span className={`inline-flex min-h-6 items-center gap-1 rounded-full ${tone && `px-2 font-medium ${tone}`}`}>
      {icon}
      <span>{children}</span>
    </span>
  );
}
