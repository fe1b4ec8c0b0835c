import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Write } from '../../src/consensus/store/store.ts';
import type { SigCheck } from '../../src/consensus/validate/verify.ts';
import type { News } from '../../src/events/events.ts';
import type { Clock } from '../../src/host/driver/clock.ts';
import { type DriverOptions, NodeDriver } from '../../src/host/driver/driver.ts';
import { hostLimits } from '../../src/host/limits.ts';
import type { Miner } from '../../src/host/miner/kernels/types.ts';
import type { Network } from '../../src/host/net/types.ts';
import type { Effect, GossipVerdict, Input, Job, Step } from '../../src/node/types.ts';
import type { NodeView } from '../../src/node/view.ts';

const job: Job = {
  id: 1,
  header: new Uint8Array(76),
  target: new Uint8Array(32),
  height: 1,
  prev: '',
  difficulty: 1,
};
const note = (id: string): News => ({ kind: 'tx-returned', txid: id });
const tell = (id: string): Effect => ({ kind: 'tell', news: note(id) });

/** A clock that stands still unless it is moved. */
class TestClock implements Clock {
  at = 1_000_000;
  offset = 5_000_000;
  now = () => this.at;
  wall = () => this.at + this.offset;
}

interface Rig {
  readonly driver: NodeDriver;
  readonly clock: TestClock;
  /** Everything that happened, in order. */
  readonly trace: string[];
  readonly inputs: Input[];
  /** What the log was told, how long ago it happened. */
  readonly ages: number[];
  readonly fatal: Error[];
  /** What the node answers to an input. */
  react: (input: Input) => Partial<Step>;
  /** Holds every commit until released. */
  gate: Promise<void> | undefined;
  commitError: Error | undefined;
  connecting: boolean;
}

function rig(
  o: Partial<DriverOptions> & { signaturesAhead?: () => readonly SigCheck[]; prefetch?: () => boolean } = {},
): Rig {
  const trace: string[] = [];
  const inputs: Input[] = [];
  const ages: number[] = [];
  const fatal: Error[] = [];
  const clock = new TestClock();
  const self: Rig = {
    driver: undefined as unknown as NodeDriver,
    clock,
    trace,
    inputs,
    fatal,
    react: () => ({}),
    ages,
    gate: undefined,
    commitError: undefined,
    connecting: false,
  };
  const view = {
    get chain() {
      return { connecting: self.connecting };
    },
  } as unknown as NodeView;
  const driver = new NodeDriver({
    node: {
      view,
      step: (_now, input) => {
        inputs.push(input);
        trace.push(`step ${input.kind}`);
        return { writes: [], durable: false, effects: [], ...self.react(input) };
      },
      ...(o.signaturesAhead === undefined ? {} : { signaturesAhead: o.signaturesAhead }),
      ...(o.prefetch === undefined ? {} : { prefetch: o.prefetch }),
    },
    store: {
      commit: async (writes: readonly Write[], durable: boolean) => {
        if (writes.length === 0) return;
        trace.push(`commit ${writes.length}${durable ? ' durable' : ''}`);
        await self.gate;
        if (self.commitError !== undefined) throw self.commitError;
        trace.push('committed');
      },
      close: async () => {
        trace.push('store closed');
      },
    },
    log: {
      append: (news, agoMs) => {
        trace.push(`told ${'txid' in news ? news.txid : news.kind}`);
        ages.push(agoMs);
      },
    },
    onFatal: (error) => fatal.push(error),
    clock,
    ...(o.warm === undefined ? {} : { warm: o.warm }),
  });
  driver.attachNetwork({
    send: (peer: string) => trace.push(`send ${peer}`),
    publish: (topic: string) => trace.push(`publish ${topic}`),
    drop: (peer: string, why: string, banMs?: number) => trace.push(`drop ${peer} ${why} ${banMs}`),
    close: async () => {
      trace.push('network closed');
    },
  } as unknown as Network);
  return Object.assign(self, { driver });
}

/** Waits until something holds; the test's own limit is the only one. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn();
}

const frame = (peer: string, ...bytes: number[]) => [peer, Uint8Array.from(bytes)] as const;
const write = { key: Uint8Array.of(1), value: Uint8Array.of(1) };

describe('the driver', () => {
  it('gives the clock first, and again only when the wall clock moves', async () => {
    const r = rig();
    r.driver.input({ kind: 'joined', peer: 'p', inbound: true });
    r.driver.start();
    await until(() => r.inputs.length === 2);
    expect(r.inputs.map(({ kind }) => kind)).toEqual(['clock', 'joined']);
    expect(r.inputs[0]).toEqual({ kind: 'clock', offset: 5_000_000 });
    r.clock.offset += 99_000;
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(r.inputs.length).toBe(2);
    r.clock.offset += 2_000;
    await until(() => r.inputs.length === 3);
    expect(r.inputs[2]).toEqual({ kind: 'clock', offset: 5_101_000 });
    await r.driver.close();
  });

  it('commits, then performs effects in order; early ones before', async () => {
    const r = rig();
    let release = () => {};
    r.gate = new Promise((resolve) => {
      release = resolve;
    });
    const verdicts: GossipVerdict[] = [];
    r.react = (input) =>
      input.kind !== 'gossip'
        ? {}
        : {
            writes: [write, write],
            durable: true,
            effects: [
              tell('one'),
              { kind: 'publish', topic: 'tx', bytes: new Uint8Array() },
              { kind: 'send', peer: 'late', bytes: new Uint8Array() },
              { kind: 'judge', ticket: input.ticket, verdict: 'accept' },
              { kind: 'publish', topic: 'block', bytes: new Uint8Array(), early: true },
              { kind: 'send', peer: 'early', bytes: new Uint8Array(), early: true },
              { kind: 'drop', peer: 'bad', why: 'garbage', banMs: 5 },
              tell('two'),
            ],
          };
    r.driver.start();
    const heard: News[] = [];
    r.driver.onNews((news) => heard.push(news));
    r.driver.networkEvents.gossip('p', 'tx', new Uint8Array(3), (v) => {
      verdicts.push(v);
      r.trace.push(`judged ${v}`);
    });
    r.driver.networkEvents.joined('q', false);
    await until(() => r.trace.includes('commit 2 durable'));
    for (let i = 0; i < 5; i++) await nextTurn();
    // The commit is not done: nothing but the early ones has left, and no other step has begun.
    const since = r.trace.indexOf('step gossip');
    expect(r.trace.slice(since)).toEqual([
      'step gossip',
      'judged accept',
      'publish block',
      'send early',
      'commit 2 durable',
    ]);
    expect(heard).toEqual([]);
    release();
    await until(() => heard.length === 2);
    expect(r.trace.slice(since + 5, since + 11)).toEqual([
      'committed',
      'told one',
      'publish tx',
      'send late',
      'drop bad garbage 5',
      'told two',
    ]);
    expect(verdicts).toEqual(['accept']);
    await r.driver.close();
  });

  it("tells somebody else's block with the time of its verdict, all else with that of the commit", async () => {
    const r = rig();
    let flushed = (): void => undefined;
    r.gate = new Promise((resolve) => (flushed = resolve));
    const block = (from: string) => ({ kind: 'tell', news: { kind: 'block', from } as News }) as const;
    r.react = (input) =>
      input.kind === 'joined'
        ? { writes: [write], durable: true, effects: [block('p'), block('self'), tell('one')] }
        : {};
    r.driver.start();
    r.driver.networkEvents.joined('q', false);
    // The verdict is behind it, the disk at work: however late a busy machine starts, the flush ends 30 ms after that.
    await until(() => r.trace.includes('commit 1 durable'));
    const began = performance.now();
    await until(() => performance.now() - began > 30);
    flushed();
    await until(() => r.ages.length === 3);
    expect(r.ages[0]).toBeGreaterThan(25);
    expect(r.ages.slice(1)).toEqual([0, 0]);
    await r.driver.close();
  });

  it('answers commands, each its own, also when later steps answer', async () => {
    const r = rig();
    const waiting: number[] = [];
    r.react = (input) => {
      if (input.kind === 'command') waiting.push(input.ticket);
      if (input.kind === 'command' && waiting.length < 3) return {};
      return {
        effects: waiting.splice(0).map((ticket) => ({
          kind: 'answer',
          ticket,
          result: { kind: 'block', id: String(ticket), isNew: true },
        })),
      };
    };
    r.driver.start();
    const hash = new Uint8Array(32);
    const results = await Promise.all([1, 2, 3].map(() => r.driver.command({ kind: 'precious', hash })));
    const ids = results.map((result) => (result.kind === 'block' ? result.id : ''));
    expect(new Set(ids).size).toBe(3);
    await r.driver.close();
    await expect(r.driver.command({ kind: 'precious', hash })).rejects.toThrow('the node is stopping');
  });

  it('wakes the node at the earliest time that it asked for', async () => {
    const r = rig();
    r.react = (input) =>
      input.kind === 'clock'
        ? {
            effects: [
              { kind: 'wake', at: 1_500_000 },
              { kind: 'wake', at: 1_020_000 },
              { kind: 'wake', at: 1_300_000 },
            ],
          }
        : {};
    r.driver.start();
    await until(() => r.inputs.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(r.inputs.length).toBe(1); // Virtual time stands still: not due yet.
    r.clock.at = 1_020_000;
    await until(() => r.inputs.length === 2);
    expect(r.inputs[1]).toEqual({ kind: 'timer' });
    // Once only, and the others are forgotten: a node asks anew in every step.
    r.clock.at = 2_000_000;
    r.driver.input({ kind: 'joined', peer: 'p', inbound: true });
    await until(() => r.inputs.length === 3);
    for (let i = 0; i < 10; i++) await nextTurn();
    expect(r.inputs.length).toBe(3);
    await r.driver.close();
  });

  it('pushes back on a peer that sends faster than it is stepped, and on nobody else', async () => {
    const r = rig();
    const { networkEvents: events } = r.driver;
    const pushed: (void | Promise<void>)[] = [];
    for (let i = 0; i < hostLimits.queuedFramesPerPeer; i++) pushed.push(events.message(...frame('busy', i)));
    expect(pushed.slice(0, -1)).toEqual(pushed.slice(0, -1).fill(undefined));
    expect(pushed.at(-1)).toBeInstanceOf(Promise);
    expect(events.message(...frame('calm', 1))).toBeUndefined();
    r.driver.start();
    await pushed.at(-1);
    const stepped = () => r.inputs.filter((input) => input.kind === 'message').length;
    await until(() => stepped() === hostLimits.queuedFramesPerPeer + 1);
    // Each peer's own come in the order in which they were sent.
    const busy = r.inputs.flatMap((input) =>
      input.kind === 'message' && input.peer === 'busy' ? [input.bytes[0]] : [],
    );
    expect(busy).toEqual(busy.map((_, i) => i));
    await r.driver.close();
  });

  it('lets nobody starve: lanes in turn, peers in turn', async () => {
    const r = rig();
    const { networkEvents: events } = r.driver;
    for (let i = 0; i < 30; i++) {
      void events.message(...frame('flood', i));
      events.gossip('flood', 'tx', new Uint8Array(1), () => {});
    }
    void events.message(...frame('other', 1));
    events.gossip('other', 'tx', new Uint8Array(1), () => {});
    const answered = r.driver.command({ kind: 'precious', hash: new Uint8Array(32) });
    r.driver.solved(1, 2, 3, 4);
    events.joined('new', true);
    r.react = (input) =>
      input.kind === 'command'
        ? { effects: [{ kind: 'answer', ticket: input.ticket, result: { kind: 'done' } }] }
        : {};
    r.driver.start();
    await answered;
    await until(() => r.inputs.length === 66);
    const kinds = r.inputs.map((input) => ('peer' in input ? `${input.kind} ${input.peer}` : input.kind));
    expect(kinds.slice(0, 2)).toEqual(['clock', 'joined new']);
    expect(kinds.indexOf('solved')).toBeLessThan(6);
    expect(kinds.indexOf('command')).toBeLessThan(6);
    expect(kinds.indexOf('message other')).toBeLessThan(12);
    expect(kinds.indexOf('gossip other')).toBeLessThan(12);
    await r.driver.close();
  });

  it('drops what a peer that has left had waiting, and answers its gossip', async () => {
    const r = rig();
    const { networkEvents: events } = r.driver;
    const verdicts: GossipVerdict[] = [];
    events.joined('p', true);
    const pushed = Array.from({ length: 40 }, (_, i) => events.message(...frame('p', i)));
    events.gossip('p', 'block', new Uint8Array(9), (v) => verdicts.push(v));
    events.left('p');
    events.joined('p', false);
    await Promise.all(pushed);
    expect(verdicts).toEqual(['ignore']);
    expect(r.driver.stats()).toMatchObject({ queued: 3, queuedBytes: 0 });
    void events.message(...frame('p', 77));
    r.driver.start();
    await until(() => r.inputs.some((input) => input.kind === 'message'));
    expect(r.inputs.filter((input) => 'peer' in input).map(({ kind }) => kind)).toEqual([
      'joined',
      'left',
      'joined',
      'message',
    ]);
    await r.driver.close();
  });

  it('bounds gossip and commands', async () => {
    const r = rig();
    const verdicts: GossipVerdict[] = [];
    for (let i = 0; i < hostLimits.queuedGossipPerPeer + 5; i++) {
      r.driver.networkEvents.gossip('p', 'tx', new Uint8Array(1), (v) => verdicts.push(v));
    }
    expect(verdicts).toEqual(Array(5).fill('ignore'));
    const hash = new Uint8Array(32);
    const commands: Promise<unknown>[] = [];
    for (let i = 0; i < hostLimits.queuedCommands; i++) {
      commands.push(r.driver.command({ kind: 'precious', hash }).catch((error: Error) => error.message));
    }
    await expect(r.driver.command({ kind: 'precious', hash })).rejects.toThrow();
    await r.driver.close();
    // Those that never had their step hear that they will not.
    expect(new Set(await Promise.all(commands))).toEqual(new Set(['the node is stopping']));
    expect(verdicts.length).toBe(hostLimits.queuedGossipPerPeer + 5);
  });

  it('hands pure code plain arrays of its own', async () => {
    const r = rig();
    const chunk = Buffer.alloc(1_000, 7);
    void r.driver.networkEvents.message('p', chunk.subarray(10, 20));
    r.driver.networkEvents.gossip('p', 'tx', Buffer.from('abc'), () => {});
    r.driver.start();
    await until(() => r.inputs.length === 3);
    for (const input of r.inputs) {
      if (input.kind !== 'message' && input.kind !== 'gossip') continue;
      expect(Object.getPrototypeOf(input.bytes)).toBe(Uint8Array.prototype);
      expect(input.bytes.buffer.byteLength).toBeLessThanOrEqual(20);
    }
    await r.driver.close();
  });

  it('gives a miner its job, also one that came before it was attached', async () => {
    const r = rig();
    r.react = (input) =>
      input.kind === 'clock' ? { effects: [{ kind: 'work', job }] } : { effects: [{ kind: 'work' }] };
    r.driver.start();
    await until(() => r.inputs.length === 1);
    await nextTurn();
    const jobs: (Job | undefined)[] = [];
    const miner = {
      work: (at: Job | undefined) => jobs.push(at),
      close: async () => {
        r.trace.push('miner closed');
      },
    };
    r.driver.attachMiner(miner as unknown as Miner);
    expect(jobs).toEqual([job]);
    r.driver.exhausted(1);
    await until(() => jobs.length === 2);
    expect(jobs[1]).toBeUndefined();
    await r.driver.close();
    expect(r.trace.slice(-3)).toEqual(['miner closed', 'network closed', 'store closed']);
  });

  it('writes a line for the first job on each parent, after the miner has it', async () => {
    const r = rig();
    const given = ['p', 'p', undefined, 'p', 'q'];
    r.react = (input) => {
      if (input.kind !== 'exhausted') return { effects: [] };
      const prev = given.shift();
      return { effects: [prev === undefined ? { kind: 'work' } : { kind: 'work', job: { ...job, prev } }] };
    };
    r.driver.attachMiner({
      work: (at: Job | undefined) => r.trace.push(`work ${at?.prev ?? 'none'}`),
      close: async () => undefined,
    } as unknown as Miner);
    r.driver.start();
    for (let i = 0; i < 5; i++) r.driver.exhausted(1);
    await until(() => given.length === 0);
    await r.driver.close();
    const lines = r.trace.filter((line) => /^(?:work|told job)/.test(line));
    expect(lines).toEqual(['work p', 'told job', 'work p', 'work none', 'work p', 'work q', 'told job']);
  });

  it('finishes the step at hand when it closes', async () => {
    const r = rig();
    let release = () => {};
    r.gate = new Promise((resolve) => {
      release = resolve;
    });
    r.react = (input) => (input.kind === 'clock' ? { writes: [write], effects: [tell('last')] } : {});
    r.driver.start();
    await until(() => r.trace.includes('commit 1'));
    const closed = r.driver.close();
    expect(r.driver.close()).toBe(closed);
    r.driver.input({ kind: 'joined', peer: 'late', inbound: true });
    release();
    await closed;
    expect(r.trace).toEqual([
      'step clock',
      'commit 1',
      'committed',
      'told last',
      'network closed',
      'store closed',
    ]);
  });

  it('ends with the error of a failed commit, and says nothing that is not durable', async () => {
    const r = rig();
    r.commitError = new Error('the disk is full');
    r.react = (input) =>
      input.kind === 'command' ? { writes: [write], durable: true, effects: [tell('never')] } : {};
    r.driver.start();
    const answer = r.driver.command({ kind: 'precious', hash: new Uint8Array(32) });
    await expect(answer).rejects.toThrow('the disk is full');
    expect(r.fatal.map((error) => error.message)).toEqual(['the disk is full']);
    r.driver.input({ kind: 'joined', peer: 'p', inbound: true });
    for (let i = 0; i < 5; i++) await nextTurn();
    expect(r.trace.at(-1)).toBe('commit 1 durable');
    await r.driver.close();
    expect(r.fatal.length).toBe(1);
  });

  it('ends when a step throws: an impossible state', async () => {
    const r = rig();
    r.react = (input) => {
      if (input.kind === 'message') throw new Error('unreachable');
      return {};
    };
    r.driver.start();
    void r.driver.networkEvents.message(...frame('p', 1));
    await until(() => r.fatal.length === 1);
    expect(r.fatal[0]!.message).toBe('unreachable');
    const verdicts: GossipVerdict[] = [];
    r.driver.networkEvents.gossip('p', 'tx', new Uint8Array(1), (v) => verdicts.push(v));
    expect(verdicts).toEqual(['ignore']);
    await r.driver.close();
  });

  it('reads between steps, when memory and disk agree', async () => {
    const r = rig();
    let release = () => {};
    r.gate = new Promise((resolve) => {
      release = resolve;
    });
    r.react = (input) => (input.kind === 'clock' ? { writes: [write] } : {});
    r.driver.start();
    await until(() => r.trace.includes('commit 1'));
    const read = r.driver.betweenSteps(() => r.trace.at(-1));
    for (let i = 0; i < 5; i++) await nextTurn();
    release();
    expect(await read).toBe('committed');
    // At rest too, and a throw is the reader's.
    expect(await r.driver.betweenSteps(() => 7)).toBe(7);
    await expect(
      r.driver.betweenSteps(() => {
        throw new Error('mine');
      }),
    ).rejects.toThrow('mine');
    expect(r.fatal).toEqual([]);
    await r.driver.close();
  });

  it('lets those in who look at the view alone while a batch ahead of it is written, the others after the next step', async () => {
    const r = rig();
    let release = () => {};
    r.gate = new Promise((resolve) => {
      release = resolve;
    });
    r.react = (input) =>
      input.kind === 'clock' ? { writes: [write], ahead: true, effects: [{ kind: 'wake', at: 0 }] } : {};
    r.driver.start();
    await until(() => r.trace.includes('commit 1'));
    expect(await r.driver.betweenSteps(() => r.trace.at(-1), 'view')).toBe('commit 1');
    const read = r.driver.betweenSteps(() => r.trace.at(-1));
    for (let i = 0; i < 5; i++) await nextTurn();
    release();
    expect(await read).toBe('step timer');
    await r.driver.close();
    await expect(r.driver.betweenSteps(() => 1, 'view')).rejects.toThrow('the node is stopping');
  });

  it('tells whoever waits to read that the node has died', async () => {
    const r = rig();
    r.commitError = new Error('disk full');
    r.react = (input) => (input.kind === 'clock' ? { writes: [write] } : {});
    r.driver.start();
    await until(() => r.trace.includes('commit 1'));
    await expect(r.driver.betweenSteps(() => 1)).rejects.toThrow('disk full');
    await r.driver.close();
  });

  it('makes ready what it will warm in pieces, and lets others have their turns meanwhile', async () => {
    let left = 3;
    const trace: string[] = [];
    const r = rig({
      prefetch: () => {
        trace.push(`look ${left}`);
        return left-- === 0;
      },
      signaturesAhead: () => {
        trace.push('signaturesAhead');
        return [];
      },
      warm: () => ({ go: () => true }),
    });
    r.connecting = true;
    r.react = (input) => {
      if (input.kind === 'clock') return { effects: [{ kind: 'wake', at: 0 }] };
      trace.push(`step ${input.kind}`);
      return {};
    };
    r.driver.start();
    await until(() => trace.includes('look 3'));
    void r.driver.networkEvents.message(...frame('p', 1));
    await until(() => trace.includes('step timer'));
    expect(trace.filter((line) => line !== 'step message')).toEqual([
      ...['look 3', 'look 2', 'look 1', 'look 0'],
      ...['signaturesAhead', 'step timer'],
    ]);
    expect(trace.indexOf('step message')).toBeLessThan(trace.indexOf('signaturesAhead'));
    await r.driver.close();
  });

  it('warms the next piece in slices, and lets others have their turns meanwhile', async () => {
    let slices = 0;
    let foreseen = 0;
    const r = rig({
      signaturesAhead: () => {
        foreseen++;
        return [{} as SigCheck];
      },
      warm: () => ({
        go: (until) => {
          expect(until - performance.now()).toBeLessThanOrEqual(hostLimits.warmMs);
          // As long as it may take, several times.
          while (performance.now() < until);
          return ++slices === 5;
        },
      }),
    });
    r.react = (input) => (input.kind === 'joined' ? { effects: [{ kind: 'wake', at: r.clock.at }] } : {});
    r.driver.start();
    await until(() => r.inputs.length === 1);
    expect(slices).toBe(0);
    r.connecting = true;
    r.driver.input({ kind: 'joined', peer: 'p', inbound: true });
    await until(() => slices >= 2);
    const answered = r.driver.command({ kind: 'precious', hash: new Uint8Array(32) });
    r.react = (input) =>
      input.kind === 'command'
        ? { effects: [{ kind: 'answer', ticket: input.ticket, result: { kind: 'done' } }] }
        : {};
    await answered;
    // The command did not wait for the warming to end.
    expect(r.inputs.some(({ kind }) => kind === 'timer')).toBe(false);
    await until(() => r.inputs.some(({ kind }) => kind === 'timer'));
    expect(slices).toBe(5);
    expect(foreseen).toBe(1);
    await r.driver.close();
  });

  it('warms while a durable batch is on its way to the disk, and not once more before its step', async () => {
    let foreseen = 0;
    const r = rig({
      signaturesAhead: () => {
        foreseen++;
        return [{} as SigCheck];
      },
      warm: () => ({
        go: () => {
          r.trace.push('warmed');
          return true;
        },
      }),
    });
    r.driver.start();
    await until(() => r.inputs.length === 1);
    r.trace.length = 0;
    let open: () => void = () => undefined;
    r.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    r.react = (input) =>
      input.kind === 'joined'
        ? { writes: [write], durable: true, effects: [{ kind: 'wake', at: r.clock.at }] }
        : {};
    r.connecting = true;
    r.driver.input({ kind: 'joined', peer: 'p', inbound: true });
    await until(() => r.trace.includes('warmed'));
    open();
    await until(() => r.trace.includes('step timer'));
    expect(r.trace).toEqual(['step joined', 'commit 1 durable', 'warmed', 'committed', 'step timer']);
    expect(foreseen).toBe(1);
    await r.driver.close();
  });

  it('publishes what waits for its batch before it warms anything', async () => {
    const r = rig({
      signaturesAhead: () => [{} as SigCheck],
      warm: () => ({
        go: () => {
          r.trace.push('warmed');
          return true;
        },
      }),
    });
    r.driver.start();
    await until(() => r.inputs.length === 1);
    r.trace.length = 0;
    const publish = { kind: 'publish', topic: 'block', bytes: new Uint8Array(1) } as const;
    r.react = (input) =>
      input.kind === 'joined'
        ? { writes: [write], durable: true, effects: [publish, { kind: 'wake', at: r.clock.at }] }
        : {};
    r.connecting = true;
    r.driver.input({ kind: 'joined', peer: 'p', inbound: true });
    await until(() => r.trace.includes('step timer'));
    const expected = [
      'step joined',
      'commit 1 durable',
      'committed',
      'publish block',
      'warmed',
      'step timer',
    ];
    expect(r.trace).toEqual(expected);
    await r.driver.close();
  });

  it('shows a batch that was ahead at once, however much is to be warmed for the piece after it', async () => {
    let slices = 5;
    const r = rig({
      signaturesAhead: () => [{} as SigCheck],
      warm: () => ({
        go: () => {
          r.trace.push('warming');
          return --slices === 0;
        },
      }),
    });
    r.react = (input) => {
      if (input.kind !== 'joined') return {};
      r.connecting = true;
      return { writes: [write], durable: true, ahead: true, effects: [{ kind: 'wake', at: r.clock.at }] };
    };
    r.driver.start();
    await until(() => r.inputs.length === 1);
    r.driver.networkEvents.joined('p', true);
    await until(() => r.trace.includes('committed'));
    await r.driver.betweenSteps(() => undefined);
    // One slice beside the commit, and none before the step.
    const since = r.trace.slice(r.trace.indexOf('committed'));
    expect(since.filter((line) => line !== 'warming')).toEqual(['committed', 'step timer']);
    expect(r.trace.filter((line) => line === 'warming')).toHaveLength(1);
    await r.driver.close();
  });

  it('foresees anew when a batch that was ahead has been shown by another input', async () => {
    const known: SigCheck[] = [];
    const foreseen: number[] = [];
    const r = rig({
      signaturesAhead: () => known.slice(),
      warm: (checks) => ({
        go: () => {
          r.trace.push(`warmed ${checks.length}`);
          foreseen.push(checks.length);
          return true;
        },
      }),
    });
    r.driver.start();
    await until(() => r.inputs.length === 1);
    r.connecting = true;
    r.react = (input) => {
      if (input.kind === 'joined') return { writes: [write], durable: true, ahead: true };
      if (input.kind !== 'message') return {};
      // Shows the tip, and brings the next block.
      known.push({} as SigCheck);
      return { writes: [write], durable: true, effects: [{ kind: 'wake', at: r.clock.at }] };
    };
    r.driver.networkEvents.joined('p', true);
    await until(() => foreseen.length === 1);
    void r.driver.networkEvents.message(...frame('p', 1));
    await until(() => r.trace.includes('step timer'));
    expect(foreseen).toEqual([0, 1]);
    expect(r.trace.indexOf('warmed 1')).toBeLessThan(r.trace.indexOf('step timer'));
    await r.driver.close();
  });

  it('measures its steps', async () => {
    const r = rig();
    r.react = (input) => {
      const end = performance.now() + (input.kind === 'joined' ? 20 : 0);
      while (performance.now() < end);
      return {};
    };
    r.driver.input({ kind: 'joined', peer: 'p', inbound: true });
    r.driver.start();
    await until(() => r.inputs.length === 2);
    const stats = r.driver.stats({ reset: true });
    expect(stats.steps).toBe(2);
    expect(stats.longestStepInput).toBe('joined');
    expect(stats.longestStepMs).toBeGreaterThanOrEqual(20);
    expect(r.driver.stats().longestStepMs).toBe(0);
    await r.driver.close();
  });
});
