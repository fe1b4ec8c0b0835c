import { decodeBlock } from '../../bitcoin/block.ts';
import { decodeTx, type Tx } from '../../bitcoin/tx.ts';
import type { BlockRef, LogEvent } from '../../events/events.ts';
import { eventTime } from '../../host/driver/clock.ts';
import type { JsonObject } from '../../host/http/json.ts';
import { fromHex, toHex } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import { sleep, until } from '../../yard/action.ts';
import { minerKeyName, tailOf } from '../../yard/names.ts';
import type {
  NodeSettings,
  TxRefusal,
  WireMessage,
  Yard,
  YardEvents,
  YardKeys,
  YardNode,
  YardProcesses,
  YardWires,
} from '../../yard/port.ts';
import { failed, Problem } from '../../yard/problem.ts';
import type { YardClient } from '../client/client.ts';
import { linksFacts } from '../client/conditions.ts';
import { awaitLinks, reachableFrom } from '../client/links.ts';
import { readParams } from '../launcher/create.ts';
import { allKeys, findKey, findPayee, minerKey } from '../yard/keyring.ts';
import { holdings } from './coins.ts';
import { order } from './mine-on.ts';

/** The adapter of the port to a yard of processes: its launcher, and the RPC of its nodes. */

/** The launcher stops, starts and tells nodes one after the other; a busy machine takes its time. */
const CONTROL_MS = 120_000;
/** Long enough for events that are on their way to be in the merged log (it orders within 30 ms). */
const SETTLE_MS = 120;
/** A look at a yard asks every node; 64 of them answer in this time. */
const LOOK_MS = 40;

export function liveYard(client: YardClient): Yard {
  return {
    get letters() {
      return client.letters;
    },
    get topology() {
      return client.yard.topology ?? 'full';
    },
    get params() {
      return readParams(client.dir);
    },
    clock: {
      now: eventTime,
      sleep,
      until: (ask, patience, missing) => until(ask, { ...patience, everyMs: LOOK_MS }, missing),
    },
    processes: processesOf(client),
    links: wiresOf(client),
    events: eventsOf(client),
    keys: keysOf(client),
    node: (letter) => liveNode(client, client.node(letter).letter),
    states: (letters) => client.infos(letters),
    async hold(on, letters) {
      await client.control('hold', { on, nodes: [...letters] });
    },
    async note(text) {
      await client.control('note', { text });
    },
  };
}

function processesOf(client: YardClient): YardProcesses {
  const control = async (method: string, params: JsonObject) => {
    await client.control(method, params, CONTROL_MS);
    client.refresh();
  };
  return {
    kill: (node, clean) => control('kill', { node, clean }),
    start: (node) => control('start', { node }),
    freeze: (node) => control('freeze', { node }),
    thaw: (node) => control('thaw', { node }),
  };
}

function wiresOf(client: YardClient): YardWires {
  return {
    facts: () => linksFacts(client.refresh()),
    async partition(groups) {
      const { cut } = await client.control<{ cut: number }>(
        'partition',
        { groups: groups.map((g) => [...g]) },
        CONTROL_MS,
      );
      client.refresh();
      return cut;
    },
    async heal() {
      const { healed } = await client.control<{ healed: boolean }>('heal', {}, CONTROL_MS);
      client.refresh();
      return healed;
    },
    async change(text, change) {
      await client.control('conditions', { text, change: change as never }, CONTROL_MS);
      client.refresh();
    },
    ready: (patience) => awaitLinks(client, client.yard.topology ?? 'full', client.yard.groups, patience),
    reachableFrom: (letter) => reachableFrom(client, letter),
    held: () => onTheWire(client),
    deliver: (from, to) => deliver(client, from, to),
  };
}

interface HeldJson {
  readonly peer: string;
  readonly kind: string;
  readonly about: string;
  readonly bytes: number;
  readonly heldMs: number;
}

async function onTheWire(client: YardClient): Promise<WireMessage[]> {
  const infos = await client.infos();
  const up = client.letters.filter((l) => infos.get(l) !== undefined);
  const lists = await Promise.all(
    up.map(async (to) => {
      const { messages } = await client.call<{ messages: HeldJson[] }>(to, 'getheld');
      return messages.map((m) => toMessage(client, m, to));
    }),
  );
  return lists.flat().sort((a, b) => b.heldMs - a.heldMs);
}

function toMessage(client: YardClient, { peer, ...m }: HeldJson, to: string): WireMessage {
  const from = client.yard.nodes.find((n) => n.peerId === peer)?.letter ?? tailOf(peer);
  return { from, to, ...m };
}

async function deliver(client: YardClient, from: string, to: string): Promise<WireMessage | undefined> {
  const peer = client.yard.nodes.find((n) => n.letter === from)?.peerId;
  const got = await client.call<HeldJson | null>(to, 'deliverheld', peer === undefined ? [] : [peer]);
  return got === null ? undefined : toMessage(client, got, to);
}

function eventsOf(client: YardClient): YardEvents {
  return {
    mark: () => client.mark(),
    async since(mark) {
      await sleep(SETTLE_MS);
      const found: LogEvent[] = [];
      for (let after = mark; ; ) {
        const batch = await client.events(after);
        if (batch.length === 0) return found;
        after = batch[batch.length - 1]!.seq;
        found.push(...batch);
      }
    },
    async listen(listener) {
      const follower = client.follow(listener, await client.mark());
      return () => follower.close();
    },
  };
}

function keysOf(client: YardClient): YardKeys {
  const { dir } = client;
  return {
    all: () => allKeys(dir, readParams(dir)),
    find(name) {
      const params = readParams(dir);
      // A miner's key is made on its first use.
      const letter = client.letters.find((l) => minerKeyName(l) === name.toLowerCase());
      return letter === undefined ? findKey(dir, name, params) : minerKey(dir, letter, params);
    },
    payee: (text) => findPayee(dir, text, readParams(dir)),
  };
}

function liveNode(client: YardClient, letter: string): YardNode {
  const call = <T>(method: string, params: Parameters<YardClient['call']>[2] = []) =>
    client.call<T>(letter, method, params);
  return {
    letter,
    get hashrate() {
      return client.node(letter).hashrate;
    },
    state: () => client.info(letter),
    mine: (blocks, power) => order(client, letter, blocks, power),
    set: (text, settings) => set(client, letter, text, settings),
    holdings: (keys) => holdings(client, letter, keys, readParams(client.dir)),
    send: (tx) => send(client, letter, tx),
    findBlock: async (id) => (await call<BlockRef[]>('findblock', [id]))[0],
    async blockAt(height) {
      const id = await call<string>('getblockhash', [height]);
      const bytes = fromHex(await call<string>('getblock', [id, 0]));
      const block = bytes === undefined ? undefined : decodeBlock(bytes);
      if (block?.ok !== true) throw new TypeError(`node ${letter} gave a block ${id} that cannot be read`);
      return block.value;
    },
    transaction: (txid) => transaction(client, letter, txid),
    async submit(block) {
      const answer = await call<string | null>('submitblock', [toHex(block)]);
      // `inconclusive`: a valid block beside the tip, as all but the last of a new branch are.
      return answer === null || answer === 'inconclusive' ? undefined : answer;
    },
    invalidate: async (id) => void (await call('invalidateblock', [id])),
    reconsider: async (id) => void (await call('reconsiderblock', [id])),
    prefer: async (id) => void (await call('preciousblock', [id])),
  };
}

async function set(client: YardClient, node: string, text: string, settings: NodeSettings): Promise<void> {
  const { mines, ...rest } = settings;
  if (mines !== undefined) await client.call(node, 'setmining', [{ on: mines, held: false }]);
  if (Object.keys(rest).length > 0) await client.control('set', { node, text, ...defined({ ...rest }) });
  client.refresh();
}

/** `D refused sendrawtransaction: rule, detail` is an answer; anything else that fails is not. */
async function send(client: YardClient, letter: string, tx: Uint8Array): Promise<TxRefusal | undefined> {
  try {
    await client.call(letter, 'sendrawtransaction', [toHex(tx)]);
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const refusal = /^\S+ refused sendrawtransaction: ([^,]+)(?:, (.*))?$/s.exec(error.message);
    if (refusal === null) throw error;
    return { rule: refusal[1]!, detail: refusal[2] ?? '' };
  }
}

async function transaction(client: YardClient, letter: string, txid: string): Promise<Tx | undefined> {
  const found = await client.call<{ txid: string; block?: { id: string } }[]>(letter, 'findtx', [txid]);
  const block = found.find((f) => f.txid === txid)?.block?.id;
  if (block === undefined) return undefined;
  const bytes = fromHex(await client.call<string>(letter, 'getrawtransaction', [txid, 0, block]));
  const tx = bytes === undefined ? undefined : decodeTx(bytes);
  if (tx?.ok !== true) throw failed(`node ${letter} gave a transaction ${tailOf(txid)} that cannot be read`);
  return tx.value;
}
