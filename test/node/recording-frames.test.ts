import { describe, expect, it } from 'vitest';
import {
  DamagedRecording,
  encodeFrame,
  RECORDING_MAGIC,
  type RecordedFrame,
  readFrames,
} from '../../src/node/record/recording.ts';
import { describeInput } from '../../src/node/record/replay.ts';
import type { Input } from '../../src/node/types.ts';
import { concat } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';

/** Recordings that somebody else made, with checksums that fit: each frame is of a known form, or the file is damaged. */

const bytes = Uint8Array.of(1, 2, 3);

const INPUTS: readonly Input[] = [
  { kind: 'timer' },
  { kind: 'joined', peer: 'p', inbound: true },
  { kind: 'left', peer: 'p' },
  { kind: 'message', peer: 'p', bytes },
  { kind: 'gossip', ticket: 1, peer: 'p', topic: 'tx', bytes },
  { kind: 'command', ticket: 1, command: { kind: 'invalidate', id: 'x' } as never },
  { kind: 'solved', job: 1, nonce: 2, tries: 3, ms: 4 },
  { kind: 'exhausted', job: 1 },
  { kind: 'clock', offset: 5 },
];

const STEP = {
  kind: 'step',
  answers: [
    { key: bytes, value: bytes },
    { key: bytes, value: undefined },
  ],
  verdicts: [[1, true]],
  hash: bytes,
  durable: true,
  writes: [1],
  effects: [['send', 1]],
} as const;

function read(frame: unknown): RecordedFrame | undefined {
  const frames = readFrames(concat(RECORDING_MAGIC, encodeFrame(frame as RecordedFrame)));
  try {
    const next = frames.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    if (!(error instanceof DamagedRecording)) throw error;
    expect(error.message).toBe('it is damaged at byte 21: a frame of unknown form');
    return undefined;
  }
}

const RUBBISH: readonly unknown[] = [undefined, null, true, 1, 'x', [], [1], {}, { kind: 'x' }, bytes];

describe('a frame of a foreign recording', () => {
  it.each(INPUTS.map((input) => [input.kind, input] as const))('%s as it is written is read', (_, input) => {
    expect(read({ kind: 'input', now: 1, input })).toEqual({ kind: 'input', now: 1, input });
    expect(describeInput(input)).not.toBe('');
  });

  it('a step as it is written is read, and with any field of another type it is not', () => {
    expect(read(STEP)).toMatchObject({ kind: 'step' });
    for (const field of ['answers', 'verdicts', 'hash', 'durable', 'writes', 'effects'])
      expect([field, read({ ...STEP, [field]: 'x' })]).toEqual([field, undefined]);
    for (const item of [null, 1, [], { key: 1 }]) {
      expect(read({ ...STEP, answers: [item] })).toBeUndefined();
      expect(read({ kind: 'rows', rows: [item] })).toBeUndefined();
      expect(read({ ...STEP, effects: [item] })).toBeUndefined();
    }
  });

  it('an input with 3,000 mutations is told in words, or the file is damaged', () => {
    const random = seeded('foreign recordings');
    let taken = 0;
    for (let i = 0; i < 3_000; i++) {
      const input: Record<string, unknown> = { ...INPUTS[random.below(INPUTS.length)]! };
      const names = Object.keys(input);
      const name = names[random.below(names.length)]!;
      if (random.below(5) === 0) delete input[name];
      else input[name] = RUBBISH[random.below(RUBBISH.length)];
      const frame = read({ kind: 'input', now: 1, input });
      if (frame?.kind !== 'input') continue;
      taken++;
      expect(describeInput(frame.input)).toMatch(/^[a-z]+/);
    }
    expect(taken).toBeGreaterThan(100);
    for (const input of RUBBISH) expect(read({ kind: 'input', now: 1, input })).toBeUndefined();
  });
});
