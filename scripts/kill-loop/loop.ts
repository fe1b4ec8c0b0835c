import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WELL_KNOWN, wellKnownSecret } from '../../src/consensus/params/genesis.ts';
import {
  bitsFor,
  deriveParams,
  type Params,
  paramsToJson,
  parseNetworks,
} from '../../src/consensus/params/params.ts';
import { RpcFailure } from '../../src/host/http/client.ts';
import { toHex } from '../../src/util/bytes.ts';
import type { Random } from '../../src/util/random.ts';
import { Key } from '../../src/wallet/keys.ts';
import { makePayment } from '../../src/wallet/payment.ts';
import type { Spendable } from '../../src/wallet/select.ts';
import { Checker } from './check.ts';
import { LifeOfNode, sleep, until } from './node.ts';
import type { PowerCut } from './power-cut.ts';
import { Announced } from './record.ts';

export interface LoopOptions {
  readonly program: string;
  /** An existing, empty directory. */
  readonly dir: string;
  readonly nodes: number;
  readonly random: Random;
  /** undefined: only processes are killed, unflushed writes survive. */
  readonly power: PowerCut | undefined;
}

export interface LoopFigures {
  kills: number;
  /** Of those: while the node opened its database. */
  opening: number;
  /** Of those: with unflushed bytes torn away, and how many bytes. */
  powerCuts: number;
  tornBytes: number;
  checks: number;
  blocks: number;
  mined: number;
  payments: number;
  reorgs: number;
  deepest: number;
  readonly losses: string[];
}

/** Each node's hash rate, and hashes a block: three nodes find a block about every third of a second. */
const RATE = '12kH/s';
const TRIES = 12_000;
const DELAY = '60ms';
/** Satoshis; a coin below this is not split further. */
const SMALLEST_COIN = 1_000_000;
const FEE_RATE = 2_000;

interface Owned {
  readonly key: Key;
  readonly coin: Spendable;
}

interface Member {
  readonly name: string;
  readonly args: readonly string[];
  readonly announced: Announced;
  readonly checker: Checker;
  life: LifeOfNode;
}

/** Real nodes that mine, pay and reorganise, and are killed at drawn instants. */
export class KillLoop {
  readonly #o: LoopOptions;
  readonly #params: Params;
  readonly #members: Member[] = [];
  #coins: Owned[] = [];
  readonly figures: LoopFigures = {
    kills: 0,
    opening: 0,
    powerCuts: 0,
    tornBytes: 0,
    checks: 0,
    blocks: 0,
    mined: 0,
    payments: 0,
    reorgs: 0,
    deepest: 0,
    losses: [],
  };

  /** `networks`: the content of genesis.json. */
  constructor(o: LoopOptions, networks: unknown) {
    this.#o = o;
    const parsed = parseNetworks(networks);
    if (!parsed.ok) throw new Error(parsed.error);
    this.#params = deriveParams(parsed.value.get('lab')!, {
      label: 'kill-loop',
      timeS: Math.floor(Date.now() / 1000) - 60,
      bits: bitsFor(TRIES, 1_000),
    });
    const [genesis] = this.#params.genesis.txs;
    for (const [i, { value, script }] of genesis!.outputs.entries()) {
      const name = WELL_KNOWN[Math.floor(i / (genesis!.outputs.length / WELL_KNOWN.length))]!;
      const key = new Key(wellKnownSecret(name));
      this.#coins.push({ key, coin: { outpoint: { txid: genesis!.txid, index: i }, value, script } });
    }
  }

  async start(): Promise<void> {
    const file = join(this.#o.dir, 'genesis.json');
    writeFileSync(file, JSON.stringify(paramsToJson(this.#params)));
    for (let i = 0; i < this.#o.nodes; i++) {
      const name = String.fromCharCode(65 + i);
      const payout = new Key(wellKnownSecret(WELL_KNOWN[i]!)).address('p2wpkh', this.#params.hrp);
      const args = [
        '--name',
        name,
        '--genesis',
        file,
        '--payout',
        payout,
        '--hashrate',
        RATE,
        '--delay',
        DELAY,
      ];
      const announced = new Announced(name);
      const checker = new Checker(announced, (n) => this.#o.random.below(n));
      const life = this.#launch(name, args, announced);
      this.#members.push({ name, args, announced, checker, life });
      await life.ready();
    }
    for (const member of this.#members) await this.#join(member);
  }

  /** One round: some mining, payments and perhaps a cut; then one or more nodes are killed, opened alone, and checked. */
  async round(): Promise<void> {
    const { random } = this.#o;
    const cut = random.below(3) === 0;
    if (cut) await this.#cut(this.#pick());
    for (let i = random.below(4); i >= 0; i--) await this.#pay();
    await sleep(200 + random.below(cut ? 6_000 : 800));
    // The reorganisation that follows is the instant at which most is written.
    if (cut) await this.#heal();
    const victims = random.below(4) === 0 ? [...this.#members] : [this.#pick()];
    await sleep(random.below(400));
    await Promise.all(victims.map((member) => this.#kill(member)));
    for (const member of victims) await this.#reopen(member);
    for (const member of victims) await this.#join(member);
    this.#count();
  }

  /** Lets all nodes agree, and every payment confirm; what does not happen is a loss. */
  async finish(): Promise<void> {
    await this.#heal();
    const nodes = this.#members.map(({ life }) => life);
    const payments = this.#members.flatMap(({ announced }) => announced.payments);
    await until('every accepted payment is in a block', async () => {
      for (const txid of payments) {
        const [found] = await nodes[0]!.call<{ state: string }[]>('findtx', txid);
        if (found?.state !== 'block') return false;
      }
      return true;
    });
    for (const node of nodes) await node.call('setmining', { on: false });
    const address = new Key(wellKnownSecret('judy')).address('p2wpkh', this.#params.hrp);
    await until('all nodes agree', async () => {
      const [tip, ...others] = await Promise.all(nodes.map((node) => node.call<string>('getbestblockhash')));
      if (others.every((other) => other === tip)) return true;
      // Two branches of equal work stay as they are until the next block.
      await nodes[0]!.call('generatetoaddress', 1, address);
      return false;
    });
    for (const member of this.#members) this.#lost(member, await member.checker.losses(member.life));
    this.#count();
  }

  /** Ends every process. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ life }) => (life.over ? undefined : life.kill())));
  }

  #pick(): Member {
    return this.#members[this.#o.random.below(this.#members.length)]!;
  }

  #launch(name: string, args: readonly string[], announced: Announced): LifeOfNode {
    const life = new LifeOfNode({
      program: this.#o.program,
      dir: join(this.#o.dir, name),
      args,
      env: this.#o.power?.environment(name) ?? {},
      event: (event) => announced.apply(event),
    });
    announced.startLife(life.eventsOnDisk(0).at(-1)?.seq ?? 0);
    return life;
  }

  async #kill(member: Member): Promise<void> {
    const { life, announced } = member;
    await life.kill();
    for (const event of life.eventsOnDisk(announced.lastSeq)) announced.apply(event);
    this.figures.kills++;
    this.#powerCut(member);
  }

  /** Half of the kills are power cuts, where this machine can make them. */
  #powerCut({ name, life }: Member): void {
    const { power, random } = this.#o;
    if (power === undefined || random.below(2) === 0) return;
    this.figures.powerCuts++;
    this.figures.tornBytes += power.tear(name, life.dir, random);
  }

  /** Opens a node without peers and without mining; may kill it a few times while it opens. */
  async #reopen(member: Member): Promise<void> {
    const { random } = this.#o;
    while (random.below(4) === 0) {
      member.life = this.#launch(member.name, member.args, member.announced);
      await sleep(random.below(900));
      await member.life.kill();
      this.figures.kills++;
      this.figures.opening++;
      this.#powerCut(member);
    }
    member.life = this.#launch(member.name, member.args, member.announced);
    await member.life.ready();
    this.figures.checks++;
    this.#lost(member, await member.checker.losses(member.life));
  }

  #lost({ name }: Member, losses: readonly string[]): void {
    for (const loss of losses)
      this.figures.losses.push(`after ${this.figures.kills} kills, node ${name}: ${loss}`);
  }

  async #join(member: Member): Promise<void> {
    for (const other of this.#members)
      if (other !== member && !other.life.over) await member.life.call('addnode', other.life.address, 'add');
    await member.life.call('setmining', { on: true });
  }

  async #cut(member: Member): Promise<void> {
    const others = this.#members.filter((other) => other !== member).map(({ life }) => life.said.peerId);
    await member.life.call('setlinks', { refuse: others });
  }

  async #heal(): Promise<void> {
    for (const { life } of this.#members) await life.call('setlinks', { refuse: [] });
  }

  /** Spends one coin into two, so that no two payments conflict and every accepted one must stay. */
  async #pay(): Promise<void> {
    const { random } = this.#o;
    const member = this.#pick();
    const at = random.below(this.#coins.length);
    const { key, coin } = this.#coins[at]!;
    const payee = new Key(wellKnownSecret(WELL_KNOWN[random.below(WELL_KNOWN.length)]!));
    const amount = Math.floor(coin.value / 2);
    const payment = makePayment(key, {
      recipients: [{ value: amount, script: payee.script('p2wpkh') }],
      coins: [],
      fixed: [coin],
      feeRate: FEE_RATE,
    });
    if (!payment.ok) throw new Error(payment.error);
    const { tx } = payment.value;
    try {
      await member.life.call('sendrawtransaction', toHex(tx.bytes), 0);
    } catch (error) {
      // A node that does not have the coin's own payment yet rejects this one, and promises nothing.
      if (error instanceof RpcFailure && error.kind === 'rpc') return;
      throw error;
    }
    member.announced.confirm(tx.id);
    const made = tx.outputs.map(({ value, script }, index) => ({
      key: index === 0 ? payee : key,
      coin: { outpoint: { txid: tx.txid, index }, value, script },
    }));
    this.#coins = [
      ...this.#coins.toSpliced(at, 1),
      ...made.filter(({ coin: { value } }) => value > SMALLEST_COIN),
    ];
  }

  #count(): void {
    const all = this.#members.map(({ announced }) => announced);
    const sum = (of: (one: Announced) => number) => all.reduce((total, one) => total + of(one), 0);
    this.figures.blocks = sum((one) => one.blocks);
    this.figures.mined = sum((one) => one.mined);
    this.figures.payments = sum((one) => one.payments.length);
    this.figures.reorgs = sum((one) => one.reorgs);
    this.figures.deepest = Math.max(...all.map((one) => one.deepest));
  }
}
