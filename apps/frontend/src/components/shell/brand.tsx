import { Check } from "lucide-react";

export function Brand() {
  return (
    <span className="inline-flex items-center gap-2.5 text-lg font-semibold tracking-tight">
      <span className="grid size-8 place-content-center rounded-[0.6rem] bg-accent text-on-accent">
        <Check size={20} strokeWidth={3} aria-hidden />
      </span>
      Todo
    </span>
  );
}
