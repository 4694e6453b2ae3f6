"use client";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";

export default function ErrorPage({ reset }: { error: Error; reset: () => void }) {
  return (
    <main className="mx-auto grid min-h-dvh max-w-md place-content-center px-4">
      <Notice
        level={1}
        title="This page could not be loaded"
        text="The service does not answer right now. Your tasks are safe."
        action={<Button onClick={reset}>Try again</Button>}
      />
    </main>
  );
}
