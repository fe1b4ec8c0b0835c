import { decodeBlock } from '../../bitcoin/block.ts';
import { commitmentScriptIn } from '../../bitcoin/coinbase.ts';
import type { Tx } from '../../bitcoin/tx.ts';
import { leastTime } from '../../consensus/build.ts';
import { subsidyAt } from '../../consensus/params/params.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json, JsonInput, JsonObject } from '../../host/http/json.ts';
import type { RpcMethod } from '../../host/http/methods.ts';
import type { CandidateBlock } from '../../node/types.ts';
import { concat, idOf, toHex } from '../../util/bytes.ts';
import type { NodeContext } from './context.ts';
import { parseHash } from './context.ts';
import { bitsHex, wireHex } from './render.ts';
import { blockArgument, propose } from './submit.ts';

/** Core: MAX_BLOCK_SIGOPS_COST, MAX_BLOCK_SERIALIZED_SIZE, MAX_BLOCK_WEIGHT. */
const SIGOP_LIMIT = 80_000;
const SIZE_LIMIT = 4_000_000;
/** As Core: a caller who waits gets new transactions after a minute, or at one of the looks every ten seconds after. */
const FIRST_LOOK_MS = 60_000;
const NEXT_LOOK_MS = 10_000;
/** Longest part of a longpollid that is read: a block id and a counter. */
const TIP_DIGITS = 64;

/** What a caller who waits has already. */
interface Known {
  readonly tip: string;
  /** `updates` of the mempool then; not a number if the caller named none. */
  readonly updates: number;
}

/** getblocktemplate: work for miners outside of this node (BIP22, BIP23, BIP145). Core: rpc/mining.cpp. */
export class Templates {
  readonly #context: NodeContext;
  /** Of the last template: how many payments it held, and their weight. */
  last: { readonly txs: number; readonly weight: number } | undefined;

  constructor(context: NodeContext) {
    this.#context = context;
  }

  get method(): RpcMethod {
    return {
      name: 'getblocktemplate',
      category: 'Mining',
      summary: 'What an external miner needs to make the next block (BIP22, BIP23, BIP145).',
      args: [
        {
          name: 'template_request',
          type: 'object',
          says: 'rules: must hold "segwit". longpollid: of an earlier answer; waits until there is other work. mode "proposal" with data, a block in hex: null if it would be valid on the tip but for its proof of work, otherwise why not.',
        },
      ],
      example: '\'{"rules":["segwit"]}\'',
      run: (args, call) => this.#answer(args.object('template_request'), call.signal),
    };
  }

  async #answer(request: JsonObject, signal: AbortSignal): Promise<Json> {
    const mode = request['mode'] ?? 'template';
    if (mode === 'proposal') return await this.#proposal(request['data']);
    if (mode !== 'template') throw new RpcError(RPC.INVALID_PARAMETER, 'Invalid mode');
    const longpollid = request['longpollid'] ?? null;
    if (longpollid !== null) await this.#otherWork(this.#known(longpollid), signal);
    const rules = request['rules'];
    if (!Array.isArray(rules) || !rules.includes('segwit'))
      throw new RpcError(
        RPC.INVALID_PARAMETER,
        'getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})',
      );
    return await this.#template();
  }

  #proposal(data: JsonInput | undefined): Promise<Json> {
    if (typeof data !== 'string') throw new RpcError(RPC.TYPE_ERROR, 'Missing data String key for proposal');
    return propose(this.#context, blockArgument(data));
  }

  #known(longpollid: JsonInput): Known {
    const { view } = this.#context;
    // BIP22 knows only texts; Core takes anything else for what there is now.
    if (typeof longpollid !== 'string') return { tip: view.chain.tip.id, updates: view.mempool.updates };
    const tip = idOf(parseHash(longpollid.slice(0, TIP_DIGITS), 'longpollid'));
    return { tip, updates: Number.parseInt(longpollid.slice(TIP_DIGITS), 10) };
  }

  /** Until the tip is another one, or, at the looks, the mempool is. Whoever hangs up meanwhile gets no template. */
  async #otherWork({ tip, updates }: Known, signal: AbortSignal): Promise<void> {
    const { view } = this.#context;
    const moved = () => view.chain.tip.id !== tip;
    await new Promise<void>((resolve) => {
      const finish = () => {
        stop();
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const look = () => {
        if (view.mempool.updates !== updates) finish();
        else timer = setTimeout(look, NEXT_LOOK_MS);
      };
      const stop = this.#context.onNews((news) => {
        if (news.kind === 'tip' && moved()) finish();
      });
      let timer = setTimeout(look, FIRST_LOOK_MS);
      if (signal.aborted || moved()) finish();
      else signal.addEventListener('abort', finish, { once: true });
    });
    if (signal.aborted) throw new RpcError(RPC.CLIENT_NOT_CONNECTED, 'Shutting down');
  }

  async #template(): Promise<Json> {
    const { view } = this.#context;
    // Counted before: what comes while the block is put together is news to the caller, whether it is in it or not.
    const { updates } = view.mempool;
    const candidate = await this.#candidate();
    const block = decodeBlock(candidate.bytes);
    if (!block.ok) throw new TypeError(`our own template does not decode: ${block.error.what}`);
    const [coinbase, ...txs] = block.value.txs;
    const { header } = block.value;
    const parent = view.chain.entry(header.prev);
    if (coinbase === undefined || parent === undefined)
      throw new TypeError('our own template has no parent or coinbase');
    this.last = { txs: txs.length, weight: txs.reduce((sum, tx) => sum + tx.weight, 0) };
    const commitment = commitmentScriptIn(coinbase);
    return {
      capabilities: ['proposal'],
      version: header.version,
      rules: ['csv', '!segwit', 'taproot'],
      vbavailable: {},
      vbrequired: 0,
      previousblockhash: parent.id,
      transactions: transactionsJson(this.#context, txs),
      coinbaseaux: {},
      coinbasevalue: subsidyAt(candidate.height, view.params) + candidate.fees,
      longpollid: `${parent.id}${updates}`,
      target: toHex(candidate.target),
      mintime: leastTime(parent, view.params),
      mutable: ['time', 'transactions', 'prevblock'],
      noncerange: '00000000ffffffff',
      sigoplimit: SIGOP_LIMIT,
      sizelimit: SIZE_LIMIT,
      weightlimit: SIZE_LIMIT,
      curtime: header.time,
      bits: bitsHex(header.bits),
      height: candidate.height,
      ...(commitment === undefined ? {} : { default_witness_commitment: toHex(commitment) }),
    };
  }

  /** The coinbase does not show in the answer, so any lock serves: a P2WPKH of zeros. */
  async #candidate(): Promise<CandidateBlock> {
    const payout = concat(Uint8Array.of(0, 20), new Uint8Array(20));
    const result = await this.#context.command({ kind: 'template', payout, tag: this.#context.view.name });
    if (result.kind === 'refused')
      throw new RpcError(RPC.MISC_ERROR, `no template: ${result.refusal.rule}, ${result.refusal.detail}`);
    if (result.kind !== 'template') throw new TypeError(`template answered ${result.kind}`);
    return result.template;
  }
}

function transactionsJson({ view }: NodeContext, txs: readonly Tx[]): Json[] {
  const places = new Map(txs.map((tx, i) => [tx.id, i + 1]));
  return txs.map((tx) => ({
    data: wireHex(tx.bytes),
    txid: tx.id,
    hash: tx.wid,
    depends: [...new Set(tx.inputs.map((input) => places.get(idOf(input.prevout.txid))))]
      .filter((place) => place !== undefined)
      .sort((a, b) => a - b),
    // The fee of one that has just left the mempool is omitted: BIP22 reads that as unknown.
    fee: view.mempool.get(tx.txid)?.fee,
    sigops: sigopCost(tx),
    weight: tx.weight,
  }));
}

/**
 * BIP141's cost: 1 for each P2WPKH input, 0 for a P2TR one (BIP342 counts by the input), and our outputs carry no
 * operation. A valid witness has two items for the one and one for the other. Core: GetTransactionSigOpCost.
 */
function sigopCost(tx: Tx): number {
  return tx.inputs.filter(({ witness }) => witness.length === 2).length;
}
