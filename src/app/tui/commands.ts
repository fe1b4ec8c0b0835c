import type { YardClient } from '../../lab/client/client.ts';
import { liveYard } from '../../lab/live/yard.ts';
import { formatGroups } from '../../observe/words/words.ts';
import type { Action } from '../../yard/action.ts';
import { letterOf } from '../../yard/names.ts';
import { misuse } from '../../yard/problem.ts';
import { actionOf, type Given } from '../../yard/verb.ts';
import { type VerbName, verbNamed } from '../../yard/verbs.ts';
import { type Ask, isHeld, letters, type Prompt, type TuiState, upNodes } from './state.ts';

/** What a key asks for, and the same actions as the command line's behind it. */

export interface Command {
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

/** The verb and its fields behind what was typed. */
function verbFor(ask: Ask, text: string, state: TuiState): readonly [VerbName, Given, number] | undefined {
  switch (ask) {
    case 'mine':
      return ['mine', { node: state.node, blocks: text }, MINE_MS];
    case 'pay': {
      const [from, to, amount, node] = words(text, 3, 4, 'alice bob 1.5');
      return ['send', { from, to, amount, node }, USUAL_MS];
    }
    case 'double-spend': {
      const example = `alice carol@A dave@${letterOf(Math.max(1, letters(state).length - 1))}`;
      const [from, first, second, amount] = words(text, 3, 4, example);
      return ['double-spend', { from, first, second, amount }, USUAL_MS];
    }
    case 'cut':
      return ['partition', { groups: text }, USUAL_MS];
    case 'link': {
      const [links, delay, jitter] = words(text, 2, 3, 'A-C 200ms, A-C 200ms 20ms or A-C clear');
      const wish = delay === 'clear' ? { clear: true } : { delay, jitter };
      return ['link', { links, ...wish }, USUAL_MS];
    }
    case 'reorg': {
      const [depth, lead] = words(text, 1, 2, '2, or 2 1');
      return ['reorg', { depth, lead }, REORG_MS];
    }
    case 'kill':
    case 'start':
      return [ask, { node: text }, USUAL_MS];
    default:
      return undefined;
  }
}

/** Throws a Problem with a sentence when the answer cannot be meant. */
export function commandFor(ask: Ask, text: string, client: YardClient, state: TuiState): Command | undefined {
  const wanted = verbFor(ask, text, state);
  return wanted === undefined ? undefined : command(client, ...wanted);
}

function command(client: YardClient, name: VerbName, given: Given, timeoutMs: number): Command {
  client.refresh();
  return { action: actionOf(verbNamed(name), liveYard(client), given), timeoutMs };
}

export function healCommand(client: YardClient): Command {
  return command(client, 'heal', {}, USUAL_MS);
}

export function holdCommand(client: YardClient, state: TuiState): Command {
  return command(client, isHeld(state) ? 'release' : 'hold', {}, USUAL_MS);
}
