import { parseLinks } from '../../observe/state/yard-links.ts';
import type { Topology } from '../../util/topology.ts';
import { Problem } from '../../yard/problem.ts';
import type { Given } from '../../yard/verb.ts';
import { link } from '../../yard/verbs/wires.ts';
import type { Field } from './yaml.ts';

/** How a scenario file says which links, and what they are like: in the fields of the verb `link`. */

const { links: _links, clear: _clear, profile: _profile, regions: _regions, ...shapes } = link.fields;
export const SHAPE_FIELDS: readonly string[] = Object.keys(shapes);

/** `A-C`, `A>C`, `AB-CD`, if the scenario's nodes have these links. */
export function linksOf(
  field: Field,
  text: string,
  names: { readonly nodes: readonly string[]; readonly topology: Topology },
): string {
  const { topology } = names;
  field.must(parseLinks(text, { letters: names.nodes, topology }));
  return text;
}

/** `{ delay: 200ms, jitter: 20ms, loss: 1%, rate: 1Mbit/s }`, beside other fields if the caller has some. */
export function readShape(field: Field, others: readonly string[] = []): Given {
  const fields = field.map([...SHAPE_FIELDS, ...others]);
  const wish: Record<string, number> = {};
  for (const [name, type] of Object.entries(shapes)) {
    const at = fields.get(name);
    if (at === undefined) continue;
    const value = read(at, () => type.read(at.text(), NOWHERE, ''));
    if (value !== undefined) wish[name] = value;
  }
  const { delay, jitter } = wish;
  if (delay !== undefined && jitter !== undefined && jitter > delay)
    fields.get('jitter')!.refuse('is at most the delay: a message cannot arrive before it is sent');
  return wish;
}

/** A shape names no nodes. */
const NOWHERE = { letters: [], topology: 'full' } as const;

function read<T>(field: Field, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return field.refuse(error.message);
  }
}

/** So many times as fast: what a link does to blocks stays the same share of their pace. */
export function scaled(fields: Given, speed: number): Given {
  const { delay, jitter, rate } = fields as { delay?: number; jitter?: number; rate?: number };
  return {
    ...fields,
    ...(delay === undefined ? {} : { delay: delay / speed }),
    ...(jitter === undefined ? {} : { jitter: jitter / speed }),
    ...(rate === undefined ? {} : { rate: Math.min(1e10, Math.round(rate * speed)) }),
  };
}
