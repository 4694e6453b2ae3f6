import type { ServerResponse } from "node:http";
import { serve, type Listening } from "./net";

interface Message {
  role: string;
  content: unknown;
}

export interface Model extends Listening {
  /** The requests it was sent, the newest last. */
  requests: { messages: Message[]; tools?: { function: { name: string } }[] }[];
}

/**
 * A model at the end of the wire: streams chat completions as OpenAI does.
 *
 * Asked to "add …", it calls the tool `add_task`; given a tool's result, it says that it is done.
 * Containers reach it where a port of every interface is given.
 */
export async function startModel(everywhere?: number): Promise<Model> {
  const requests: Model["requests"] = [];
  const listening = await serve((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const asked = JSON.parse(Buffer.concat(parts).toString()) as Model["requests"][number];
      requests.push(asked);
      answer(asked.messages.at(-1), response);
    });
  }, everywhere);
  return { ...listening, requests };
}

function answer(last: Message | undefined, response: ServerResponse): void {
  const send = (delta: object, finish: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({
        id: "chatcmpl-1",
        object: "chat.completion.chunk",
        created: 0,
        model: "stand-in",
        choices: [{ index: 0, delta, finish_reason: finish }],
      })}\n\n`,
    );
  response.writeHead(200, { "content-type": "text/event-stream" });
  const title = /^add (.+)$/i.exec(textOf(last))?.[1];
  if (last?.role === "user" && title) {
    const call = { name: "add_task", arguments: JSON.stringify({ title }) };
    send({ role: "assistant", tool_calls: [{ index: 0, id: "call-1", type: "function", function: call }] });
    send({}, "tool_calls");
  } else {
    const words = last?.role === "tool" ? ["Done: ", "it is on ", "your list."] : ["Say ", "“add …”."];
    words.forEach((content) => send({ content }));
    send({}, "stop");
  }
  response.end("data: [DONE]\n\n");
}

function textOf(message: Message | undefined): string {
  const content = message?.content;
  return Array.isArray(content) ? content.map((part: { text?: string }) => part.text ?? "").join("") : String(content);
}
