import type { MapProgress } from "../options/map_progress.ts";
import { escapeHtml } from "../util/display_table.ts";
import type { ProgressDisplay } from "./progress_display.ts";
import { percentage, progressText } from "./progress_text.ts";

/** Sends a message to all that show the notebook. */
export type Broadcast = (
  type: "display_data" | "update_display_data",
  content: Record<string, unknown>,
) => Promise<void>;

/** Shows the progress of a map below the cell that runs. */
export class NotebookDisplay implements ProgressDisplay {
  readonly #label: string;
  readonly #clear: boolean;
  readonly #broadcast: Broadcast;
  readonly #id = crypto.randomUUID();
  #isShown = false;
  #isSending = false;
  /** The progress to send next. */
  #next: MapProgress | undefined;

  /**
   * Constructs it without a display.
   *
   * @param clear Whether the display is emptied at the end.
   */
  constructor(
    label: string,
    clear: boolean,
    broadcast: Broadcast = (type, content) =>
      Deno.jupyter.broadcast(type, content),
  ) {
    this.#label = label;
    this.#clear = clear;
    this.#broadcast = broadcast;
  }

  show(progress: MapProgress): void {
    if (this.#clear && progress.phase === "ended" && !this.#isShown) return;
    this.#next = progress;
    if (!this.#isSending) this.#send();
  }

  /** Sends the latest progress, and what has come in the meantime. */
  async #send(): Promise<void> {
    this.#isSending = true;
    while (this.#next !== undefined) {
      const data = this.#format(this.#next);
      this.#next = undefined;
      const type = this.#isShown ? "update_display_data" : "display_data";
      this.#isShown = true;
      try {
        const transient = { display_id: this.#id };
        await this.#broadcast(type, { data, metadata: {}, transient });
      } catch {
        // The notebook has ended.
      }
    }
    this.#isSending = false;
  }

  #format(progress: MapProgress): Record<string, string> {
    const { phase, total, done, failed } = progress;
    if (this.#clear && phase === "ended") {
      return { "text/plain": "", "text/html": "" };
    }
    const share = percentage(progress).trimStart();
    const text = [share, progressText(progress)].filter(Boolean).join(", ");
    const label = this.#label;
    // Without a value, the bar shows only that something is under way.
    const bar = total !== undefined
      ? `<progress value="${done + failed}" max="${total}"></progress> `
      : phase === "ended"
      ? ""
      : "<progress></progress> ";
    return {
      "text/plain": `${label}: ${text}`,
      "text/html": `<div>${escapeHtml(label)}: ${bar}${text}</div>`,
    };
  }
}
