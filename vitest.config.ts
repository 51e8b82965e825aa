import { defineConfig } from "vitest/config";
import { summaryReporter } from "./test/support/summary-reporter.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts", "test/support/exit-code.ts"],
    reporters: ["default", summaryReporter((line) => process.stdout.write(line))],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
