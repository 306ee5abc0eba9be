import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { hookOutput } from "../../src/progress/output_hooks.ts";

/** Replaces a method of `console` until it is disposed of. */
class FakeMethod implements Disposable {
  readonly calls: unknown[][] = [];
  readonly method: (...args: unknown[]) => void;
  readonly #original = console.debug;

  constructor(effect: () => void = () => {}) {
    this.method = (...args) => {
      this.calls.push(args);
      effect();
    };
    console.debug = this.method;
  }

  [Symbol.dispose](): void {
    console.debug = this.#original;
  }
}

/** Counts what is reported. */
function makeListener() {
  const events: string[] = [];
  return {
    events,
    before: () => void events.push("before"),
    after: (endsLine: boolean) =>
      void events.push(endsLine ? "line" : "piece of a line"),
  };
}

Deno.test("hookOutput() reports what console prints until it is undone", () => {
  using fake = new FakeMethod();
  const listener = makeListener();
  const unhook = hookOutput(listener);
  console.debug("a", 1);
  unhook();
  console.debug("b");
  assertEquals(fake.calls, [["a", 1], ["b"]]);
  assertEquals(listener.events, ["before", "line"]);
  assertStrictEquals(console.debug, fake.method);
});

Deno.test("hookOutput() passes on what a method throws", () => {
  using _fake = new FakeMethod(() => {
    throw new RangeError("no");
  });
  const listener = makeListener();
  const unhook = hookOutput(listener);
  assertThrows(() => console.debug("a"), RangeError, "no");
  unhook();
  assertEquals(listener.events, ["before", "line"]);
});

Deno.test("hookOutput() leaves a method that was replaced in the meantime", () => {
  using _fake = new FakeMethod();
  const unhook = hookOutput(makeListener());
  const replacement = () => {};
  console.debug = replacement;
  unhook();
  assertStrictEquals(console.debug, replacement);
});

Deno.test("hookOutput() restores all that it replaces", () => {
  const owners = [console, globalThis, Deno.stdout, Deno.stderr];
  const before = owners.map((owner) => Object.getOwnPropertyDescriptors(owner));
  const unhook = hookOutput(makeListener());
  unhook();
  owners.forEach((owner, index) => {
    assertEquals(Object.getOwnPropertyDescriptors(owner), before[index]!);
  });
});
