import { defineConfig } from "vitest/config";
import { summaryReporter } from "./test/support/summary-reporter.ts";

/**
 * `npm test` runs what is quick; `npm run test:slow` the fault and property suites; `npm run
 * test:kube` what needs a Kubernetes API server.
 */
const slow = ["test/faults/**/*.test.ts", "test/property/**/*.test.ts"];
const kube = ["test/kube/**/*.test.ts"];
const isSlow = process.env["INNOMINATUS_TEST_SLOW"] === "true";
const isKube = process.env["INNOMINATUS_TEST_KUBE"] === "true";
const isQuick = !isSlow && !isKube;

if (isQuick) {
  const how = "`npm run test:kube:setup` once (needs Go), then `npm run test:kube`";
  process.stdout.write(`skipping the Kubernetes suite, which needs an API server: ${how}\n`);
}

export default defineConfig({
  test: {
    include: isKube ? kube : isSlow ? slow : ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: isQuick ? [...slow, ...kube, "node_modules/**"] : [],
    setupFiles: ["test/support/seed.ts"],
    globalSetup: [
      "test/support/global-setup.ts",
      "test/support/exit-code.ts",
      ...(isKube ? ["test/kube/support/global-setup.ts"] : []),
    ],
    reporters: ["default", summaryReporter((line) => process.stdout.write(line))],
    testTimeout: isSlow || isKube ? 300_000 : 30_000,
    hookTimeout: 90_000,
    // The servers of two files at a time are more than a small machine bears.
    fileParallelism: !isKube,
  },
});
