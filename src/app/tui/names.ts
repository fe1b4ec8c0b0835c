import { formatAmount } from '../../bitcoin/amount.ts';
import { hash160 } from '../../bitcoin/hash.ts';
import { lockScript } from '../../bitcoin/lock.ts';
import { decodeTx, type Tx } from '../../bitcoin/tx.ts';
import type { YardClient } from '../../lab/client/client.ts';
import { readParams } from '../../lab/launcher/create.ts';
import { allKeys } from '../../lab/yard/keyring.ts';
import { fromHex, idOf, keyOf } from '../../util/bytes.ts';
import { Problem } from '../../yard/problem.ts';
import type { PaymentName } from './state.ts';

/** Who pays whom how much: read from the transaction itself, because the log only has its id. */

/** Look-ups under way; when payments come faster, the rest stay unnamed. */
const MOST_AT_ONCE = 4;

export class NameReader {
  readonly #client: YardClient;
  #owners: ReadonlyMap<string, string> = new Map();
  #running = 0;

  constructor(client: YardClient) {
    this.#client = client;
  }

  /** Undefined when the node does not have it any more, or too many are being asked for. */
  async read(txid: string, node: string): Promise<PaymentName | undefined> {
    if (this.#running >= MOST_AT_ONCE) return undefined;
    this.#running++;
    try {
      const hex = await this.#client.call<string>(node, 'getrawtransaction', [txid, 0]);
      const bytes = fromHex(hex);
      const tx = bytes === undefined ? undefined : decodeTx(bytes);
      return tx?.ok === true ? this.#describe(tx.value) : undefined;
    } catch (error) {
      // Mined or gone in the meantime, or the node ended: it stays known by its tail.
      if (error instanceof Problem) return undefined;
      throw error;
    } finally {
      this.#running--;
    }
  }

  #describe(tx: Tx): PaymentName {
    const payer = payerScript(tx);
    const outputs = tx.outputs.map((o) => ({ ...o, key: keyOf(o.script) }));
    // What goes back to the payer is change, unless there is nothing else.
    const paid = outputs.find((o) => o.key !== payer) ?? outputs[0]!;
    return {
      from: payer === undefined ? 'somebody' : this.#ownerOf(payer),
      to: this.#ownerOf(paid.key),
      amount: formatAmount(paid.value),
      coins: tx.inputs.map(({ prevout }) => `${idOf(prevout.txid)}:${prevout.index}`),
    };
  }

  #ownerOf(script: string): string {
    // Keys can be made while we watch: read them anew when one is not known.
    if (!this.#owners.has(script)) {
      const keys = allKeys(this.#client.dir, readParams(this.#client.dir));
      this.#owners = new Map(keys.map((k) => [keyOf(k.script), k.name]));
    }
    return this.#owners.get(script) ?? 'somebody';
  }
}

/** The script of the first coin's key, which a witness of two items (signature, key) shows. */
function payerScript(tx: Tx): string | undefined {
  const witness = tx.inputs[0]?.witness;
  const key = witness?.length === 2 ? witness[1] : undefined;
  return key === undefined ? undefined : keyOf(lockScript({ kind: 'p2wpkh', hash: hash160(key) }));
}
