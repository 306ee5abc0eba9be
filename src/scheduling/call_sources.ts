import type { KeepAlive } from "../util/keep_alive.ts";
import type { WorkerHandle } from "./worker_handle.ts";

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

/**
 * The sources of a scheduler, which are asked in turn. They keep the program
 * alive while one waits for a worker to come.
 */
export class CallSources {
  readonly #keepAlive: KeepAlive;
  readonly #workers: readonly WorkerHandle[];
  #isWaiting = false;
  readonly #sources: CallSource[] = [];
  /** How many of them have calls for a host; `undefined` is any. */
  readonly #hosts = new Map<string | undefined, number>();
  /** Which of them is asked first. */
  #turn = 0;

  /**
   * Constructs it without sources.
   *
   * @param workers The workers that there are, now or later.
   */
  constructor(keepAlive: KeepAlive, workers: readonly WorkerHandle[]) {
    this.#keepAlive = keepAlive;
    this.#workers = workers;
  }

  /** Adds a source. */
  add(source: CallSource): void {
    this.#sources.push(source);
    const { host } = source;
    this.#hosts.set(host, (this.#hosts.get(host) ?? 0) + 1);
    this.workersChanged();
  }

  /** Takes a source out, if it is there. */
  remove(source: CallSource): void {
    const index = this.#sources.indexOf(source);
    if (index < 0) return;
    this.#sources.splice(index, 1);
    const { host } = source;
    const left = this.#hosts.get(host)! - 1;
    if (left > 0) this.#hosts.set(host, left);
    else this.#hosts.delete(host);
    this.workersChanged();
  }

  /** Stops the sources with calls for a host of which a reason is given. */
  stop(reasonFor: (host: string | undefined) => Error | undefined): void {
    for (const host of [...this.#hosts.keys()]) {
      if (reasonFor(host) === undefined) continue;
      for (const source of this.#sources.filter((one) => one.host === host)) {
        // Each has a reader of its own, who gets an error of its own.
        source.stop(reasonFor(host)!);
      }
    }
  }

  /** Looks again at whether one waits for a worker to come. */
  workersChanged(): void {
    const isWaiting = [...this.#hosts.keys()]
      .some((host) => !this.#workers.some((link) => link.isAt(host)));
    if (isWaiting === this.#isWaiting) return;
    this.#isWaiting = isWaiting;
    if (isWaiting) this.#keepAlive.hold();
    else this.#keepAlive.release();
  }

  /**
   * Asks one after the other, another one first each time, to fill what room
   * is left.
   *
   * @param links The workers that have room.
   * @param waiting How many calls wait that can run at a host.
   */
  pull(
    links: readonly WorkerHandle[],
    waiting: (host: string | undefined) => number,
  ): void {
    const { length } = this.#sources;
    if (length === 0) return;
    this.#turn = (this.#turn + 1) % length;
    const sources = [
      ...this.#sources.slice(this.#turn),
      ...this.#sources.slice(0, this.#turn),
    ];
    const full = new Set<string | undefined>();
    for (const source of sources) {
      const { host } = source;
      if (full.has(host)) continue;
      let room = -waiting(host);
      for (const link of links) {
        if (link.isAt(host)) room += link.window.room;
      }
      if (room > 0) source.fill(room);
      else full.add(host);
      if (full.size === this.#hosts.size) return;
    }
  }
}
