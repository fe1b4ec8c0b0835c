import type { YardClient } from '../../lab/client/client.ts';
import { Problem } from '../../yard/problem.ts';
import { type Command, commandFor, healCommand, holdCommand, type Memory, promptFor } from './commands.ts';
import type { Key } from './keys.ts';
import { followPayment, say } from './reduce.ts';
import { compareBranches, type Direction, detailsOf, move, stepLog } from './select.ts';
import { type Ask, PANES, type TuiState } from './state.ts';

/** What each key does. */
export interface Controls {
  readonly client: YardClient;
  readonly memory: Memory;
  perform(command: Command): void;
  /** Stops waiting for what is under way; false when nothing is. */
  stopRunning(): boolean;
  end(how: 'quit' | 'interrupt'): void;
  suspend(): void;
  redraw(): void;
}

const ASKS: Readonly<Record<string, Ask>> = {
  m: 'mine',
  p: 'pay',
  d: 'double-spend',
  c: 'cut',
  l: 'link',
  r: 'reorg',
  k: 'kill',
  s: 'start',
  '/': 'filter',
};

/** Longest answer that is taken. */
const LONGEST = 200;

export function press(state: TuiState, key: Key, controls: Controls): void {
  switch (key.kind) {
    case 'interrupt':
      controls.end('interrupt');
      return;
    case 'suspend':
      controls.suspend();
      return;
    case 'redraw':
      controls.redraw();
      return;
    default:
      break;
  }
  state.notice = '';
  if (state.help) {
    state.help = false;
    return;
  }
  // The reorg stays until a key: these two are about it.
  const isAboutMoment = key.kind === 'enter' || (key.kind === 'char' && key.char === 't');
  const { moment } = state;
  if (state.prompt === undefined && !isAboutMoment) state.moment = undefined;
  try {
    if (moment !== undefined && state.moment === undefined && key.kind === 'escape') return;
    if (state.prompt !== undefined) answer(state, key, controls);
    else if (key.kind === 'char') letter(state, key.char, controls);
    else command(state, key.kind, controls);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    complain(state, error);
  }
}

/** One line: what is wrong, and what to do. */
export function complain(state: TuiState, problem: Problem): void {
  const hint = problem.hint === undefined ? '' : ` · ${problem.hint}`;
  state.notice = `${problem.message}${hint}`;
  say(state, state.notice, 'error');
}

function answer(state: TuiState, key: Key, controls: Controls): void {
  const prompt = state.prompt!;
  if (key.kind === 'escape') {
    state.prompt = undefined;
  } else if (key.kind === 'backspace') {
    state.prompt = { ...prompt, text: prompt.text.slice(0, -1) };
  } else if (key.kind === 'char' && prompt.text.length < LONGEST) {
    state.prompt = { ...prompt, text: prompt.text + key.char };
    // One letter is the whole answer.
    if (prompt.ask === 'quit') take(state, controls);
  } else if (key.kind === 'enter') take(state, controls);
}

function take(state: TuiState, controls: Controls): void {
  const { ask, text, fallback } = state.prompt!;
  state.prompt = undefined;
  const given = text.trim() === '' ? fallback : text.trim();
  if (ask === 'quit') {
    if (/^y/i.test(given)) controls.end('quit');
    return;
  }
  if (ask === 'filter') {
    state.filter = given;
    state.logBack = 0;
    return;
  }
  const command = commandFor(ask, given, controls.client, state);
  controls.memory.set(ask, given);
  if (command !== undefined) controls.perform(command);
}

function letter(state: TuiState, char: string, controls: Controls): void {
  const ask = ASKS[char];
  if (ask !== undefined) {
    state.prompt = promptFor(ask, state, controls.memory);
    return;
  }
  switch (char) {
    case ' ':
      controls.perform(holdCommand(controls.client, state));
      return;
    case 'h':
      controls.perform(healCommand(controls.client));
      return;
    case 'q':
      if (state.owner) state.prompt = promptFor('quit', state, controls.memory);
      else controls.end('quit');
      return;
    case '?':
      state.help = true;
      return;
    case 't':
      followFromMoment(state);
      return;
    case '[':
      stepLog(state, 1);
      return;
    case ']':
      stepLog(state, -1);
      return;
    default:
      return;
  }
}

/** The first payment that a reorg undid or returned. */
function followFromMoment(state: TuiState): void {
  const { moment } = state;
  const txid = moment?.lost[0]?.txid ?? moment?.returned[0];
  if (txid === undefined) return;
  state.pinned = true;
  followPayment(state, txid);
  state.focus = 'payment';
}

function command(state: TuiState, kind: Exclude<Key['kind'], 'char'>, controls: Controls): void {
  switch (kind) {
    case 'tab':
    case 'back-tab': {
      const step = kind === 'tab' ? 1 : PANES.length - 1;
      state.details = undefined;
      state.focus = PANES[(PANES.indexOf(state.focus) + step) % PANES.length]!;
      return;
    }
    case 'escape':
      closeTop(state, controls);
      return;
    case 'enter':
      enter(state, controls);
      return;
    case 'backspace':
      return;
    default: {
      move(state, kind as Direction);
      // Details that are open tell of what is selected now.
      if (state.details !== undefined) state.details = detailsOf(state, controls.client);
    }
  }
}

/** Closes what is on top: details, the reorg's box, a filter; then it stops what is under way. */
function closeTop(state: TuiState, controls: Controls): void {
  if (state.details !== undefined) state.details = undefined;
  else if (controls.stopRunning()) return;
  else if (state.filter !== '') state.filter = '';
  else if (state.block !== undefined) state.block = undefined;
}

function enter(state: TuiState, controls: Controls): void {
  if (state.moment !== undefined && state.details === undefined) {
    state.details = compareBranches(state, state.moment);
    state.moment = undefined;
    return;
  }
  state.details = state.details === undefined ? detailsOf(state, controls.client) : undefined;
}
