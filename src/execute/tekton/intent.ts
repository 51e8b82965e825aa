/** What a `tekton` step is about to make, checked and journalled before it makes it (E16, E28, E34). */
import { StepFailedError, type Fault } from "../../model/errors.ts";
import { formatMs } from "../attempt.ts";
import type { StepContext } from "../step-type.ts";
import type { TektonConfig } from "./config.ts";
import { isRetryable } from "./failure.ts";
import { toJson, type Note } from "./note.ts";
import { objectName, specHash, type Owner } from "./pipeline-run.ts";

/** Before anything is made: what it will be called, and by when it has to have ended (E16, E34). */
export async function intend(
  now: Date,
  config: TektonConfig,
  context: StepContext,
  attempt: number,
): Promise<Note> {
  const leftMs = context.deadlineAt.getTime() - now.getTime();
  if (leftMs <= 0) throw refused("DeadlineExceeded", "no time is left to start a PipelineRun in");
  checkTimeouts(config, leftMs);
  checkParams(config, context);
  const { namespace } = config;
  const note: Note = {
    attempt,
    namespace,
    name: objectName(ownerOf(context, attempt)),
    specHash: specHash(config),
    uid: null,
    deadlineAt: context.deadlineAt.toISOString(),
    stoppedAt: null,
    ended: false,
  };
  await context.writeNote(toJson(note));
  return note;
}

function checkTimeouts({ timeouts }: TektonConfig, pipelineMs: number): void {
  const partsMs = (timeouts.tasks ?? 0) + (timeouts.finally ?? 0);
  if (partsMs <= pipelineMs) return;
  throw refused(
    "ConfigurationError",
    `timeouts.tasks and timeouts.finally are ${formatMs(partsMs)} together, and ${formatMs(pipelineMs)} are left for the whole: lower them, or raise the step's timeout`,
  );
}

/** Params stand in the object for everybody to read (E28). */
function checkParams({ params }: TektonConfig, { masker }: StepContext): void {
  const leaking = Object.entries(params).filter(([, value]) => {
    const text = JSON.stringify(value);
    return masker.mask(text) !== text;
  });
  if (leaking.length === 0) return;
  const names = leaking.map(([name]) => name).toSorted();
  throw refused(
    "ConfigurationError",
    `params hold a secret: ${names.join(", ")}; hand it to the pipeline in a workspace with \`secret\``,
  );
}

export const ownerOf = ({ run: id, name }: StepContext, attempt: number): Owner => ({
  run: id,
  step: name,
  attempt,
});

export const withoutEffect = (reason: string, detail: string): Fault => ({
  reason,
  detail,
  effect: false,
  retryable: isRetryable(reason),
});

const refused = (reason: string, detail: string): StepFailedError =>
  new StepFailedError(withoutEffect(reason, detail));
