import { defineConfig } from "vitest/config";
import { summaryReporter } from "./test/support/summary-reporter.ts";

/** `npm test` runs what is quick; `npm run test:slow` the fault and property suites. */
const slow = ["test/fault/**/*.test.ts", "test/property/**/*.test.ts"];
const isSlow = process.env["INNOMINATUS_TEST_SLOW"] === "true";

export default defineConfig({
  test: {
    include: isSlow ? slow : ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: isSlow ? [] : [...slow, "node_modules/**"],
    setupFiles: ["test/support/seed.ts"],
    globalSetup: ["test/support/global-setup.ts", "test/support/exit-code.ts"],
    reporters: ["default", summaryReporter((line) => process.stdout.write(line))],
    testTimeout: isSlow ? 300_000 : 30_000,
    hookTimeout: 90_000,
  },
});
