import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";
import { virtualClock } from "../../test/support/clock.ts";
import { LeaseLostError, StallingError, SupersededError, WaitingError } from "../model/errors.ts";
import type { Json, JsonRecord } from "../model/json.ts";
import type { WorkflowStep } from "../model/workflow.ts";
import { createMasker } from "../secrets/mask.ts";
import type { Journal, JournalEntry, StepPlace } from "./journal.ts";
import { performRun, type RunRequest } from "./steps.ts";
import {
  defineStep,
  PermanentError,
  type Observed,
  type StepContext,
  type StepResult,
} from "./step-type.ts";

const step = (name: string, more: Partial<WorkflowStep> = {}): WorkflowStep => ({
  name,
  type: "mock",
  config: {},
  timeoutMs: 60_000,
  retries: 3,
  retrySafe: false,
  ...more,
});
const steps: readonly WorkflowStep[] = [
  step("make-role"),
  step("database", { config: { owner: "{{ .steps.make-role.output.id }}" } }),
  step("extra", { when: "{{ .parameters.extra }}" }),
  step("grant"),
];

class Killed extends Error {}

/** A world that outlives the process, and dies at its `lives`-th touch: `before` or `after` it took effect. */
class World implements Journal {
  readonly entries = new Map<string, JournalEntry>();
  readonly notes = new Map<string, Json>();
  readonly effects: string[] = [];
  readonly retries: (number | undefined)[] = [];
  readonly clock = virtualClock();
  readonly masker = createMasker();
  readonly configs: JsonRecord[] = [];
  readonly signals = new AbortController();
  logged = "";
  lives = Number.POSITIVE_INFINITY;
  dies: "before" | "after" = "before";
  touches = 0;

  read = () =>
    this.touch(
      () =>
        new Map(
          [...this.entries].map(([name, entry]): [string, JournalEntry] => {
            const note = this.notes.get(name);
            return [
              name,
              note === undefined || !("attempts" in entry) ? entry : { ...entry, note },
            ];
          }),
        ),
    );
  start = ({ name }: StepPlace) =>
    this.touch(() => {
      const { attempts, state } = this.open(name);
      this.set(name, "started", state === "waiting" ? attempts : attempts + 1);
    });
  wait = (name: string) => this.touch(() => this.set(name, "waiting", this.open(name).attempts));
  end = (name: string, result: StepResult) =>
    this.touch(() => void this.entries.set(name, { state: "ended", ...result }));
  skip = ({ name }: StepPlace) =>
    this.touch(() => void this.entries.set(name, { state: "skipped" }));
  fail = (name: string, error: string, retryAfterMs: number | undefined) =>
    this.touch(() => {
      this.retries.push(retryAfterMs);
      const { attempts, elapsedMs } = this.open(name);
      this.entries.set(name, { state: "failed", attempts, elapsedMs, error });
    });
  note = (name: string, note: Json) => this.touch(() => void this.notes.set(name, note));
  log = (_: string, text: string) => this.touch(() => void (this.logged += text));

  perform = (context: StepContext): Promise<StepResult> =>
    this.touch(() => ({ outputs: { id: this.effects.push(context.key) }, sensitive: [] }));
  observe = ({ key }: StepContext): Promise<Observed> =>
    this.touch(() => {
      const id = this.effects.indexOf(key) + 1;
      return id > 0
        ? { state: "done", result: { outputs: { id }, sensitive: [] } }
        : { state: "absent" };
    });

  run(given: readonly WorkflowStep[] = steps, more: Partial<RunRequest> = {}) {
    const mock = defineStep({
      type: "mock",
      schema: z.strictObject({ owner: z.json().optional() }),
      contexts: { "/owner": "plain" },
      run: (config, context) => {
        this.configs.push(config.owner === undefined ? {} : { owner: config.owner });
        context.log(`at work on ${context.key}\n`);
        return this.perform(context);
      },
      observe: (_, context) => this.observe(context),
    });
    const request: RunRequest = {
      scope: { repository: "origin", environment: "default" },
      run: "run-1",
      uid: "mock.default#shop.db",
      provider: "mock-team",
      operation: "create",
      steps: given,
      outputs: {},
      parameters: { extra: false },
      environment: {},
      masker: this.masker,
      now: "2026-01-01T00:00:00Z",
      ...more,
    };
    const tools = { clock: this.clock, random: () => 0.5 };
    return performRun(request, new Map([["mock", mock]]), this, tools, this.signals.signal);
  }

  private open(name: string) {
    const entry = this.entries.get(name);
    return entry !== undefined && "attempts" in entry
      ? entry
      : { state: "none", attempts: 0, elapsedMs: 0 };
  }

  private set(name: string, state: "started" | "waiting", attempts: number) {
    this.entries.set(name, { state, attempts, elapsedMs: this.open(name).elapsedMs });
  }

  async touch<T>(effect: () => T): Promise<T> {
    this.touches += 1;
    this.lives -= 1;
    if (this.lives < 0 || (this.lives === 0 && this.dies === "before")) throw new Killed();
    const result = effect();
    if (this.lives === 0) throw new Killed();
    return result;
  }
}

describe("law 6: a run killed and started again ends as if it had not been", () => {
  const outputs = { last: { template: "{{ .steps.grant.output.id }}", sensitive: false } };
  const go = (world: World) => world.run(steps, { outputs });
  // Reading; three steps started, logged, performed and ended; one skipped.
  const points = Array.from({ length: 14 }, (_, index) => index + 1);
  const kills = points.flatMap((lives) => [
    { lives, dies: "before" as const },
    { lives, dies: "after" as const },
  ]);

  const expectSurvival = async (deaths: typeof kills) => {
    const calm = new World();
    const expected = await go(calm);
    const world = new World();
    for (const death of deaths) {
      Object.assign(world, death);
      await go(world).catch(() => expect(world.lives).toBeLessThanOrEqual(0)); // a dead process reports nothing
    }
    world.lives = Number.POSITIVE_INFINITY;
    expect(await go(world)).toEqual(expected);
    expect(world.effects).toEqual(calm.effects);
    expect(world.entries).toEqual(calm.entries);
  };

  it("touches what the kills below walk through", async () => {
    const calm = new World();
    expect(await go(calm)).toEqual({ outputs: { last: 3 }, sensitive: [] });
    expect(calm.touches).toBe(points.length);
    expect(calm.effects).toEqual(["run-1/make-role", "run-1/database", "run-1/grant"]);
    expect(calm.configs).toEqual([{}, { owner: 1 }, {}]);
  });

  it.each(kills)("killed $dies touch $lives", (death) => expectSurvival([death]));
  it("killed again and again", () =>
    fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...kills)), expectSurvival)));
});

describe("law 6: so does one with a step that fails at first, and one that waits", () => {
  const lively = [
    step("flaky", { retrySafe: true, retries: 100 }),
    step("poll", { retrySafe: true, timeoutMs: 600_000 }),
    step("grant"),
  ];
  const lifeful = (): World => {
    const world = new World();
    const looks = new Map<string, number>();
    const again: Readonly<Record<string, Error>> = {
      flaky: new Error("not this time"),
      poll: new WaitingError("NotYet", "not yet", 1_000),
    };
    world.perform = ({ name, key }) =>
      world.touch(() => {
        const look = (looks.get(name) ?? 0) + 1;
        looks.set(name, look);
        if (look <= 2 && again[name] !== undefined) throw again[name];
        return { outputs: { id: world.effects.push(key) }, sensitive: [] };
      });
    return world;
  };
  /** As the controller does: a run that waits is performed again. */
  const settle = async (world: World): Promise<unknown> => {
    for (;;) {
      const result = await world.run(lively).catch((error: unknown) => error);
      if (!(result instanceof WaitingError)) return result;
    }
  };

  it("however it was killed", () => {
    const dies = fc.constantFrom("before" as const, "after" as const);
    const deaths = fc.array(fc.record({ lives: fc.integer({ min: 1, max: 30 }), dies }));
    return fc.assert(
      fc.asyncProperty(deaths, async (given) => {
        const [calm, world] = [lifeful(), lifeful()];
        const expected = await settle(calm);
        for (const death of given) {
          Object.assign(world, death);
          await settle(world);
        }
        world.lives = Number.POSITIVE_INFINITY;
        expect(await settle(world)).toEqual(expected);
        expect(world.effects).toEqual(calm.effects);
        expect(world.entries).toEqual(calm.entries);
      }),
    );
  });
});

describe("what was under way when the process was killed", () => {
  const interrupted = (): World => {
    const world = new World();
    world.entries.set("only", { state: "started", attempts: 1, elapsedMs: 0 });
    world.observe = async () => ({ state: "unknown", message: "no answer" });
    return world;
  };

  it("law 6: stalls when nobody can know its effect", async () => {
    const world = interrupted();
    await expect(world.run([step("only")])).rejects.toMatchObject({ reason: "EffectUnknown" });
    expect(world.effects).toEqual([]);
  });

  it("runs again with the same key when that is safe", async () => {
    const world = interrupted();
    await world.run([step("only", { retrySafe: true })]);
    expect(world.effects).toEqual(["run-1/only"]);
  });

  it("waits, and does nothing, while observing fails", async () => {
    const world = interrupted();
    world.observe = () => Promise.reject(new Error("connection refused"));
    await expect(world.run([step("only", { retrySafe: true })])).rejects.toBeInstanceOf(
      WaitingError,
    );
    expect(world.entries.get("only")).toMatchObject({ state: "started" });
    expect(world.effects).toEqual([]);
  });

  it("is not asked again whether it takes part", async () => {
    const world = interrupted();
    world.observe = async () => ({ state: "absent" });
    await world.run([step("only", { when: "false" })]);
    expect(world.effects).toEqual(["run-1/only"]);
  });
});

describe("a failed attempt", () => {
  const failing = (error: Error): World => {
    const world = new World();
    world.perform = () => Promise.reject(error);
    return world;
  };
  const safe = [step("only", { retrySafe: true, retries: 2 })];

  it("is followed by others, each later, until none is left; the run waits without a worker", async () => {
    const world = failing(new Error("disk full"));
    const wait = { reason: "StepRetry", message: "step only: disk full" };
    await expect(world.run(safe)).rejects.toMatchObject({ ...wait, retryAfterMs: 5_000 });
    await expect(world.run(safe)).rejects.toMatchObject({ ...wait, retryAfterMs: 10_000 });
    await expect(world.run(safe)).rejects.toBeInstanceOf(PermanentError);
    expect(world.retries).toEqual([5_000, 10_000, undefined]);
  });

  it("that was the last is told again, not made again, when the process died before the run ended", async () => {
    const world = failing(new Error("disk full"));
    await world.run([step("only")]).catch(() => undefined);
    const touches = world.touches;
    await expect(world.run([step("only")])).rejects.toThrow("step only: disk full");
    expect(world.touches).toBe(touches + 1);
  });

  const final: [string, Error, Partial<WorkflowStep>][] = [
    ["not safe to repeat", new Error("no answer"), { retrySafe: false }],
    ["permanent", new PermanentError("permission denied"), {}],
    ["stalling", new StallingError("Forbidden", "not allowed", "ask"), {}],
  ];
  test.each(final)("is the last when it is %s", async (_, error, more) => {
    const world = failing(error);
    const only = [step("only", { retrySafe: true, ...more })];
    await expect(world.run(only)).rejects.toThrow(`step only: ${error.message}`);
    expect(world.retries).toEqual([undefined]);
  });

  it("law 7: shows no secret, in the journal or in what is thrown", async () => {
    const world = failing(new Error("login with s3cr3t-pa55word refused"));
    world.masker.add("s3cr3t-pa55word");
    const error = await world.run([step("only")]).catch((it: unknown) => it);
    expect(String(error)).not.toContain("s3cr3t");
    expect(JSON.stringify([...world.entries])).not.toContain("s3cr3t");
  });
});

const lost = [
  new LeaseLostError("target", 3n),
  new SupersededError("a newer commit wants something else"),
];
test.each(lost)("$name from the journal ends the run at once", async (error) => {
  const world = new World();
  world.start = () => Promise.reject(error);
  await expect(world.run()).rejects.toBe(error);
  expect(world.effects).toEqual([]);
  expect(world.retries).toEqual([]);
});

test.each(lost)("$name from a step's own writes is no failure of the step", async (error) => {
  const world = new World();
  world.perform = () => Promise.reject(error);
  await expect(world.run([step("only", { retrySafe: true })])).rejects.toBe(error);
  expect(world.entries.get("only")).toMatchObject({ state: "started" });
});

test("a further look is no further attempt", async () => {
  const world = new World();
  const attempts: number[] = [];
  world.perform = ({ attempt }) => {
    attempts.push(attempt);
    return Promise.reject(new WaitingError("NotYet", "not yet", 1_000));
  };
  for (let look = 0; look < 3; look++) await world.run([step("only")]).catch(() => undefined);
  expect(attempts).toEqual([1, 1, 1]);
});

test("a journal that cannot take the log ends the attempt, and is no failure of the step", async () => {
  const world = new World();
  const error = new LeaseLostError("target", 3n);
  world.log = () => Promise.reject(error);
  await expect(world.run([step("only", { retrySafe: true })])).rejects.toBe(error);
  expect(world.entries.get("only")).toMatchObject({ state: "started" });
});

test("an aborted run throws the signal's reason, and leaves its step to be settled", async () => {
  const world = new World();
  const reason = new Error("shutting down");
  world.perform = (context) => {
    world.signals.abort(reason);
    return new Promise((_, reject) => reject(context.signal.reason));
  };
  await expect(world.run([step("only", { retrySafe: true })])).rejects.toBe(reason);
  expect(world.entries.get("only")).toMatchObject({ state: "started" });
});

describe("deadlines", () => {
  it("an attempt that takes too long is stopped and failed", async () => {
    const world = new World();
    world.perform = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped")));
        void world.clock.advance(60_000);
      });
    await expect(world.run([step("only")])).rejects.toThrow("step only: timed out after 60 s");
  });

  it("a step that waits has its time from its first start, over all its looks", async () => {
    const world = new World();
    world.perform = () => Promise.reject(new WaitingError("NotYet", "not listening yet", 10_000));
    const only = [step("only", { retrySafe: true })];
    const wait = { reason: "NotYet", retryAfterMs: 10_000 };
    await expect(world.run(only)).rejects.toMatchObject(wait);
    expect(world.entries.get("only")).toMatchObject({ state: "waiting", attempts: 1 });

    world.entries.set("only", { state: "waiting", attempts: 1, elapsedMs: 57_000 });
    await expect(world.run(only)).rejects.toMatchObject({ retryAfterMs: 3_000 });
    expect(world.entries.get("only")).toMatchObject({ state: "waiting", attempts: 1 });

    world.entries.set("only", { state: "waiting", attempts: 1, elapsedMs: 60_000 });
    const late = "step only: timed out after 60 s: not listening yet";
    await expect(world.run(only)).rejects.toThrow(late);
    expect(world.retries).toEqual([undefined]);
  });
});

describe("mistakes in a workflow", () => {
  const cases: [string, Partial<WorkflowStep>, string, string][] = [
    [
      "an unknown step type, before anything is done",
      { type: "magic" },
      "UnknownStepType",
      "magic",
    ],
    ["an unknown field", { config: { ownr: "x" } }, "ConfigurationError", "ownr"],
    [
      "a template that cannot be read",
      { config: { owner: "{{ if }}" } },
      "TemplateError",
      "/owner",
    ],
    [
      "an output of a step that was skipped",
      { config: { owner: "{{ .steps.no.output.id }}" } },
      "TemplateError",
      "/owner",
    ],
  ];
  test.each(cases)("%s", async (_, more, reason, names) => {
    const world = new World();
    const given = [step("no", { when: "no" }), step("only", { retrySafe: true, ...more })];
    const running = world.run(given);
    await expect(running).rejects.toMatchObject({ reason });
    await expect(running).rejects.toThrow(names);
    expect(world.effects).toEqual([]);
    expect(world.retries).toEqual(reason === "UnknownStepType" ? [] : [undefined]);
  });
});

describe("law 7: outputs that are secrets", () => {
  const secretive = () => {
    const world = new World();
    world.perform = async () => ({
      outputs: { value: "Zx81-spectrum-plus", api_token: "tok-123456789", host: "db.internal" },
      sensitive: ["value"],
    });
    return world;
  };
  const outputs = {
    url: { template: "postgres://u:{{ .steps.only.output.value }}@h/d", sensitive: false },
    host: { template: "{{ .steps.only.output.host }}", sensitive: false },
    user: { template: "shop", sensitive: true },
  };
  const expected = ["url", "user"];

  it("are those declared so, those named so, and whatever contains one", async () => {
    const world = secretive();
    const result = await world.run([step("only")], { outputs });
    expect(result.sensitive).toEqual(expected);
    expect(world.entries.get("only")).toMatchObject({ sensitive: ["api_token", "value"] });
  });

  it("are known again after a restart", async () => {
    const before = secretive();
    await before.run([step("only")], { outputs });
    const world = new World();
    for (const [name, entry] of before.entries) world.entries.set(name, entry);
    const result = await world.run([step("only")], { outputs });
    expect(result.sensitive).toEqual(expected);
    expect(world.masker.mask("it is Zx81-spectrum-plus")).not.toContain("Zx81");
  });
});
