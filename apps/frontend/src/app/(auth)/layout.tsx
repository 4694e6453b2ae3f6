import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { Brand } from "@/components/shell/brand";
import { currentSession } from "@/server/session";

export default async function AuthLayout({ children }: { children: ReactNode }) {
  if (await currentSession()) {
    redirect("/");
  }
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-8 px-4 py-10">
      <div className="flex flex-col items-center gap-3 text-center">
        <Brand />
        <p className="text-balance text-soft">Your tasks, and an assistant that works on them with you.</p>
      </div>
      <div className="rounded-2xl border border-line bg-surface p-6 shadow-card sm:p-8">{children}</div>
    </main>
  );
}
