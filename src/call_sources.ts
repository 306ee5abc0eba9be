import type { WorkerLink } from "./worker_link.ts";

/** Something that submits calls when workers have room for them. */
export interface CallSource {
  /** The host where its calls must run; `undefined` for any. */
  readonly host?: string | undefined;
  /**
   * Submits up to `room` calls, now or when it has them; it wakes the scheduler
   * once it can submit more than it could now.
   */
  fill(room: number): void;
  /** Submits nothing more, for the given reason. */
  stop(reason: Error): void;
}

/** The sources of a scheduler, which are asked in turn. */
export class CallSources {
  readonly #sources: CallSource[] = [];

  /** Adds a source. */
  add(source: CallSource): void {
    this.#sources.push(source);
  }

  /** Takes a source out, if it is there. */
  remove(source: CallSource): void {
    const index = this.#sources.indexOf(source);
    if (index >= 0) this.#sources.splice(index, 1);
  }

  /** Stops the sources of which a reason is given. */
  stop(reasonFor: (source: CallSource) => Error | undefined): void {
    for (const source of [...this.#sources]) {
      const reason = reasonFor(source);
      if (reason !== undefined) source.stop(reason);
    }
  }

  /** Whether there is one without a worker for it. */
  waitsForWorkers(links: readonly WorkerLink[]): boolean {
    return this.#sources.some(({ host }) =>
      !links.some((link) => link.isAt(host))
    );
  }

  /**
   * Asks each, another one first each time, to fill what room is left.
   *
   * @param links The workers that have room.
   * @param waiting How many calls wait that can run at a host.
   */
  pull(
    links: readonly WorkerLink[],
    waiting: (host: string | undefined) => number,
  ): void {
    if (this.#sources.length > 1) this.#sources.push(this.#sources.shift()!);
    for (const source of [...this.#sources]) {
      const { host } = source;
      let room = -waiting(host);
      for (const link of links) {
        if (link.isAt(host)) room += link.window.room;
      }
      if (room > 0) source.fill(room);
    }
  }
}
