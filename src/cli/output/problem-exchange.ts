/** Problems for other tools: SARIF 2.1.0 for code scanning, and annotations of GitHub Actions. */
import type { Json, JsonRecord } from "../../model/json.ts";
import { byPlace, compareText, type Problem } from "../../model/problem.ts";

const messageOf = (problem: Problem): string =>
  problem.hint === undefined ? problem.message : `${problem.message} (${problem.hint})`;

export function problemsSarif(problems: readonly Problem[], version: string): JsonRecord {
  const codes = [...new Set(problems.map((it) => it.code))].toSorted(compareText);
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: { name: "innominatus", version, rules: codes.map((id): Json => ({ id })) },
        },
        // Columns count UTF-16 units, as ours do.
        columnKind: "utf16CodeUnits",
        results: problems.toSorted(byPlace).map((it): Json => ({
          ruleId: it.code,
          ruleIndex: codes.indexOf(it.code),
          level: it.severity,
          message: { text: messageOf(it) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: it.file.split("/").map(encodeURIComponent).join("/") },
                region: { startLine: it.line, startColumn: it.column },
              },
            },
          ],
        })),
      },
    ],
  };
}

/** One workflow command a line; ends with a newline, empty without problems. */
export const problemsGithub = (problems: readonly Problem[]): string =>
  problems
    .toSorted(byPlace)
    .map((it) => {
      const place = `file=${property(it.file)},line=${it.line},col=${it.column}`;
      return `::${it.severity} ${place},title=${property(it.code)}::${data(messageOf(it))}\n`;
    })
    .join("");

/** What would end the command is percent-encoded, as the runner decodes it. */
const data = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
