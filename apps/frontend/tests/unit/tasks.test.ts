import { describe, expect, test } from "vitest";
import { describeDue } from "@/lib/due";
import { addressOf, filtersOf, NO_FILTERS, queryOf, type Filters } from "@/lib/filters";
import { parseQuickTask, parseTags } from "@/lib/task";

describe("a quickly typed task", () => {
  test("gives its marks to tags and priority, and the rest to the title", () => {
    expect(parseQuickTask("  Buy  stamps #errands !high #post ")).toMatchObject({
      title: "Buy stamps",
      tags: ["errands", "post"],
      priority: "high",
    });
  });

  test("keeps what only looks like a mark", () => {
    expect(parseQuickTask("Fix issue # 4 now!").title).toBe("Fix issue # 4 now!");
    expect(parseQuickTask("Shout !loud").title).toBe("Shout !loud");
  });

  test("has no title when only marks were typed", () => {
    expect(parseQuickTask("#home !low").title).toBe("");
  });
});

test("tags are split at commas and spaces, each once, without their sign", () => {
  expect(parseTags("#home, errands  home,,")).toEqual(["home", "errands"]);
});

describe("filters", () => {
  const some: Filters = { search: "a & b=c", status: "open", priority: "high", tag: "é", sort: "due", page: 3 };

  test("survive the way through the address", () => {
    expect(filtersOf(new URLSearchParams(addressOf(some).slice(2)))).toEqual(some);
  });

  test("leave the address bare when nothing is chosen", () => {
    expect(addressOf(NO_FILTERS)).toBe("/");
  });

  test("ignore what somebody has written into the address by hand", () => {
    const odd = new URLSearchParams({ status: "gone", page: "-1", sort: "id;drop", priority: "x", other: "1" });
    expect(filtersOf(odd)).toEqual(NO_FILTERS);
  });

  test("ask the backend in its own words, urgent and early first", () => {
    expect(queryOf(some)).toBe(
      "status=open&sort=due&order=asc&page=3&page_size=50&search=a+%26+b%3Dc&priority=high&tag=%C3%A9",
    );
    expect(queryOf({ ...NO_FILTERS, sort: "priority" })).toContain("order=desc");
  });
});

describe("a due date", () => {
  // A quarter to midnight, where a calculation in UTC would be a day off for most of the world.
  const today = new Date(2026, 2, 10, 23, 45);

  test.each([
    ["2026-03-01", "9 days late", "late"],
    ["2026-03-09", "Yesterday", "late"],
    ["2026-03-10", "Today", "soon"],
    ["2026-03-11", "Tomorrow", "soon"],
    ["2026-03-16", "Monday", "later"],
    ["2026-03-17", "Mar 17", "later"],
    ["2027-01-02", "Jan 2, 2027", "later"],
  ])("%s reads as %s", (date, label, tone) => {
    expect(describeDue(date, today)).toEqual({ label, tone });
  });
});
