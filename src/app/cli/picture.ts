import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { newForest } from '../../observe/state/forest.ts';
import { newLanes } from '../../observe/state/lanes.ts';
import { RECENT, type SeenPayment, Story } from '../../observe/state/story.ts';
import { pictureSvg } from '../../observe/tree/picture.ts';
import { parseCount } from '../../observe/words/units.ts';
import { clockSpan } from '../../observe/words/words.ts';
import { defined } from '../../util/defined.ts';
import { printable } from '../../util/printable.ts';
import { failed, missing, misuse } from '../../yard/problem.ts';
import type { Shared } from './common.ts';
import { type RunLog, readRunLog, tellFaults } from './run-log.ts';

export interface PictureOptions {
  /** A file; true = standard output. */
  readonly svg: string | true;
  readonly last?: string;
  readonly payment?: string;
  readonly log?: string;
  readonly force?: boolean;
}

/** `tree --svg`: the same picture that the page saves with `s`. */
export function savePicture(s: Shared, options: PictureOptions): void {
  const { svg: file } = options;
  if (file !== true && !/\.svg$/i.test(file))
    throw misuse(`'${file}' must end in .svg`, 'forkyard tree --svg tree.svg');
  const last = options.last === undefined ? undefined : parseCount(options.last, '--last', 1, 200);
  if (last?.ok === false) throw misuse(last.error);
  const run = readRunLog(s.yard, options.log);
  const drawn = draw(run, last?.value, options.payment);
  if (file === true) {
    process.stdout.write(process.stdout.isTTY === true ? printable(drawn.text) : drawn.text);
    return;
  }
  const target = resolve(file);
  if (existsSync(target) && options.force !== true)
    throw failed(`${file} is there already`, 'Choose another name, or replace it with --force');
  try {
    writeFileSync(target, drawn.text);
  } catch (error) {
    throw failed(`cannot write ${file}: ${(error as Error).message}`);
  }
  const lanes = drawn.payment === undefined ? '' : ` and the lanes of ${drawn.payment}`;
  tellFaults(s, run);
  s.out.line(`${file}: the tree${lanes}, ${Math.ceil(drawn.text.length / 1000)} kB`);
  s.out.object({ file: target, bytes: drawn.text.length, payment: drawn.payment ?? null });
}

function draw(run: RunLog, last: number | undefined, wanted: string | undefined) {
  const forest = newForest();
  const story = new Story();
  for (const event of run.events) {
    forest.apply(event);
    story.apply(event, forest);
  }
  const payment = wanted === undefined ? story.tellingPayment() : find(story, wanted);
  const lanes = payment === undefined ? undefined : newLanes(payment.txid, run.facts.nodes);
  if (lanes !== undefined) for (const event of run.events) lanes.apply(event, forest);
  const end = run.events.at(-1)!;
  const text = pictureSvg(forest, story, {
    label: run.facts.label,
    moment: `event ${end.seq} at ${clockSpan(end.t - run.events[0]!.t)}`,
    ...defined({ last }),
    ...(lanes === undefined ? {} : { lanes: { lanes, until: end.t } }),
  });
  return { text, payment: payment === undefined ? undefined : story.nameOf(payment.txid) };
}

function find(story: Story, tail: string): SeenPayment {
  const found = [...story.payments.values()].filter((p) =>
    p.txid.endsWith(tail.replace(/^…/, '').toLowerCase()),
  );
  if (found.length === 1) return found[0]!;
  const known = story.newestPayments(RECENT).map((p) => p.txid.slice(-6));
  const hint = known.length === 0 ? 'The log has no payment.' : `The newest are ${known.join(', ')}.`;
  if (found.length === 0) throw missing(`no payment ends in '${tail}'`, hint);
  throw misuse(`more than one payment ends in '${tail}'`, hint);
}
