import { type JournalSettings, journalSettings } from "./journal_settings.ts";
import type { MapOptions, ProgressListener } from "./map_options.ts";
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkMilliseconds,
  checkNames,
  checkObject,
  checkSignal,
  checkStrategy,
} from "./option_checks.ts";
import {
  RENAMED_MAP_OPTIONS,
  RENAMED_TRANSFORM_OPTIONS,
} from "./renamed_options.ts";
import type { TransformOptions } from "./transform_options.ts";

/** Options of both maps and transforms, checked and with the defaults. */
interface SharedSettings
  extends Required<Pick<MapOptions, "chunkSize" | "ordered" | "spread">> {
  /** See {@linkcode MapOptions.timeout}. */
  readonly timeout: number | undefined;
  /** See {@linkcode MapOptions.signal}. */
  readonly signal: AbortSignal | undefined;
  /** See {@linkcode MapOptions.onProgress}. */
  readonly onProgress: ProgressListener | undefined;
}

/** A map's options, checked and with the defaults. */
export interface MapSettings extends SharedSettings {
  /** See {@linkcode MapOptions.journal}. */
  readonly journal: JournalSettings | undefined;
  /** See {@linkcode MapOptions.key}. */
  readonly key: MapOptions["key"];
}

/** A transform's options, checked and with the defaults. */
export interface TransformSettings<Item, Result> extends SharedSettings {
  /** See {@linkcode TransformOptions.writableStrategy}. */
  readonly writableStrategy: QueuingStrategy<Item>;
  /** See {@linkcode TransformOptions.readableStrategy}. */
  readonly readableStrategy: QueuingStrategy<Result>;
}

/**
 * Checks a map's options and fills in the defaults.
 *
 * @param owner The name, in messages, of the function that takes the options.
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function mapSettings(
  options: MapOptions,
  owner = "map()",
): MapSettings {
  checkObject(owner, options);
  const { journal, key } = options;
  const settings = {
    ...sharedSettings(options),
    journal: journal === undefined ? undefined : journalSettings(journal),
    key,
  };
  checkNames(owner, options, settings, RENAMED_MAP_OPTIONS);
  checkFunction("key", key);
  if (key !== undefined && journal === undefined) {
    throw new RangeError(
      "'key' needs the option 'journal', because it identifies items there, but there is none: for a key that chooses the worker, use pool.with({ key }).map(…)",
    );
  }
  return settings;
}

/**
 * Checks a transform's options and fills in the defaults, which are those of a
 * `TransformStream`.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function transformSettings<Item, Result>(
  options: TransformOptions<Item, Result>,
): TransformSettings<Item, Result> {
  checkObject("transform()", options);
  const { writableStrategy = {}, readableStrategy = {} } = options;
  checkStrategy("writableStrategy", writableStrategy);
  checkStrategy("readableStrategy", readableStrategy);
  const settings = {
    ...sharedSettings(options),
    writableStrategy: withHighWaterMark(writableStrategy, 1),
    readableStrategy: withHighWaterMark(readableStrategy, 0),
  };
  checkNames("transform()", options, settings, RENAMED_TRANSFORM_OPTIONS);
  return settings;
}

/** Returns a strategy with a default; its properties may be inherited. */
function withHighWaterMark<T>(
  { highWaterMark, size }: QueuingStrategy<T>,
  fallback: number,
): QueuingStrategy<T> {
  const given = { highWaterMark: highWaterMark ?? fallback };
  return size === undefined ? given : { ...given, size };
}

function sharedSettings(options: MapOptions): SharedSettings {
  const { chunkSize = "auto", ordered = true, spread = false } = options;
  const { timeout, signal, onProgress } = options;
  checkInteger("chunkSize", chunkSize, 1, "auto");
  checkBoolean("ordered", ordered);
  checkBoolean("spread", spread);
  if (timeout !== undefined) checkMilliseconds("timeout", timeout);
  checkSignal(signal);
  checkFunction("onProgress", onProgress);
  return { timeout, chunkSize, ordered, spread, signal, onProgress };
}
