"use client";

import { X } from "lucide-react";
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from "react";
import { IconButton } from "./button";

const SHOWN_MS = 8_000;
const MOST = 3;

interface Toast {
  text: string;
  tone: "info" | "error";
  action?: { label: string; run: () => void };
}

type Notify = (toast: Toast) => void;

const ToastContext = createContext<Notify | null>(null);

/** How a component tells the user what happened. */
export function useNotify(): Notify {
  const notify = useContext(ToastContext);
  if (!notify) {
    throw new Error("useNotify needs a <Toaster> above it");
  }
  return notify;
}

/** Shows short messages over its children; the newest three, each for some seconds. */
export function Toaster({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<(Toast & { id: number })[]>([]);
  const last = useRef(0);
  const dismiss = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const notify = useCallback<Notify>(
    (toast) => {
      const id = ++last.current;
      setToasts((all) => [...all, { ...toast, id }].slice(-MOST));
      setTimeout(() => dismiss(id), SHOWN_MS);
    },
    [dismiss],
  );
  return (
    <ToastContext.Provider value={useMemo(() => notify, [notify])}>
      {children}
      <div
        role="status"
        aria-label="Messages"
        className="pointer-events-none fixed inset-x-0 bottom-0 z-20 flex flex-col items-center gap-2 p-4"
      >
        {toasts.map(({ id, text, tone, action }) => (
          <div
            key={id}
            className={`pointer-events-auto flex max-w-full items-center gap-1 rounded-xl border bg-surface py-1 pr-1 pl-4 text-sm shadow-float ${tone === "error" ? "border-danger" : "border-line"}`}
          >
            <span className={`min-w-0 truncate ${tone === "error" ? "text-danger" : ""}`}>{text}</span>
            {action && (
              <button
                type="button"
                className="ml-2 min-h-9 rounded-lg px-3 font-medium text-accent hover:bg-tint"
                onClick={() => {
                  dismiss(id);
                  action.run();
                }}
              >
                {action.label}
              </button>
            )}
            <IconButton label="Dismiss" className="size-9" onClick={() => dismiss(id)}>
              <X size={16} aria-hidden />
            </IconButton>
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  );
}
