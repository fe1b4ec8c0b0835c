import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayFile } from '../../src/app/node/replay.ts';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import { type Params, paramsToJson } from '../../src/consensus/params/params.ts';
import { OPENING_PREFIXES } from '../../src/consensus/store/records.ts';
import { Recorder } from '../../src/host/driver/recorder.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import {
  encodeFrame,
  RECORDING_MAGIC,
  type RecordedFrame,
  readFrames,
} from '../../src/node/record/recording.ts';
import type { Command, Input } from '../../src/node/types.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { MemoryStore } from '../dsl/memory-store.ts';
import { LAB, REGTEST } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'recorder-'));
  file = join(dir, 'a.fyrec');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** One life of a node on this disk, recorded. */
class Life {
  readonly recorder: Recorder;
  readonly ended: string[] = [];
  readonly node;
  readonly #store: MemoryStore;
  #now = 0;
  #ticket = 1;

  constructor(store: MemoryStore, o: { file: string; params?: Params; wallS: number; limit?: number }) {
    const params = o.params ?? LAB;
    this.#store = store;
    this.recorder = new Recorder({
      file: o.file,
      head: {
        software: '0.1.0',
        params: JSON.stringify(paramsToJson(params)),
        seed: 7,
        name: 'A',
        startedAt: 1e12,
      },
      ended: (why) => this.ended.push(why),
      ...(o.limit === undefined ? {} : { limit: o.limit }),
    });
    this.node = this.recorder.node(
      new FullNode({
        params,
        store: this.recorder.store(store),
        index: this.recorder.index(OPENING_PREFIXES.flatMap((prefix) => store.rows(prefix))),
        verify: this.recorder.verify(nobleVerify),
        seed: 7,
        name: 'A',
      }),
    );
    this.input({ kind: 'clock', offset: o.wallS * 1_000_000 });
  }

  /** One input, and the timers that it asks for at once; signaturesAhead as the host calls it. */
  input(input: Input): void {
    for (let next: Input | undefined = input; next !== undefined; ) {
      this.node.signaturesAhead?.();
      const step = this.node.step((this.#now += 1_000), next);
      this.#store.commit(step.writes);
      next = undefined;
      for (const effect of step.effects)
        if (effect.kind === 'wake' && effect.at <= this.#now) next = { kind: 'timer' };
    }
  }

  command(command: Command): void {
    this.input({ kind: 'command', ticket: this.#ticket++, command });
  }

  block(bytes: Uint8Array): void {
    this.command({ kind: 'submit-block', bytes });
  }
}

/** A payment, a fork and a reorg; recorded in two lives, the second on what the first left. */
function record(): { second: string; steps: number } {
  const world = new World(LAB);
  const pay = spend([world.genesisCoin(0)], [{ value: 20e8, script: payTo(BOB) }]);
  world.draw('G-1-2 / 1-b2-b3', { b2: { txs: [pay] } });
  const store = new MemoryStore();
  const first = new Life(store, { file, wallS: world.wallS });
  first.block(world.bytes('1'));
  first.command({ kind: 'send-tx', bytes: pay.bytes });
  first.block(world.bytes('2'));
  first.recorder.close();
  const second = join(dir, 'b.fyrec');
  const life = new Life(store, { file: second, wallS: world.wallS + 60 });
  // Somebody looks, which fills caches and is no step.
  life.node.view.chain.block(life.node.view.chain.tip);
  life.block(world.bytes('b2'));
  life.block(world.bytes('b3'));
  life.command({ kind: 'invalidate', hash: world.get('b3').block.hash });
  life.recorder.close();
  expect(life.node.view.chain.tip.height).toBe(2);
  return { second, steps: life.node.view.steps };
}

const quiet = (): void => undefined;

async function replayed(path = file) {
  const done = await replayFile(path, quiet);
  if (!done.ok) throw new Error(done.error);
  return done.value;
}

const framesOf = (path: string): RecordedFrame[] => [...readFrames(readFileSync(path))];

function write(path: string, frames: readonly RecordedFrame[]): void {
  writeFileSync(path, Buffer.concat([RECORDING_MAGIC, ...frames.map(encodeFrame)]));
}

describe('a recording', () => {
  it('is done again step by step, in a first life and in one that opens on a used disk', async () => {
    const { second, steps } = record();
    expect(await replayed()).toMatchObject({ same: expect.any(Number), ended: 'the node stopped' });
    const again = await replayed(second);
    expect(again).toMatchObject({ same: steps, node: 'A', network: 'test', software: '0.1.0' });
    expect(again.difference).toBeUndefined();
    expect(again.tip.height).toBe(2);
    // Signatures were checked, and the replay took the verdicts.
    const verdicts = framesOf(second).flatMap((frame) => (frame.kind === 'step' ? frame.verdicts : []));
    expect(verdicts.length).toBeGreaterThan(0);
  });

  it('shows the first step that differs, and what', async () => {
    const { second } = record();
    const frames = framesOf(second);
    const at = frames.findIndex(
      (f) => f.kind === 'step' && f.effects.some(([kind]) => kind === 'tell') && f.writes.length > 0,
    );
    const step = frames[at];
    if (step?.kind !== 'step') throw new Error('no step to change');
    const effects = step.effects.map(([kind, print], i) => [kind, i === 0 ? print ^ 1 : print] as const);
    write(file, frames.with(at, { ...step, effects, hash: step.hash.map((b) => b ^ 1) }));
    const number = frames.slice(0, at + 1).filter((f) => f.kind === 'step').length;
    const { difference, same } = await replayed();
    expect(same).toBe(number - 1);
    expect(difference?.step).toBe(number);
    expect(difference?.what[0]).toContain(`effect 1 (${effects[0]![0]}) has another content`);
  });

  it('names a verdict or a record that the replay would need otherwise', async () => {
    const frames = framesOf(record().second);
    const without = (change: (f: Extract<RecordedFrame, { kind: 'step' }>) => RecordedFrame) =>
      frames.map((f) => (f.kind === 'step' ? change(f) : f));
    const other = join(dir, 'c.fyrec');
    write(
      other,
      without((f) => ({ ...f, verdicts: [] })),
    );
    expect((await replayed(other)).difference?.what[0]).toContain('verifies a signature');
    write(
      other,
      without((f) => ({ ...f, verdicts: f.verdicts.map(([print]) => [print, false] as const) })),
    );
    expect((await replayed(other)).difference).toBeDefined();
    write(
      other,
      without((f) => ({ ...f, answers: [] })),
    );
    expect((await replayed(other)).difference?.what[0]).toContain('reads record');
  });

  it('says so when the process was killed: in a step, or in a frame', async () => {
    const { second } = record();
    const frames = framesOf(second).filter((f) => f.kind !== 'end');
    write(file, frames.slice(0, -1));
    const unfinished = await replayed();
    expect(unfinished.unfinished).toBeDefined();
    expect(unfinished.difference).toBeUndefined();
    const bytes = readFileSync(second);
    for (const cut of [1, 5, 40]) {
      writeFileSync(file, bytes.subarray(0, bytes.length - cut));
      expect((await replayed()).torn).toBeGreaterThan(0);
    }
  });

  it('holds the step that threw, and the replay throws as well', async () => {
    const store = new MemoryStore();
    const life = new Life(store, { file, wallS: LAB.genesis.header.time + 100 });
    expect(() => life.node.step(0, { kind: 'timer' })).toThrow('time goes forward');
    life.recorder.close();
    const again = await replayed();
    expect(again.threw).toContain('time goes forward');
    expect(again.difference).toBeUndefined();
  });

  it('refuses files that are none, damaged ones, and networks that it cannot read', async () => {
    const { second } = record();
    const bytes = readFileSync(second);
    const refusal = async (content: Uint8Array): Promise<string> => {
      writeFileSync(file, content);
      const done = await replayFile(file, quiet);
      return done.ok ? 'taken' : done.error;
    };
    expect(await refusal(new Uint8Array(0))).toContain('does not begin as a recording');
    expect(await refusal(readFileSync(new URL(import.meta.url)))).toContain('does not begin as a recording');
    expect(await refusal(bytes.map((b, i) => (i === 4_000 ? b ^ 0x40 : b)))).toMatch(/damaged at byte \d+/);
    expect(await refusal(RECORDING_MAGIC)).toContain('whose recording');
    const [head, ...rest] = framesOf(second);
    if (head?.kind !== 'head') throw new Error('no head');
    write(file, [{ ...head, params: '{}' }, ...rest]);
    const done = await replayFile(file, quiet);
    expect(done.ok ? '' : done.error).toContain('its network is not one');
    const missing = await replayFile(join(dir, 'nothing'), quiet);
    expect(missing.ok ? '' : missing.error).toContain('there is no file');
  });

  it('ends at its limit, says so, and leaves the node alone', async () => {
    const world = new World(REGTEST).draw('G-1-2-3-4');
    const life = new Life(new MemoryStore(), { file, params: REGTEST, wallS: world.wallS, limit: 4_000 });
    for (const name of world.names) life.block(world.bytes(name));
    expect(life.ended).toHaveLength(1);
    expect(life.node.view.chain.tip.height).toBe(4);
    const again = await replayed();
    expect(again.ended).toContain('limit');
    expect(again.same).toBeGreaterThan(0);
    expect(again.difference).toBeUndefined();
  });

  it('never overwrites a file', () => {
    writeFileSync(file, 'mine');
    const make = () => new Life(new MemoryStore(), { file, wallS: 0 });
    expect(make).toThrow('exists already');
  });
});
