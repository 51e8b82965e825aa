/** The last line of every test run, plain, for whoever reads logs by machine: `12 passed, 0 failed, 1 skipped`. */
import type { Reporter, TestModule } from "vitest/node";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function summaryReporter(write: (line: string) => void): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const counts = total(modules.map(countModule));
      write(formatCounts({ ...counts, failed: counts.failed + unhandledErrors.length }));
    },
  };
}

const formatCounts = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped\n`;

/** A file that did not load, or whose hooks failed, has no failed test: it counts as one. */
function countModule(module: TestModule): Counts {
  const count = (state: "passed" | "failed" | "skipped" | "pending"): number =>
    [...module.children.allTests(state)].length;
  const failed = count("failed");
  const broken = module.state() === "failed" && failed === 0 ? 1 : 0;
  return {
    passed: count("passed"),
    failed: failed + broken,
    skipped: count("skipped") + count("pending"),
  };
}

const total = (all: readonly Counts[]): Counts =>
  all.reduce(
    (sum, it) => ({
      passed: sum.passed + it.passed,
      failed: sum.failed + it.failed,
      skipped: sum.skipped + it.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
