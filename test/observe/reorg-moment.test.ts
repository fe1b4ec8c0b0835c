import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { newReorgMoments } from '../../src/observe/state/reorg-moment.ts';
import { Story } from '../../src/observe/state/story.ts';

const ref = (id: string) => ({ id, height: 1, miner: 'A' });

/** What the terminal and the page make of the same reorgs: `node@seconds old tip`. */
function followed(...events: readonly string[]) {
  const forest = newForest();
  const moments = newReorgMoments();
  const story = new Story();
  const seen = new Map<string, string>();
  let seq = 0;
  const apply = (t: number, node: string, body: object) => {
    const event = { v: 1, seq: ++seq, t, node, ...body } as LogEvent;
    moments.apply(event);
    story.apply(event, forest);
  };
  for (const text of events) {
    const [, node, seconds, old] = /^(\w)@(\d+) (\w+)$/.exec(text)!;
    const sizes = { depth: 1, length: 2, because: 'work' };
    const blocks = { fork: ref('g'), out: [ref(old!)], in: [ref('b'), ref('c')] };
    apply(Number(seconds) * 1000, node!, { kind: 'reorg', ...blocks, ...sizes });
    const { t, nodes } = moments.latest!;
    seen.set(`${t / 1000} ${old}`, nodes.join(''));
  }
  const scenes = story.scenes.map((s) => [`${s.t / 1000} ${s.out[0]!.id}`, [...s.nodes].join('')]);
  return { moments, apply, seen: Object.fromEntries(seen), scenes: Object.fromEntries(scenes) };
}

describe('one reorg on several nodes', () => {
  it.each([
    ['late nodes join it', ['C@100 x', 'D@115 x', 'E@119 x'], { '100 x': 'CDE' }],
    ['after 20 s another begins', ['C@100 x', 'D@120 x'], { '100 x': 'C', '120 x': 'D' }],
    ['a node is in it once', ['C@100 x', 'C@103 x', 'D@104 x'], { '100 x': 'C', '103 x': 'CD' }],
    ['others come between', ['C@100 x', 'D@101 y', 'E@102 x'], { '100 x': 'CE', '101 y': 'D' }],
  ])('is the same on the page and in the terminal: %s', (_, events, reorgs) => {
    const { seen, scenes } = followed(...events);
    expect(seen).toEqual(reorgs);
    expect(scenes).toEqual(reorgs);
  });

  it('counts payments that a late node returns', () => {
    const { moments, apply } = followed('C@100 x', 'D@115 x');
    apply(116_000, 'D', { kind: 'tx-returned', txid: 'f1' });
    apply(121_000, 'D', { kind: 'tx-returned', txid: 'f2' });
    expect(moments.latest!.returned).toEqual(['f1']);
  });
});
