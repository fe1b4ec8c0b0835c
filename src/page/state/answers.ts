import type { LogEvent } from '../../events/events.ts';
import { readEventLine } from '../../events/read.ts';
import { TOPOLOGIES } from '../../util/topology.ts';
import type { Told } from '../../yard/perform.ts';
import type { NodeFacts, YardFacts } from './facts.ts';

/** What a server may answer, read with suspicion: undefined is "not what a yard answers". */

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

export function factsIn(text: string): YardFacts | undefined {
  const facts = fieldsOf(parse(text));
  if (facts === undefined) return undefined;
  const { label, network, nodes, people, spacingMs, delayMs } = facts;
  const topology = TOPOLOGIES.find((one) => one === facts['topology']);
  const isWhole =
    typeof label === 'string' &&
    typeof network === 'string' &&
    isTexts(nodes) &&
    isTexts(people) &&
    typeof spacingMs === 'number' &&
    typeof delayMs === 'number' &&
    topology !== undefined;
  return isWhole ? { label, network, nodes, people, spacingMs, delayMs, topology } : undefined;
}

export function nodesIn(text: string): readonly NodeFacts[] | undefined {
  const nodes = fieldsOf(parse(text))?.['nodes'];
  return Array.isArray(nodes) && nodes.every(isNode) ? nodes : undefined;
}

function isNode(value: unknown): value is NodeFacts {
  const node = fieldsOf(value);
  if (node === undefined) return false;
  const { letter, up, peers, pool, mining, mined } = node;
  const { on, held, rate } = fieldsOf(mining) ?? {};
  const isMining = typeof on === 'boolean' && typeof held === 'boolean' && typeof rate === 'number';
  return (
    typeof letter === 'string' &&
    typeof up === 'boolean' &&
    (peers === undefined || isTexts(peers)) &&
    (pool === undefined || typeof pool === 'number') &&
    (mining === undefined || isMining) &&
    (mined === undefined || typeof mined === 'number')
  );
}

/** One line of the log, checked field by field; undefined where it is no event. */
export function eventIn(line: string): LogEvent | undefined {
  const read = readEventLine(line);
  return read.ok ? read.value : undefined;
}

/** One sentence of an action. */
export function toldIn(line: string): Told | undefined {
  const told = fieldsOf(parse(line));
  if (told === undefined) return undefined;
  const { plan, step, done, no, problem, hint } = told;
  if (typeof plan === 'string') return { plan };
  if (typeof step === 'string') return { step };
  if (typeof done === 'string') return { done, no: no === true };
  if (typeof problem !== 'string') return undefined;
  return typeof hint === 'string' ? { problem, hint } : { problem };
}
