import { assertEquals, assertThrows } from "@std/assert";
import {
  parseLabelList,
  parsePlace,
  parseResourceList,
  parseResources,
} from "../../src/options/place.ts";
import { formatAmount, parseAmount } from "../../src/util/parse_amount.ts";

Deno.test("parseAmount() reads numbers and units", () => {
  const amounts: [text: string, amount: number][] = [
    ["2", 2],
    ["0.5", 0.5],
    ["512M", 512e6],
    ["64G", 64e9],
    ["64 GB", 64e9],
    ["1.5Gi", 1.5 * 2 ** 30],
    ["1KiB", 1024],
    ["3k", 3_000],
    ["2T", 2e12],
    ["1Pi", 2 ** 50],
    [" 7 ", 7],
    ["8B", 8],
  ];
  for (const [text, amount] of amounts) {
    assertEquals(parseAmount(text), amount, text);
  }
});

Deno.test("parseAmount() returns undefined for other texts", () => {
  for (const text of ["", "G", "-1", "1e3", "1.G", ".5", "2i", "2X", "1 2"]) {
    assertEquals(parseAmount(text), undefined, text);
  }
});

Deno.test("parsePlace() checks labels and parses amounts", () => {
  assertEquals(parsePlace({}), { labels: {}, resources: {} });
  assertEquals(
    parsePlace({
      labels: { region: "eu" },
      resources: { gpu: 2, memory: "64G", cpus: "0.5" },
    }),
    {
      labels: { region: "eu" },
      resources: { gpu: 2, memory: 64e9, cpus: 0.5 },
    },
  );
});

Deno.test("parsePlace() throws when an option has the wrong type", () => {
  for (
    const [options, message] of [
      [{ labels: ["eu"] }, "'labels'"],
      [{ labels: { region: 1 } }, "'labels.region' must be a string, but is 1"],
      [{ resources: "gpu" }, "'resources'"],
      [{ resources: { gpu: true } }, "'resources.gpu' must be a number"],
    ] as const
  ) {
    assertThrows(() => parsePlace(options as never), TypeError, message);
  }
});

Deno.test("parsePlace() throws when an amount or a name is out of range", () => {
  for (
    const [options, message] of [
      [{ resources: { gpu: -1 } }, "'resources.gpu' must be"],
      [{ resources: { gpu: NaN } }, "but is NaN"],
      [{ resources: { gpu: Infinity } }, "but is Infinity"],
      [{ resources: { memory: "64X" } }, 'but is "64X"'],
      [{ resources: { "a=b": 1 } }, "A name in 'resources'"],
      [{ labels: { "": "eu" } }, "A name in 'labels'"],
    ] as const
  ) {
    assertThrows(() => parsePlace(options), RangeError, message);
  }
});

Deno.test("parseLabelList() and parseResourceList() read a command line", () => {
  assertEquals(parseLabelList("--labels", "region=eu, disk=ssd=1"), {
    region: "eu",
    disk: "ssd=1",
  });
  assertEquals(parseLabelList("--labels", ""), {});
  assertEquals(parseResourceList("--resources", "gpu=2,memory=64G"), {
    gpu: 2,
    memory: 64e9,
  });
  assertThrows(
    () => parseResourceList("--resources", "gpu"),
    RangeError,
    "'--resources' must be a list like gpu=2,memory=64G, but is \"gpu\"",
  );
  assertThrows(
    () => parseResourceList("--resources", "gpu=two"),
    RangeError,
    "'--resources.gpu'",
  );
});

Deno.test("parseResources() keeps a name that objects inherit", () => {
  const resources = parseResources("resources", JSON.parse('{"__proto__": 1}'));
  assertEquals(Object.keys(resources), ["__proto__"]);
});

Deno.test("formatAmount() returns the shortest text", () => {
  for (const text of ["0.5", "2", "64G", "1.5Gi", "512M", "1.61", "1Ki"]) {
    assertEquals(formatAmount(parseAmount(text)!), text);
  }
  assertEquals(formatAmount(1_234_567_891), "1234567891");
});
