import type { StreamLink } from "./stream_link.ts";

/** The queue, worker or set of retries that holds calls. */
export interface CallOwner<Call> {
  /** Drops a call that was abandoned. */
  release(call: Call): void;
}

/** A worker that has calls. */
export interface CallRunner<Call> extends CallOwner<Call> {
  /** Returns the way to send values of the call's streams. */
  link(call: Call): StreamLink;
  /** Uses the place of a call that was paused for others. */
  paused(call: Call): void;
  /** Takes a place for a paused call that continues. */
  resumed(call: Call): void;
  /**
   * Returns how long a call may have been running, in milliseconds.
   *
   * @param sentAt When it was sent (`performance.now()`).
   */
  runningTime(sentAt: number): number;
}
