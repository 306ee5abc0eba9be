import { assertEquals } from "@std/assert";
import type { HostReport, StepReport } from "../../src/doctor/report.ts";
import {
  headerText,
  stepsText,
  summaryText,
} from "../../src/doctor/report_text.ts";

const PLAIN = { color: false, width: Infinity };

const STEPS: StepReport[] = [
  { name: "name", ok: true, detail: "maxi is 192.168.1.20" },
  { name: "host key", ok: true, detail: "" },
  { name: "clock", ok: true, detail: "2.0 s ahead", hint: "run NTP" },
  { name: "key", ok: false, detail: "denied:\n    by maxi", hint: "try this" },
  { name: "deno", ok: null, detail: "" },
];

function hosts(...oks: boolean[]): { ok: boolean; hosts: HostReport[] } {
  const figures = {
    workers: null,
    start: null,
    roundTrip: null,
    throughput: null,
    clockOffset: null,
    cpus: null,
    memory: null,
  };
  return {
    ok: oks.every((ok) => ok),
    hosts: oks.map((ok) => ({
      spec: "maxi",
      kind: "spawner",
      ok,
      steps: [],
      figures,
    })),
  };
}

Deno.test("stepsText() prints the mark, the detail and the hint of each step", () => {
  assertEquals(
    stepsText({ steps: STEPS }, PLAIN).split("\n"),
    [
      "  ✓ name          maxi is 192.168.1.20",
      "  ✓ host key",
      "  ✓ clock         2.0 s ahead",
      "                  → run NTP",
      "  ✗ key           denied:",
      "                      by maxi",
      "                  → try this",
      "  – deno",
    ],
  );
});

Deno.test("stepsText() wraps long lines between words", () => {
  const detail = "one two three four five\n    six seven eight nine ten";
  const hint = "eleven twelve thirteen fourteen";
  const steps = [{ name: "key", ok: false, detail, hint }];
  assertEquals(
    stepsText({ steps }, { color: false, width: 42 }).split("\n"),
    [
      "  ✗ key           one two three four five",
      "                      six seven eight nine",
      "                      ten",
      "                  → eleven twelve thirteen",
      "                    fourteen",
    ],
  );
});

Deno.test("stepsText() keeps words that are longer than a line", () => {
  const detail = `see ${"x".repeat(100)} there`;
  const steps = [{ name: "key", ok: true, detail }];
  assertEquals(
    stepsText({ steps }, { color: false, width: 1 }).split("\n"),
    [
      "  ✓ key           see",
      `                  ${"x".repeat(100)}`,
      "                  there",
    ],
  );
});

Deno.test("stepsText() uses colors when asked to", () => {
  assertEquals(
    stepsText({ steps: STEPS }, { ...PLAIN, color: true }).split("\n"),
    [
      "  \x1b[32m✓\x1b[0m name          maxi is 192.168.1.20",
      "  \x1b[32m✓\x1b[0m host key",
      "  \x1b[32m✓\x1b[0m clock         2.0 s ahead",
      "                  \x1b[33m→ run NTP\x1b[0m",
      "  \x1b[31m✗\x1b[0m key           denied:",
      "                      by maxi",
      "                  \x1b[33m→ try this\x1b[0m",
      "\x1b[2m  – deno\x1b[0m",
    ],
  );
});

Deno.test("stepsText() replaces control characters", () => {
  const detail = "a\x1b[31mb\rc\x07d\x9be\n    f";
  const steps = [{ name: "key", ok: false, detail, hint: "\x1bg" }];
  assertEquals(
    stepsText({ steps }, PLAIN).split("\n"),
    [
      "  ✗ key           a\uFFFD[31mb\uFFFDc\uFFFDd\uFFFDe",
      "                      f",
      "                  → \uFFFDg",
    ],
  );
});

Deno.test("headerText() returns the host as it was given", () => {
  assertEquals(headerText("ssh://maxi/8", PLAIN), "ssh://maxi/8");
  assertEquals(
    headerText("mini/2", { ...PLAIN, color: true }),
    "\x1b[1mmini/2\x1b[0m",
  );
});

Deno.test("summaryText() counts the hosts that have a problem", () => {
  const summary = (...oks: boolean[]) => summaryText(hosts(...oks), PLAIN);
  assertEquals(summary(true), "All checks passed");
  assertEquals(summary(true, true), "All checks passed");
  assertEquals(summary(false), "The host has a problem");
  assertEquals(summary(false, true), "1 of 2 hosts has a problem");
  assertEquals(summary(false, true, false), "2 of 3 hosts have a problem");
});
