import type { BlockRef, LogEvent } from '../../events/events.ts';
import { plural } from '../../util/plural.ts';
import { refusalWords } from '../words/refusals.ts';
import { inWords, span, tail } from '../words/words.ts';
import type { Forest } from './forest.ts';

/**
 * One event as one line of plain words, or undefined for what only the log file needs. `forest` has already
 * been given the event. Amount units are satoshis per the log, so fees are printed as such.
 */
export function narrate(event: LogEvent, forest: Forest): string | undefined {
  const at = event.node;
  switch (event.kind) {
    case 'start':
      return `${at} opened at height ${event.height} ${tail(event.id)}`;
    case 'stop':
      return `${at} stopped: ${event.why}`;
    case 'mined':
      return mined(event, forest);
    case 'tip':
      return tip(event, forest);
    case 'reorg':
      return (
        `${at} REORG ${plural(event.depth, 'block')} deep (${event.because === 'work' ? 'more work' : event.because}): ` +
        `out ${refs(event.out, forest)}, fork ${ref(event.fork, forest)}, in ${refs(event.in, forest)}`
      );
    case 'refused':
      return `${at} refused block ${tail(event.id)} at height ${event.height}: ${event.rule} (${event.detail})`;
    case 'tx-seen':
      return event.from === 'self'
        ? `${at} took payment ${tail(event.txid)}, fee ${event.fee} sat, and passes it on`
        : `${at} has payment ${tail(event.txid)}`;
    case 'tx-refused':
      return `${at} refused payment ${tail(event.txid)}: ${refusalWords(event.rule)} (${event.detail})`;
    case 'tx-returned':
      return `${at} RETURNED payment ${tail(event.txid)}: waiting again`;
    case 'tx-lost':
      return (
        `${at} UNDONE payment ${tail(event.txid)}` +
        (event.by === undefined ? '' : `: its coin was spent by ${tail(event.by)}`) +
        (event.block === undefined ? '' : ` in ${forest.nameOf(event.block)}`)
      );
    case 'tx-removed':
      return `${at} dropped payment ${tail(event.txid)}: ${event.why}${event.by === undefined ? '' : ` by ${tail(event.by)}`}`;
    case 'peer-ready':
      return `${at} met ${event.name === '' ? tail(event.peer) : event.name}`;
    case 'fault':
      return `${at} blames peer ${tail(event.peer)}: ${event.rule} (${event.detail})${event.banned ? ', banned for a while' : ''}`;
    case 'mining':
      return `${at} ${event.on ? 'mines' : 'stopped mining'}`;
    case 'clock':
      return `${at} has a new time of day: its clock was set`;
    case 'note':
      return `${at} ${event.text}`;
    case 'process':
      return process(event);
    case 'partition':
      return `cut ${event.groups.map((group) => group.join('')).join(' | ')}: no message crosses`;
    case 'heal':
      return 'healed: every link is open again';
    case 'strategy':
      return event.on ? `${event.of} plays ${event.name}` : `${event.of} plays no strategy any more`;
    case 'action':
    case 'conditions':
      return event.text;
    default:
      return undefined;
  }
}

function mined(event: Extract<LogEvent, { kind: 'mined' }>, forest: Forest): string {
  const { node, id, height, tries } = event;
  if (event.hidden === true)
    return `${node} found ${tail(id)} at height ${height} after ${inWords(tries)} tries, and no one else has it`;
  return `${node} found ${forest.nameOf(id)} ${tail(id)} after ${inWords(tries)} tries`;
}

/** A block's second line, when the last of those who can hear of it has followed; its first was `mined`. */
function tip(event: Extract<LogEvent, { kind: 'tip' }>, forest: Forest): string | undefined {
  const block = forest.blocks.get(event.id);
  if (block === undefined) return `${event.node} is on ${event.height} ${tail(event.id)}`;
  if (event.because !== 'work') return `${event.node} is on ${block.label} (${event.because})`;
  const finder = block.mined?.node;
  const group = forest.cut?.find((letters) => letters.includes(event.node)) ?? [...forest.tips.keys()];
  const others = group.filter((letter) => letter !== finder && forest.tips.has(letter));
  if (!others.includes(event.node) || !others.every((letter) => forest.tips.get(letter) === event.id))
    return undefined;
  const after = block.mined === undefined ? '' : ` after ${span(Math.max(0, event.t - block.mined.t))}`;
  return `${[...others].sort((a, b) => (a < b ? -1 : 1)).join(' ')} on ${block.label}${after}`;
}

function process(event: Extract<LogEvent, { kind: 'process' }>): string {
  if (event.what === 'started') return `${event.of} started`;
  const how = event.signal !== null ? `by ${event.signal}` : `with code ${event.code ?? '?'}`;
  return event.what === 'killed'
    ? `${event.of} killed (${event.signal ?? 'SIGKILL'})`
    : `${event.of} ended ${how}`;
}

function ref(block: BlockRef, forest: Forest): string {
  return forest.blocks.has(block.id)
    ? forest.nameOf(block.id)
    : `${block.height}${block.miner} ${tail(block.id)}`;
}

function refs(blocks: readonly BlockRef[], forest: Forest): string {
  return blocks.map((block) => ref(block, forest)).join(' ');
}
