export interface Due {
  label: string;
  tone: "late" | "soon" | "later";
}

const DAY_MS = 86_400_000;

/**
 * How a due date reads today.
 *
 * @param date A calendar day, `YYYY-MM-DD`; it means the same day wherever the reader is.
 * @param today The reader's present moment.
 */
export function describeDue(date: string, today: Date): Due {
  const due = Date.parse(`${date}T00:00:00Z`);
  const now = Date.UTC(today.getFullYear(), today.getMonth(), today.getDate());
  const days = Math.round((due - now) / DAY_MS);
  if (days < -1) {
    return { label: `${-days} days late`, tone: "late" };
  }
  if (days === -1) {
    return { label: "Yesterday", tone: "late" };
  }
  if (days <= 1) {
    return { label: days === 0 ? "Today" : "Tomorrow", tone: "soon" };
  }
  const thisYear = new Date(due).getUTCFullYear() === today.getFullYear();
  const format: Intl.DateTimeFormatOptions =
    days < 7 ? { weekday: "long" } : { day: "numeric", month: "short", ...(thisYear ? {} : { year: "numeric" }) };
  return { label: new Intl.DateTimeFormat("en", { ...format, timeZone: "UTC" }).format(due), tone: "later" };
}
