"use client";

import { Plus, SlidersHorizontal } from "lucide-react";
import { useState, type FormEvent, type Ref } from "react";
import { Button, IconButton } from "@/components/ui/button";
import { parseQuickTask, type TaskDraft } from "@/lib/task";

interface Props {
  inputRef: Ref<HTMLInputElement>;
  onAdd: (draft: TaskDraft) => void;
  /** Asked for a form with every field, begun with what was typed. */
  onDetails: (draft: TaskDraft) => void;
}

export function QuickAdd({ inputRef, onAdd, onDetails }: Props) {
  const [text, setText] = useState("");
  const draft = parseQuickTask(text);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (draft.title) {
      onAdd(draft);
      setText("");
    }
  }

  return (
    <form
      onSubmit={submit}
      className="rounded-2xl border border-line bg-surface p-2 shadow-card focus-within:border-accent"
    >
      <div className="flex items-center gap-1">
        <Plus size={20} aria-hidden className="ml-2 shrink-0 text-soft" />
        <input
          ref={inputRef}
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label="New task"
          aria-describedby="quick-add-hint"
          placeholder="Add a task…"
          maxLength={200}
          autoComplete="off"
          className="min-h-10 min-w-0 flex-1 rounded-lg bg-transparent px-2 text-base outline-none placeholder:text-soft"
        />
        <IconButton
          label="Add with details"
          onClick={() => {
            onDetails(draft);
            setText("");
          }}
        >
          <SlidersHorizontal size={18} aria-hidden />
        </IconButton>
        <Button type="submit" disabled={!draft.title}>
          Add
        </Button>
      </div>
      <p id="quick-add-hint" className={text ? "px-3 pt-1.5 pb-0.5 text-xs text-soft" : "sr-only"}>
        #word adds a tag, !high or !low sets the priority.
      </p>
    </form>
  );
}
