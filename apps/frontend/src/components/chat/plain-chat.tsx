"use client";

import { ArrowUp, RotateCcw, Square } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { IconButton } from "@/components/ui/button";
import { ChatMessage } from "./chat-message";
import type { Chat } from "./use-chat";

const SUGGESTIONS = ["Add milk to my list", "What is due this week?", "Which tasks are still open?"];

/** The assistant without anything from outside: messages, and a field to write the next one. */
export function PlainChat({ chat }: { chat: Chat }) {
  const [text, setText] = useState("");
  const end = useRef<HTMLDivElement>(null);
  const { messages, busy } = chat;

  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [messages]);

  function send(message: string) {
    if (message.trim() && !busy) {
      setText("");
      void chat.send(message.trim());
    }
  }

  function press(event: KeyboardEvent) {
    // An input method's Enter chooses a word.
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send(text);
    }
  }

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div
        role="log"
        aria-label="Conversation"
        aria-busy={busy}
        tabIndex={0}
        className="flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto px-5 py-4 -outline-offset-2"
      >
        {messages.length === 0 && <Welcome onPick={send} />}
        {messages.map((message) => (
          <ChatMessage key={message.id} message={message} writing={busy && message === messages.at(-1)} />
        ))}
        <div ref={end} />
      </div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send(text);
        }}
        className="p-3 pb-[max(0.75rem,env(safe-area-inset-bottom))]"
      >
        <div className="flex items-end gap-1 rounded-2xl border border-control bg-surface p-1.5 focus-within:border-accent">
          <textarea
            rows={1}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={press}
            aria-label="Message to the assistant"
            placeholder="Ask, or say what to do…"
            maxLength={4000}
            className="field-sizing-content max-h-40 min-h-10 min-w-0 flex-1 resize-none rounded-xl bg-transparent px-3 py-2 text-base outline-none placeholder:text-soft sm:text-sm"
          />
          {messages.length > 0 && !busy && (
            <IconButton label="New conversation" onClick={chat.restart}>
              <RotateCcw size={17} aria-hidden />
            </IconButton>
          )}
          {busy ? (
            <IconButton label="Stop" onClick={chat.stop} className="bg-raised text-ink">
              <Square size={15} fill="currentColor" aria-hidden />
            </IconButton>
          ) : (
            <IconButton
              type="submit"
              label="Send"
              disabled={!text.trim()}
              className="rounded-xl bg-accent text-on-accent hover:bg-accent-strong hover:text-on-accent disabled:bg-raised disabled:text-soft"
            >
              <ArrowUp size={18} strokeWidth={2.5} aria-hidden />
            </IconButton>
          )}
        </div>
      </form>
    </div>
  );
}

function Welcome({ onPick }: { onPick: (message: string) => void }) {
  return (
    <div className="my-auto flex flex-col gap-4 py-6">
      <p className="text-sm text-pretty text-soft">
        The assistant reads and changes your tasks for you. Tell it what you need in your own words.
      </p>
      <ul aria-label="Suggestions" className="flex flex-col items-start gap-2">
        {SUGGESTIONS.map((suggestion) => (
          <li key={suggestion}>
            <button
              type="button"
              onClick={() => onPick(suggestion)}
              className="min-h-9 rounded-full border border-control px-3.5 text-left text-sm transition-colors hover:bg-raised"
            >
              {suggestion}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
