/** How fast something runs once it is warm, and how much of a core it had for that. */

export interface Clocks {
  /** Milliseconds of a clock that never goes back. */
  wall(): number;
  /** Milliseconds of processor time that this process has used. */
  cpu(): number;
}

export interface Measured {
  /** A second of the clock, the median of several spans. */
  readonly rate: number;
  /** Of one core's time in these spans, the part that this process had. */
  readonly share: number;
}

/** The compilers have done with a loop after so much work. */
const WARM_CPU_MS = 150;
const SPAN_CPU_MS = 40;
const SPANS = 7;
/** On a machine that gives us next to nothing a span ends all the same. */
const PATIENCE = 25;
/** Below this other programs had the rest, and the rate says little about the machine. */
const FREE_SHARE = 0.8;

const SYSTEM: Clocks = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

interface Span {
  readonly done: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

function span(work: () => number, cpuMs: number, clocks: Clocks): Span {
  const wall = clocks.wall();
  const cpu = clocks.cpu();
  for (let done = work(); ; done += work()) {
    const used = { done, wallMs: clocks.wall() - wall, cpuMs: clocks.cpu() - cpu };
    if (used.cpuMs >= cpuMs || used.wallMs >= cpuMs * PATIENCE) return used;
  }
}

/** Runs `work`, which returns how much it did, until it is warm, and then measures it. */
export function measure(work: () => number, clocks: Clocks = SYSTEM): Measured {
  span(work, WARM_CPU_MS, clocks);
  const spans = Array.from({ length: SPANS }, () => span(work, SPAN_CPU_MS, clocks));
  const rates = spans.map(({ done, wallMs }) => (done / Math.max(wallMs, 0.001)) * 1000);
  const sum = (of: (s: Span) => number) => spans.reduce((total, s) => total + of(s), 0);
  const share =
    sum((s) => s.cpuMs) /
    Math.max(
      sum((s) => s.wallMs),
      0.001,
    );
  return { rate: rates.sort((a, b) => a - b)[SPANS >> 1]!, share: Math.min(1, share) };
}

/** A figure that was measured: as it is, or, where other programs had the core, with how much of it was left. */
export function measuredFigure(
  words: string,
  { share }: Measured,
): { readonly state: 'ok' | 'warn'; readonly figure: string; readonly advice?: string } {
  if (share >= FREE_SHARE) return { state: 'ok', figure: words };
  return {
    state: 'warn',
    figure: `${words}, measured with ${Math.round(share * 100)} % of a core`,
    advice: 'Other programs use the processor, so this machine can do more: close them and run doctor again.',
  };
}
