import { decodeHeader, HEADER_SIZE } from '../../bitcoin/header.ts';
import { RPC, RpcError } from '../../host/http-errors.ts';
import { fromHex, idOf } from '../../util/bytes.ts';
import type { NodeContext } from './context.ts';
import { parseHash } from './context.ts';

/** Core: submitblock with its BIP22 answers. */
export async function submit(context: NodeContext, bytes: Uint8Array): Promise<string | null> {
  const result = await context.command({ kind: 'submit-block', bytes });
  if (result.kind === 'refused') return result.refusal.rule;
  if (result.kind !== 'block') throw new TypeError(`submit-block answered ${result.kind}`);
  const entry = context.view.chain.entry(parseHash(result.id, 'block'));
  if (!result.isNew) return entry?.condemned === undefined ? 'duplicate' : 'duplicate-invalid';
  if (entry !== undefined && context.view.chain.isActive(entry)) return null;
  return 'inconclusive';
}

/** Core: submitheader. Null, or an error that names the rule. */
export async function submitHeader(context: NodeContext, hex: string): Promise<null> {
  const bytes = fromHex(hex);
  const header = bytes === undefined ? undefined : decodeHeader(bytes);
  if (bytes?.length !== HEADER_SIZE || header?.ok !== true)
    throw new RpcError(RPC.DESERIALIZATION_ERROR, 'Block header decode failed');
  const result = await context.command({ kind: 'submit-header', bytes });
  if (result.kind === 'header') return null;
  if (result.kind !== 'refused') throw new TypeError(`submit-header answered ${result.kind}`);
  const { rule, detail } = result.refusal;
  if (rule === 'prev-blk-not-found')
    throw new RpcError(RPC.VERIFY_ERROR, `Must submit previous header (${idOf(header.value.prev)}) first`);
  throw new RpcError(RPC.VERIFY_ERROR, `${rule}, ${detail}`);
}
