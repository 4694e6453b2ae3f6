"use client";

import { Sparkles, X } from "lucide-react";
import dynamic from "next/dynamic";
import { useState } from "react";
import { IconButton } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { PlainChat } from "./plain-chat";
import type { Chat } from "./use-chat";

const ChatKitChat = dynamic(() => import("./chatkit-chat").then((module) => module.ChatKitChat), { ssr: false });

interface Props {
  /** Whether there is room beside the list; else the panel lies over it. */
  wide: boolean;
  chat: Chat;
  /** With a key the panel is OpenAI's ChatKit; without one, or where OpenAI cannot be reached, it is our own. */
  chatkitDomainKey: string | null;
  onWork: () => void;
  onClose: () => void;
}

/** The assistant, beside the list or over it. */
export function ChatPanel({ wide, chat, chatkitDomainKey, onWork, onClose }: Props) {
  const [unavailable, setUnavailable] = useState(false);
  const content =
    chatkitDomainKey && !unavailable ? (
      <ChatKitChat domainKey={chatkitDomainKey} onWork={onWork} onUnavailable={() => setUnavailable(true)} />
    ) : (
      <PlainChat chat={chat} />
    );
  if (!wide) {
    return (
      <Dialog title="Assistant" shape="sheet" onClose={onClose}>
        {content}
      </Dialog>
    );
  }
  return (
    <aside
      aria-label="Assistant"
      className="sticky top-16 flex max-lg:hidden h-[calc(100dvh-4rem)] w-96 shrink-0 flex-col border-l border-line bg-surface"
    >
      <div className="flex items-center justify-between border-b border-line py-2 pr-2 pl-5">
        <h2 className="flex items-center gap-2 text-sm font-semibold">
          <Sparkles size={16} aria-hidden className="text-accent" />
          Assistant
        </h2>
        <IconButton label="Hide the assistant" onClick={onClose}>
          <X size={18} aria-hidden />
        </IconButton>
      </div>
      {content}
    </aside>
  );
}
