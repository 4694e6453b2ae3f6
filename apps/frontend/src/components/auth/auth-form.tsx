"use client";

import Link from "next/link";
import { useState, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { useHydrated } from "@/components/ui/use-hydrated";
import { authClient } from "@/lib/auth-client";
import { loadPage } from "@/lib/load-page";

const WORDS = {
  "sign-in": {
    title: "Sign in",
    submit: "Sign in",
    busy: "Signing in…",
    other: { text: "New here?", label: "Create an account", href: "/sign-up" },
  },
  "sign-up": {
    title: "Create an account",
    submit: "Create account",
    busy: "Creating your account…",
    other: { text: "Already have an account?", label: "Sign in", href: "/sign-in" },
  },
} as const;

export function AuthForm({ mode }: { mode: keyof typeof WORDS }) {
  const words = WORDS[mode];
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  // Pressed too early, the button would send the form as a page and lose what was typed.
  const ready = useHydrated();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const read = (name: string) => String(form.get(name) ?? "");
    const credentials = { email: read("email").trim(), password: read("password") };
    setBusy(true);
    setError(null);
    const answer =
      mode === "sign-up"
        ? await authClient.signUp.email({ ...credentials, name: read("name").trim() })
        : await authClient.signIn.email(credentials);
    if (answer.error) {
      setError(answer.error.message ?? "The server does not answer right now. Try again soon.");
      setBusy(false);
      return;
    }
    loadPage("/");
  }

  return (
    <>
      <h1 className="mb-6 text-xl font-semibold">{words.title}</h1>
      <form method="post" onSubmit={submit} className="flex flex-col gap-4">
        {mode === "sign-up" && <Field label="Name" name="name" autoComplete="name" maxLength={100} />}
        <Field label="E-mail" name="email" type="email" autoComplete="email" />
        <Field
          label="Password"
          name="password"
          type="password"
          minLength={8}
          maxLength={128}
          autoComplete={mode === "sign-up" ? "new-password" : "current-password"}
          {...(mode === "sign-up" ? { hint: "8 characters or more" } : {})}
        />
        <p role="alert" className={error ? "rounded-lg bg-danger-tint px-3 py-2 text-sm text-danger" : "sr-only"}>
          {error}
        </p>
        <Button type="submit" disabled={busy || !ready}>
          {busy ? words.busy : words.submit}
        </Button>
      </form>
      <p className="mt-6 text-center text-sm text-soft">
        {words.other.text}{" "}
        <Link className="font-medium text-accent underline underline-offset-4" href={words.other.href}>
          {words.other.label}
        </Link>
      </p>
    </>
  );
}

interface FieldProps {
  label: string;
  name: string;
  autoComplete: string;
  type?: string;
  minLength?: number;
  maxLength?: number;
  hint?: string;
}

function Field({ label, name, hint, ...input }: FieldProps) {
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={name} className="text-sm font-medium">
        {label}
      </label>
      <input
        id={name}
        name={name}
        required
        className="field"
        aria-describedby={hint ? `${name}-hint` : undefined}
        {...input}
      />
      {hint && (
        <p id={`${name}-hint`} className="text-xs text-soft">
          {hint}
        </p>
      )}
    </div>
  );
}
