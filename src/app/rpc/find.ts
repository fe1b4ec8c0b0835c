import type { OutPoint, Tx } from '../../bitcoin/tx.ts';
import { decodeTx, isCoinbase, outpointKey } from '../../bitcoin/tx.ts';
import { PREFIX } from '../../consensus/store/records.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { LogEvent } from '../../events/events.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import type { RpcMethod } from '../../host/http/methods.ts';
import { fromHex, hashOfId, idOf } from '../../util/bytes.ts';
import { blockStatus } from './chain.ts';
import type { NodeContext } from './context.ts';
import { confirmations, turn } from './context.ts';
import { confirmedIn } from './lookup.ts';
import { hexBytes } from './script.ts';

const category = 'Yard';
/** Answers to one tail; whoever gets so many types more digits. */
const MATCHES = 20;
/** A tail must narrow the index down: 4 digits leave one in 65,536. */
const SHORTEST_TAIL = 4;
/** Blocks below the tip that are read to find who spent a coin. */
const LOOK_BACK = 1_000;
const BLOCKS_PER_TURN = 16;

/** Blocks and payments by the tail of their id: what people read and type. */
export function findMethods(context: NodeContext): RpcMethod[] {
  return [
    {
      name: 'findtx',
      category,
      summary:
        'Where a transaction is on this node: pool, block (with confirmations), stale (only in a block off the best branch) or conflict (another one took its coin). [] if it is unknown.',
      args: [
        { name: 'tail', type: 'string', says: `Last digits of the id, at least ${SHORTEST_TAIL}.` },
        {
          name: 'rawtx',
          type: 'string',
          default: 'none',
          says: 'The transaction in hex: if this node does not know it, who took its coins is looked up.',
        },
      ],
      example: '"a91f3c"',
      run: async (args, { signal }) => {
        const tail = tailOf(args.string('tail'));
        const raw = args.has('rawtx') ? rawArgument(args.string('rawtx')) : undefined;
        const found = await findTxs(context, tail, signal);
        if (found.length > 0 || raw === undefined || !raw.id.endsWith(tail)) return found;
        const [conflict] = await spendersOf(context, [wantedBy(raw)]);
        return conflict === undefined ? [] : [{ txid: raw.id, state: 'conflict', ...conflict }];
      },
    },
    {
      name: 'findblock',
      category,
      summary: 'Every block that this node knows whose id ends so, on any branch.',
      args: [{ name: 'tail', type: 'string', says: 'Last digits of the id.' }],
      example: '"4f1c2e"',
      run: (args) => {
        const tail = tailOf(args.string('tail'), 1);
        const found: Json[] = [];
        for (const entry of context.view.chain.entries()) {
          if (!entry.id.endsWith(tail)) continue;
          found.push({
            ...refJson(entry),
            active: context.view.chain.isActive(entry),
            confirmations: confirmations(context.view, entry),
            status: blockStatus(context, entry),
          });
          if (found.length >= MATCHES) break;
        }
        return found;
      },
    },
  ];
}

function tailOf(text: string, shortest = SHORTEST_TAIL): string {
  const tail = text.toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(tail))
    throw new RpcError(RPC.INVALID_PARAMETER, `tail must be hexadecimal digits (not '${text.slice(0, 80)}')`);
  if (tail.length < shortest)
    throw new RpcError(
      RPC.INVALID_PARAMETER,
      `tail must have at least ${shortest} digits (not ${tail.length})`,
    );
  return tail;
}

function rawArgument(hex: string): Tx {
  const tx = decodeTx(hexBytes(hex, 'TX decode failed'));
  if (!tx.ok) throw new RpcError(RPC.DESERIALIZATION_ERROR, `TX decode failed: ${tx.error.what}`);
  return tx.value;
}

interface BlockName {
  readonly [key: string]: Json;
  readonly id: string;
  readonly height: number;
  readonly miner: string;
}

function refJson(entry: BlockEntry): BlockName {
  return { id: entry.id, height: entry.height, miner: entry.miner };
}

async function findTxs(context: NodeContext, tail: string, signal: AbortSignal): Promise<readonly Json[]> {
  const ids = [...pooled(context, tail), ...(await indexed(context, tail))];
  while (!signal.aborted) {
    const found = await context.between('all', () => whereTheyAre(context, tail, ids));
    if (found !== undefined) return found;
    await turn(context);
  }
  return [];
}

/**
 * All of one moment: the index took its time to read, and the tip may be another. Undefined for the few steps in which the
 * mempool follows a new tip: what has left a block and is not back in the pool would pass for stale.
 */
function whereTheyAre(
  context: NodeContext,
  tail: string,
  known: readonly string[],
): readonly Json[] | undefined {
  if (context.view.settling) return undefined;
  const found = new Map<string, Json>();
  for (const txid of pooled(context, tail)) found.set(txid, { txid, state: 'pool' });
  for (const txid of known) {
    const place = found.has(txid) ? undefined : blockOfTx(context, txid);
    if (place !== undefined) found.set(txid, place);
  }
  for (const [txid, json] of told(context, tail)) if (!found.has(txid)) found.set(txid, json);
  return [...found.values()].slice(0, MATCHES);
}

/** In the mempool, or about to be again after a reorg. */
function pooled(context: NodeContext, tail: string): Set<string> {
  const { mempool } = context.view;
  const ids = new Set<string>();
  const look = ({ id }: Tx) => {
    if (ids.size < MATCHES && id.endsWith(tail)) ids.add(id);
  };
  for (const { tx } of mempool.entries()) look(tx);
  for (const tx of mempool.returning()) look(tx);
  return ids;
}

function blockOfTx(context: NodeContext, txid: string): Json | undefined {
  const entry = confirmedIn(context, hashOfId(txid)!);
  if (entry === undefined) return undefined;
  return {
    txid,
    state: 'block',
    block: refJson(entry),
    confirmations: confirmations(context.view, entry),
  };
}

/** From the transaction index: the tail's whole bytes, reversed, begin the key. */
async function indexed(context: NodeContext, tail: string): Promise<string[]> {
  const whole = fromHex(tail.length % 2 === 0 ? tail : tail.slice(1))!;
  const prefix = Uint8Array.of(PREFIX.tx, ...whole.reverse());
  const snapshot = context.snapshot();
  const found: string[] = [];
  try {
    for await (const row of snapshot.rows(prefix)) {
      const txid = idOf(row.key.subarray(1));
      if (txid.endsWith(tail)) found.push(txid);
      if (found.length >= MATCHES) break;
    }
  } finally {
    await snapshot.close();
  }
  return found;
}

/** From the event log, newest first: transactions that lost their coin, and those of blocks that are off the branch. */
function told(context: NodeContext, tail: string): Map<string, Json> {
  const { chain } = context.view;
  const found = new Map<string, Json>();
  const put = (txid: string, json: () => Json) => {
    if (txid.endsWith(tail) && !found.has(txid) && found.size < MATCHES) found.set(txid, json());
  };
  const events = context.log.since(0);
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i]!;
    if (event.kind === 'tx-lost' || (event.kind === 'tx-removed' && event.why !== 'expired')) {
      put(event.txid, () => lostJson(context, event));
    } else if (event.kind === 'connected') {
      const entry = chain.entry(hashOfId(event.id) ?? new Uint8Array(32));
      if (entry === undefined || chain.isActive(entry)) continue;
      for (const txid of event.txids) put(txid, () => ({ txid, state: 'stale', block: refJson(entry) }));
    }
  }
  return found;
}

function lostJson(context: NodeContext, event: LogEvent & { kind: 'tx-lost' | 'tx-removed' }): Json {
  const { by } = event;
  if (by === undefined) return { txid: event.txid, state: 'conflict' };
  const entry = confirmedIn(context, hashOfId(by) ?? new Uint8Array(32));
  return {
    txid: event.txid,
    state: 'conflict',
    by,
    byBlock: entry === undefined ? undefined : refJson(entry),
  };
}

/** The coins that a transaction wants; none for a coinbase. */
export function wantedBy(tx: Tx): readonly OutPoint[] {
  return isCoinbase(tx) ? [] : tx.inputs.map(({ prevout }) => prevout);
}

export interface Spender {
  readonly by: string;
  /** Absent while it waits in the mempool. */
  readonly byBlock?: BlockName;
}

/**
 * For each list of coins, who spent one of them: somebody in the last blocks of the branch, the deepest of several, or else in
 * the mempool. A coin that never was here proves nothing. All of one moment: the tip at the beginning.
 */
export async function spendersOf(
  context: NodeContext,
  lists: readonly (readonly OutPoint[])[],
): Promise<(Spender | undefined)[]> {
  const { chain, mempool } = context.view;
  const found: (Spender | undefined)[] = [];
  const gone = new Map<string, number>();
  for (const [i, coins] of lists.entries()) {
    const pooled = coins.map((coin) => mempool.spender(coin)).find((entry) => entry !== undefined);
    found.push(pooled === undefined ? undefined : { by: pooled.tx.id });
    for (const coin of coins) {
      const here = chain.coin(coin) !== undefined || mempool.get(coin.txid) !== undefined;
      if (!here && mempool.spender(coin) === undefined) gone.set(outpointKey(coin), i);
    }
  }
  let at: BlockEntry | undefined = chain.tip;
  for (let n = 0; gone.size > 0 && at?.parent !== undefined && n < LOOK_BACK; at = at.parent, n++) {
    const block = chain.block(at);
    for (const other of block?.txs ?? []) {
      for (const coin of wantedBy(other)) {
        const list = gone.get(outpointKey(coin));
        if (list === undefined) continue;
        gone.delete(outpointKey(coin));
        found[list] = { by: other.id, byBlock: refJson(at) };
      }
    }
    if (n % BLOCKS_PER_TURN === BLOCKS_PER_TURN - 1) await turn(context);
  }
  return found;
}
