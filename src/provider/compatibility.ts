/** `compatibility` of a manifest speaks of the version of the format, which is 1.x, not of our release. */
import type { Manifest } from "./manifest-schema.ts";
import type { Report } from "./report.ts";

const formatMajor = 1;

export function checkCompatibility({ compatibility }: Manifest, report: Report): void {
  for (const key of ["minCoreVersion", "maxCoreVersion"] as const) {
    const text = compatibility?.[key];
    if (text === undefined) continue;
    const path = ["compatibility", key];
    const version = parseVersion(text);
    if (version === undefined) {
      const message = `found "${text}", expected a version`;
      report.add(path, { code: "provider/version", message, hint: "write it like 1.0.0" });
      continue;
    }
    const [major] = version;
    const fits = key === "minCoreVersion" ? major <= formatMajor : major >= formatMajor;
    if (fits) continue;
    const message = `the provider asks for a format ${key === "minCoreVersion" ? "from" : "up to"} ${text}; this is ${formatMajor}.x`;
    report.add(path, {
      code: "provider/incompatible",
      message,
      hint: "use a version of the provider for this format",
    });
  }
}

function parseVersion(text: string): readonly [number, number, number] | undefined {
  const parts = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+].*)?$/.exec(text);
  if (parts === null) return undefined;
  return [Number(parts[1]), Number(parts[2] ?? 0), Number(parts[3] ?? 0)];
}
