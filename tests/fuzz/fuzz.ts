import { concat } from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

/** What determines all inputs; another one makes others. */
export const SEED = Number(Deno.env.get("DISTEX_FUZZ_SEED") ?? 20_260);

/** What is done with one input, which is made of random numbers. */
export type Trial = (random: Random) => Promise<void> | void;

/**
 * Makes many trials.
 *
 * @throws {Error} If one fails, with what is needed to have it again.
 */
export async function fuzz(
  name: string,
  count: number,
  trial: Trial,
  seed: number = SEED,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    try {
      // Not waiting where it isn't needed leaves time for more trials.
      const waiting = trial(new Random(Math.imul(seed, 0x9e3779b1) + index));
      if (waiting !== undefined) await waiting;
    } catch (cause) {
      const again = `DISTEX_FUZZ_SEED=${seed}`;
      const message = `Input ${index} of ${name} with ${again}: ${cause}`;
      throw new Error(message, { cause });
    }
  }
}

/** Bytes that someone sent, one message after the other. */
export type Conversation = readonly Uint8Array<ArrayBuffer>[];

/** Makes something else of a conversation, with the help of another. */
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

/** The same bytes in pieces of any size. */
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
