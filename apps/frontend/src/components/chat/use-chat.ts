"use client";

import { useEffect, useRef, useState } from "react";
import { loadConversation, streamChat, type ChatEvent } from "@/lib/chat";

interface ToolUse {
  name: string;
  done: boolean;
}

export interface Message {
  id: number;
  from: "user" | "assistant";
  text: string;
  tools: ToolUse[];
  error?: string;
}

/** Where a tab keeps its conversation's id over a reload. */
const STORED = "conversation";

/** A message after one more event of its stream. */
export function applyEvent(message: Message, event: ChatEvent): Message {
  switch (event.type) {
    case "delta":
      return { ...message, text: message.text + event.text };
    case "error":
      return { ...message, error: event.message };
    case "done":
      return message;
    case "tool": {
      if (event.status === "called") {
        return { ...message, tools: [...message.tools, { name: event.name, done: false }] };
      }
      // Calls of the same tool may run side by side; which of them is done makes no difference to the reader.
      const running = message.tools.findIndex(({ name, done }) => name === event.name && !done);
      return { ...message, tools: message.tools.map((tool, at) => (at === running ? { ...tool, done: true } : tool)) };
    }
  }
}

/** One conversation with the assistant; `onWork` is called whenever a tool has changed or read the tasks. */
export function useChat(onWork: () => void) {
  const [messages, setMessages] = useState<Message[]>([]);
  const [busy, setBusy] = useState(false);
  const conversation = useRef<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const lastId = useRef(0);

  useEffect(() => {
    const id = sessionStorage.getItem(STORED);
    if (!id) {
      return;
    }
    loadConversation(id)
      .then((said) => {
        if (said.length === 0 || lastId.current > 0) {
          return;
        }
        conversation.current = id;
        setMessages(said.map(({ role, content }) => ({ id: ++lastId.current, from: role, text: content, tools: [] })));
      })
      // The conversation stays with the backend; without it here a new one begins.
      .catch((error: unknown) => console.warn("The last conversation could not be loaded.", error));
  }, []);

  async function send(text: string): Promise<void> {
    const controller = new AbortController();
    running.current = controller;
    const question: Message = { id: ++lastId.current, from: "user", text, tools: [] };
    const answer: Message = { id: ++lastId.current, from: "assistant", text: "", tools: [] };
    const update = (change: (message: Message) => Message) =>
      setMessages((all) => all.map((message) => (message.id === answer.id ? change(message) : message)));

    setMessages((all) => [...all, question, answer]);
    setBusy(true);
    try {
      let finished = false;
      for await (const event of streamChat(text, conversation.current, controller.signal)) {
        update((message) => applyEvent(message, event));
        if (event.type === "tool" && event.status === "done") {
          onWork();
        } else if (event.type === "done") {
          conversation.current = event.conversation_id;
          sessionStorage.setItem(STORED, event.conversation_id);
          finished = true;
        } else if (event.type === "error") {
          finished = true;
        }
      }
      if (!finished) {
        update((message) => ({ ...message, error: "The answer broke off. Try again." }));
      }
    } catch (reason) {
      const said = reason instanceof Error ? reason.message : String(reason);
      update((message) => ({ ...message, error: controller.signal.aborted ? "Stopped." : said }));
    } finally {
      if (running.current === controller) {
        running.current = null;
        setBusy(false);
      }
      onWork();
    }
  }

  const stop = () => running.current?.abort();

  const restart = () => {
    stop();
    running.current = null;
    conversation.current = null;
    sessionStorage.removeItem(STORED);
    setBusy(false);
    setMessages([]);
  };

  return { messages, busy, send, stop, restart };
}

export type Chat = ReturnType<typeof useChat>;
