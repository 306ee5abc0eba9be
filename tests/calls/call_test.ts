import { assert, assertEquals, assertFalse } from "@std/assert";
import { Call } from "../../src/calls/call.ts";
import type { CallObserver, CallState } from "../../src/calls/call_state.ts";
import type { CallRunner } from "../../src/calls/call_owner.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import { CallCounts } from "../../src/calls/call_counts.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { TASK } from "../helpers/fake_worker.ts";

/** A call that logs its transitions and its outcome. */
class TestCall extends Call implements CallObserver, CallRunner<Call> {
  readonly log: string[] = [];

  constructor() {
    super(new CallKind(TASK), ["argument"]);
  }

  moved(_call: object, from: CallState | undefined, to: CallState): void {
    this.log.push(`${from ?? "new"} > ${to}`);
  }

  release(): void {
    this.log.push("released");
  }

  link(): never {
    throw new Error("The call has no streams");
  }

  paused(): void {
    this.log.push("gave up its place");
  }

  resumed(): void {
    this.log.push("took its place");
  }

  runningTime(): number {
    return 0;
  }

  protected override resolved(value: unknown): void {
    this.log.push(`value ${value}`);
  }

  protected override rejected(error: unknown): void {
    this.log.push(`error ${error}`);
  }
}

/** Returns a call in the given state, with an empty log. */
function callThatIs(state: CallState): TestCall {
  const call = new TestCall();
  call.submit(call);
  call.pass(call);
  if (state !== "queued") call.send(call, 1, 1, 1);
  if (state === "abandoned") call.abandon();
  if (state === "requeued") call.lose(call);
  if (state === "delayed") call.delay(call);
  if (state === "settled") call.succeed(0, 1);
  assertEquals(call.state, state);
  call.log.length = 0;
  return call;
}

const TRANSITIONS: [
  from: CallState,
  method: "succeed" | "fail" | "abandon" | "cancel",
  to: CallState,
  log: string[],
][] = [
  ["queued", "fail", "settled", ["error 1", "queued > settled"]],
  ["queued", "abandon", "settled", ["released", "queued > settled"]],
  ["queued", "cancel", "settled", ["released", "queued > settled", "error 1"]],
  ["sent", "succeed", "settled", ["value 1", "sent > settled"]],
  ["sent", "fail", "settled", ["error 1", "sent > settled"]],
  ["sent", "abandon", "abandoned", ["sent > abandoned", "released"]],
  ["sent", "cancel", "abandoned", ["sent > abandoned", "released", "error 1"]],
  ["abandoned", "succeed", "settled", ["abandoned > settled"]],
  ["abandoned", "fail", "settled", ["abandoned > settled"]],
  ["abandoned", "abandon", "abandoned", []],
  ["abandoned", "cancel", "abandoned", []],
  ["requeued", "succeed", "settled", ["value 1", "requeued > settled"]],
  ["requeued", "fail", "settled", ["error 1", "requeued > settled"]],
  ["requeued", "abandon", "settled", ["released", "requeued > settled"]],
  ["delayed", "fail", "settled", ["error 1", "delayed > settled"]],
  ["delayed", "abandon", "settled", ["released", "delayed > settled"]],
  ["delayed", "cancel", "settled", [
    "released",
    "delayed > settled",
    "error 1",
  ]],
  ["settled", "succeed", "settled", []],
  ["settled", "fail", "settled", []],
  ["settled", "abandon", "settled", []],
  ["settled", "cancel", "settled", []],
];

for (const [from, method, to, log] of TRANSITIONS) {
  Deno.test(`Call.${method}() of a call that is ${from} makes it ${to}`, () => {
    const call = callThatIs(from);
    if (method === "succeed") call.succeed(1, 1);
    else if (method === "fail") call.fail(1);
    else if (method === "abandon") assertEquals(call.abandon(), log.length > 0);
    else assertEquals(call.cancel(1), log.length > 0);
    assertEquals([call.state, call.log], [to, log]);
  });
}

Deno.test("Call drops its arguments when it is settled", () => {
  assertEquals(callThatIs("sent").payload, ["argument"]);
  assertEquals(callThatIs("requeued").payload, ["argument"]);
  assertEquals(callThatIs("settled").payload, []);
});

Deno.test("Call.requeue() and send() follow a loss", () => {
  const call = callThatIs("sent");
  call.requeue();
  assertEquals([call.state, call.isWith(call)], ["queued", false]);
  call.send(call, 7, 8, 9);
  assertEquals([call.id, call.message, call.bytes], [7, 8, 9]);
  assert(call.isWith(call));
  call.lose(call);
  call.send(call, 1, 1, 1);
  assertEquals(call.state, "sent");
});

Deno.test("Call.delay(), requeue() and send() follow an error", () => {
  const call = callThatIs("sent");
  const owner = new TestCall();
  call.delay(owner);
  assertEquals([call.state, call.isWith(owner)], ["delayed", true]);
  assertEquals(call.payload, ["argument"]);
  call.requeue();
  assertEquals([call.state, call.isWith(owner)], ["queued", false]);
  call.send(call, 7, 8, 9);
  assertEquals(call.log, [
    "sent > delayed",
    "delayed > queued",
    "queued > sent",
  ]);
});

Deno.test("CallCounts.moved() counts pending calls and calls in flight", async () => {
  const keepAlive = new KeepAlive();
  let settled = 0;
  const counts = new CallCounts(keepAlive, () => settled++);
  const calls = [new TestCall(), new TestCall()];
  for (const call of calls) call.submit(counts);
  assertEquals([counts.pending, counts.inFlight, counts.isIdle], [2, 0, false]);
  const [first, second] = calls as [TestCall, TestCall];
  first.send(first, 1, 1, 1);
  first.abandon();
  second.send(second, 2, 1, 1);
  assertEquals([counts.pending, counts.inFlight], [2, 2]);
  second.lose(second);
  assertEquals([counts.pending, counts.inFlight], [2, 1]);
  first.fail("lost");
  const idle = counts.idle();
  assertFalse(counts.isIdle);
  second.abandon();
  assertEquals([counts.pending, counts.inFlight, settled], [0, 0, 2]);
  await idle;
  keepAlive.close();
});
