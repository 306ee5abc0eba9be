import type { CallPreface } from "../calls/call_preface.ts";
import { MessageType } from "../protocol/worker_messages.ts";
import type { FrameWriter } from "../transport/frame_writer.ts";

/** The numbers of a call. */
export interface CallNumbers {
  /** Its id at the worker. */
  readonly id: number;
  /** See {@linkcode Call.number}. */
  readonly number: number;
}

/**
 * Writes the information that a worker needs before a call.
 *
 * @param isCertain `false` takes it back.
 */
export function writePreface(
  writer: FrameWriter,
  { id, number }: CallNumbers,
  { runTimeout, seed }: CallPreface,
  isCertain: boolean,
): void {
  const { WATCH, NUMBERED } = MessageType;
  if (runTimeout !== undefined) writer.message([WATCH, id, isCertain]);
  if (seed !== undefined) {
    const key = isCertain ? seed : [];
    writer.message([NUMBERED, id, number, key]);
  }
}
