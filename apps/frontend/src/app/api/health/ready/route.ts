import { readiness } from "@/server/readiness";

/** Whether users can be served; names the parts, never their addresses. */
export async function GET(): Promise<Response> {
  const report = await readiness();
  return Response.json(report, {
    status: report.status === "unavailable" ? 503 : 200,
    headers: { "cache-control": "no-store" },
  });
}
