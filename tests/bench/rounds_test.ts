import { assertEquals } from "@std/assert";
import { PeerError } from "../../bench/peers/peer_process.ts";
import type { Answer } from "../../bench/peers/requests.ts";
import { measureInRounds, type Participant } from "../../bench/peers/rounds.ts";
import type { Work } from "../../bench/peers/works.ts";

const EFFORT = { repetitions: 2, scale: 1 };

/** A work of one item, whose figure is the time that it takes. */
const WORK: Work = {
  title: "Work",
  names: ["work"],
  unit: "s",
  workers: 2,
  peers: [],
  first: 1,
  step: 1,
  most: 1,
  request: (count) => ({ work: "run", count, size: 0 }),
  figures: ({ seconds }) => [seconds],
};

/** Participants that answer with the next of their times, and a log of that. */
class Fixture {
  readonly log: string[] = [];
  readonly failures: string[] = [];
  readonly reductions: [string, number][] = [];

  participant(name: string, ...times: (number | PeerError)[]): Participant {
    const ask = (): Promise<Answer> => {
      this.log.push(name);
      const time = times.shift()!;
      return typeof time === "number"
        ? Promise.resolve({ seconds: time })
        : Promise.reject(time);
    };
    return { name, process: { ask } };
  }

  reduced(row: string, count: number): void {
    this.reductions.push([row, count]);
  }

  failed(peer: string, work: string, reason: string): Promise<void> {
    this.failures.push(`${peer} ${work} ${reason}`);
    return Promise.resolve();
  }
}

Deno.test("measureInRounds() measures the first at both ends of each round", async () => {
  const fixture = new Fixture();
  const a = fixture.participant("a", 0, 0, 1, 3, 5);
  const b = fixture.participant("b", 0, 0, 4, 2);
  const c = fixture.participant("c", 0, 0, 6, 8);
  const rows = await measureInRounds(WORK, [a, b, c], EFFORT, fixture);
  assertEquals(fixture.log.join(""), "aabbcc" + "abcabca");
  assertEquals(
    rows.map(({ name, value, ratios }) => [
      name,
      value!.samples,
      ratios["work/a"]?.samples,
    ]),
    [
      ["work/a", [1, 3, 5], undefined],
      ["work/b", [4, 2], [4 / 2, 2 / 4]],
      ["work/c", [6, 8], [6 / 2, 8 / 4]],
    ],
  );
  assertEquals(fixture.failures, []);
});

Deno.test("measureInRounds() goes on without a peer that fails", async () => {
  const fixture = new Fixture();
  const a = fixture.participant("a", 0, 0, 1, 1, 1);
  const b = fixture.participant("b", new PeerError("early"));
  const c = fixture.participant("c", 0, 0, 1, new PeerError("late"));
  const rows = await measureInRounds(WORK, [a, b, c], EFFORT, fixture);
  assertEquals(rows.map(({ name }) => name), ["work/a"]);
  assertEquals(fixture.failures, ["b work early", "c work late"]);
});

Deno.test("measureInRounds() has no rows if the first fails", async () => {
  const fixture = new Fixture();
  const a = fixture.participant("a", 0, 0, new PeerError("late"));
  const b = fixture.participant("b", 0, 0);
  assertEquals(await measureInRounds(WORK, [a, b], EFFORT, fixture), []);
  assertEquals(fixture.failures, ["a work late"]);
});

Deno.test("measureInRounds() reports that it did less than the whole work", async () => {
  const fixture = new Fixture();
  const a = fixture.participant("a", 0, 0, 1, 1, 1);
  const work: Work = { ...WORK, step: 10_000, most: 1 };
  await measureInRounds(work, [a], EFFORT, fixture);
  assertEquals(fixture.reductions, [["work/a", 1]]);
});
