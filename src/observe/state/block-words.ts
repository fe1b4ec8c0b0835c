import { plural } from '../../util/plural.ts';
import { inWords, short, span, tail } from '../words/words.ts';
import type { Forest, SeenBlock } from './forest.ts';

/** Payments named one by one; more are only counted. */
const NAMED_PAYMENTS = 3;

export interface BlockWordsOptions {
  /** The nodes of the yard that are up. */
  readonly nodes: readonly string[];
  /** A log time as the reader's clock shows it. */
  readonly clock: (t: number) => string;
  /** `…a91f3c alice → bob 1.5`. */
  readonly payment: (txid: string) => string;
}

/** `8A …4f1c2e`. */
export function blockTitle(block: SeenBlock): string {
  return `${block.label} ${tail(block.id)}`;
}

/** A block in plain words, a sentence or two a line: who found it, what it carries, who has it, on whose branch it is. */
export function blockWords(forest: Forest, block: SeenBlock, options: BlockWordsOptions): string[] {
  if (block.height === 0) return ['The genesis block: every node of this yard begins with it.'];
  return [
    found(block, options),
    carried(block, options),
    spread(block, options),
    standing(forest, block, options),
    `Work ${short(block.work)} up to here. Parent ${forest.nameOf(block.prev)}; ${children(forest, block)}.`,
  ].filter((line) => line !== '');
}

function found(block: SeenBlock, { clock }: BlockWordsOptions): string {
  const by = block.miner === '' ? 'by somebody who left no name' : `by ${block.miner}`;
  const { mined } = block;
  if (mined === undefined) return `Height ${block.height}, found ${by}, before this view began.`;
  const tries = mined.tries === 1 ? '1 try' : `${inWords(mined.tries)} tries`;
  return `Height ${block.height}, found ${by} at ${clock(mined.t)} after ${tries} (${span(mined.ms)}).`;
}

function carried(block: SeenBlock, { payment }: BlockWordsOptions): string {
  if (block.mined === undefined && block.txids.length === 0) return '';
  // The first one is the miner's own reward.
  const paid = block.txids.slice(1);
  if (paid.length === 0) return "It carries no payment, only its miner's reward.";
  const named = paid.slice(0, NAMED_PAYMENTS).map(payment).join(', ');
  const more = paid.length > NAMED_PAYMENTS ? ` and ${paid.length - NAMED_PAYMENTS} more` : '';
  return `${plural(paid.length, 'payment')}: ${named}${more}.`;
}

function spread(block: SeenBlock, { nodes }: BlockWordsOptions): string {
  const { mined } = block;
  const missing = nodes.filter((node) => !block.seenBy.has(node));
  const never =
    missing.length === 0
      ? ''
      : `${missing.join(' ')} ${missing.length === 1 ? 'has' : 'have'} not heard of it`;
  if (mined === undefined) return never === '' ? '' : `${never}.`;
  const had = nodes
    .filter((node) => node !== mined.node && block.seenBy.has(node))
    .map((node) => `${node} had it ${span(Math.max(0, block.seenBy.get(node)! - mined.t))} later`);
  return `${[...had, never].filter((part) => part !== '').join(', ')}.`.replace(/^\.$/, '');
}

function standing(forest: Forest, block: SeenBlock, { nodes }: BlockWordsOptions): string {
  const depths = new Map<number, string[]>();
  const off: string[] = [];
  for (const node of nodes) {
    const tip = forest.blocks.get(forest.tips.get(node) ?? '');
    if (tip === undefined) continue;
    if (!forest.isOnBranch(block.id, tip.id)) {
      off.push(node);
      continue;
    }
    const depth = tip.height - block.height + 1;
    depths.set(depth, [...(depths.get(depth) ?? []), node]);
  }
  if (depths.size === 0) return "Stale: on no node's branch now.";
  const on = [...depths].map(([depth, who]) => `of ${who.join(' ')} (${plural(depth, 'confirmation')})`);
  const not = off.length === 0 ? '' : `; not of ${off.join(' ')}`;
  return `On the branch ${on.join(', ')}${not}.`;
}

function children(forest: Forest, block: SeenBlock): string {
  const ids = forest.children.get(block.id) ?? [];
  return ids.length === 0
    ? 'nothing is built on it yet'
    : `built on it: ${ids.map((id) => forest.nameOf(id)).join(' ')}`;
}

/** Names of a branch's blocks in one line: of a long one the first. */
const NAMED = 6;

/** `7A 6B 5A`; `77B 76A 75A 74A 73B 72A …`. */
export function blockNames(forest: Forest, blocks: readonly { readonly id: string }[]): string {
  const names = blocks.slice(0, NAMED).map(({ id }) => forest.nameOf(id));
  return [...names, ...(blocks.length > NAMED ? ['…'] : [])].join(' ');
}
