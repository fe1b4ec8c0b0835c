import type { Params } from '../../src/consensus/params/params.ts';
import { keyOf } from '../../src/util/bytes.ts';
import { eventsOf, ofKind } from './lab.ts';
import { type LiveNode, type LiveRig, until } from './node-rig.ts';
import { RawPeer, residentMb } from './raw-peer.ts';

export interface DeafAttack {
  /** Most memory that the node had meanwhile, in megabytes. */
  readonly mostMb: () => number;
  /** Connections of the attackers that the node has ended. */
  readonly hungUp: () => number;
  readonly peers: readonly RawPeer[];
  end(): Promise<void>;
}

const PAUSE_MS = 100;

/** Identities that ask for these blocks again and again, read nothing of what comes, and come back when they are hung up on. */
export async function attackDeaf(
  rig: LiveRig,
  node: LiveNode,
  params: Params,
  o: { readonly peers: number; readonly ids: readonly Uint8Array[] },
): Promise<DeafAttack> {
  const peers: RawPeer[] = [];
  for (let i = 0; i < o.peers; i++) peers.push(await RawPeer.make(params));
  let most = 0;
  let hungUp = 0;
  let over = false;
  const one = async (peer: RawPeer) => {
    while (!over) {
      if (await peer.meet(node.address)) {
        peer.deafen();
        while (!over && peer.say({ kind: 'getblocks', ids: o.ids })) await pause();
        if (!over) hungUp++;
      }
      await pause();
    }
  };
  const watch = async () => {
    while (!over) {
      most = Math.max(most, residentMb(node.child.pid!));
      await pause();
    }
  };
  const running = Promise.all([watch(), ...peers.map(one)]);
  let ended: Promise<void> | undefined;
  const end = () => {
    over = true;
    ended ??= running.then(async () => {
      for (const peer of peers) await peer.stop();
    });
    return ended;
  };
  rig.onClose(end);
  return { mostMb: () => most, hungUp: () => hungUp, peers, end };
}

/**
 * A peer that is connected, and then reads a little at a time until it has all of these blocks. A connection that ends for
 * another reason (this process runs a hundred peers and may be slow to open its streams) is made anew.
 */
export async function slowReader(
  rig: LiveRig,
  node: LiveNode,
  params: Params,
): Promise<(ids: readonly Uint8Array[]) => Promise<void>> {
  const peer = await RawPeer.make(params);
  rig.onClose(() => peer.stop());
  await until('the slow reader is let in', () => peer.meet(node.address));
  const got = new Set<string>();
  peer.onMessage = (message) => {
    if (message.kind === 'block') got.add(keyOf(message.bytes.subarray(0, 80)));
  };
  return async (ids) => {
    got.clear();
    peer.say({ kind: 'getblocks', ids });
    await until('the slow reader has its blocks', async () => {
      if (!peer.isOpen) {
        const notes = await notesOn(node, peer);
        if (/read/.test(notes)) throw new Error(`the slow reader was hung up on: ${notes}`);
        if (await peer.meet(node.address)) peer.say({ kind: 'getblocks', ids });
      }
      peer.deafen();
      await pause();
      peer.hearAgain();
      return got.size === ids.length;
    });
  };
}

async function notesOn(node: LiveNode, { id }: RawPeer): Promise<string> {
  const notes = ofKind(await eventsOf(node), 'note').map(({ text }) => text);
  return notes.filter((text) => text.includes(id)).join('; ');
}

const pause = () => new Promise((done) => setTimeout(done, PAUSE_MS));
