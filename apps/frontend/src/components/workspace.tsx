"use client";

import { useState } from "react";
import { SWRConfig, useSWRConfig } from "swr";
import { ApiError } from "@/lib/api";
import { loadPage } from "@/lib/load-page";
import { ChatPanel } from "./chat/chat-panel";
import { useChat } from "./chat/use-chat";
import { Header, type User } from "./shell/header";
import { ShortcutsDialog } from "./shell/shortcuts-dialog";
import { useWide } from "./shell/use-wide";
import { TaskBoard } from "./tasks/task-board";
import { isTaskList } from "./tasks/use-tasks";
import { Toaster } from "./ui/toaster";

interface Props {
  user: User;
  chatkitDomainKey: string | null;
}

/** The signed-in page: the list and the assistant, which work on the same tasks. */
export function Workspace(props: Props) {
  return (
    <SWRConfig
      value={{
        onError: (error) => {
          if (error instanceof ApiError && error.status === 401) {
            loadPage("/sign-in");
          }
        },
        // What the backend refuses it refuses again; what it could not do just now is worth another try.
        shouldRetryOnError: (error) => !(error instanceof ApiError) || error.status === 0 || error.status >= 500,
      }}
    >
      <Toaster>
        <Panes {...props} />
      </Toaster>
    </SWRConfig>
  );
}

function Panes({ user, chatkitDomainKey }: Props) {
  const wide = useWide();
  const [chatChoice, setChatChoice] = useState<boolean | null>(null);
  const chatOpen = chatChoice ?? wide;
  const [helpOpen, setHelpOpen] = useState(false);
  const { mutate } = useSWRConfig();
  const reloadTasks = () => void mutate(isTaskList);
  const chat = useChat(reloadTasks);
  const toggleChat = () => setChatChoice(!chatOpen);
  return (
    <>
      <Header user={user} chatOpen={chatOpen} onChat={toggleChat} onHelp={() => setHelpOpen(true)} />
      <div className="flex">
        <TaskBoard onChat={toggleChat} onHelp={() => setHelpOpen(true)} />
        {chatOpen && (
          <ChatPanel
            wide={wide}
            chat={chat}
            chatkitDomainKey={chatkitDomainKey}
            onWork={reloadTasks}
            onClose={() => setChatChoice(false)}
          />
        )}
      </div>
      {helpOpen && <ShortcutsDialog onClose={() => setHelpOpen(false)} />}
    </>
  );
}
