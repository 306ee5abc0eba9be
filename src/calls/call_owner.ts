import type { Call } from "./call.ts";
import type { StreamLink } from "./stream_link.ts";

/** The queue, worker or set of retries that holds a call. */
export interface CallOwner {
  /** Drops a call that was abandoned. */
  release(call: Call): void;
}

/** A worker that has a call. */
export interface CallRunner extends CallOwner {
  /** Returns the way to send values of the call's streams. */
  link(call: Call): StreamLink;
  /** Uses the place of a call that was paused for others. */
  paused(call: Call): void;
  /** Takes a place for a paused call that continues. */
  resumed(call: Call): void;
}
