import { ResultMode } from "../protocol/worker_messages.ts";
import { FLATTEN_CREDIT, STREAM_CREDIT } from "../streams/credit.ts";
import { CreditAccount } from "../streams/credit_account.ts";
import type { CallStreams } from "./call_streams.ts";

/** The state of a call's streams. */
export interface Streaming {
  /** The streams that are arguments, and the messages, if there are any. */
  streams?: CallStreams;
  /** The credit of the values that the task yields; set by the first ones. */
  account?: CreditAccount;
  /** Whether the task waits for an argument. */
  isStarved?: boolean;
}

/** Opens the account of the values that a task yields. */
export function openAccount(mode: ResultMode): CreditAccount {
  return new CreditAccount(
    mode === ResultMode.STREAM ? STREAM_CREDIT : FLATTEN_CREDIT,
  );
}
