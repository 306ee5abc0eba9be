import type { CallTerms } from "../calls/call_kind.ts";
import type { KeyedTerms } from "../calls/keyed_terms.ts";
import type { CallerTrace } from "../calls/caller_trace.ts";
import type { MessageListener } from "../options/call_options.ts";
import type { JournalPlan } from "../journal/journal.ts";
import type { ProgressListener } from "../options/map_options.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { ChunkSize } from "./chunk_size.ts";
import type { Items } from "./items.ts";
import type { PushedItems } from "./pushed_items.ts";

/** The settings of a map. */
export interface MapPlan {
  /** The task. */
  readonly task: RegisteredTask;
  /** The items that are its arguments. */
  readonly items: Items | PushedItems;
  /** Whether each item is an array of arguments. */
  readonly spread: boolean;
  /** How many items are sent in one call. */
  readonly chunkSize: ChunkSize;
  /** Whether results are in the order of the items. */
  readonly ordered: boolean;
  /** How long the whole map may take, in milliseconds. */
  readonly timeout: number | undefined;
  /** The place in the user's program that called the map. */
  readonly trace: CallerTrace;
  /** Aborting this signal ends the map. */
  readonly signal: AbortSignal | undefined;
  /** How and where its calls may run. */
  readonly terms: CallTerms;
  /** The terms of its calls, if each item has a key of its own. */
  readonly keyed?: KeyedTerms | undefined;
  /** Whether items that take long may run a second time. */
  readonly speculate?: boolean | undefined;
  /** Handles messages of the tasks; each item is then a call of its own. */
  readonly onMessage?: MessageListener | undefined;
  /** Where finished items are recorded, so that they don't run again. */
  readonly journal?: JournalPlan | undefined;
  /** Watches the map. */
  readonly onProgress?: ProgressListener | undefined;
}
