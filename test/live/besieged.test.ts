import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB } from '../dsl/networks.ts';
import { Attack, type AttackOptions, Watch } from './besieged.ts';
import { agreed, aliceOn, connections, eventsOf, genesisFile, ofKind } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';

/** Above rest, whatever comes in. */
const MOST_MB = 150;

const rig = new LiveRig();
const options = ['--genesis', genesisFile(rig, LAB)];
let honest: LiveNode;
let node: LiveNode;

beforeAll(async () => {
  node = await rig.start('node', ...options);
  honest = await rig.start('honest', ...options, '--connect', node.address);
  await connections(node, 1);
});
afterAll(() => rig.close());

/** An attack goes on until it has done so much. */
interface Enough {
  readonly opened?: number;
  readonly bytes?: number;
}

/** Blocks of an honest peer get through, a newcomer gets in, memory has its bound, and nobody honest is blamed. */
async function withstands(o: AttackOptions, enough: Enough): Promise<void> {
  const watch = new Watch(node);
  const attack = new Attack(rig, node, LAB, o);
  await until('the attack is under way', () => attack.deeds.opened > 0);
  const newcomer = await rig.start(`newcomer-${o.mode}`, ...options, '--connect', node.address);
  await connections(newcomer, 1);
  for (let block = 0; block < 3; block++) {
    const [tip] = await honest.call<string[]>('generatetoaddress', 1, aliceOn(LAB));
    await agreed([node, newcomer], tip);
  }
  await until('it has gone on for long enough', () => {
    const { opened, bytes } = attack.deeds;
    return opened >= (enough.opened ?? 0) && bytes >= (enough.bytes ?? 0);
  });
  await attack.stop();
  await watch.stop();
  const peers = await node.call<{ peerid: string; score: number }[]>('getpeerinfo');
  for (const { peerId } of [honest, newcomer]) {
    expect(ofKind(await eventsOf(node), 'fault').filter((fault) => fault.peer === peerId)).toEqual([]);
    expect(peers.find(({ peerid }) => peerid === peerId)).toMatchObject({ score: 100 });
  }
  expect(watch.mostMB - watch.firstMB).toBeLessThan(MOST_MB);
  expect(node.stderr).toBe('');
  await newcomer.stop();
}

describe('a node under attack', () => {
  it('by large gossip, faster than it can look at it', () =>
    withstands({ mode: 'gossip', peers: 2 }, { bytes: 5e6 }));

  it('by gossip of as many messages as bytes can hold', () =>
    withstands({ mode: 'ids', peers: 2 }, { bytes: 1e6 }));

  it('by a frame below all protocols that never ends', () =>
    withstands({ mode: 'frame', peers: 2 }, { opened: 4, bytes: 20e6 }));

  it('by frames of a single byte', () => withstands({ mode: 'pieces', peers: 2 }, { opened: 4 }));

  it('by peers that break all framing', () => withstands({ mode: 'garble', peers: 4 }, { opened: 12 }));

  it('by halves of large frames', () =>
    withstands({ mode: 'half', peers: 40, everyMs: 5 }, { opened: 40, bytes: 70e6 }));

  it('by sockets that say nothing', () =>
    withstands({ mode: 'silent', peers: 640, everyMs: 20 }, { opened: 700 }));
});
