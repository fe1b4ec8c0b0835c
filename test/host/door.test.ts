import { describe, expect, it } from 'vitest';
import { Doors } from '../../src/host/net/door.ts';
import { netLimits } from '../../src/host/net/limits.ts';
import { describeFrame, describeGossip } from '../../src/node/wire/describe.ts';
import { encodeMessage } from '../../src/node/wire/messages.ts';

function setup() {
  const state = { now: 0 };
  const got: string[] = [];
  const overflows: string[] = [];
  const doors = new Doors({ now: () => state.now, overflow: (peer) => void overflows.push(peer) });
  const come = (peer: string, name: string, kind: string | undefined = 'tip', bytes = 10) =>
    doors.pass(
      peer,
      bytes,
      () => (kind === 'ping' ? undefined : { kind: kind ?? '', about: name }),
      () => void got.push(`${peer}:${name}`),
    );
  return { state, got, overflows, doors, come };
}

describe('the door where messages come in', () => {
  it('open, lets everything in at once and hands on the push-back of the receiver', async () => {
    const { doors, come, got } = setup();
    void come('B', '1');
    expect(got).toEqual(['B:1']);
    let done = () => {};
    const slow = doors.pass(
      'B',
      1,
      () => undefined,
      () => new Promise<void>((r) => (done = r)),
    );
    expect(slow).toBeInstanceOf(Promise);
    done();
    await slow;
  });

  it('of a one-way cut holds one peer in order, lets pings and others pass, and loses nothing', () => {
    const { doors, come, got } = setup();
    doors.set(false, ['B']);
    void come('B', '1');
    void come('C', '2');
    void come('B', 'alive', 'ping');
    void come('B', '3');
    expect(got).toEqual(['C:2', 'B:alive']);
    expect([...doors.heldByCut()]).toEqual([['B', 2]]);
    // They are not on offer to be let in one by one.
    expect(doors.held()).toEqual([]);
    doors.set(false, []);
    expect(got).toEqual(['C:2', 'B:alive', 'B:1', 'B:3']);
    void come('B', '4');
    expect(got.at(-1)).toBe('B:4');
    expect(doors.heldByCut().size).toBe(0);
  });

  it('held, lets in the oldest of all or of one peer, and the rest in order when it opens', () => {
    const { doors, come, got, state } = setup();
    doors.set(true, []);
    for (const [at, peer, name] of [
      [1, 'B', 'b1'],
      [2, 'C', 'c1'],
      [3, 'B', 'b2'],
      [4, 'C', 'c2'],
    ] as const) {
      state.now = at;
      void come(peer, name, 'block', 100);
    }
    state.now = 10;
    expect(got).toEqual([]);
    expect(doors.held().map((m) => [m.peer, m.about, m.heldMs])).toEqual([
      ['B', 'b1', 9],
      ['C', 'c1', 8],
      ['B', 'b2', 7],
      ['C', 'c2', 6],
    ]);
    expect(doors.deliver('C')).toMatchObject({ peer: 'C', about: 'c1', kind: 'block', bytes: 100 });
    expect(doors.deliver()).toMatchObject({ about: 'b1' });
    expect(got).toEqual(['C:c1', 'B:b1']);
    expect(doors.deliver('X')).toBeUndefined();
    doors.set(false, []);
    expect(got).toEqual(['C:c1', 'B:b1', 'B:b2', 'C:c2']);
  });

  it('opening, keeps order behind a slow receiver and pushes back meanwhile', async () => {
    const { doors, come, got } = setup();
    doors.set(true, []);
    let done = () => {};
    const slow = () => {
      got.push('B:slow');
      return new Promise<void>((r) => (done = r));
    };
    void doors.pass('B', 1, () => ({ kind: 'tx', about: '' }), slow);
    void come('B', '2');
    doors.set(false, []);
    expect(got).toEqual(['B:slow']);
    const waits = come('B', '3');
    expect(waits).toBeInstanceOf(Promise);
    done();
    await waits;
    expect(got).toEqual(['B:slow', 'B:2', 'B:3']);
  });

  it('has a bound in messages and in bytes: beyond it the connection has to end', async () => {
    const { doors, come, overflows } = setup();
    doors.set(true, []);
    for (let i = 0; i < netLimits.heldMessages; i++) void come('B', String(i));
    expect(doors.held().length).toBe(netLimits.heldMessages);
    void come('B', 'one more');
    void come('C', 'big', 'block', netLimits.heldBytes + 1);
    await Promise.resolve();
    expect(overflows).toEqual(['B', 'C']);
    expect(doors.held()).toEqual([]);
  });

  it('forgets what a peer that has left had on the wire', () => {
    const { doors, come, got } = setup();
    doors.set(false, ['B']);
    void come('B', '1');
    doors.left('B');
    doors.set(false, []);
    expect(got).toEqual([]);
  });
});

describe('what a message is', () => {
  it('in two words; keep-alives are never held', () => {
    const nonce = new Uint8Array(8);
    expect(describeFrame(encodeMessage({ kind: 'ping', nonce }))).toBeUndefined();
    expect(describeFrame(encodeMessage({ kind: 'pong', nonce }))).toBeUndefined();
    expect(describeFrame(encodeMessage({ kind: 'getblocks', ids: [new Uint8Array(32)] }))).toEqual({
      kind: 'getblocks',
      about: '',
    });
    expect(describeFrame(new Uint8Array([99]))).toEqual({ kind: 'malformed', about: '' });
    const header = new Uint8Array(80);
    const tip = encodeMessage({ kind: 'tip', header, height: 1, work: 5n, gossiped: false });
    expect(describeFrame(tip)).toMatchObject({ kind: 'tip', about: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('of gossip: by topic; frames without messages are upkeep', () => {
    const topic = (name: string) => ({ t: 'tx', b: 'block' })[name];
    expect(describeGossip({ messages: [] }, topic)).toBeUndefined();
    expect(describeGossip({}, topic)).toBeUndefined();
    const data = new Uint8Array(100);
    expect(describeGossip({ messages: [{ topic: 'b', data }] }, topic)).toMatchObject({ kind: 'block' });
    expect(
      describeGossip(
        {
          messages: [
            { topic: 't', data },
            { topic: 'b', data },
          ],
        },
        topic,
      ),
    ).toEqual({
      kind: 'tx+block',
      about: '',
    });
  });
});
