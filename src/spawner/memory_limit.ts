import type { Child } from "./child.ts";
import { MemoryMeter } from "./memory_meter.ts";

/** The pause between two measurements, in milliseconds. */
const INTERVAL = 50;

/** A process whose memory is limited. */
interface Watched {
  readonly onExceeded: (bytes: number) => void;
  /** Whether it was above the limit at the last measurement. */
  isAbove: boolean;
}

/** Measures the memory of processes; see {@linkcode MemoryMeter}. */
type Meter = Pick<MemoryMeter, "measure" | "close">;

/** Watches the memory of a machine's workers, all in one go. */
export class MemoryLimit {
  /** The limit, in bytes. */
  readonly bytes: number;
  readonly #makeMeter: () => Meter;
  readonly #watched = new Map<number, Watched>();
  #meter: Meter | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isMeasuring = false;

  /**
   * Constructs a limit for processes.
   *
   * @param bytes How much memory each may use.
   */
  constructor(
    bytes: number,
    makeMeter: () => Meter = () => new MemoryMeter(),
  ) {
    this.bytes = bytes;
    this.#makeMeter = makeMeter;
  }

  /**
   * Watches a process until it has ended.
   *
   * @param onExceeded Called with its memory, in bytes, when that has exceeded the
   * limit at two measurements in a row: a worker that finds between two tasks
   * that it is above the limit may end by itself.
   */
  watch(
    { pid, status }: Pick<Child, "pid" | "status">,
    onExceeded: (bytes: number) => void,
  ): void {
    this.#meter ??= this.#makeMeter();
    this.#watched.set(pid, { onExceeded, isAbove: false });
    status.then(() => this.#watched.delete(pid));
    if (!this.#isMeasuring) this.#measureLater();
  }

  /** Stops watching. */
  async close(): Promise<void> {
    this.#watched.clear();
    clearTimeout(this.#timer);
    await this.#meter?.close();
    this.#meter = undefined;
  }

  #measureLater(): void {
    clearTimeout(this.#timer);
    if (this.#watched.size === 0) return;
    this.#timer = setTimeout(() => this.#measure(), INTERVAL);
    // Only pending calls keep the program alive.
    Deno.unrefTimer(this.#timer);
  }

  async #measure(): Promise<void> {
    if (this.#watched.size === 0) return;
    this.#isMeasuring = true;
    const used = await this.#meter!.measure(this.#watched.keys());
    this.#isMeasuring = false;
    for (const [pid, watched] of this.#watched) {
      const bytes = used.get(pid) ?? 0;
      const wasAbove = watched.isAbove;
      watched.isAbove = bytes > this.bytes;
      if (!watched.isAbove || !wasAbove) continue;
      this.#watched.delete(pid);
      watched.onExceeded(bytes);
    }
    this.#measureLater();
  }
}
