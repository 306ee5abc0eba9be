import { assert, assertFalse } from "@std/assert";
import { seesThis } from "../../src/worker/sees_this.ts";

/** Evaluates a function's source text, which the formatter doesn't change. */
function evaluate(source: string): () => void {
  return new Function(`return (${source})`)();
}

Deno.test("seesThis() returns false for sync arrow functions", () => {
  const sources = [
    "() => 1",
    "() => this",
    "(x) => x",
    "x => x",
    "x\t=> x",
    "$ => $",
    "_1 => 1",
    "größe => größe",
    "async => async",
    "({ x }, [y] = [1], ...rest) => x",
  ];
  for (const source of sources) assertFalse(seesThis(evaluate(source)), source);
});

Deno.test("seesThis() returns false for functions whose text has no `this`", () => {
  const { method } = {
    method() {},
  };
  const functions = [
    evaluate("function () { return 1 }"),
    evaluate("function named(x) { return x + 1 }"),
    evaluate("async function later() { await 1 }"),
    evaluate("async (x) => x"),
    method,
  ];
  for (const some of functions) assertFalse(seesThis(some), String(some));
});

Deno.test("seesThis() returns true for functions that may see their `this`", () => {
  const { bind } = Function.prototype;
  const object = {
    method() {
      return super.toString();
    },
    getter() {
      return this;
    },
  };
  const others = [
    evaluate("function () { return this }"),
    evaluate("function (x = this) { return x }"),
    evaluate("function () { return () => this }"),
    evaluate('function () { return eval("th" + "is") }'),
    evaluate('function () { return \\u0065val("th" + "is") }'),
    object.method,
    object.getter,
    bind.call(() => {}, undefined),
    new Proxy(() => {}, {}),
    Math.max,
    Object.assign(evaluate("function () { return this }"), {
      toString: () => "() => 1",
    }),
  ] as (() => void)[];
  for (const other of others) {
    assert(seesThis(other), Function.prototype.toString.call(other));
  }
});
