import type { CallTerms } from "../calls/call_kind.ts";
import type { CallerTrace } from "../calls/caller_trace.ts";
import { ChunkSize } from "../map/chunk_size.ts";
import { Items } from "../map/items.ts";
import { parseInputs } from "../map/map_inputs.ts";
import type { MapResults } from "../map/map_results.ts";
import { prepareMap } from "../map/map_run.ts";
import { MapTransform } from "../map/map_transform.ts";
import type { MessageListener } from "../options/call_options.ts";
import type { CallSettings } from "../options/call_settings.ts";
import type { ProgressListener } from "../options/map_options.ts";
import { mapSettings, transformSettings } from "../options/map_settings.ts";
import { callTerms, keyedTerms } from "./call_terms.ts";
import type { KeyedTerms } from "../calls/keyed_terms.ts";
import type { TransformOptions } from "../options/transform_options.ts";
import type { AnyTask } from "../tasks/task.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { Engine } from "./engine.ts";

/** What maps and transforms have in common. */
interface CommonPlan {
  readonly task: RegisteredTask;
  readonly chunkSize: ChunkSize;
  readonly onMessage: MessageListener | undefined;
  readonly onProgress: ProgressListener | undefined;
  readonly speculate: boolean;
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly trace: CallerTrace;
  readonly terms: CallTerms;
  readonly keyed: KeyedTerms | undefined;
}

/** Prepares maps and transforms, with the options of a `TaskRunner`. */
export class TaskMaps {
  readonly #engine: Engine;
  readonly #options: CallSettings;

  /** Constructs the maps of a pool with these options. */
  constructor(engine: Engine, options: CallSettings) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Prepares a map: see `TaskRunner.map()`. */
  map(
    trace: CallerTrace,
    task: AnyTask,
    inputs: readonly unknown[],
  ): MapResults<unknown> {
    const { iterables, options } = parseInputs(inputs);
    const { ordered, spread, journal, key, ...settings } = mapSettings(options);
    if (spread && iterables.length > 1) {
      throw new TypeError(
        `With 'spread', map() takes one iterable, of arrays of arguments, but got ${iterables.length}`,
      );
    }
    const isSpread = spread || iterables.length > 1;
    const common = this.#plan(trace, task, settings);
    const plan = {
      ...common,
      items: new Items(iterables),
      spread: isSpread,
      ordered,
      journal: journal && {
        settings: journal,
        map: {
          task: common.task,
          spread: isSpread,
          codec: this.#engine.codec,
        },
        key,
      },
    };
    this.#engine.start();
    const { scheduler, unreadMaps } = this.#engine;
    return prepareMap(plan, scheduler, unreadMaps);
  }

  /** Makes a transform stream: see `TaskRunner.transform()`. */
  transform(
    trace: CallerTrace,
    task: AnyTask,
    options: TransformOptions<never, never>,
  ): TransformStream<never, never> {
    const settings = transformSettings(options);
    const plan = { ...settings, ...this.#plan(trace, task, settings) };
    this.#engine.start();
    return new MapTransform(plan, this.#engine.scheduler);
  }

  #plan(
    trace: CallerTrace,
    task: AnyTask,
    settings: {
      readonly chunkSize: number | "auto";
      readonly timeout?: number | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly onProgress: ProgressListener | undefined;
    },
  ): CommonPlan {
    const { onMessage, signal, speculate = false, key } = this.#options;
    if (speculate && onMessage !== undefined) {
      throw new RangeError(
        "'speculate' must be false for a map with 'onMessage', because both runs of a task would send messages, but is true",
      );
    }
    const terms = {
      ...callTerms(this.#options, this.#engine),
      group: {},
    };
    return {
      task: this.#engine.tasks.register(task),
      chunkSize: new ChunkSize(this.#chunkSize(settings.chunkSize)),
      onMessage,
      onProgress: settings.onProgress,
      // No other worker may run calls with a key.
      speculate: speculate && key === undefined,
      timeout: settings.timeout ?? this.#options.timeout,
      signal: anySignal(settings.signal, signal),
      trace,
      terms,
      keyed: keyedTerms(this.#options, terms),
    };
  }

  /**
   * Returns the size of a map's chunks: with messages, with a limit of the run,
   * and with keys of their own, each item is a call.
   */
  #chunkSize(chunkSize: number | "auto"): number | "auto" {
    const { onMessage, runTimeout, key } = this.#options;
    const reason = onMessage !== undefined
      ? "with 'onMessage', because each item has a port of its own"
      : runTimeout !== undefined
      ? "with 'runTimeout', because each item has a time of its own"
      : typeof key === "function"
      ? "with a function as 'key', because each item has a key of its own"
      : undefined;
    if (reason === undefined) return chunkSize;
    if (chunkSize === "auto" || chunkSize === 1) return 1;
    throw new RangeError(
      `'chunkSize' must be 1 or "auto" ${reason}, but is ${chunkSize}`,
    );
  }
}

function anySignal(
  ...signals: (AbortSignal | undefined)[]
): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}
