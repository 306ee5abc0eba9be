import {
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import { CallKind, CallKinds } from "../../src/calls/call_kind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import { bind } from "../../src/tasks/bind.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";
import { TASK } from "../helpers/fake_worker.ts";

const TERMS = { retries: 0 };

Deno.test("CallKinds.of() returns the same kind for calls of the same kind", () => {
  const kinds = new CallKinds();
  const kind = kinds.of(TASK, TERMS, true);
  assertStrictEquals(kinds.of(TASK, TERMS, true), kind);
  assertEquals(kind, new CallKind(TASK, TERMS, undefined, true));
});

Deno.test("CallKinds.of() makes another kind for other calls", () => {
  const kinds = new CallKinds();
  const kind = kinds.of(TASK, TERMS, true);
  assertNotStrictEquals(kinds.of(TASK, TERMS, false), kind);
  assertNotStrictEquals(kinds.of(TASK, { retries: 1 }, true), kind);
  assertNotStrictEquals(kinds.of({ ...TASK }, TERMS, true), kind);
});

Deno.test("CallKinds.of() keeps no bound task", () => {
  const bound = new TaskRegistry(() => {}).register(bind((x: number) => x, 1));
  const kinds = new CallKinds();
  const kind = kinds.of(bound, TERMS, true);
  assertNotStrictEquals(kinds.of(bound, TERMS, true), kind);
});

Deno.test("Call.payload is a list even if its kind is unary", () => {
  const unary = new PromisedCall(
    new CallKind(TASK, TERMS, undefined, true),
    "a",
    undefined,
  );
  assertEquals([unary.payload, unary.argument, unary.items], [["a"], "a", 1]);
  unary.succeed(0, 0);
  assertEquals(unary.payload, []);
});
