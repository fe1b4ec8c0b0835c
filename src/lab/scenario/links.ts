import { parseLinks } from '../../observe/state/yard-links.ts';
import type { ShapeWish } from '../../observe/words/conditions.ts';
import { parseBandwidth, parseDelay, parseLoss } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import type { Topology } from '../../util/topology.ts';
import type { Given } from '../../yard/verb.ts';
import type { Field } from './yaml.ts';

/** How a scenario file says which links, and what they are like. */

export const SHAPE_FIELDS = ['delay', 'jitter', 'loss', 'rate'];

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
export function readShape(field: Field, others: readonly string[] = []): ShapeWish {
  const fields = field.map([...SHAPE_FIELDS, ...others]);
  const read = (name: string, parse: typeof parseDelay) => {
    const at = fields.get(name);
    return at === undefined ? undefined : at.must(parse(at.text()));
  };
  const delayMs = read('delay', parseDelay);
  const jitterMs = read('jitter', parseDelay);
  const loss = read('loss', parseLoss);
  const bitsPerSecond = read('rate', parseBandwidth);
  if (delayMs !== undefined && jitterMs !== undefined && jitterMs > delayMs)
    fields.get('jitter')!.refuse('is at most the delay: a message cannot arrive before it is sent');
  return {
    ...defined({ delayMs, jitterMs, loss, bitsPerSecond }),
  };
}

/** A shape as the verb `link` takes it: milliseconds, a share, bits a second. */
export function linkFields({ delayMs, jitterMs, loss, bitsPerSecond }: ShapeWish): Given {
  return defined({ delay: delayMs, jitter: jitterMs, loss, rate: bitsPerSecond });
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
