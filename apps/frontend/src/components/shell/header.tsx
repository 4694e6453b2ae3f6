"use client";

import { Keyboard, LogOut, MessageCircle } from "lucide-react";
import { Button, IconButton } from "@/components/ui/button";
import { authClient } from "@/lib/auth-client";
import { loadPage } from "@/lib/load-page";
import { Brand } from "./brand";
import { ThemeButton } from "./theme-button";

export interface User {
  name: string;
  email: string;
}

interface Props {
  user: User;
  chatOpen: boolean;
  onChat: () => void;
  onHelp: () => void;
}

export function Header({ user, chatOpen, onChat, onHelp }: Props) {
  async function signOut() {
    await authClient.signOut();
    loadPage("/sign-in");
  }

  return (
    <header className="sticky top-0 z-10 flex h-16 items-center justify-between gap-2 border-b border-line bg-page/95 px-4 backdrop-blur sm:px-6">
      <Brand />
      <div className="flex items-center gap-0.5">
        <IconButton label="Keyboard shortcuts" onClick={onHelp} className="max-sm:hidden">
          <Keyboard size={18} aria-hidden />
        </IconButton>
        <ThemeButton />
        <Button variant="quiet" aria-expanded={chatOpen} onClick={onChat} className="px-3">
          <MessageCircle size={18} aria-hidden />
          <span className="max-sm:sr-only">Assistant</span>
        </Button>
        <span aria-hidden className="mx-2 h-6 w-px bg-line max-sm:hidden" />
        <span className="max-w-40 truncate px-1 text-sm text-soft max-md:hidden" title={user.email}>
          {user.name}
        </span>
        <Button variant="quiet" onClick={signOut} className="px-3">
          <LogOut size={18} aria-hidden />
          <span className="max-sm:sr-only">Sign out</span>
        </Button>
      </div>
    </header>
  );
}
