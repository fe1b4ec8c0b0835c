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
