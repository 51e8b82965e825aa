/** Times as comments tell them. */

/** `0.8 s`, `12 s`, `3 min`. */
export function seconds(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 119_500) return `${Math.round(ms / 1000)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** `10:00:05 UTC`. */
export const clockTime = (at: string): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;
