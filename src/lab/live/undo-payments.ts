import type { Action } from '../../yard/action.ts';
import { tailOf } from '../../yard/names.ts';
import { failed, misuse } from '../../yard/problem.ts';
import { awake, settled } from '../../yard/states.ts';
import { parseFate, type TxFate } from '../../yard/verbs/fates.ts';
import { commonStart, withMinersHeld } from '../../yard/verbs/reorg.ts';
import { type Undone, undo } from '../../yard/verbs/undo.ts';
import type { YardClient } from '../client/client.ts';
import { describeTx, findTx } from '../client/find.ts';
import { liveYard } from './yard.ts';

/** `reorg --tx a91f=drop`: the newest blocks are undone on every node, and single payments meet the fate that was asked. */

export interface PaymentsUndone extends Undone {
  /** By transaction id: what was asked, and where it is now. */
  readonly payments: Readonly<Record<string, { readonly asked: TxFate; readonly now: string }>>;
}

export function undoPayments(
  client: YardClient,
  wishes: { readonly depth: number; readonly lead: number; readonly tx: readonly string[] },
): Action<PaymentsUndone> {
  const asked = wishes.tx.map((text) => {
    const parsed = parseFate(text);
    if (!parsed.ok) throw misuse(parsed.error);
    return { text, ...parsed.value };
  });
  const { depth, lead } = wishes;
  const yard = liveYard(client);
  const { plan } = undo(yard, { depth, lead });
  return {
    plan: `${plan}; in it: ${asked.map((a) => a.text).join(', ')}, every other payment where it was`,
    async run(context) {
      if (client.refresh().groups !== undefined)
        throw failed('the yard is cut', 'Heal it first: forkyard heal');
      return withMinersHeld(yard, async () => {
        await commonStart(yard, (await awake(yard))[0]!, context);
        const tx: Record<string, TxFate> = {};
        for (const { tail, fate } of asked) tx[(await findTx(client, tail)).txid] = fate;
        const done = await undo(yard, { depth, lead, tx }).run(context);
        await settled(yard, await awake(yard), context);
        const lines: string[] = [];
        const payments: Record<string, { asked: TxFate; now: string }> = {};
        for (const [txid, fate] of Object.entries(tx)) {
          const now = describeTx(await findTx(client, txid));
          payments[txid] = { asked: fate, now };
          lines.push(`${tailOf(txid)} ${wordOf(fate)}: ${now}`);
        }
        return { line: [done.line, ...lines].join('\n'), data: { ...done.data, payments } };
      });
    },
  };
}

function wordOf(fate: TxFate): string {
  if (typeof fate === 'string') return fate;
  if ('later' in fate) return `later by ${fate.later}`;
  return 'conflict';
}
