import { join } from 'node:path';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { Chain } from '../../src/consensus/chain/chain.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import type { Write } from '../../src/consensus/store/store.ts';
import { checkBlock } from '../../src/consensus/validate/check.ts';
import { openStore } from '../../src/host/store/store.ts';
import { createVerify } from '../../src/host/verify/verify.ts';
import { blockOn } from './blocks.ts';

const BLOCKS_PER_COMMIT = 250;
/** Far above what one block needs. */
const WHOLE_BLOCK = 8_000_000;

/**
 * Makes a data directory whose node stands at that height: blocks a second apart, each with its proof of work. `txsAt`: the
 * payments of each, by the height of its parent; without, they are empty.
 */
export async function storeChain(
  datadir: string,
  params: Params,
  height: number,
  txsAt: (parent: number) => readonly Tx[] = () => [],
): Promise<void> {
  const store = await openStore(join(datadir, 'db'));
  const { verify } = createVerify();
  const chain = new Chain({ params, store, index: [], verify });
  let writes: Write[] = [];
  while (chain.tip.height < height) {
    const { hash, height: at, header } = chain.tip;
    const block = checkBlock(
      blockOn({ hash, height: at, time: header.time }, txsAt(at), params).bytes,
      params,
    );
    if (!block.ok) throw new Error(`${block.error.rule}: ${block.error.detail}`);
    const added = chain.addBlock(block.value, header.time + 1);
    if (!added.ok) throw new Error(`${added.error.rule}: ${added.error.detail}`);
    for (let kind = 'more'; kind !== 'tip'; ) {
      kind = chain.connectPiece(WHOLE_BLOCK).kind;
      if (kind === 'refused') throw new Error('a block of the bench is refused');
    }
    writes.push(...chain.takeWrites().writes);
    if (at % BLOCKS_PER_COMMIT !== 0) continue;
    await store.commit(writes, false);
    writes = [];
  }
  await store.commit(writes, true);
  await store.close();
}
