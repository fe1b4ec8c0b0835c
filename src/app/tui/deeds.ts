import { parseAmount } from '../../bitcoin/amount.ts';
import type { Action } from '../../lab/action.ts';
import { heal, hold, kill, partition, start } from '../../lab/actions/faults.ts';
import { cutOneWay, type LinkWishes, link } from '../../lab/actions/links.ts';
import { mineBlocks } from '../../lab/actions/mining.ts';
import { doubleSpend, send } from '../../lab/actions/pay.ts';
import { reorg } from '../../lab/actions/reorg.ts';
import type { YardClient } from '../../lab/client/client.ts';
import { letterOf } from '../../lab/names.ts';
import { misuse, must } from '../../lab/problem.ts';
import { parseAt } from '../../observe/words/parse.ts';
import { parseCount, parseDelay } from '../../observe/words/units.ts';
import { formatGroups } from '../../observe/words/words.ts';
import { defined } from '../../util/defined.ts';
import { type Ask, isHeld, letters, type Prompt, type TuiState, upNodes } from './state.ts';

/** What a key asks for, and the same actions as the command line's behind it. */

export interface Deed {
  readonly action: Action<unknown>;
  readonly timeoutMs: number;
}

const USUAL_MS = 60_000;
const MINE_MS = 3_600_000;
const REORG_MS = 600_000;

/** What was typed last is offered again. */
export type Memory = Map<Ask, string>;

export function promptFor(ask: Ask, state: TuiState, memory: Memory): Prompt {
  const [label, fallback] = question(ask, state);
  const last = ask === 'pay' || ask === 'double-spend' || ask === 'cut' ? memory.get(ask) : undefined;
  return { ask, label, fallback: last ?? fallback, text: '' };
}

function question(ask: Ask, state: TuiState): readonly [string, string] {
  const all = letters(state);
  const half = Math.ceil(all.length / 2);
  switch (ask) {
    case 'mine':
      return [`blocks on ${state.node}`, '1'];
    case 'pay':
      return ['who pays whom how much', 'alice bob 1.5'];
    case 'double-spend':
      return ['whose coin, to whom at which node, twice', `alice carol@${all[0]} dave@${all.at(-1)}`];
    case 'cut':
      return ['cut into', formatGroups([all.slice(0, half), all.slice(half)]).replace('|', '/')];
    case 'link':
      return ['which link, which delay, which jitter (or: clear)', `${all[0]}-${all.at(-1)} 200ms`];
    case 'reorg':
      return ['undo how many blocks (a second number: by how many the winners lead)', '2'];
    case 'kill':
      return ['kill -9 which node', state.node];
    case 'start':
      return ['start which node', all.find((l) => !upNodes(state).includes(l)) ?? state.node];
    case 'filter':
      return ['show only (node:C kind:reorg tx:a91f, words; nothing = all)', ''];
    default:
      return ['stop the yard? y or n', 'n'];
  }
}

function words(text: string, least: number, most: number, example: string): string[] {
  const found = text.split(/\s+/).filter((w) => w !== '');
  if (found.length < least || found.length > most)
    throw misuse(`'${text}' is not understood; write ${example}`);
  return found;
}

/** `A-C 200ms 20ms`, `A-C clear`. */
function linkWishes(text: string): LinkWishes {
  const [links, delay, jitter] = words(text, 2, 3, 'A-C 200ms, A-C 200ms 20ms or A-C clear');
  if (delay === 'clear') return { links, shape: {}, clear: true };
  const shape = {
    delayMs: must(parseDelay(delay!)),
    ...(jitter === undefined ? {} : { jitterMs: must(parseDelay(jitter)) }),
  };
  return { links, shape, clear: false };
}

/** Throws a Problem with a sentence when the answer cannot be meant. */
export function deedFor(ask: Ask, text: string, client: YardClient, state: TuiState): Deed | undefined {
  const deed = (action: Action<unknown>, timeoutMs = USUAL_MS): Deed => ({ action, timeoutMs });
  switch (ask) {
    case 'mine': {
      const blocks = must(parseCount(text, 'the number of blocks', 1, 1_000));
      return deed(mineBlocks(client, { node: state.node, blocks, power: { uncapped: false } }), MINE_MS);
    }
    case 'pay': {
      const [from, to, coins, node] = words(text, 3, 4, 'alice bob 1.5');
      const amount = must(parseAmount(coins!));
      if (amount === 0) throw misuse('an amount of 0 pays nobody');
      return deed(send(client, { from: from!, to: to!, amount, ...defined({ node }) }));
    }
    case 'double-spend': {
      const example = `alice carol@A dave@${letterOf(Math.max(1, letters(state).length - 1))}`;
      const [from, first, second, coins] = words(text, 3, 4, example);
      const payments = [first!, second!].map((p) => {
        const { name, node } = must(parseAt(p));
        return { to: name, node };
      });
      const amount = coins === undefined ? {} : { amount: must(parseAmount(coins)) };
      return deed(doubleSpend(client, { from: from!, payments, ...amount }));
    }
    case 'cut':
      // A direction such as A>B is one link that carries nothing one way.
      return deed(/[<>]/.test(text) ? cutOneWay(client, text) : partition(client, text));
    case 'link':
      return deed(link(client, linkWishes(text)));
    case 'reorg': {
      const [depth, lead] = words(text, 1, 2, '2, or 2 1');
      const wishes = {
        depth: must(parseCount(depth!, 'the depth', 1, 100)),
        lead: lead === undefined ? 1 : must(parseCount(lead, 'the lead', 1, 100)),
        capped: false,
      };
      return deed(reorg(client, wishes), REORG_MS);
    }
    case 'kill':
      return deed(kill(client, text, false));
    case 'start':
      return deed(start(client, text));
    default:
      return undefined;
  }
}

export function healDeed(client: YardClient): Deed {
  return { action: heal(client, { wait: true }), timeoutMs: USUAL_MS };
}

export function holdDeed(client: YardClient, state: TuiState): Deed {
  return { action: hold(client, !isHeld(state), []), timeoutMs: USUAL_MS };
}
