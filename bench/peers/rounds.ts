import { type Effort, type Row, row, Samples, spread } from "../measure.ts";
import { PeerError, type PeerProcess } from "./peer_process.ts";
import type { Work } from "./works.ts";

/** The seconds that a measurement should take, at full effort. */
const TARGET_SECONDS = 0.1;

/** The seconds that it may take; more work isn't done, at full effort. */
const MOST_SECONDS = 2;

/** Measurements before the amount of work is settled; the first is slow. */
const WARM_UPS = 2;

/** A peer that takes part. */
export interface Participant {
  readonly name: string;
  readonly process: Pick<PeerProcess, "ask">;
}

/** Takes note of what isn't as its row's name says. */
export interface Notes {
  /** A peer would have taken too long for the whole work. */
  reduced(row: string, count: number): void;
  /** A peer failed; it has no row. */
  failed(peer: string, work: string, reason: string): Promise<void>;
}

/** A participant that has warmed up. */
interface Runner extends Participant {
  readonly count: number;
}

/**
 * Measures a work with one participant after the other, in several rounds, so
 * other load and changes of the clock rate affect all of them. The first is the
 * one that the others are compared with; it takes its turn at the start and at
 * the end of each round.
 *
 * @returns A row for each figure of each participant that didn't fail; none if
 * the first failed.
 */
export async function measureInRounds(
  work: Work,
  participants: readonly Participant[],
  effort: Effort,
  notes: Notes,
): Promise<Row[]> {
  let runners = await warmUp(work, participants, effort, notes);
  const reference = runners[0];
  if (reference === undefined || reference.name !== participants[0]!.name) {
    return [];
  }
  const values = new Samples();
  const ratios = new Samples();
  const turn = async (runner: Runner) => {
    const figures = await measure(work, runner, notes);
    figures?.forEach((figure, index) =>
      values.add(rowName(work, index, runner), figure)
    );
    return figures;
  };
  const rounds = Math.min(effort.repetitions, work.repetitions ?? Infinity);
  let before = await turn(reference);
  for (let round = 0; round < rounds; round++) {
    if (before === undefined) return [];
    const measured = new Map<Runner, readonly number[]>();
    for (const runner of runners.slice(1)) {
      const figures = await turn(runner);
      if (figures !== undefined) measured.set(runner, figures);
    }
    const after = await turn(reference);
    if (after === undefined) return [];
    for (const [runner, figures] of measured) {
      figures.forEach((figure, index) => {
        const mean = (before![index]! + after[index]!) / 2;
        ratios.add(rowName(work, index, runner), figure / mean);
      });
    }
    runners = [reference, ...measured.keys()];
    before = after;
  }
  return runners.flatMap((runner) =>
    rowsOf(work, runner, reference, values, ratios)
  );
}

function rowsOf(
  work: Work,
  runner: Runner,
  reference: Runner,
  values: Samples,
  ratios: Samples,
): Row[] {
  return work.names.map((_, index) => {
    const name = rowName(work, index, runner);
    const own = row(name, work.unit, values.of(name));
    if (runner === reference) return own;
    const limit = rowName(work, index, reference);
    return { ...own, ratios: { [limit]: spread(ratios.of(name)) } };
  });
}

/** Returns the name of the row of a participant. */
function rowName(work: Work, index: number, { name }: Participant): string {
  return `${work.names[index]}/${name}`;
}

async function warmUp(
  work: Work,
  participants: readonly Participant[],
  effort: Effort,
  notes: Notes,
): Promise<Runner[]> {
  const runners: Runner[] = [];
  for (const participant of participants) {
    try {
      const count = await settle(work, participant, effort);
      if (count < work.step) {
        notes.reduced(`${work.names[0]}/${participant.name}`, count);
      }
      runners.push({ ...participant, count });
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      await notes.failed(participant.name, work.names[0]!, error.message);
    }
  }
  return runners;
}

/** Increases the amount of work until it takes long enough. */
async function settle(
  work: Work,
  { process }: Participant,
  { scale }: Effort,
): Promise<number> {
  let count = work.first;
  for (let turn = 1;; turn++) {
    const request = work.request(count);
    const start = performance.now();
    await process.ask(request);
    const taken = (performance.now() - start) / 1_000;
    const wanted = amount(work, count / taken, scale);
    const enough = count >= wanted / 2 ||
      taken >= (work.targetSeconds ?? TARGET_SECONDS) * scale;
    if (enough && turn >= WARM_UPS) return wanted;
    count = Math.min(wanted, count * 8);
  }
}

/** Returns the amount of work to measure at a rate. */
function amount(work: Work, rate: number, scale: number): number {
  const { step, most, first } = work;
  const { targetSeconds = TARGET_SECONDS, mostSeconds = MOST_SECONDS } = work;
  const steps = Math.max(1, Math.round(rate * targetSeconds * scale / step));
  const affordable = Math.max(
    Math.min(first, step),
    rate * mostSeconds * scale,
  );
  return Math.round(Math.min(steps * step, affordable, most));
}

async function measure(
  work: Work,
  { name, process, count }: Runner,
  notes: Notes,
): Promise<readonly number[] | undefined> {
  try {
    const answer = await process.ask(work.request(count));
    return work.figures(answer, count);
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    await notes.failed(name, work.names[0]!, error.message);
  }
}
