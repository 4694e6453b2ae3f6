import next from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";
import { globalIgnores } from "eslint/config";

const config = [
  ...next,
  ...typescript,
  globalIgnores([".next/**", "next-env.d.ts", "tests/artefacts/**"]),
  {
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "no-console": ["error", { allow: ["error", "warn", "info"] }],
      eqeqeq: "error",
    },
  },
];

export default config;
