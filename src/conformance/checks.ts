/**
 * What every resource type has to stand: being created, changed and deleted twice, being killed at any
 * write of the journal and resumed, and being looked at in between.
 */
import type { Bundle } from "../model/workflow.ts";
import { checkCalmly } from "./calm-checks.ts";
import type { Check } from "./check-list.ts";
import { checkKilled } from "./killed-checks.ts";
import type { SampleParameters } from "./sample-parameters.ts";
import type { ScratchResource } from "./scratch-resource.ts";
import { createSubject } from "./subject.ts";

/** @returns the checks in the order they were made */
export async function checkResource(
  resource: ScratchResource,
  bundle: Bundle,
  params: SampleParameters,
): Promise<readonly Check[]> {
  const subject = createSubject(resource, bundle, params);
  const calm = await checkCalmly(subject);
  if (calm !== undefined) await checkKilled(subject, calm);
  return subject.checks;
}
