import { forward } from "@/server/forward";
import { settings } from "@/server/settings";

async function handle(request: Request, context: RouteContext<"/api/chat/[[...path]]">): Promise<Response> {
  const { path = [] } = await context.params;
  return forward(request, { base: settings().NEXT_PUBLIC_API_URL, path: ["chat", ...path], patienceMs: 60_000 });
}

export { handle as GET, handle as POST };
