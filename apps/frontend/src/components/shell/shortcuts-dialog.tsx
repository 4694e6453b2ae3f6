"use client";

import { Dialog } from "@/components/ui/dialog";
import { keyName, SHORTCUTS } from "@/lib/shortcuts";
import { useShortcutsEnabled } from "./use-shortcuts";

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const [enabled, setEnabled] = useShortcutsEnabled();
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div className="overflow-y-auto p-5">
        <dl className="divide-y divide-line">
          {SHORTCUTS.map(({ id, keys, label }) => (
            <div key={id} className="flex items-center justify-between gap-4 py-2 text-sm">
              <dt>{label}</dt>
              <dd className="flex gap-1.5">
                {keys.map((key) => (
                  <kbd
                    key={key}
                    className="grid min-w-7 place-content-center rounded-md border border-b-2 border-line bg-raised px-1.5 py-0.5 font-sans text-xs font-medium"
                  >
                    {keyName(key)}
                  </kbd>
                ))}
              </dd>
            </div>
          ))}
        </dl>
        <label className="mt-4 flex cursor-pointer items-center gap-3 text-sm">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={enabled}
            onChange={(event) => setEnabled(event.target.checked)}
          />
          Single-key shortcuts are on
        </label>
      </div>
    </Dialog>
  );
}
