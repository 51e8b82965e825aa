import { expect, it } from "vitest";
import { servicesOn } from "../../test/support/services.ts";
import type { Database } from "../store/database.ts";
import { auditDelivery } from "./audit.ts";
import { CommandError } from "./output/failure.ts";

const unused = () => Promise.reject(new Error("not asked"));
const db: Database = {
  kind: "embedded",
  query: unused,
  transaction: unused,
  listen: unused,
  close: unused,
};
const observe = { delivered: () => {}, quarantined: () => {}, putOff: () => {} };
const auditSink = { url: "https://audit", tokenEnv: "SINK_TOKEN", intervalMs: 1_000 };
const deliveryOf = (settings: Parameters<typeof auditDelivery>[1], env = {}) =>
  auditDelivery(servicesOn(db), settings, env, observe);

it("delivers nowhere without a sink", () => {
  expect(deliveryOf({ auditSink: undefined })).toBeUndefined();
});

it("does not start without the token that is named, and does with it", () => {
  expect(() => deliveryOf({ auditSink })).toThrow(CommandError);
  expect(deliveryOf({ auditSink }, { SINK_TOKEN: "t0ken" })).toBeTypeOf("function");
});
