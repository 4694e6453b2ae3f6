import type { ComponentProps } from "react";

const VARIANTS = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong",
  plain: "border border-control bg-surface text-ink hover:bg-raised",
  quiet: "text-ink hover:bg-raised",
  danger: "text-danger hover:bg-danger-tint",
};

interface Props extends ComponentProps<"button"> {
  variant?: keyof typeof VARIANTS;
}

export function Button({ variant = "primary", className = "", type = "button", ...rest }: Props) {
  return (
    <button
      type={type}
      className={`inline-flex min-h-10 items-center justify-center gap-2 rounded-lg px-4 text-sm font-medium whitespace-nowrap transition-colors disabled:opacity-60 ${VARIANTS[variant]} ${className}`}
      {...rest}
    />
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  /** What the button does: its accessible name and its tooltip. */
  label: string;
}

export function IconButton({ label, className = "", type = "button", ...rest }: IconButtonProps) {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={`inline-grid size-10 shrink-0 place-content-center rounded-lg text-soft transition-colors hover:bg-raised hover:text-ink disabled:opacity-60 ${className}`}
      {...rest}
    />
  );
}
