import type { ReactNode } from "react";

interface Props {
  title: string;
  text: string;
  /** The heading's level: 1 where the notice is the page. */
  level?: 1 | 2;
  icon?: ReactNode;
  tone?: "plain" | "danger";
  action?: ReactNode;
}

/** What stands where content would: nothing yet, nothing found, something failed. */
export function Notice({ title, text, level = 2, icon, tone = "plain", action }: Props) {
  const Heading = level === 1 ? "h1" : "h2";
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      {icon && (
        <div
          className={`mb-2 grid size-12 place-content-center rounded-full ${tone === "danger" ? "bg-danger-tint text-danger" : "bg-tint text-accent"}`}
        >
          {icon}
        </div>
      )}
      <Heading className="text-lg font-semibold text-balance">{title}</Heading>
      <p className="max-w-sm text-sm text-pretty text-soft">{text}</p>
      {action && <div className="mt-4">{action}</div>}
    </div>
  );
}
