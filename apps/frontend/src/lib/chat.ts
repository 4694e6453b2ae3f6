import { EventSourceParserStream } from "eventsource-parser/stream";
import { z } from "zod";
import { failure } from "./api";

const eventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("delta"), text: z.string() }),
  z.object({ type: z.literal("tool"), name: z.string(), status: z.enum(["called", "done"]) }),
  z.object({ type: z.literal("error"), message: z.string() }),
  z.object({ type: z.literal("done"), conversation_id: z.string() }),
]);

export type ChatEvent = z.infer<typeof eventSchema>;

const conversationSchema = z.object({
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]), content: z.string() })),
});

export type Said = z.infer<typeof conversationSchema>["messages"][number];

/** What was said in a conversation; nothing where it is not (or no longer) one of this user's. */
export async function loadConversation(id: string): Promise<Said[]> {
  const response = await fetch(`/api/chat/conversations/${encodeURIComponent(id)}`);
  if (response.status === 404) {
    return [];
  }
  if (!response.ok) {
    throw await failure(response);
  }
  return conversationSchema.parse(await response.json()).messages;
}

/**
 * Sends a message to the assistant and gives its answer part by part.
 *
 * @throws {ApiError} The answer is not a stream.
 */
export async function* streamChat(
  message: string,
  conversationId: string | null,
  signal: AbortSignal,
): AsyncGenerator<ChatEvent> {
  const response = await fetch("/api/chat", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ message, ...(conversationId ? { conversation_id: conversationId } : {}) }),
    signal,
  });
  if (!response.ok || !response.body) {
    throw await failure(response);
  }
  yield* readEvents(response.body);
}

/** The chat's events in a stream of server-sent ones. */
export async function* readEvents(body: ReadableStream<BufferSource>): AsyncGenerator<ChatEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield eventSchema.parse(JSON.parse(value.data));
    }
  } finally {
    await reader.cancel();
  }
}
