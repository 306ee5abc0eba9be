import { assert } from "@std/assert";
import { concat } from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

/** Determines all inputs. */
export const SEED = Number(Deno.env.get("DISTEX_FUZZ_SEED") ?? 20_260);

/**
 * How many times the usual number of inputs the tests try. The usual number is
 * small; `bench/fuzz.ts` tries a million.
 */
export const SCALE = Number(Deno.env.get("DISTEX_FUZZ_SCALE") ?? 1);

/** Tries one input, which it makes from random numbers. */
export type Trial = (random: Random) => Promise<Outcome> | Outcome;

/** The outcome of an input, if the trial distinguishes outcomes. */
export type Outcome = "accepted" | "refused" | void;

/**
 * Runs a trial with many inputs.
 *
 * @returns How often each outcome occurred.
 * @throws {Error} If a trial fails; the message says how to repeat it.
 */
export async function fuzz(
  name: string,
  count: number,
  trial: Trial,
  seed: number = SEED,
): Promise<Map<Outcome, number>> {
  const outcomes = new Map<Outcome, number>();
  for (let index = 0; index < count; index++) {
    try {
      // Unneeded awaits would take most of the time.
      let outcome = trial(new Random(Math.imul(seed, 0x9e3779b1) + index));
      if (outcome instanceof Promise) outcome = await outcome;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (cause) {
      const again = `DISTEX_FUZZ_SEED=${seed}`;
      const message = `Input ${index} of ${name} with ${again}: ${cause}`;
      throw new Error(message, { cause });
    }
  }
  return outcomes;
}

/** Like {@linkcode fuzz}, but also requires that each outcome occurs. */
export async function fuzzBoth(
  name: string,
  count: number,
  trial: Trial,
): Promise<void> {
  const outcomes = await fuzz(name, count, trial);
  const { accepted = 0, refused = 0 } = Object.fromEntries(outcomes);
  assert(accepted > count / 100, `only ${accepted} of ${count} accepted`);
  assert(refused > count / 100, `only ${refused} of ${count} refused`);
}

/** The messages that a peer sent, in their order. */
export type Conversation = readonly Uint8Array<ArrayBuffer>[];

/** Changes a conversation at random, and mixes in parts of another. */
export function mutate(
  random: Random,
  conversation: Conversation,
  other: Conversation,
): Uint8Array<ArrayBuffer> {
  const messages = copy(conversation);
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const index = random.below(messages.length);
    const message = messages[index] ?? new Uint8Array();
    switch (random.below(8)) {
      case 0:
      case 1:
        flip(random, message);
        break;
      case 2:
        messages[index] = message.slice(0, random.below(message.length + 1));
        break;
      case 3:
        messages[index] = insert(random, message);
        break;
      case 4:
        messages.splice(random.below(messages.length + 1), 0, message);
        break;
      case 5:
        messages.splice(index, 1);
        break;
      case 6:
        messages.sort(() => random.fraction() - 0.5);
        break;
      default: {
        const from = random.below(other.length + 1);
        messages.splice(index, random.below(3), ...copy(other.slice(from)));
      }
    }
  }
  return concat(messages);
}

function copy(conversation: Conversation): Uint8Array<ArrayBuffer>[] {
  return conversation.map((message) => Uint8Array.from(message));
}

/** Cuts bytes into pieces of random sizes. */
export function pieces(random: Random, bytes: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  const least = Math.ceil(bytes.length / 1_000);
  const most = Math.max(least, random.pick([1, 7, 100, 5_000, 100_000]));
  for (let start = 0; start < bytes.length;) {
    const end = start + 1 + random.below(most);
    all.push(bytes.subarray(start, end));
    start = end;
  }
  return all;
}

function flip(random: Random, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  for (let count = 1 + random.below(4); count > 0; count--) {
    const bit = 1 << random.below(8);
    const special = random.pick([0, 0x7f, 0x80, 0xc9, 0xdc, 0xdd, 0xdf, 0xff]);
    const index = random.below(bytes.length);
    bytes[index] = random.pick([bytes[index]! ^ bit, special]);
  }
}

function insert(
  random: Random,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const inserted = random.bytes(random.below(20));
  return concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
}
