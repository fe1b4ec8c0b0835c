import { decodeBlock } from '../../bitcoin/block.ts';
import { equal } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';
import type { Params } from '../params/params.ts';
import { checkBlock, type SaneBlock, trustStored } from './check.ts';

/** A stored body under the hash of its key: the block, or why it cannot be the one that its header commits to. */
export function storedBody(
  hash: Uint8Array,
  bytes: Uint8Array,
  params: Pick<Params, 'genesis' | 'genesisHash' | 'powLimit'>,
): Result<SaneBlock, string> {
  if (equal(hash, params.genesisHash)) {
    const block = equal(bytes, params.genesis.bytes) ? decodeBlock(bytes) : undefined;
    return block?.ok === true ? ok(trustStored(block.value)) : err('it is not the genesis block');
  }
  const checked = checkBlock(bytes, params);
  if (!checked.ok) return err(`${checked.error.rule} (${checked.error.detail})`);
  return equal(checked.value.hash, hash) ? ok(checked.value) : err('it is another block');
}
