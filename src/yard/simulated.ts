import { decodeAddress } from '../bitcoin/address.ts';
import { lockScript } from '../bitcoin/lock.ts';
import type { Tx } from '../bitcoin/tx.ts';
import { WELL_KNOWN } from '../consensus/params/genesis.ts';
import type { BlockEntry } from '../consensus/tree/tree.ts';
import type { LogEvent } from '../events/events.ts';
import type { Command, CommandResult } from '../node/types.ts';
import type { YardLinks } from '../observe/state/yard-links.ts';
import { fundsOf, simKey } from '../sim/purse.ts';
import type { SimNode } from '../sim/world/sim-node.ts';
import { type SimYard, UNCAPPED_RATE } from '../sim/yard.ts';
import { assert } from '../util/assert.ts';
import { hashOfId } from '../util/bytes.ts';
import { wantedPairs } from '../util/topology.ts';
import { didYouMean, minerKeyName, pickNode } from './names.ts';
import type {
  MinePower,
  NodeSettings,
  NodeState,
  States,
  Yard,
  YardClock,
  YardEvents,
  YardKeys,
  YardNode,
  YardProcesses,
  YardWires,
} from './port.ts';
import { failed, missing, misuse } from './problem.ts';

/** The adapter of the port to a simulated yard. Whoever drives its time gives the clock. */

/** Events kept for `since`. */
const KEPT = 20_000;

export function simulatedYard(sim: SimYard, clock: YardClock): Yard {
  const nodes = new Map(sim.letters.map((letter) => [letter, simulatedNode(sim, clock, letter)]));
  const node = (name: string): YardNode => {
    const { letter } = pickNode(
      sim.letters.map((letter) => ({ letter })),
      name,
    );
    return nodes.get(letter)!;
  };
  return {
    letters: sim.letters,
    topology: sim.topology,
    params: sim.params,
    clock,
    processes: processesOf(sim),
    links: wiresOf(sim, clock),
    events: eventsOf(sim),
    keys: keysOf(sim),
    node,
    states: (letters = sim.letters): States => new Map(letters.map((l) => [l, stateOf(sim, l)])),
    hold: (on, letters) =>
      sim.hold(
        on,
        letters.filter((l) => sim.node(l).up),
      ),
    note: (text) => sim.note(text),
  };
}

function stateOf(sim: SimYard, letter: string): NodeState | undefined {
  const node = sim.node(letter);
  if (!node.up || node.frozen) return undefined;
  const { id, height, miner, work } = node.tip;
  const { on, held } = node.mining;
  return { tip: { id, height, miner, work: work.toString(16) }, mining: { on, held } };
}

function upNode(sim: SimYard, letter: string): SimNode {
  const node = sim.node(letter);
  if (!node.up) throw missing(`node ${letter} is down`, `Start it: \`start ${letter}\``);
  return node;
}

/** One that can be asked for something. */
function awakeNode(sim: SimYard, letter: string): SimNode {
  const node = upNode(sim, letter);
  if (node.frozen) throw missing(`node ${letter} is frozen`, `Let it go on: \`thaw ${letter}\``);
  return node;
}

function processesOf(sim: SimYard): YardProcesses {
  return {
    kill(letter, clean) {
      if (!sim.node(letter).up) throw failed(`node ${letter} is down already`);
      sim.kill(letter, clean ? 'clean' : 'process');
    },
    start(letter) {
      if (sim.node(letter).up) throw failed(`node ${letter} is running already`);
      sim.start(letter);
    },
    freeze(letter) {
      if (upNode(sim, letter).frozen) throw failed(`node ${letter} is frozen already`);
      sim.freeze(letter);
    },
    thaw(letter) {
      if (!sim.node(letter).frozen) throw failed(`node ${letter} is not frozen`);
      sim.thaw(letter);
    },
  };
}

function wiresOf(sim: SimYard, clock: YardClock): YardWires {
  const facts = (): YardLinks => {
    const { letters, topology, delayMs, conditions, groups } = sim;
    return { letters, topology, delayMs, conditions, groups };
  };
  /** Pairs of running nodes that should be linked and are not. */
  const unlinked = () => {
    const up = sim.awake();
    return wantedPairs(sim.letters, sim.topology, sim.groups).filter(
      ([a, b]) => up.includes(a) && up.includes(b) && !sim.areLinked(a, b),
    );
  };
  return {
    facts,
    partition: (groups) => sim.partition(groups),
    heal: () => sim.heal(),
    change: (text, change) => sim.change(text, change),
    async ready(patience) {
      await clock.until(
        () => (unlinked().length === 0 ? true : undefined),
        patience,
        () => `${unlinked()[0]?.join('-')} is not linked`,
      );
    },
    reachableFrom: (letter) => sim.reachableFrom(letter),
    held: () => sim.world.wires.held(),
    deliver(from, to) {
      const message = sim.world.wires.held().find((m) => m.from === from && m.to === to);
      return message !== undefined && sim.world.wires.deliverHeld(from, to) ? message : undefined;
    },
  };
}

function eventsOf(sim: SimYard): YardEvents {
  let kept: LogEvent[] = [];
  /** Events before the kept ones. */
  let gone = 0;
  sim.world.onEvent((event) => {
    kept.push(event);
    if (kept.length < 2 * KEPT) return;
    gone += kept.length - KEPT;
    kept = kept.slice(-KEPT);
  });
  return {
    mark: () => gone + kept.length,
    since: (mark) => kept.slice(Math.max(0, mark - gone)),
    listen: (listener) => sim.world.onEvent(listener),
  };
}

function keysOf(sim: SimYard): YardKeys {
  const names = [...WELL_KNOWN, ...sim.letters.map(minerKeyName)];
  const find: YardKeys['find'] = (name) => {
    const key = simKey(name, sim.letters);
    if (!key.ok) throw missing(`no key '${name}'`, didYouMean(name, names));
    const word = name.toLowerCase();
    const kind = (WELL_KNOWN as readonly string[]).includes(word) ? 'well-known' : 'miner';
    return { name: word, key: key.value, kind };
  };
  return {
    all: () => names.map(find),
    find,
    payee(text) {
      const address = decodeAddress(text, sim.params.hrp);
      if (address.ok) return { name: text, script: lockScript(address.value) };
      const { name, key } = find(text);
      return { name, script: key.script('p2wpkh') };
    },
  };
}

function simulatedNode(sim: SimYard, clock: YardClock, letter: string): YardNode {
  /** The answer may come after some of the node's own work. */
  async function ask(command: Command): Promise<CommandResult> {
    const node = awakeNode(sim, letter);
    let answer: { result: CommandResult | undefined } | undefined;
    node.command(command, (result) => {
      answer = { result };
    });
    const patience = { timeoutMs: 600_000, signal: new AbortController().signal };
    const given = await clock.until(
      () => answer,
      patience,
      () => `${letter} does not answer`,
    );
    if (given.result === undefined) throw failed(`node ${letter} stopped before it answered`);
    return given.result;
  }
  async function order(command: Command): Promise<void> {
    const result = await ask(command);
    if (result.kind === 'refused')
      throw failed(`${letter} refused it: ${result.refusal.rule}: ${result.refusal.detail}`);
    if (result.kind === 'unknown-block') throw failed(`${letter} does not have that block`);
  }
  return {
    letter,
    get hashrate() {
      const { hashrate } = sim.node(letter).mining;
      return hashrate === UNCAPPED_RATE ? 0 : hashrate;
    },
    state: () => stateOf(sim, letter),
    mine: (blocks, power) => mine(awakeNode(sim, letter), blocks, power),
    set: (text, settings) => set(sim, letter, text, settings),
    holdings: (keys) => new Map(keys.map(({ name, key }) => [name, fundsOf(awakeNode(sim, letter), key)])),
    async send(bytes) {
      const result = await ask({ kind: 'send-tx', bytes });
      return result.kind === 'refused' ? result.refusal : undefined;
    },
    findBlock(id) {
      const entry = awakeNode(sim, letter).view.chain.entry(hashOfId(id)!);
      return entry?.hasBody === true ? { id, height: entry.height, miner: entry.miner } : undefined;
    },
    blockAt(height) {
      const { chain } = awakeNode(sim, letter).view;
      const entry = chain.atHeight(height);
      const block = entry === undefined ? undefined : chain.block(entry);
      assert(block !== undefined, `node ${letter} has a block at height ${height}`);
      return block;
    },
    transaction: (txid) => transactionIn(awakeNode(sim, letter), txid),
    async submit(bytes) {
      const result = await ask({ kind: 'submit-block', bytes });
      return result.kind === 'refused' ? result.refusal.rule : undefined;
    },
    invalidate: (id) => order({ kind: 'invalidate', hash: hashOfId(id)! }),
    reconsider: (id) => order({ kind: 'reconsider', hash: hashOfId(id)! }),
    prefer: (id) => order({ kind: 'precious', hash: hashOfId(id)! }),
  };
}

/** The newest blocks first: what is looked for was confirmed not long ago. */
function transactionIn(node: SimNode, txid: string): Tx | undefined {
  const { chain } = node.view;
  for (let entry: BlockEntry | undefined = chain.tip; entry !== undefined; entry = entry.parent) {
    const found = chain.block(entry)?.txs.find((tx) => tx.id === txid);
    if (found !== undefined) return found;
  }
  return undefined;
}

function mine(node: SimNode, blocks: number, power: MinePower): () => void {
  if (power.threads !== undefined || power.kernel !== undefined)
    throw misuse('a simulated miner has no threads and no kernels');
  const { on, held } = node.mining;
  const orderRate = power.uncapped ? UNCAPPED_RATE : power.hashrate;
  // Off first, as live: the order ends after exactly so many blocks.
  node.mine({ on: false });
  node.mine({ held: false, blocks, ...(orderRate === undefined ? {} : { orderRate }) });
  return () => {
    if (node.up) node.mine({ on, held });
  };
}

function set(sim: SimYard, letter: string, text: string, settings: NodeSettings): void {
  const { hashrate, mines, clockMs, region } = settings;
  const node = sim.node(letter);
  if (mines !== undefined) awakeNode(sim, letter).mine({ on: mines, held: false });
  if (hashrate !== undefined) {
    node.mine({ hashrate: hashrate === 0 ? UNCAPPED_RATE : hashrate });
    sim.note(text);
  }
  if (clockMs !== undefined) sim.setClock(text, letter, clockMs);
  if (region !== undefined) sim.change(text, { regions: { ...sim.conditions.regions, [letter]: region } });
}
