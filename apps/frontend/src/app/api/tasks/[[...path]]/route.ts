import { forward } from "@/server/forward";
import { settings } from "@/server/settings";

async function handle(request: Request, context: RouteContext<"/api/tasks/[[...path]]">): Promise<Response> {
  const { path = [] } = await context.params;
  return forward(request, { base: settings().NEXT_PUBLIC_API_URL, path: ["api", "tasks", ...path] });
}

export { handle as DELETE, handle as GET, handle as PATCH, handle as POST };
