import type { Call } from "../calls/call.ts";
import type { CallQueue } from "./call_queue.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Sends a call to a worker. */
type Send = (link: WorkerHandle, call: Call) => void;

/**
 * Shares out what waits in a queue, until it is empty or no worker has room:
 * the worker with the least to do gets most.
 *
 * @param send Sends a call to a worker.
 */
export function shareFairly(
  queue: CallQueue,
  links: readonly WorkerHandle[],
  send: Send,
): void {
  let free = links.filter(({ hasRoom }) => hasRoom);
  while (free.length > 0 && queue.length > 0) {
    shareOnce(queue, free, send);
    // Calls that couldn't be sent, or large ones, leave shares unused.
    free = free.filter(({ hasRoom }) => hasRoom);
  }
}

function shareOnce(queue: CallQueue, links: WorkerHandle[], send: Send): void {
  links.sort((a, b) => a.window.calls - b.window.calls);
  let load = queue.length;
  for (const link of links) load += link.window.calls;
  const fair = Math.ceil(load / links.length);
  for (const link of links) {
    while (link.window.calls < fair && link.window.room > 0) {
      const call = queue.shift();
      if (call === undefined) break;
      send(link, call);
    }
    link.flush();
  }
}
