import path from "node:path";
import { defineConfig } from "vitest/config";

const alias = { "@": path.join(import.meta.dirname, "src") };

export default defineConfig({
  test: {
    projects: [
      { resolve: { alias }, test: { name: "unit", include: ["tests/unit/**/*.test.ts"] } },
      // Servers, databases and browsers: one file after the other, and time for a busy machine.
      ...["server", "browser"].map((name) => ({
        resolve: { alias },
        test: {
          name,
          include: [`tests/${name}/**/*.test.ts`],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 30_000 } },
        },
      })),
    ],
  },
});
