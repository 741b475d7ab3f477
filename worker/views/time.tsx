/** Times as pages show them: an age, which the script counts on, or a moment in UTC. */

/** `12 s`, `5 min`, `2 h 5 min`, `3 d 4 h`; never less than 0 s. enhance.ts counts on in the same words. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (seconds < 60) return `${seconds} s`
  if (minutes < 60) return `${minutes} min`
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `2026-10-26 14:02:10 UTC` */
export function formatMoment(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** `14:02:10` */
export function formatClock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19)
}

/** `Mon, 26 Oct 2026` */
export function formatDay(atMs: number): string {
  return new Date(atMs).toUTCString().slice(0, 16)
}

export function Age({ atMs, nowMs }: { atMs: number; nowMs: number }) {
  return (
    <time datetime={new Date(atMs).toISOString()} title={formatMoment(atMs)} data-age>
      {formatAge(nowMs - atMs)} ago
    </time>
  )
}

export function Moment({ atMs }: { atMs: number }) {
  return <time datetime={new Date(atMs).toISOString()}>{formatMoment(atMs)}</time>
}
