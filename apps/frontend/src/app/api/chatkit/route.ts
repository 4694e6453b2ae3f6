import { forward } from "@/server/forward";
import { settings } from "@/server/settings";

export function POST(request: Request): Promise<Response> {
  return forward(request, { base: settings().NEXT_PUBLIC_API_URL, path: ["chatkit"], patienceMs: 60_000 });
}
