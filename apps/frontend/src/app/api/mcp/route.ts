import { forward } from "@/server/forward";
import { settings } from "@/server/settings";

/** The task tools over MCP (stateless streamable HTTP), for a client that holds a session's cookie. */
export function POST(request: Request): Promise<Response> {
  return forward(request, { base: settings().NEXT_PUBLIC_MCP_URL, path: ["mcp"], patienceMs: 60_000 });
}
