import { expect, test } from "vitest";
import { applyEvent, type Message } from "@/components/chat/use-chat";
import { readEvents, type ChatEvent } from "@/lib/chat";

const SENT: ChatEvent[] = [
  { type: "tool", name: "add_task", status: "called" },
  { type: "tool", name: "add_task", status: "done" },
  { type: "delta", text: "Schön: " },
  { type: "delta", text: "“milk” 🥛\nis on your list." },
  { type: "done", conversation_id: "c-1" },
];

const wire = (events: readonly object[]) =>
  new TextEncoder().encode(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));

function cut(bytes: Uint8Array<ArrayBuffer>, size: number): ReadableStream<BufferSource> {
  return new ReadableStream<BufferSource>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) {
        controller.enqueue(bytes.slice(at, at + size));
      }
      controller.close();
    },
  });
}

test.each([1, 2, 3, 7, 4096])("events arrive whole, though the network cuts them into %i bytes", async (size) => {
  const got: ChatEvent[] = [];
  for await (const event of readEvents(cut(wire(SENT), size))) {
    got.push(event);
  }
  expect(got).toEqual(SENT);
});

test("an event that the contract does not know is an error, not a guess", async () => {
  const events = readEvents(cut(wire([{ type: "run_script", text: "x" }]), 64));
  await expect(events.next()).rejects.toThrow();
});

test("a message shows each call of a tool, and which of them are done", () => {
  const empty: Message = { id: 1, from: "assistant", text: "", tools: [] };
  const twice = [SENT[0]!, SENT[0]!, SENT[1]!].reduce(applyEvent, empty);
  expect(twice.tools).toEqual([
    { name: "add_task", done: true },
    { name: "add_task", done: false },
  ]);
  expect(SENT.reduce(applyEvent, empty).text).toBe("Schön: “milk” 🥛\nis on your list.");
});
