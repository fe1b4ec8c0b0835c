import type { LogEvent } from '../../src/events/events.ts';

/** Logs made by hand: ids are the label itself, padded; work is ten a height. */

let seq = 0;

export function fresh(): void {
  seq = 0;
}

type Body = LogEvent extends infer E
  ? E extends LogEvent
    ? Omit<E, 'v' | 'seq' | 't' | 'node'>
    : never
  : never;

export function event(t: number, node: string, body: Body): LogEvent {
  return { v: 1, seq: ++seq, t, node, ...body } as LogEvent;
}

export function start(t: number, node: string): LogEvent {
  return event(t, node, {
    kind: 'start',
    genesis: 'g',
    network: 'lab',
    id: 'g',
    height: 0,
    work: '0',
    pid: 1,
    peer: node,
  });
}

/** The block arrives at a node and becomes its tip; `id` is height and miner, `8A`. */
export function extend(
  t: number,
  node: string,
  id: string,
  prev: string,
  txids: readonly string[] = [],
): LogEvent[] {
  const height = Number.parseInt(id, 10);
  const miner = id.replace(/^\d+/, '').slice(0, 1);
  const work = (height * 10).toString(16);
  return [
    event(t, node, { kind: 'block', id, prev, height, work, miner, time: 0, txs: 1, size: 1, from: 'self' }),
    event(t, node, { kind: 'connected', id, height, miner, txids: [`c${id}`, ...txids] }),
    event(t, node, { kind: 'tip', id, height, work, miner, old: prev, because: 'work' }),
  ];
}
