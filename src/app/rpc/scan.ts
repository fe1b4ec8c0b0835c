import { ancestorAt } from '../../consensus/tree/tree.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json, JsonInput } from '../../host/http/json.ts';
import { coins } from '../../host/http/json.ts';
import { idOf, keyOf, toHex } from '../../util/bytes.ts';
import type { FoundCoin } from './coins.ts';
import { allCoins, snapshotTip } from './coins.ts';
import type { NodeContext } from './context.ts';
import { scanTarget } from './descriptor.ts';

/** Scans at the same time. Core allows one; two people at one node should not refuse each other. */
const SLOTS = 4;
const OBJECTS_LIMIT = 1_000;
/** Coins in one answer. */
const FOUND_LIMIT = 100_000;

interface Running {
  readonly abort: AbortController;
  /** First byte of the txid reached: coins are spread evenly over them. */
  reached: number;
}

/** Core: scantxoutset with its reserver. */
export class ScanSlots {
  readonly #context: NodeContext;
  readonly #running = new Set<Running>();

  constructor(context: NodeContext) {
    this.#context = context;
  }

  /** Percent of the scan that started first; null when none runs. */
  status(): Json {
    for (const scan of this.#running) return { progress: Math.floor((scan.reached * 100) / 256) };
    return null;
  }

  /** Whether there was anything to abort. */
  abort(): boolean {
    for (const scan of this.#running) scan.abort.abort();
    return this.#running.size > 0;
  }

  async start(objects: readonly JsonInput[], signal: AbortSignal): Promise<Json> {
    const wanted = wantedScripts(objects, this.#context.view.params.hrp);
    if (this.#running.size >= SLOTS)
      throw new RpcError(RPC.INVALID_PARAMETER, 'Scan already in progress, use action "abort" or "status"');
    const scan: Running = { abort: new AbortController(), reached: 0 };
    this.#running.add(scan);
    const snapshot = this.#context.snapshot();
    try {
      const tip = snapshotTip(this.#context, snapshot);
      const found: (FoundCoin & { readonly desc: string })[] = [];
      let looked = 0;
      for await (const batch of allCoins(snapshot, AbortSignal.any([signal, scan.abort.signal]))) {
        looked += batch.length;
        scan.reached = batch.at(-1)?.txid[0] ?? 0;
        for (const item of batch) {
          const desc = wanted.get(keyOf(item.coin.script));
          if (desc !== undefined) found.push({ ...item, desc });
        }
        if (found.length > FOUND_LIMIT)
          throw new RpcError(RPC.OUT_OF_MEMORY, `more than ${FOUND_LIMIT} coins match; ask for fewer locks`);
      }
      let total = 0;
      for (const { coin } of found) total += coin.value;
      return {
        success: true,
        txouts: looked,
        height: tip.height,
        bestblock: tip.id,
        unspents: found.map(({ txid, index, coin, desc }) => ({
          txid: idOf(txid),
          vout: index,
          scriptPubKey: toHex(coin.script),
          desc,
          amount: coins(coin.value),
          coinbase: coin.coinbase,
          height: coin.height,
          blockhash: ancestorAt(tip, coin.height)?.id,
          confirmations: tip.height - coin.height + 1,
        })),
        total_amount: coins(total),
      };
    } finally {
      this.#running.delete(scan);
      await snapshot.close();
    }
  }
}

/** Script, as a map key, to the descriptor that it came from. */
function wantedScripts(objects: readonly JsonInput[], hrp: string): Map<string, string> {
  if (objects.length > OBJECTS_LIMIT)
    throw new RpcError(RPC.INVALID_PARAMETER, `at most ${OBJECTS_LIMIT} scanobjects`);
  const wanted = new Map<string, string>();
  for (const object of objects) {
    // Core also takes {"desc", "range"}; without key origins there is nothing to range over.
    const text = typeof object === 'string' ? object : (object as { desc?: unknown } | null)?.desc;
    if (typeof text !== 'string')
      throw new RpcError(RPC.INVALID_PARAMETER, 'Scan object needs to be either a string or an object');
    const { desc, script } = scanTarget(text, hrp);
    wanted.set(keyOf(script), desc);
  }
  return wanted;
}
