import { decodeAddress } from '../../bitcoin/address.ts';
import { lockScript } from '../../bitcoin/lock.ts';
import type { Json } from '../../host/http/json.ts';
import type { RpcMethod, RpcRegistry } from '../../host/http/methods.ts';
import { toHex } from '../../util/bytes.ts';
import type { NodeContext } from './context.ts';

const category = 'Control';
/** Events in one answer of getevents. */
const EVENTS_LIMIT = 10_000;

/** The process itself, and small tools. `registry` is asked late, since it holds these methods too. */
export function controlMethods(context: NodeContext, registry: () => RpcRegistry): RpcMethod[] {
  return [
    help(registry),
    stop(context),
    uptime(context),
    validateaddress(context),
    getnodeinfo(context),
    getevents(context),
  ];
}

function help(registry: () => RpcRegistry): RpcMethod {
  return {
    name: 'help',
    category,
    summary: 'All methods with their arguments, or everything about one.',
    args: [{ name: 'command', type: 'string', default: 'all methods', says: 'The method.' }],
    example: 'getblock',
    looks: 'view',
    run: (args) => registry().help(args.has('command') ? args.string('command') : undefined),
  };
}

function stop(context: NodeContext): RpcMethod {
  return {
    name: 'stop',
    category,
    summary: 'Ends the node politely: the answer comes first, then all is closed.',
    args: [],
    example: '',
    run: () => {
      context.requestStop('the stop method was called');
      return 'Forkyard node stopping';
    },
  };
}

function uptime(context: NodeContext): RpcMethod {
  return {
    name: 'uptime',
    category,
    summary: 'Seconds since the node started.',
    args: [],
    example: '',
    looks: 'view',
    run: () => Math.floor((Date.now() - context.startedAt) / 1000),
  };
}

function validateaddress(context: NodeContext): RpcMethod {
  return {
    name: 'validateaddress',
    category: 'Util',
    summary: 'Whether an address is one of this network, and the lock behind it; if not, why not.',
    args: [{ name: 'address', type: 'string', says: 'The address.' }],
    example: '"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"',
    run: (args) => {
      const address = args.string('address');
      const lock = decodeAddress(address, context.view.params.hrp);
      if (!lock.ok) return { isvalid: false, error_locations: [], error: lock.error };
      const program =
        lock.value.kind === 'p2wpkh'
          ? lock.value.hash
          : lock.value.kind === 'p2tr'
            ? lock.value.key
            : undefined;
      return {
        isvalid: true,
        address: address.toLowerCase(),
        scriptPubKey: toHex(lockScript(lock.value)),
        // Core calls P2TR a script here, because its key may commit to one.
        isscript: lock.value.kind === 'p2tr',
        iswitness: true,
        witness_version: lock.value.kind === 'p2tr' ? 1 : 0,
        witness_program: program === undefined ? undefined : toHex(program),
      };
    },
  };
}

function getnodeinfo(context: NodeContext): RpcMethod {
  return {
    name: 'getnodeinfo',
    category: 'Yard',
    summary: 'This node in one answer: name, addresses, tip, mempool, ready peers, mining, back ends.',
    args: [],
    example: '',
    looks: 'view',
    run: () => nodeInfo(context),
  };
}

function getevents(context: NodeContext): RpcMethod {
  return {
    name: 'getevents',
    category: 'Yard',
    summary: "Lines of the node's event log after a sequence number; GET /events streams the same.",
    args: [
      { name: 'after', type: 'number', default: '0', says: 'Only events with a larger seq.' },
      { name: 'max', type: 'number', default: '1000', says: 'At most so many, the oldest first.' },
    ],
    example: '0 100',
    looks: 'view',
    run: (args) => {
      const after = args.integer('after', { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
      const max = args.integer('max', { min: 1, max: EVENTS_LIMIT, fallback: 1_000 });
      return {
        events: context.log.since(after, max) as unknown as Json,
        last: context.log.lastSeq,
        oldest: context.log.oldestSeq,
      };
    },
  };
}

function nodeInfo(context: NodeContext): Json {
  const { view, network } = context;
  const { tip } = view.chain;
  const wires = new Map(network.peers().map((info) => [info.peer, info]));
  return {
    name: view.name,
    version: context.version,
    pid: process.pid,
    datadir: context.datadir,
    peerId: network.peerId,
    addresses: network.addresses,
    network: view.params.name,
    label: view.params.label,
    genesis: view.params.genesisId,
    tip: {
      id: tip.id,
      height: tip.height,
      miner: tip.miner,
      work: tip.work.toString(16),
      since: context.tipSince(),
    },
    connecting: view.chain.connecting,
    busy: view.busy,
    pool: { size: view.mempool.size, bytes: view.mempool.bytes },
    peers: view.peers
      .filter((peer) => peer.ready)
      .map((peer) => ({
        ...{ peer: peer.peer, name: peer.name, inbound: peer.inbound },
        sent: wires.get(peer.peer)?.bytesSent ?? 0,
        heard: wires.get(peer.peer)?.messagesReceived ?? 0,
      })),
    mining: context.mining.json(),
    mined: view.mining.mined,
    kernel: context.mining.stats()?.kernel ?? '',
    signatures: { ecdsa: context.signatures.ecdsa, schnorr: context.signatures.schnorr },
    lastSeq: context.log.lastSeq,
    // Faults that only the node itself can count.
    held: network.held().length,
    clockOffsetMs: context.clock.offsetMs,
    steps: context.stepFigures(),
    coinCache: view.chain.coinCache,
    compactBlocks: { ...view.compact },
  };
}
