const CHATKIT_ORIGIN = "https://cdn.platform.openai.com";

interface Choices {
  nonce: string;
  /** ChatKit's component comes from OpenAI's servers; without it nothing from outside is let in. */
  chatkit: boolean;
  development: boolean;
}

/** The Content-Security-Policy of one page view. */
export function contentPolicy({ nonce, chatkit, development }: Choices): string {
  const outside = chatkit ? [CHATKIT_ORIGIN] : [];
  const directives: Record<string, readonly string[]> = {
    "default-src": ["'self'"],
    // React evaluates code only in development, to rebuild the server's stack traces.
    "script-src": [
      "'self'",
      `'nonce-${nonce}'`,
      "'strict-dynamic'",
      ...(development ? ["'unsafe-eval'"] : []),
      ...outside,
    ],
    // The development server injects styles that know no nonce.
    "style-src": ["'self'", ...(development ? ["'unsafe-inline'"] : [`'nonce-${nonce}'`])],
    "img-src": ["'self'", "data:", ...outside],
    "font-src": ["'self'"],
    "connect-src": ["'self'", ...outside],
    "frame-src": chatkit ? outside : ["'none'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(" ")}`)
    .join("; ");
}
