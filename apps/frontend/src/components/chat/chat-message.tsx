"use client";

import { Check, LoaderCircle } from "lucide-react";
import Markdown from "react-markdown";
import type { Message } from "./use-chat";

// What a model writes is shown, never followed: no links, images or raw HTML.
const SHOWN = ["p", "strong", "em", "del", "ul", "ol", "li", "code", "pre", "blockquote", "br"];

const TOOLS: Readonly<Record<string, readonly [doing: string, done: string]>> = {
  add_task: ["Adding a task…", "Added a task"],
  list_tasks: ["Reading your tasks…", "Read your tasks"],
  update_task: ["Changing a task…", "Changed a task"],
  complete_task: ["Completing a task…", "Completed a task"],
  delete_task: ["Deleting a task…", "Deleted a task"],
};

export function ChatMessage({ message, writing }: { message: Message; writing: boolean }) {
  if (message.from === "user") {
    return (
      <div className="max-w-[85%] self-end rounded-2xl rounded-br-md bg-accent px-4 py-2.5 text-sm wrap-anywhere whitespace-pre-wrap text-on-accent">
        <span className="sr-only">You: </span>
        {message.text}
      </div>
    );
  }
  return (
    <div className="flex max-w-[95%] flex-col items-start gap-2 self-start text-sm">
      <span className="sr-only">Assistant: </span>
      {message.tools.map(({ name, done }, at) => {
        const [doing, did] = TOOLS[name] ?? [`Using ${name}…`, `Used ${name}`];
        const Icon = done ? Check : LoaderCircle;
        return (
          <span
            key={at}
            className="inline-flex items-center gap-1.5 rounded-full bg-tint px-3 py-1 text-xs font-medium text-accent"
          >
            <Icon size={13} strokeWidth={2.5} aria-hidden className={done ? "" : "animate-spin"} />
            {done ? did : doing}
          </span>
        );
      })}
      {message.text && (
        <div className="max-w-full rounded-2xl rounded-bl-md bg-raised px-4 py-2.5 leading-relaxed wrap-anywhere [&_li]:ml-4 [&_ol]:list-decimal [&_pre]:overflow-x-auto [&_ul]:list-disc [&>*+*]:mt-2">
          <Markdown allowedElements={SHOWN} unwrapDisallowed>
            {message.text}
          </Markdown>
        </div>
      )}
      {message.error && <p className="rounded-xl bg-danger-tint px-3 py-2 text-danger">{message.error}</p>}
      {writing && !message.text && message.tools.every(({ done }) => done) && (
        <p className="animate-pulse text-soft">Thinking…</p>
      )}
    </div>
  );
}
