import type { RunContext } from './action.ts';
import { blockName, tailOf } from './names.ts';
import type { Awaitable, NodeState, States, Yard, YardTip } from './port.ts';
import { missing } from './problem.ts';

/** What the nodes of a yard have to say together. */

/** Applies `f` at once where the value is there, so that a simulated yard needs no turn of the event loop. */
export function whenDone<A, B>(value: Awaitable<A>, f: (value: A) => B): Awaitable<B> {
  return value instanceof Promise ? value.then(f) : f(value);
}

/** Letters of the nodes that are up and not frozen; a Problem when there is none. */
export async function awake(yard: Yard): Promise<string[]> {
  const up = [...(await yard.states())].flatMap(([letter, state]) => (state === undefined ? [] : [letter]));
  if (up.length === 0) throw missing('no node of this yard answers', 'Start one: `start A`');
  return up;
}

/** The node's state, or a Problem that says that it is down or frozen. */
export async function stateOf(yard: Yard, letter: string): Promise<NodeState> {
  const state = await yard.node(letter).state();
  if (state !== undefined) return state;
  if (yard.links.facts().conditions.frozen.includes(letter))
    throw missing(`node ${letter} is frozen`, `Let it go on: \`thaw ${letter}\``);
  throw missing(`node ${letter} is down`, `Start it: \`start ${letter}\``);
}

/** The one tip of all, or undefined while they differ or one is down. */
export function agreedTip<S extends NodeState>(
  states: ReadonlyMap<string, S | undefined>,
): S['tip'] | undefined {
  let tip: S['tip'] | undefined;
  for (const state of states.values()) {
    if (state === undefined || (tip !== undefined && tip.id !== state.tip.id)) return undefined;
    tip = state.tip;
  }
  return tip;
}

/** `A B on 10A …4f1c2e, C on 9C …07be91`. */
export function describeTips(states: States): string {
  const by = new Map<string, string[]>();
  for (const [letter, state] of states) {
    const where = state === undefined ? 'down' : `on ${blockName(state.tip)} ${tailOf(state.tip.id)}`;
    by.set(where, [...(by.get(where) ?? []), letter]);
  }
  return [...by].map(([where, letters]) => `${letters.join(' ')} ${where}`).join(', ');
}

/** Waits until all these nodes have one tip, and gives it. */
export function settled(
  yard: Yard,
  letters: readonly string[],
  patience: Pick<RunContext, 'timeoutMs' | 'signal'>,
): Promise<YardTip> {
  let last: States = new Map();
  return yard.clock.until(
    () =>
      whenDone(yard.states(letters), (states) => {
        last = states;
        return agreedTip(states);
      }),
    patience,
    () => `they still disagree: ${describeTips(last)}`,
  );
}
