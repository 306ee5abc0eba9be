import type { MapProgress } from "../options/map_progress.ts";

/** Describes how far a map has come, such as `20 of 50, 2 failed, 4.2/s`. */
export function progressText(progress: MapProgress): string {
  const { phase, total, done, failed, elapsed, timeLeft } = progress;
  const ended = done + failed;
  const parts = [
    total === undefined ? count(ended) : `${count(ended)} of ${count(total)}`,
  ];
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (progress.rate > 0) parts.push(rate(progress.rate));
  if (phase === "ended") {
    const isComplete = ended === total;
    parts.push(`${isComplete ? "in" : "stopped after"} ${duration(elapsed)}`);
    return parts.join(", ");
  }
  parts.push(
    timeLeft === undefined ? duration(elapsed) : `${duration(timeLeft)} left`,
  );
  return parts.join(", ");
}

/** Returns the share of the items that have ended, such as ` 40%`. */
export function percentage({ total, done, failed }: MapProgress): string {
  if (total === undefined) return "";
  const share = total === 0 ? 1 : (done + failed) / total;
  return `${Math.floor(100 * share)}%`.padStart(4);
}

function count(items: number): string {
  return items.toLocaleString("en");
}

/** Formats a number of items per second, or per longer if it is below 1. */
function rate(perSecond: number): string {
  if (perSecond >= 1) return `${rounded(perSecond)}/s`;
  const perMinute = 60 * perSecond;
  if (perMinute >= 1) return `${rounded(perMinute)}/min`;
  return `${rounded(60 * perMinute)}/h`;
}

function rounded(value: number): string {
  const maximumFractionDigits = value < 10 ? 1 : 0;
  return value.toLocaleString("en", { maximumFractionDigits });
}

/** Formats milliseconds as `m:ss` or `h:mm:ss`. */
function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes}:${twoDigits(seconds % 60)}`;
  return `${hours}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
