import { assertEquals, assertLess } from "@std/assert";
import { barText } from "../../src/progress/bar_text.ts";
import { fitted, widthOf } from "../../src/progress/fitted.ts";
import { progress } from "../helpers/progress.ts";

Deno.test("barText() draws a bar in the columns that are left", () => {
  assertEquals(
    barText("render", progress(), 60),
    "render  40% [#######------------] 40 of 100, 4/s, 0:15 left",
  );
});

Deno.test("barText() draws a full bar for a map without items", () => {
  assertEquals(
    barText("f", progress({ total: 0, done: 0, rate: 0, timeLeft: 0 }), 40),
    "f 100% [############] 0 of 0, 0:00 left",
  );
});

Deno.test("barText() draws no bar if the total isn't known", () => {
  const unknown = progress({ total: undefined, timeLeft: undefined });
  assertEquals(barText("render", unknown, 60), "render 40, 4/s, 0:10");
});

Deno.test("barText() is shorter than the terminal is wide", () => {
  const labels = [
    "",
    "render",
    "計算".repeat(20),
    "x".repeat(500),
    "a\nb\x1b[2J",
  ];
  for (const label of labels) {
    for (let columns = 2; columns < 200; columns++) {
      for (const total of [100, undefined]) {
        const text = barText(label, progress({ total }), columns);
        assertLess(widthOf(text), columns);
        assertEquals(/\p{Cc}/u.test(text), false);
      }
    }
  }
});

Deno.test("fitted() keeps what fits, and marks what was cut", () => {
  assertEquals(fitted("render", 6), "render");
  assertEquals(fitted("render", 5), "rend…");
  assertEquals(fitted("計算計算", 8), "計算計算");
  assertEquals(fitted("計算計算", 7), "計算計…");
  assertEquals(fitted("計算計算", 6), "計算…");
  assertEquals(fitted("a\tb", 3), "a b");
});
