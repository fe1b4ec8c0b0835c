import { formatDuration, formatMs, parseCount } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import { seeded } from '../../util/random.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { type Action, type Done, Interrupted, type RunContext } from '../action.ts';
import { blockName } from '../names.ts';
import type { Yard } from '../port.ts';
import { Problem } from '../problem.ts';
import { type Reorganised, type ReorgWishes, reorganise } from './reorg.ts';

/** `reorg --every 30s --depth 1..4 --seed 7`: reorg after reorg for whoever develops against them, until Ctrl-C. */

export interface Depths {
  readonly least: number;
  readonly most: number;
}

/** `3`, `1..4`. */
export function parseDepths(text: string, most: number): Result<Depths, string> {
  const [, from = '', to] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? [];
  if (from === '') return err(`--depth must be a number or a range such as 1..4, not '${text}'`);
  const least = parseCount(from, '--depth', 1, most);
  const greatest = to === undefined ? least : parseCount(to, '--depth', 1, most);
  if (!least.ok) return least;
  if (!greatest.ok) return greatest;
  if (greatest.value < least.value) return err(`--depth ${text} goes down; write ${to}..${from}`);
  return ok({ least: least.value, most: greatest.value });
}

export interface SeriesWishes extends Omit<ReorgWishes, 'depth'> {
  readonly depths: Depths;
  /** From one beginning to the next; a reorg that takes longer delays the next. */
  readonly everyMs: number;
  /** Undefined: until it is interrupted. */
  readonly count: number | undefined;
  readonly seed: number;
}

export interface Series {
  readonly seed: number;
  readonly reorgs: number;
  readonly deepest: number;
  readonly blocksUndone: number;
  readonly returned: number;
  readonly lost: number;
  /** Rounds in which it did not come to a reorg as asked. */
  readonly failed: number;
  readonly ms: number;
  readonly interrupted: boolean;
}

export interface Round {
  readonly n: number;
  readonly depth: number;
  readonly done?: Reorganised;
  readonly problem?: string;
}

/** `onRound` is told of each as it ends, for `--json`. */
export function reorgSeries(
  yard: Yard,
  wishes: SeriesWishes,
  onRound: (round: Round) => void = () => undefined,
): Action<Series> {
  const { depths, everyMs, count, seed, ...rest } = wishes;
  const range = depths.least === depths.most ? `${depths.least}` : `${depths.least} to ${depths.most}`;
  const drawn = depths.least === depths.most ? '' : `, drawn with seed ${seed}`;
  const until = count === undefined ? 'until Ctrl-C' : `${count} times`;
  const one = reorganise(yard, { ...rest, depth: depths.most });
  return {
    plan: `Every ${formatDuration(everyMs)}, ${until}, a reorg ${range} deep${drawn}; the deepest: ${one.plan}`,
    async run(context): Promise<Done<Series>> {
      const random = seeded(seed);
      const began = yard.clock.now();
      const rounds: Round[] = [];
      let interrupted = false;
      try {
        for (let n = 1; count === undefined || n <= count; n++) {
          const due = began + (n - 1) * everyMs;
          if (due > yard.clock.now()) await yard.clock.sleep(due - yard.clock.now(), context.signal);
          const depth = depths.least + random.below(depths.most - depths.least + 1);
          const round = await play(yard, { ...rest, depth }, n, context);
          rounds.push(round);
          context.step(describeRound(round));
          onRound(round);
        }
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        interrupted = true;
      }
      const data = sum(rounds, seed, yard.clock.now() - began, interrupted);
      return { line: describeSeries(data), data, no: data.failed > 0 };
    },
  };
}

/** A round that cannot be (somebody cut the yard) is told, and the next one is tried; a yard that is gone ends all. */
async function play(yard: Yard, wishes: ReorgWishes, n: number, context: RunContext): Promise<Round> {
  const { depth } = wishes;
  try {
    const done = await reorganise(yard, wishes).run({ ...context, step: () => undefined });
    return {
      n,
      depth,
      done: done.data,
      ...(done.no === true ? { problem: 'nobody was undone so deep' } : {}),
    };
  } catch (error) {
    if (!(error instanceof Problem) || error.exit !== 1) throw error;
    return { n, depth, problem: error.message };
  }
}

function describeRound({ n, depth, done, problem }: Round): string {
  const head = `${n}. depth ${depth}:`;
  const deepest = done?.reorgs.reduce((a, b) => (b.depth > a.depth ? b : a), done.reorgs[0]!);
  if (done === undefined || deepest === undefined || problem !== undefined)
    return `${head} ${problem ?? 'no reorg'}`;
  const nodes = [...new Set(done.reorgs.map((r) => r.node))].sort().join(' ');
  const names = (refs: readonly { height: number; miner: string }[]) => refs.map(blockName).join(' ');
  return (
    `${head} ${nodes} out ${names(deepest.out)}, fork ${blockName(deepest.fork)}, in ${names(deepest.in)} · ` +
    `${done.returned.length} returned, ${done.lost.length} lost · ${formatMs(done.ms)}`
  );
}

function sum(rounds: readonly Round[], seed: number, ms: number, interrupted: boolean): Series {
  const done = rounds.flatMap((r) => (r.done === undefined || r.problem !== undefined ? [] : [r.done]));
  const depths = done.map((d) => Math.max(0, ...d.reorgs.map((r) => r.depth)));
  return {
    seed,
    reorgs: done.length,
    deepest: Math.max(0, ...depths),
    blocksUndone: depths.reduce((a, b) => a + b, 0),
    returned: new Set(done.flatMap((d) => d.returned)).size,
    lost: new Set(done.flatMap((d) => d.lost.map((l) => l.txid))).size,
    failed: rounds.length - done.length,
    ms,
    interrupted,
  };
}

function describeSeries(s: Series): string {
  const failed = s.failed === 0 ? '' : ` · ${s.failed} did not come to it`;
  return (
    `${plural(s.reorgs, 'reorg')} in ${formatMs(s.ms)}, deepest ${s.deepest}, ${plural(s.blocksUndone, 'block')} undone · ` +
    `${plural(s.returned, 'payment')} returned, ${s.lost} lost${failed} · again: --seed ${s.seed}`
  );
}
