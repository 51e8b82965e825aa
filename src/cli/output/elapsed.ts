/** Spans of time as people read them. */

/** `0.4s`, `12s`, `3m05s`, `2h10m`, `4d3h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const two = (count: number): string => String(count).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return `${hours}h${two(Math.floor((whole % 3600) / 60))}m`;
  return `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** Between two ISO times. */
export const between = (from: string, to: string | Date): string =>
  duration(new Date(to).getTime() - new Date(from).getTime());
