import { conditionsOf, describeFaults, isCalm } from '../../lab/client/conditions.ts';
import type { EpochFigures } from '../../observe/figures/epochs.ts';
import { latestUncut } from '../../observe/figures/panel.ts';
import { agreementOf } from '../../observe/state/agreement.ts';
import { concentration, forkedOfShares } from '../../observe/theory/predict.ts';
import { formatDuration } from '../../observe/words/units.ts';
import { formatGroups } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import { join, type Line, line, spread, styled } from './screen.ts';
import { isHeld, letters, minutes, type TuiState, upNodes } from './state.ts';

/** The two lines on top: what this yard is and what is done to it; do the nodes agree, and what is to be expected. */

export function headLine(state: TuiState, width: number): Line {
  const { yard, forest } = state;
  const parts = [yard.network, `${yard.nodes.length} nodes`];
  if (yard.spacingMs > 0) parts.push(`pace ${formatDuration(yard.spacingMs)}`);
  if (yard.delayMs > 0) parts.push(`delay ${formatDuration(yard.delayMs)}`);
  const down = letters(state).filter((l) => !forest.tips.has(l));
  const left = [styled(' forkyard', 'bold'), line(`  ${parts.join(' · ')}`)];
  if (down.length > 0) left.push(styled(`   DOWN ${down.join(' ')}`, 'warn'));
  if (isHeld(state)) left.push(styled('   HELD', 'warn'));
  if (forest.cut !== undefined) {
    const since = minutes(state.now - (state.cutSince ?? state.now));
    left.push(styled(`   CUT ${formatGroups(forest.cut)} ${since}`, 'bad'));
  }
  const faults = otherFaults(state);
  if (faults !== '') left.push(styled(`   ${faults}`, 'warn'));
  if (!state.connected) left.push(styled('   no word from the launcher', 'bad'));
  const page =
    yard.page === undefined
      ? ''
      : `page ${width < 120 ? yard.page.replace(/^.*?(:\d+).*$/, '$1') : yard.page} `;
  return spread(join(...left), styled(page, 'dim'), width);
}

/** Everything else that is set wrong on purpose: one-way cuts, held wires, frozen nodes, shaped links, clocks. */
function otherFaults({ yard, infos }: TuiState): string {
  const held = [...infos.values()].reduce((sum, info) => sum + (info?.held ?? 0), 0);
  return describeFaults({ ...yard, groups: undefined }, held).join(' · ');
}

export function agreeLine(state: TuiState, width: number): Line {
  const answer = answerOf(state);
  const left = join(
    line(' '),
    styled('AGREE', 'bold'),
    line('  '),
    styled(answer.text, answer.isOne ? 'good' : 'bad'),
  );
  const long = line(`${expectation(state)} `);
  const fits = left.text.length + long.text.length + 3 <= width;
  return spread(left, fits ? long : line(shortExpectation(state)), width);
}

function answerOf(state: TuiState): { text: string; isOne: boolean } {
  const { forest } = state;
  const nodes = upNodes(state);
  const { answers, depth, behind } = agreementOf(forest, nodes);
  const [first] = answers;
  if (first === undefined) return { text: 'no node is up', isOne: false };
  if (answers.length === 1) {
    const since = state.agreedSince === undefined ? '' : ` · ${ago(state.now - state.agreedSince)}`;
    return { text: `yes: ${forest.nameOf(first.id)} on ${nodes.join(' ')}${since}`, isOne: true };
  }
  const words =
    depth > 0
      ? `, conflict depth ${depth}`
      : behind.length > 0
        ? `, only lag (${behind.join(' ')} behind)`
        : // Their common block is older than what is kept.
          '';
  return { text: `NO: ${answers.length} answers${words}`, isOne: false };
}

/** Whole seconds: tenths would only flicker. */
function ago(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : minutes(ms);
}

/** Heights to a fork, where one delay holds for every link (forkedOfShares). Undefined where that does not hold. */
function expectedForkEvery(state: TuiState): number | undefined {
  const { yard, forest } = state;
  const miners = yard.nodes.filter((n) => n.miner && n.hashrate > 0);
  if (yard.spacingMs === 0 || yard.delayMs === 0 || miners.length < 2) return undefined;
  if (forest.cut !== undefined || (yard.topology ?? 'full') !== 'full' || isHeld(state)) return undefined;
  if (!isCalm(conditionsOf(yard))) return undefined;
  if (miners.some((n) => !forest.tips.has(n.letter))) return undefined;
  return 1 / forkedOfShares(yard.delayMs / yard.spacingMs, concentration(miners.map((n) => n.hashrate)));
}

function expectation(state: TuiState): string {
  const current = state.run.epochs.at(-1);
  const uncut = latestUncut(state.run);
  const seen = (e: EpochFigures) =>
    `${plural(e.forkedHeights, 'fork')} in ${plural(e.heights, 'height')}${sinceWords(e)}`;
  if (state.forest.cut !== undefined) return uncut === undefined ? '' : `before the cut: ${seen(uncut)}`;
  const every = expectedForkEvery(state);
  if (current === undefined || current.heights === 0)
    return every === undefined ? '' : `expect a fork every ~${Math.round(every)} heights`;
  if (every === undefined) return `seen ${seen(current)}`;
  return `expect a fork every ~${Math.round(every)} heights · seen ${current.forkedHeights} in ${current.heights}${sinceWords(current)}`;
}

/** Counts begin anew with each change of the conditions, and say so. */
function sinceWords({ epoch, because }: EpochFigures): string {
  return epoch === 1 ? '' : ` since ${because}`;
}

function shortExpectation(state: TuiState): string {
  const every = expectedForkEvery(state);
  const { forkedHeights: forks = 0, heights = 0, epoch = 1 } = state.run.epochs.at(-1) ?? {};
  const since = epoch === 1 ? '' : ' since the last change';
  return every === undefined ? '' : `fork every ~${Math.round(every)} · seen ${forks} in ${heights}${since} `;
}
