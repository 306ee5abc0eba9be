import { assertEquals, assertMatch } from "@std/assert";
import { ProgressBar } from "@std/cli/unstable-progress-bar";
import { FakeTime } from "../helpers/fake_time.ts";

/** Collects what is written to a stream. */
class Output {
  readonly texts: string[] = [];
  isClosed = false;
  readonly writable: WritableStream<Uint8Array> = new WritableStream({
    write: (bytes) => void this.texts.push(new TextDecoder().decode(bytes)),
    close: () => {
      this.isClosed = true;
    },
  });
}

Deno.test("ProgressBar prints at once, at intervals and when it stops", async () => {
  const output = new Output();
  using time = new FakeTime();
  const bar = new ProgressBar({ max: 4_096, writable: output.writable });
  bar.value = 1_024;
  await time.tickAsync(1_000);
  bar.max = 2_048;
  await bar.stop();
  assertEquals(output.texts, [
    `\r\u001b[K[00:00] [${"-".repeat(50)}] [0.00/4.00 KiB]`,
    `\r\u001b[K[00:01] [${"#".repeat(12)}${"-".repeat(38)}] [1.00/4.00 KiB]`,
    `\r\u001b[K[00:01] [${"#".repeat(25)}${"-".repeat(25)}] [1.00/2.00 KiB]`,
    "\n",
  ]);
  assertEquals(output.isClosed, false);
});

Deno.test("ProgressBar calls its formatter at once", async () => {
  const output = new Output();
  const bars: string[] = [];
  const bar = new ProgressBar({
    writable: output.writable,
    value: 3,
    max: 2,
    barLength: 4,
    fillChar: "=",
    clear: true,
    keepOpen: false,
    formatter: ({ progressBar, value, max, previousValue, time }) => {
      assertEquals([value, max, previousValue], [3, 2, 3]);
      assertMatch(String(time), /^\d+$/);
      bars.push(progressBar);
      return progressBar;
    },
  });
  assertEquals(bars, ["===="]);
  await bar.stop();
  assertEquals(output.texts, ["\r\u001b[K====", "\r\u001b[K"]);
  assertEquals(output.isClosed, true);
});
