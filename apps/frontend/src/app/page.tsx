import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { Workspace } from "@/components/workspace";
import { currentSession } from "@/server/session";
import { settings } from "@/server/settings";

export const metadata: Metadata = { title: "Tasks" };

export default async function TasksPage() {
  const session = await currentSession();
  if (!session) {
    redirect("/sign-in");
  }
  return (
    <Workspace
      user={{ name: session.user.name, email: session.user.email }}
      chatkitDomainKey={settings().NEXT_PUBLIC_OPENAI_DOMAIN_KEY ?? null}
    />
  );
}
