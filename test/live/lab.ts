import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeAddress } from '../../src/bitcoin/address.ts';
import { hash160 } from '../../src/bitcoin/hash.ts';
import { publicKey } from '../../src/bitcoin/secp.ts';
import { bitsFor, deriveParams, type Params, paramsToJson } from '../../src/consensus/params/params.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { ALICE } from '../dsl/keys.ts';
import { templates } from '../dsl/networks.ts';
import { type LiveNode, type LiveRig, until } from './node-rig.ts';

/** A fresh network of about `tries` hashes a block, a minute old. */
export function freshLab(label: string, tries: number): Params {
  return deriveParams(templates().get('lab')!, {
    label,
    timeS: Math.floor(Date.now() / 1000) - 60,
    bits: bitsFor(tries, 1_000),
  });
}

/** Writes the network's genesis file into the rig's directory. */
export function genesisFile(rig: LiveRig, params: Params): string {
  const file = join(rig.dir, `${params.label}-${params.name}.json`);
  writeFileSync(file, JSON.stringify(paramsToJson(params)));
  return file;
}

/** Alice's address on networks with genesis coins of hers. */
export function aliceOn(params: Params): string {
  return encodeAddress({ kind: 'p2wpkh', hash: hash160(publicKey(ALICE)) }, params.hrp);
}

export const tipOf = (node: LiveNode): Promise<string> => node.call<string>('getbestblockhash');

/** All have the same tip; with `tip`, this one. Answers it. */
export function agreed(nodes: readonly LiveNode[], tip?: string): Promise<string> {
  return until(`${nodes.length} nodes are on ${tip ?? 'one tip'}`, async () => {
    const tips = await Promise.all(nodes.map(tipOf));
    const first = tip ?? tips[0]!;
    return tips.every((one) => one === first) ? first : undefined;
  });
}

/** All know the same blocks, on whatever branch. Two branches may still rest at equal work: the next block decides. */
export function sameBlocks(nodes: readonly LiveNode[]): Promise<true> {
  return until('all know the same blocks', async () => {
    const [first, ...others] = await Promise.all(
      nodes.map(async (node) => {
        const { blocks } = await node.call<{ blocks: { id: string }[] }>('getblocktree', 10_000);
        return blocks
          .map(({ id }) => id)
          .toSorted()
          .join();
      }),
    );
    return others.every((one) => one === first);
  });
}

export async function connections(node: LiveNode, count: number): Promise<void> {
  await until(`${node.said['name']} has ${count} peers`, async () => {
    return (await node.call<number>('getconnectioncount')) === count;
  });
}

/** Everything that a node has told since it was made. */
export async function eventsOf(node: LiveNode): Promise<LogEvent[]> {
  const all: LogEvent[] = [];
  for (;;) {
    const { events } = await node.call<{ events: LogEvent[] }>('getevents', all.at(-1)?.seq ?? 0, 10_000);
    if (events.length === 0) return all;
    all.push(...events);
  }
}

export function ofKind<K extends LogEvent['kind']>(
  events: readonly LogEvent[],
  kind: K,
): (LogEvent & { readonly kind: K })[] {
  return events.filter((event): event is LogEvent & { readonly kind: K } => event.kind === kind);
}

/** The hash of all coins: equal on two nodes only if the coins are. */
export async function coinsOf(node: LiveNode): Promise<unknown> {
  const { hash_serialized_3: hash, bestblock } = await node.call<Record<string, string>>('gettxoutsetinfo');
  return { hash, bestblock };
}
