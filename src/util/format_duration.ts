const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Returns a time in milliseconds as a short text, such as `"12 s"`. */
export function formatDuration(milliseconds: number): string {
  const time = Math.max(0, milliseconds);
  if (time < SECOND) return `${Math.floor(time)} ms`;
  if (time < 2 * MINUTE) return `${Math.floor(time / SECOND)} s`;
  if (time < 2 * HOUR) return `${Math.floor(time / MINUTE)} min`;
  return `${Math.floor(time / HOUR)} h`;
}
