import { RPC, RpcError } from '../../host/http/errors.ts';
import type { JsonObject } from '../../host/http/json.ts';
import type { RpcMethod } from '../../host/http/methods.ts';
import type { PeerInfo } from '../../host/net/types.ts';
import type { PeerView } from '../../node/view.ts';
import type { NodeContext } from './context.ts';
import { MAX_INT } from './context.ts';
import { feeRate } from './render.ts';

const category = 'Network';

/** Peers. Core: rpc/net.cpp. */
export function netMethods(context: NodeContext): RpcMethod[] {
  const ids = new PeerIds();
  return [
    getnetworkinfo(context),
    getconnectioncount(context),
    getpeerinfo(context, ids),
    addnode(context),
    disconnectnode(context, ids),
    setnetworkactive(context),
  ];
}

function getnetworkinfo(context: NodeContext): RpcMethod {
  return {
    name: 'getnetworkinfo',
    category,
    summary: 'This node as the network sees it, and which back ends check its signatures.',
    args: [],
    example: '',
    looks: 'view',
    run: () => {
      const peers = context.network.peers();
      const { limits } = context.view;
      const inbound = peers.filter((peer) => peer.inbound).length;
      return {
        version: versionNumber(context.version),
        subversion: `/Forkyard:${context.version}/`,
        protocolversion: limits.protocolVersion,
        localservices: '0000000000000009',
        localservicesnames: ['NETWORK', 'WITNESS'],
        localrelay: true,
        timeoffset: 0,
        networkactive: context.network.active,
        connections: peers.length,
        connections_in: inbound,
        connections_out: peers.length - inbound,
        networks: [
          { name: 'ipv4', limited: false, reachable: true, proxy: '', proxy_randomize_credentials: false },
        ],
        relayfee: feeRate(limits.minRelayFeeRate),
        incrementalfee: feeRate(limits.incrementalFeeRate),
        localaddresses: [],
        warnings: [],
        peerid: context.network.peerId,
        addresses: context.network.addresses,
        signatures: { ecdsa: context.signatures.ecdsa, schnorr: context.signatures.schnorr },
      };
    },
  };
}

function getconnectioncount(context: NodeContext): RpcMethod {
  return {
    name: 'getconnectioncount',
    category,
    summary: 'Number of connected peers.',
    args: [],
    example: '',
    looks: 'view',
    run: () => context.network.peers().length,
  };
}

function getpeerinfo(context: NodeContext, ids: PeerIds): RpcMethod {
  return {
    name: 'getpeerinfo',
    category,
    summary: 'What is known of each connected peer.',
    args: [],
    example: '',
    looks: 'view',
    run: () => {
      const views = new Map(context.view.peers.map((peer) => [peer.peer, peer]));
      return context.network
        .peers()
        .map((info) => peerJson(ids.of(info.peer), info, views.get(info.peer), context));
    },
  };
}

function addnode(context: NodeContext): RpcMethod {
  return {
    name: 'addnode',
    category,
    summary:
      'Keeps a connection to a peer (add), stops keeping it (remove), tries once (onetry), or keeps a place for it (protect).',
    args: [
      {
        name: 'node',
        type: 'string',
        says: 'Multiaddress with peer id, as getnodeinfo of the other node shows it.',
      },
      { name: 'command', type: 'string', says: 'add, remove, onetry or protect.' },
    ],
    example: '"/ip4/127.0.0.1/tcp/18544/p2p/12D3KooW…" add',
    run: async (args) => {
      const address = args.string('node');
      const command = args.string('command');
      if (command === 'remove') {
        context.network.remove(address);
        return null;
      }
      if (command !== 'add' && command !== 'onetry' && command !== 'protect')
        throw new RpcError(
          RPC.MISC_ERROR,
          `command must be add, remove, onetry or protect (not '${command.slice(0, 40)}')`,
        );
      try {
        // It finds a place here however many strangers there are, and is not dialled.
        if (command === 'protect') context.network.protect(address);
        else await context.network.add(address);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new RpcError(
          RPC.CLIENT_INVALID_IP_OR_SUBNET,
          `Error: cannot add '${address.slice(0, 200)}': ${why}`,
        );
      }
      // The dial is under way; what `onetry` leaves out is keeping at it.
      if (command === 'onetry') context.network.remove(address);
      return null;
    },
  };
}

function disconnectnode(context: NodeContext, ids: PeerIds): RpcMethod {
  return {
    name: 'disconnectnode',
    category,
    summary: 'Closes the connection to a peer, named by address, by peer id or by the id of getpeerinfo.',
    args: [
      { name: 'address', type: 'string', default: 'none', says: "The peer's address or peer id." },
      { name: 'nodeid', type: 'number', default: 'none', says: 'Its id in getpeerinfo.' },
    ],
    example: '"" 1',
    run: (args) => {
      const address = args.has('address') ? args.string('address') : '';
      const byId = args.has('nodeid') ? args.integer('nodeid', { min: 0, max: MAX_INT }) : undefined;
      if ((address === '') === (byId === undefined))
        throw new RpcError(RPC.INVALID_PARAMETER, 'Only one of address and nodeid should be provided.');
      const found = context.network
        .peers()
        .find((info) =>
          byId === undefined ? info.address === address || info.peer === address : ids.of(info.peer) === byId,
        );
      if (found === undefined)
        throw new RpcError(RPC.CLIENT_NODE_NOT_CONNECTED, 'Node not found in connected nodes');
      context.network.drop(found.peer, 'disconnectnode');
      return null;
    },
  };
}

function setnetworkactive(context: NodeContext): RpcMethod {
  return {
    name: 'setnetworkactive',
    category,
    summary: 'false closes all connections and makes no new ones; true goes on. Answers the new state.',
    args: [{ name: 'state', type: 'bool', says: 'Whether the network is on.' }],
    example: 'false',
    run: (args) => {
      context.network.setActive(args.bool('state', true));
      return context.network.active;
    },
  };
}

/** Core numbers its peers; ours have names. A peer that comes back keeps its number. */
class PeerIds {
  readonly #ids = new Map<string, number>();
  #next = 0;
  of(peer: string): number {
    let id = this.#ids.get(peer);
    if (id === undefined) {
      id = this.#next++;
      this.#ids.set(peer, id);
      // Peer ids cost nothing to make, so the oldest is forgotten.
      if (this.#ids.size > 10_000) for (const oldest of this.#ids.keys()) return this.#forget(oldest, id);
    }
    return id;
  }

  #forget(oldest: string, id: number): number {
    this.#ids.delete(oldest);
    return id;
  }
}

function peerJson(id: number, info: PeerInfo, view: PeerView | undefined, context: NodeContext): JsonObject {
  const seconds = (micros: number | undefined): number =>
    micros === undefined || context.view.offset === undefined
      ? 0
      : Math.floor((micros + context.view.offset) / 1_000_000);
  return {
    id,
    addr: info.address,
    network: 'ipv4',
    services: '0000000000000009',
    servicesnames: ['NETWORK', 'WITNESS'],
    relaytxes: true,
    lastrecv: seconds(view?.lastHeard),
    bytessent: info.bytesSent,
    bytesrecv: info.bytesReceived,
    messagesrecv: info.messagesReceived,
    conntime: Math.floor(info.connectedAt / 1000),
    timeoffset: 0,
    ...(view?.ping === undefined ? {} : { pingtime: view.ping / 1_000_000 }),
    version: view?.version ?? 0,
    subver: view === undefined || view.name === '' ? '' : `/Forkyard:${view.name}/`,
    inbound: info.inbound,
    bip152_hb_to: false,
    bip152_hb_from: false,
    synced_headers: view?.syncedHeight ?? -1,
    synced_blocks: view?.syncedHeight ?? -1,
    inflight: view === undefined ? [] : [...view.inFlight],
    connection_type: info.inbound ? 'inbound' : 'manual',
    peerid: info.peer,
    name: view?.name ?? '',
    height: view?.height ?? -1,
    tip: view?.tip ?? '',
    score: view?.score ?? 0,
    gossipscore: info.score,
  };
}

/** Core's form: 1.2.3 is 10203. */
function versionNumber(text: string): number {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return major * 10_000 + minor * 100 + patch;
}
