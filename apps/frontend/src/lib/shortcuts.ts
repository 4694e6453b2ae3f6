export const SHORTCUTS = [
  { id: "add", keys: ["n"], label: "New task" },
  { id: "search", keys: ["/"], label: "Search" },
  { id: "next", keys: ["j", "ArrowDown"], label: "Next task" },
  { id: "previous", keys: ["k", "ArrowUp"], label: "Previous task" },
  { id: "complete", keys: ["x"], label: "Complete or reopen the task in focus" },
  { id: "edit", keys: ["e"], label: "Edit the task in focus" },
  { id: "remove", keys: ["Delete", "#"], label: "Delete the task in focus" },
  { id: "chat", keys: ["c"], label: "Show or hide the assistant" },
  { id: "help", keys: ["?"], label: "Show these shortcuts" },
] as const;

export type ShortcutId = (typeof SHORTCUTS)[number]["id"];

const NAMES: Readonly<Record<string, string>> = { ArrowDown: "↓", ArrowUp: "↑", Delete: "Del" };

/** A key as it is written on a keyboard. */
export const keyName = (key: string): string => NAMES[key] ?? key;

interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** The shortcut that a key press means, if any; with a modifier it belongs to the browser. */
export function shortcutOf({ key, ctrlKey, metaKey, altKey }: Press): ShortcutId | null {
  if (ctrlKey || metaKey || altKey) {
    return null;
  }
  const found = SHORTCUTS.find(({ keys }) => (keys as readonly string[]).includes(key));
  return found?.id ?? null;
}
