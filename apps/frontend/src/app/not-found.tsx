import Link from "next/link";
import { Notice } from "@/components/ui/notice";

export default function NotFoundPage() {
  return (
    <main className="mx-auto grid min-h-dvh max-w-md place-content-center px-4">
      <Notice
        level={1}
        title="No such page"
        text="The address may be mistyped, or the page has moved."
        action={
          <Link className="font-medium text-accent underline underline-offset-4" href="/">
            Back to your tasks
          </Link>
        }
      />
    </main>
  );
}
