"use client";

import { X } from "lucide-react";
import { useEffect, useId, useRef, type ReactNode } from "react";
import { IconButton } from "./button";

interface Props {
  title: string;
  /** Called when the dialog has closed, however; take it out of the page then. */
  onClose: () => void;
  /** Where it sits: `sheet` fills a small screen. */
  shape?: "card" | "sheet";
  children: ReactNode;
}

/** Closes the dialog that an element is in; the focus goes back to where it was. */
export function closeDialogOf(element: Element): void {
  element.closest("dialog")?.close();
}

/**
 * A modal dialog on the platform's own element, which traps the focus and closes on Escape.
 *
 * The focus begins on the child with `data-focus-first`: React keeps the platform's `autofocus` to itself.
 */
export function Dialog({ title, onClose, shape = "card", children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    if (dialog.current && !dialog.current.open) {
      dialog.current.showModal();
      dialog.current.querySelector<HTMLElement>("[data-focus-first]")?.focus();
    }
  }, []);
  const place =
    shape === "sheet"
      ? "h-dvh max-h-dvh w-screen max-w-none"
      : "m-auto max-h-[calc(100dvh-2rem)] w-[min(32rem,calc(100vw-2rem))] rounded-2xl border border-line shadow-float";
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
      className={`bg-surface text-ink ${place}`}
    >
      <div className="flex h-full flex-col">
        <div className="flex items-center justify-between gap-4 border-b border-line py-2 pr-2 pl-5">
          <h2 id={heading} className="text-base font-semibold">
            {title}
          </h2>
          <IconButton label="Close" onClick={(event) => closeDialogOf(event.currentTarget)}>
            <X size={18} aria-hidden />
          </IconButton>
        </div>
        {children}
      </div>
    </dialog>
  );
}
