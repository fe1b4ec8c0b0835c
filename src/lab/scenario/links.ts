import type { ShapeWish } from '../../observe/words/conditions.ts';
import { parseBandwidth, parseDelay, parseLoss } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import type { Topology } from '../../util/topology.ts';
import { parseLinks } from '../client/conditions.ts';
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
  field.must(parseLinks(text, { nodes: names.nodes.map((letter) => ({ letter })), topology }));
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

/** So many times as fast: what a link does to blocks stays the same share of their pace. */
export function scaled(shape: ShapeWish, speed: number): ShapeWish {
  const { delayMs, jitterMs, bitsPerSecond } = shape;
  return {
    ...shape,
    ...(delayMs === undefined ? {} : { delayMs: delayMs / speed }),
    ...(jitterMs === undefined ? {} : { jitterMs: jitterMs / speed }),
    ...(bitsPerSecond === undefined
      ? {}
      : { bitsPerSecond: Math.min(1e10, Math.round(bitsPerSecond * speed)) }),
  };
}
