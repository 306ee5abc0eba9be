import type { Call } from "../calls/call.ts";
import type { CallRunner } from "../calls/call_owner.ts";
import type { ResultMode } from "../protocol/worker_messages.ts";
import type { ItemFailure } from "./item_pieces.ts";
import { ItemsCall } from "./items_call.ts";
import { MapCall } from "./map_call.ts";

/**
 * A call of a map that may run a second time at another worker, if it takes much
 * longer than others.
 */
export class WatchedCall extends MapCall {
  #worker: CallRunner<Call> | undefined;
  #sentAt = 0;
  /** The second run, while both may be answered. */
  #backup: BackupCall | undefined;
  /** Whether its items never run a second time, or don't do so again. */
  isFinal = false;
  /** Called when a worker gets the call. */
  onSent: (() => void) | undefined;

  override get hasTwin(): boolean {
    return this.#backup !== undefined;
  }

  override get isOutrun(): boolean {
    return this.hasArrived;
  }

  /** Values that have come may be from its second run. */
  override get isRepeatable(): boolean {
    return super.isRepeatable && !this.isStreamed;
  }

  /** Whether a second run of the call may begin. */
  get mayBackUp(): boolean {
    return this.state === "sent" && !this.isFinal && this.isRepeatable &&
      this.streams === undefined;
  }

  /** For how long the call may have been running, in milliseconds. */
  get runningTime(): number {
    return this.#worker!.runningTime(this.#sentAt);
  }

  override send(
    worker: CallRunner<Call>,
    id: number,
    message: number,
    bytes: number,
  ): void {
    super.send(worker, id, message, bytes);
    this.#worker = worker;
    this.#sentAt = performance.now();
    this.onSent?.();
  }

  /** Makes the second run. */
  makeBackup(): Call {
    this.isFinal = true;
    this.#backup = new BackupCall(this);
    return this.#backup;
  }

  /** Ends the second run; its answer doesn't count any more. */
  endBackup(): void {
    const backup = this.#backup;
    this.#backup = undefined;
    backup?.outrun();
  }

  override leaveToTwin(): Call | undefined {
    const backup = this.#backup;
    if (backup === undefined) return this;
    this.lose({ release: () => this.endBackup() });
    return undefined;
  }

  /** Delivers the results of the second run. */
  succeedBackup(
    value: unknown,
    bytes: number,
    microseconds: number | undefined,
    failures: Map<number, ItemFailure> | undefined,
  ): void {
    this.#backup = undefined;
    this.failures = failures;
    // This call may have been cut since.
    const all = this.chunk === undefined ? [] : value as unknown[];
    const isCut = all.length > this.items;
    const results = isCut ? all.slice(0, this.items) : value;
    const duration = isCut ? undefined : microseconds;
    if (this.state !== "sent") return this.succeed(results, bytes, duration);
    this.resolved(results, bytes, duration);
    this.outrun();
  }

  /** Delivers the error of the second run, and the results before it. */
  failBackup(
    reason: unknown,
    before: unknown[] = [],
    failures: Map<number, ItemFailure> | undefined,
    attempts: number | undefined,
  ): void {
    if (this.chunk !== undefined && before.length >= this.items) {
      return this.succeedBackup(before, 0, undefined, failures);
    }
    this.#backup = undefined;
    this.failures = failures;
    if (this.state !== "sent") return this.fail(reason, before, attempts);
    this.rejected(reason, before, attempts);
    this.outrun();
  }
}

/** The second run of a call of a map. */
class BackupCall extends ItemsCall {
  readonly #original: WatchedCall;
  #wasSent = false;

  constructor(original: WatchedCall) {
    const { kind, isUnary, argument, payload } = original;
    super(kind, isUnary ? argument : payload);
    this.#original = original;
  }

  override get number(): number {
    return this.#original.number;
  }

  override get mode(): ResultMode {
    return this.#original.mode;
  }

  override get isAwaited(): boolean {
    return this.#original.isAwaited;
  }

  override get hasTwin(): boolean {
    return true;
  }

  override get isOutrun(): boolean {
    return this.#original.hasArrived;
  }

  override send(
    worker: CallRunner<Call>,
    id: number,
    message: number,
    bytes: number,
  ): void {
    this.#wasSent = true;
    super.send(worker, id, message, bytes);
  }

  /** Drops this run. The call itself is lost if its first run was lost before. */
  override leaveToTwin(): Call | undefined {
    if (this.state === "abandoned") return this;
    const original = this.#original;
    original.endBackup();
    this.fail(undefined);
    return original.state === "requeued" ? original : undefined;
  }

  protected override resolved(
    value: unknown,
    bytes: number,
    microseconds: number | undefined,
  ): void {
    this.#original
      .succeedBackup(value, bytes, microseconds, this.failures);
  }

  protected override rejected(
    reason: unknown,
    before?: unknown[],
    attempts?: number,
  ): void {
    // If it couldn't be sent, the first run may still succeed.
    if (!this.#wasSent) return this.#original.endBackup();
    this.#original.failBackup(reason, before, this.failures, attempts);
  }

  protected override received(
    values: readonly unknown[],
    bytes: number,
  ): void {
    const original = this.#original;
    // Otherwise, the values of the first run count.
    if (original.state !== "requeued") return original.endBackup();
    original.append({ values, bytes, source: this });
  }

  protected override finished(microseconds: number | undefined): void {
    const original = this.#original;
    if (original.state !== "requeued") return original.endBackup();
    original.finish(microseconds);
  }
}
