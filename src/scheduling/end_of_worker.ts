import type { Channel } from "../transport/channel.ts";
import type { CallWriter } from "./call_writer.ts";
import type { CallsInFlight } from "./calls_in_flight.ts";
import type { WorkerAnswers } from "./worker_answers.ts";
import type { LostWorker, WorkerProfile } from "./worker_events.ts";

/** The parts of a lost worker's handle that show which calls it began. */
export interface LostWorkerParts {
  /** Its process and settings. */
  readonly profile: WorkerProfile;
  /** Its connection, which is closed. */
  readonly channel: Channel;
  /** Knows which messages haven't left. */
  readonly writer: CallWriter;
  /** Its unanswered calls. */
  readonly calls: CallsInFlight;
  /** Its answers so far. */
  readonly answers: WorkerAnswers;
  /** Whether the pool has killed it because it was stuck. */
  readonly killed: boolean;
}

/**
 * Waits for the end of a lost worker's process, and takes its unanswered calls.
 *
 * @param cause The error that ended the connection, if any.
 */
export async function endOfWorker(
  cause: unknown,
  parts: LostWorkerParts,
): Promise<LostWorker> {
  const { profile, writer, answers, killed } = parts;
  const end = await profile.process.end();
  const isComplete = !end.hostLost && !mayMissResults(cause, parts);
  // If the pool hadn't killed it, a large argument may be what ended it.
  const isLeaving = killed
    ? (message: number) => writer.isLeaving(message)
    : undefined;
  const calls = parts.calls.takeAll(isComplete, isLeaving, answers.isHeld);
  return { ...calls, end, cause };
}

/** Returns whether results of the lost worker may not have arrived. */
function mayMissResults(
  cause: unknown,
  { profile, channel, killed }: LostWorkerParts,
): boolean {
  if (!profile.overTcp) return false;
  // A stuck worker that the pool killed had already sent all its results.
  if (killed && !channel.isWithinMessage) return false;
  return channel.hidesResets || isReset(cause) || isReset(channel.writeError);
}

/** Returns whether an error means that the connection may have dropped data. */
function isReset(cause: unknown): boolean {
  return cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.ConnectionAborted ||
    cause instanceof Deno.errors.TimedOut;
}
