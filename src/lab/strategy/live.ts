import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatAmount } from '../../bitcoin/amount.ts';
import type { LogEvent } from '../../events/events.ts';
import { makeDirectory } from '../../host/directories.ts';
import { type RpcAuth, RpcFailure, rpcCall } from '../../host/http/client.ts';
import type { JsonInput } from '../../host/http/json.ts';
import { Attack, type Move, NEAR_TIP, type SeenBlock, StrategyError } from '../../sim/strategy/attack.ts';
import { type Attempt, CHEAT, MERCHANT, PRICE } from '../../sim/strategy/paid-twice.ts';
import type { Play } from '../../sim/strategy/shipped.ts';
import { toHex } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import { plural } from '../../util/plural.ts';
import { twoPayments, USUAL_FEE_RATE } from '../../wallet/payment.ts';
import { tailOf } from '../../yard/names.ts';
import { failed, misuse } from '../../yard/problem.ts';
import type { YardClient } from '../client/client.ts';
import { type Follower, follow } from '../client/follow.ts';
import { readParams } from '../launcher/create.ts';
import { type NodeChild, spawnNode } from '../launcher/node-child.ts';
import { holdings } from '../live/coins.ts';
import { findKey, findPayee, minerKey } from '../yard/keyring.ts';
import type { StrategySummary } from './story.ts';

/**
 * A strategy played against a live yard. The yard's node is the gate: it goes on relaying, and mines no more. Its hash power
 * goes to a lair: one more node process, which nobody is linked with. Blocks are carried between the two by getblock and
 * submitblock, as the strategy decides (sim/strategy/attack.ts); both are ordinary nodes.
 */

export interface StrategyWishes {
  readonly node: string;
  /** For people: a name that ships, or a file's. */
  readonly name: string;
  readonly play: Play;
  readonly programPath: string;
  /** One line as something happens. */
  readonly say: (line: string) => void;
}

interface Door {
  readonly url: string;
  readonly auth: RpcAuth;
}

interface Heard {
  readonly of: 'gate' | 'lair';
  readonly block: SeenBlock;
}

const READY_MS = 15_000;
const STOP_MS = 5_000;
/** How often the lair is given what the gate got meanwhile, before the race begins. */
const MOST_TRIES = 20;
/** Blocks fetched at once while the lair gets the chain. */
const FETCH = 16;
/** What `getblocktree` gives at most. */
const MOST_BLOCKS = 10_000;
/** A flood of events that the strategy cannot keep up with ends the attack instead of filling memory. */
const MAX_HEARD = 10_000;

export class LiveStrategy {
  readonly letter: string;
  readonly #client: YardClient;
  readonly #wishes: StrategyWishes;
  readonly #child: NodeChild;
  readonly #dir: string;
  readonly #gate: Door;
  readonly #lair: Door;
  readonly #discarded = new Set<string>();
  readonly #follows: Follower[] = [];
  readonly #heard: Heard[] = [];
  readonly #end: { readonly promise: Promise<void>; readonly fail: (error: unknown) => void };
  #attack!: Attack;
  #working: Promise<void> | undefined;
  #stopped = false;
  #from = 0;
  #found = 0;
  #shown = 0;
  #power: number | undefined;
  #mined = false;
  #mayPay = false;

  /** Takes a node of a running yard, and begins. */
  static async start(client: YardClient, wishes: StrategyWishes): Promise<LiveStrategy> {
    const { letter } = client.node(wishes.node);
    const infos = await client.infos();
    const info = infos.get(letter);
    if (info === undefined)
      throw failed(`node ${letter} is down or frozen`, `Start it: forkyard start ${letter}`);
    const params = readParams(client.dir);
    const dir = join(client.dir, client.node(letter).dir, 'lair');
    rmSync(dir, { recursive: true, force: true });
    makeDirectory(dir);
    const { cap } = info.mining;
    const child = spawnNode(
      wishes.programPath,
      [
        ...['--genesis', join(client.dir, 'genesis.json'), '--datadir', dir, '--name', letter],
        ...['--rpcport', '0', '--threads', '1', '--payout', minerKey(client.dir, letter, params).address],
        ...(cap === 0 ? [] : ['--hashrate', String(cap)]),
      ],
      client.dir,
    );
    const ready = await Promise.race([
      child.ready,
      new Promise<never>((_, fail) =>
        setTimeout(() => fail(new Error(`no answer for ${READY_MS / 1000} s`)), READY_MS).unref(),
      ),
    ]).catch(async (error: unknown) => {
      await child.kill();
      throw failed(`the lair of ${letter} did not start: ${(error as Error).message}`);
    });
    const lair = { url: `http://127.0.0.1:${ready.rpcPort}`, auth: { cookieFile: join(dir, '.cookie') } };
    const played = new LiveStrategy(client, wishes, child, dir, lair);
    played.#mined = info.mining.on;
    const miners = [...infos.values()].filter((i) => i?.mining.on === true || i === info);
    if (miners.every((i) => i !== undefined && i.mining.cap > 0))
      played.#power = cap / miners.reduce((sum, i) => sum + (i?.mining.cap ?? 0), 0);
    try {
      await played.#begin(info.lastSeq);
    } catch (error) {
      await played.stop();
      throw error;
    }
    return played;
  }

  private constructor(client: YardClient, wishes: StrategyWishes, child: NodeChild, dir: string, lair: Door) {
    const node = client.node(wishes.node);
    this.#client = client;
    this.#wishes = wishes;
    this.#child = child;
    this.#dir = dir;
    this.letter = node.letter;
    this.#gate = { url: client.url(node), auth: client.auth(node) };
    this.#lair = lair;
    let fail: (error: unknown) => void = () => undefined;
    const promise = new Promise<void>((_, no) => {
      fail = no;
    });
    promise.catch(toldByWaiter);
    this.#end = { promise, fail };
    void child.exited.then(() => {
      if (!this.#stopped) fail(failed(`the lair of ${this.letter} ended: ${child.lastWords() || 'killed'}`));
    });
  }

  /** Rejects when the attack cannot go on: a node went, or the strategy made a mistake. */
  get failed(): Promise<void> {
    return this.#end.promise;
  }

  async #begin(after: number): Promise<void> {
    await this.#plays(true);
    await this.#call(this.#gate, 'setmining', [{ on: false }]);
    let tip = await this.#giveChain(1);
    let near = await this.#nearTip();
    const isAhead = (block: SeenBlock) => block.work > tip.work;
    // What came meanwhile: a race begins level, or the merchant would not be paid.
    for (let tries = 0; tries < MOST_TRIES && near.some(isAhead); tries++) {
      tip = await this.#giveChain(Math.max(1, tip.height - NEAR_TIP));
      near = await this.#nearTip();
    }
    this.#from = tip.height;
    this.#attack = new Attack(
      this.#wishes.play.strategy,
      tip,
      near.filter((block) => !isAhead(block)),
    );
    for (const block of near.filter(isAhead)) this.#heard.push({ of: 'gate', block });
    for (const of of ['gate', 'lair'] as const) {
      const { url, auth } = of === 'gate' ? this.#gate : this.#lair;
      const onEvent = (event: LogEvent) => this.#hear(of, event);
      this.#follows.push(follow({ url, auth, after: of === 'gate' ? after : 0, onEvent }));
    }
    this.#mayPay = true;
    this.#begun();
    await this.#working;
    await this.#call(this.#lair, 'setmining', [{ on: true }]);
    await this.#note(`${this.letter} plays ${this.#wishes.name} from height ${tip.height} on`);
  }

  /** The gate's active chain from that height on, block by block; answers its tip. */
  async #giveChain(first: number): Promise<SeenBlock> {
    const height = await this.#call<number>(this.#gate, 'getblockcount');
    for (let from = first; from <= height; from += FETCH) {
      const heights = Array.from({ length: Math.min(FETCH, height - from + 1) }, (_, i) => from + i);
      const ids = await Promise.all(heights.map((h) => this.#call<string>(this.#gate, 'getblockhash', [h])));
      const blocks = await Promise.all(ids.map((id) => this.#call<string>(this.#gate, 'getblock', [id, 0])));
      for (const hex of blocks) await this.#call(this.#lair, 'submitblock', [hex]);
    }
    const id = await this.#call<string>(this.#lair, 'getbestblockhash');
    const header = await this.#call<{ height: number; chainwork: string; previousblockhash?: string }>(
      this.#lair,
      'getblockheader',
      [id],
    );
    const work = BigInt(`0x${header.chainwork}`);
    return { id, prev: header.previousblockhash ?? '', height: header.height, work };
  }

  /** All blocks that the gate has of late, on whatever branch; parents first. */
  async #nearTip(): Promise<SeenBlock[]> {
    const { blocks } = await this.#call<{
      blocks: readonly { id: string; prev: string; height: number; work: string; status: string }[];
    }>(this.#gate, 'getblocktree', [NEAR_TIP]);
    return blocks
      .filter(({ status }) => status === 'active' || status === 'valid')
      .map(({ id, prev, height, work }) => ({ id, prev, height, work: BigInt(`0x${work}`) }));
  }

  #hear(of: Heard['of'], event: LogEvent): void {
    if (this.#stopped) return;
    if (of === 'gate' && (event.kind === 'connected' || event.kind === 'disconnected'))
      this.#wishes.play.paid?.apply(event);
    if (event.kind === 'tip' && this.#wishes.play.paid?.open === false) {
      this.#mayPay = true;
      this.#begun();
    }
    if (of === 'lair' && event.kind === 'mined') {
      this.#found++;
      const { id, height, miner, tries, ms } = event;
      this.#wishes.say(`${this.letter} found ${tailOf(id)} at ${height}`);
      this.#client
        .control('found', { node: this.letter, id, height, miner, tries, ms: Math.round(ms) })
        .catch((error: unknown) => this.#end.fail(error));
    }
    if (event.kind !== 'block') return;
    if (this.#heard.length >= MAX_HEARD) {
      this.#end.fail(failed('the strategy cannot keep up with the blocks that come'));
      return;
    }
    const { id, prev, height, work } = event;
    this.#heard.push({ of, block: { id, prev, height, work: BigInt(`0x${work}`) } });
    this.#begun();
  }

  #begun(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** One after the other, since each may move the race. */
  async #work(): Promise<void> {
    try {
      for (let next = this.#heard.shift(); next !== undefined; next = this.#heard.shift()) {
        if (this.#stopped) return;
        const { of, block } = next;
        const moves = of === 'gate' ? this.#attack.gate(block) : this.#attack.lair(block);
        for (const move of moves) await this.#perform(move);
      }
      if (this.#mayPay) await this.#payTwice();
    } catch (error) {
      const why = error instanceof StrategyError ? misuse(error.message) : error;
      if (!this.#stopped) this.#end.fail(why);
    }
  }

  /** A new race begins, with no block found yet: the merchant is paid, and the lair has the other payment. */
  async #payTwice(): Promise<void> {
    this.#mayPay = false;
    const { paid } = this.#wishes.play;
    if (paid === undefined || paid.open || this.#attack.race('public').own > 0) return;
    const params = readParams(this.#client.dir);
    const cheat = findKey(this.#client.dir, CHEAT, params);
    const held = (await holdings(this.#client, this.letter, [cheat], params)).get(cheat.name)!;
    const to = [findPayee(this.#client.dir, MERCHANT, params).script, cheat.script] as const;
    const made = twoPayments(cheat.key, { coins: held.coins, to, amount: PRICE, feeRate: USUAL_FEE_RATE });
    // Out of coins: the race goes on without a payment.
    if (!made.ok) return;
    const [payment, conflict] = made.value;
    try {
      await this.#call(this.#lair, 'sendrawtransaction', [toHex(conflict.tx.bytes)]);
      await this.#call(this.#gate, 'sendrawtransaction', [toHex(payment.tx.bytes)]);
    } catch (error) {
      // The coin may be younger than what the lair has of the chain: another try at the next tip.
      if (error instanceof RpcFailure) return;
      throw error;
    }
    paid.begin(payment.tx.id, conflict.tx.id, () => this.#attack.publicHeight);
    await this.#note(
      `${this.letter} pays ${MERCHANT} ${formatAmount(PRICE)} with ${tailOf(payment.tx.id)}; its lair spends the coin to ${CHEAT}`,
    );
  }

  async #perform(move: Move): Promise<void> {
    if (move.ids.length > 0) {
      this.#wishes.play.paid?.over();
      this.#mayPay = true;
    }
    const blocks = plural(move.ids.length, 'block');
    if (move.kind === 'publish') {
      for (const id of move.ids) await this.#hand(this.#lair, this.#gate, id);
      if (move.prefer !== undefined) await this.#call(this.#gate, 'preciousblock', [move.prefer]);
      this.#shown += move.ids.length;
      await this.#note(
        `${this.letter} shows ${blocks} that it had kept${move.prefer === undefined ? '' : ': a tie'}`,
      );
      return;
    }
    for (const id of move.ids) {
      if (this.#discarded.delete(id)) await this.#call(this.#lair, 'reconsiderblock', [id]);
      await this.#hand(this.#gate, this.#lair, id);
    }
    if (move.discard === undefined) return;
    this.#discarded.add(move.discard);
    await this.#call(this.#lair, 'invalidateblock', [move.discard]);
  }

  async #hand(from: Door, to: Door, id: string): Promise<void> {
    const hex = await this.#call<string>(from, 'getblock', [id, 0]);
    await this.#call(to, 'submitblock', [hex]);
  }

  /** For the yard's log: the power of its node is elsewhere now, or back. */
  async #plays(on: boolean): Promise<void> {
    await this.#client.control('strategy', { node: this.letter, name: on ? this.#wishes.name : '', on });
  }

  async #note(text: string): Promise<void> {
    this.#wishes.say(text);
    await this.#client.control('note', { text });
  }

  async #call<T = JsonInput>(door: Door, method: string, params: readonly JsonInput[] = []): Promise<T> {
    return (await rpcCall(door.url, door.auth, method, params)) as T;
  }

  /** Undefined where the strategy pays nobody. */
  get payments(): readonly Attempt[] | undefined {
    return this.#wishes.play.paid?.attempts;
  }

  /** What came of it until now. */
  async summary(): Promise<StrategySummary> {
    const height = await this.#call<number>(this.#gate, 'getblockcount');
    const last = Math.min(Math.max(1, height - this.#from), MOST_BLOCKS);
    const tree = await this.#call<{
      tip: string;
      blocks: readonly { id: string; prev: string; height: number; miner: string }[];
    }>(this.#gate, 'getblocktree', [last]);
    const byId = new Map(tree.blocks.map((block) => [block.id, block]));
    let chain = 0;
    let own = 0;
    for (let at = byId.get(tree.tip); at !== undefined && at.height > this.#from; at = byId.get(at.prev)) {
      chain++;
      if (at.miner === this.letter) own++;
    }
    return {
      node: this.letter,
      strategy: this.#wishes.name,
      found: this.#found,
      shown: this.#shown,
      chain,
      own,
      ...(this.#power === undefined ? {} : { power: this.#power }),
      ...defined({ payments: this.payments }),
    };
  }

  /** The node mines in the open again, where it can; what was not shown is lost with the lair. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#wishes.play.paid?.over();
    for (const one of this.#follows) one.close();
    await this.#working;
    await this.#child.stop(STOP_MS);
    rmSync(this.#dir, { recursive: true, force: true });
    // Without a launcher there is no log to write to.
    await this.#plays(false).catch((error: unknown) => this.#wishes.say(String((error as Error).message)));
    const info = await this.#client.info(this.letter);
    if (info !== undefined && this.#mined) await this.#call(this.#gate, 'setmining', [{ on: true }]);
  }
}

/** Whoever waits for `failed` hears of it; nobody has to, and then it must not be an unhandled rejection. */
function toldByWaiter(): void {}
