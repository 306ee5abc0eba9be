import { assert, assertFalse } from "@std/assert";
import { isArrowFunction } from "../../src/worker/is_arrow_function.ts";

Deno.test("isArrowFunction() returns true for sync arrow functions", () => {
  // As source text, because the formatter would change it.
  const sources = [
    "() => 1",
    "(x) => x",
    "x => x",
    "x\t=> x",
    "$ => $",
    "_1 => 1",
    "größe => größe",
    "async => async",
    "({ x }, [y] = [1], ...rest) => x",
  ];
  for (const source of sources) {
    assert(isArrowFunction(new Function(`return (${source})`)()), source);
  }
});

Deno.test("isArrowFunction() returns false for functions that may see their this", () => {
  const { bind } = Function.prototype;
  const object = {
    method() {},
    async() {},
    "()=>1"() {},
    ["=>"]() {},
    *generator() {},
    async later() {},
    get getter() {
      return 1;
    },
  };
  const { get } = Object.getOwnPropertyDescriptor(object, "getter")!;
  const others = [
    function () {},
    function named() {},
    function* generator() {},
    async function later() {},
    class {},
    bind.call(() => {}, undefined),
    new Proxy(() => {}, {}),
    Math.max,
    Object.assign(function () {}, { toString: () => "() => 1" }),
    ...Object.keys(object).filter((key) => key !== "getter")
      .map((key) => object[key as keyof typeof object]),
    get!,
  ] as (() => void)[];
  for (const other of others) {
    assertFalse(
      isArrowFunction(other),
      Function.prototype.toString.call(other),
    );
  }
});
