import { describe, expect, it } from 'vitest';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { agreementPanel } from '../../src/observe/figures/panel.ts';
import { LogWriter } from './log-writer.ts';

function read(log: LogWriter, now?: number) {
  const figures = newFigures();
  for (const event of log.events) figures.apply(event);
  return figures.read(now);
}

/*
 *   g ── a1 ── a2 ── a3
 *          └── b2 ── b3 ── b4          C is alone with c2 for a moment
 *          └── c2
 */
function story(): LogWriter {
  const log = new LogWriter().at(0).yard('ABC').start('ABC', 'g', 100);
  log.at(1_000).mine('A', 'a1').at(1_100).take('B', 'a1').at(1_110).take('C', 'a1');
  log.at(2_000).mine('A', 'a2').at(2_050).mine('B', 'b2').at(2_080).mine('C', 'c2');
  log.at(2_100).body('B', 'a2').at(2_120).body('C', 'a2').at(2_150).body('A', 'b2').body('C', 'b2');
  log.at(2_180).body('A', 'c2').body('B', 'c2');
  log.at(3_000).mine('B', 'b3').at(3_100).take('A', 'b3').at(3_200).take('C', 'b3');
  log.at(4_000).mine('B', 'b4').at(4_100).take('A', 'b4').take('C', 'b4');
  return log.at(5_000).tell('', { kind: 'action', text: 'the end' });
}

describe('figures of a log written by hand', () => {
  const { whole, epochs } = read(story());

  it('counts blocks, stale ones and forked heights', () => {
    expect(whole.blocks).toBe(6);
    expect(whole.stale).toBe(2); // a2 and c2
    expect([whole.heights, whole.forkedHeights]).toEqual([4, 1]);
    expect(whole.miners).toEqual([
      { miner: 'A', blocks: 2, stale: 1 },
      { miner: 'B', blocks: 3, stale: 0 },
      { miner: 'C', blocks: 1, stale: 1 },
    ]);
    expect(whole.blocksPerS).toBeCloseTo(6 / 5, 12);
  });

  it('integrates agreement, lag and conflict exactly', () => {
    // Lag 1000–1110, 2000–2050 (A ahead), 4000–4100; in conflict 2050–3200.
    expect(whole.lagMs).toBeCloseTo(110 + 50 + 100, 9);
    expect(whole.conflictMs).toBeCloseTo(1_150, 9);
    expect(whole.agreeMs).toBeCloseTo(5_000 - 260 - 1_150, 9);
    expect(whole.comparedMs).toBe(5_000);
  });

  it('has D_k over pairs and A_k over all', () => {
    // 2050–2080: A on a2, B on b2, C on a1: one pair of three. 2080–3000 all three differ. 3000–3100: B has b3, all
    // three pairs still differ one deep. 3100–3200: A and B against C.
    const d0 = (30 / 3 + 920 + 100 + (100 * 2) / 3) / 5_000;
    expect(whole.depths[0]!.d).toBeCloseTo(d0, 12);
    expect(whole.depths[0]!.a).toBeCloseTo(1_150 / 5_000, 12);
    expect(whole.depths[1]!.d).toBe(0);
    expect(whole.deepestConflict).toBe(1);
  });

  it('counts reorgs as breaks of reads, and the prefix that held', () => {
    expect(whole.reorgs).toEqual([{ depth: 1, count: 2 }]); // A from a2, C from c2
    expect(whole.depths.map((row) => row.v).slice(0, 2)).toEqual([2, 0]);
    expect(whole.depths[0]!.vPerHeight).toBeCloseTo(2 / 4, 12);
    expect(whole.depths[0]!.vError!.se).toBeGreaterThan(0.45); // both in one window: about one event
    expect(whole.depths[0]!.vPerNodeAndBlock).toBeCloseTo(2 / (6 * 3), 12);
    expect(whole.commonPrefixFrom).toBe(1);
    expect(whole.workDecreases).toBe(0);
  });

  it('has one window of disagreement', () => {
    expect(whole.windows).toMatchObject({ n: 1, mean: 1_150, p99: 1_150, max: 1_150, openMs: 0 });
    expect(whole.windows.perBlock).toBeCloseTo(1 / 6, 12);
  });

  it('measures from mined to body and to tip, once a node', () => {
    // a1 100 110, a2 100 120, b2 100 100, c2 100 100, b3 100 200, b4 100 100
    expect(whole.body).toMatchObject({ n: 12, p50: 100, p90: 120, max: 200 });
    expect(whole.body.mean).toBeCloseTo((9 * 100 + 110 + 120 + 200) / 12, 9);
    // a1 100 110, b2 at A 1050 and at C 1150 (with b3), b3 100 200, b4 100 100
    expect(whole.tip).toMatchObject({ n: 8, p50: 100, p90: 1_150, max: 1_150 });
    expect(whole.lateArrivals).toBe(0);
  });

  it('is one epoch', () => {
    expect(epochs).toHaveLength(1);
    expect(epochs[0]).toMatchObject({ epoch: 1, because: 'yard lab-1 started', open: true, blocks: 6 });
    expect(epochs[0]!.shape).toMatchObject({ kind: 'clique', nodes: 3, delayMs: 100 });
  });
});

describe('what is still open', () => {
  it('goes on to the moment of reading', () => {
    const log = new LogWriter().start('AB').at(100).mine('A', 'a1').mine('B', 'b1', 'g');
    const { whole } = read(log, 1_100);
    expect(whole.conflictMs).toBe(1_000);
    expect(whole.windows).toMatchObject({ n: 0, openMs: 1_000 });
    expect(whole.stale).toBe(0);
  });

  it('takes a block for stale only once its height is passed, and back when it wins after all', () => {
    const log = new LogWriter().start('AB').at(100).find('A', 'a1', 'g');
    expect(read(log).whole.stale).toBe(0); // not connected yet
    log.at(110).mine('B', 'b1', 'g').take('A', 'b1');
    expect(read(log).whole.stale).toBe(1); // a1 lost without ever being a tip
    log.at(200).mine('A', 'a2', 'a1').take('B', 'a2');
    expect(read(log).whole).toMatchObject({ stale: 1, blocks: 3 }); // now b1
    expect(read(log).whole.miners).toEqual([
      { miner: 'A', blocks: 2, stale: 0 },
      { miner: 'B', blocks: 1, stale: 1 },
    ]);
  });
});

describe('what is not a race', () => {
  it('shows forced reorgs apart', () => {
    const log = new LogWriter()
      .start('AB')
      .at(1)
      .mine('A', 'a1')
      .take('B', 'a1')
      .mine('A', 'a2')
      .take('B', 'a2');
    const { whole } = read(log.at(9).tip('A', 'a1', 'invalidated'));
    expect(whole.reorgs).toEqual([]);
    expect(whole.forcedReorgs).toBe(1);
    expect(whole.workDecreases).toBe(0);
    expect(whole.depths[0]!.v).toBe(0);
  });

  it('finds a node that goes to less work by itself', () => {
    const log = new LogWriter().start('AB').at(1).mine('A', 'a1').mine('A', 'a2').tip('A', 'a1');
    expect(read(log).whole.workDecreases).toBe(1);
  });

  it('takes refused blocks out of every count', () => {
    const log = new LogWriter().start('AB').at(1).mine('A', 'a1').take('B', 'a1').find('B', 'bad', 'g');
    expect(read(log).whole).toMatchObject({ blocks: 2, forkedHeights: 1, stale: 1 });
    log.tell('A', {
      kind: 'refused',
      id: log.id('bad'),
      height: 1,
      rule: 'bad-cb-amount',
      detail: '',
      from: 'p',
    });
    expect(read(log).whole).toMatchObject({ blocks: 1, heights: 1, forkedHeights: 0, stale: 0 });
  });

  it('does not count blocks that were there before the log, or that were only sent', () => {
    const log = new LogWriter().start('A').at(1).mine('A', 'a1').mine('A', 'a2');
    const later = log.events.slice(-1); // the log begins with the tip a2
    const figures = newFigures();
    for (const event of later) figures.apply(event);
    expect(figures.read().whole).toMatchObject({ blocks: 0, reorgs: [] });
  });
});

describe('epochs', () => {
  const cut = (log: LogWriter) => {
    for (const node of 'AB') {
      const refuse = [node === 'A' ? 'peer-B' : 'peer-A'];
      log.tell(node, { kind: 'links', refuse, delayMs: 0 });
    }
    return log.tell('', { kind: 'partition', groups: [['A'], ['B']] });
  };
  const heal = (log: LogWriter) => {
    log.tell('', { kind: 'heal' });
    for (const node of 'AB') log.tell(node, { kind: 'links', refuse: [], delayMs: 0 });
    return log;
  };
  function partitioned(): LogWriter {
    const log = new LogWriter().at(0).yard('AB').at(10).start('A').at(700).start('B');
    log.at(1_000).mine('A', 'm1').take('B', 'm1');
    cut(log.at(2_000)).at(3_000).mine('A', 'a2').at(4_000).mine('B', 'b2').mine('A', 'a3');
    heal(log.at(6_000)).at(6_250).body('B', 'a2').take('B', 'a3');
    return log.at(8_000).mine('B', 'b4').take('A', 'b4').at(9_000).tell('', { kind: 'action', text: 'end' });
  }

  it('begin with any change of links, nodes or power, several events of one change together', () => {
    const { epochs } = read(partitioned());
    expect(epochs.map((e) => [e.epoch, e.because, e.from, e.to, e.blocks, e.open])).toEqual([
      [1, 'yard lab-1 started', 700, 2_000, 1, false],
      [2, 'cut A|B', 2_000, 6_000, 3, false],
      [3, 'healed', 6_000, 9_000, 1, true],
    ]);
    expect(epochs.map((e) => e.shape.kind)).toEqual(['clique', 'other', 'clique']);
  });

  it('are named after what the yard did, whichever line of it came first', () => {
    const log = new LogWriter().yard('AB').start('AB').at(2_000).mine('A', 'a1').mine('B', 'b1', 'g');
    log.at(3_000).tell('A', { kind: 'links', refuse: ['peer-B'], delayMs: 0 });
    log.at(3_010).tell('B', { kind: 'links', refuse: ['peer-A'], delayMs: 0 });
    log.at(3_030).tell('', { kind: 'partition', groups: [['A'], ['B']] });
    expect(read(log).epochs.map((e) => e.because)).toEqual(['yard lab-1 started', 'cut A|B']);
    log.at(9_000).mine('A', 'a2').tell('A', { kind: 'power', on: true, held: false, hashrate: 7 });
    log.at(9_100).tell('B', { kind: 'power', on: true, held: false, hashrate: 8 });
    expect(read(log).epochs.at(-1)).toMatchObject({ epoch: 3, because: 'A B at another hash rate' });
  });

  it('a cut is counted from its beginning, whatever else changes in it', () => {
    const log = new LogWriter().yard('AB').start('AB').at(1_000).mine('A', 'm1').take('B', 'm1');
    cut(log.at(2_000)).at(3_000).mine('A', 'a2').at(4_000).mine('B', 'b2').mine('A', 'a3');
    const link = { 'peer-B': { delayMs: 50, jitterMs: 0, loss: 0, bitsPerSecond: 0 } };
    log.at(5_000).tell('A', { kind: 'links', refuse: ['peer-B'], delayMs: 0, shapes: link });
    log.at(6_000).mine('B', 'b3').at(7_000).tell('', { kind: 'action', text: 'now' });
    const run = read(log);
    expect(run.epochs.map((e) => [e.because, e.blocks])).toEqual([
      ['yard lab-1 started', 1],
      ['cut A|B', 3],
      ['A with other links', 1],
    ]);
    expect(run.cut).toMatchObject({
      because: 'cut A|B',
      from: 2_000,
      to: 7_000,
      blocks: 4,
      forkedHeights: 2,
    });
    expect(run.cut!.conflictMs).toBe(3_000);
    expect(agreementPanel(run)).toMatchObject({ since: 'cut A|B', cut: true });
    const { cut: none, epochs } = read(heal(log));
    expect(none).toBeUndefined();
    expect(agreementPanel(read(log.at(8_000).mine('A', 'a4')))!.foot).toMatch(/^since healed: /);
    expect(epochs.at(-1)!.because).toBe('healed');
  });

  it('cut a window at their edge, while the whole run has it in one piece', () => {
    const { whole, epochs } = read(partitioned());
    expect(whole.windows).toMatchObject({ n: 1, max: 2_250 });
    expect(epochs[1]!.windows).toMatchObject({ n: 1, max: 2_000 });
    expect(epochs[2]!.windows).toMatchObject({ n: 1, max: 250 });
    expect(epochs[2]!.deepestConflict).toBe(1);
  });

  it('charge a stale block to the conditions under which it was found, and leave its late arrival out', () => {
    const { whole, epochs } = read(partitioned());
    expect(epochs.map((e) => e.stale)).toEqual([0, 1, 0]); // b2
    expect(whole.stale).toBe(1);
    expect(epochs[1]!.lateArrivals).toBe(2); // a2 and a3 at B, after the heal
    expect(epochs[1]!.body.n).toBe(0);
    expect(epochs[2]!.reorgs).toEqual([{ depth: 1, count: 1 }]);
  });

  it('time the way from heal to agreement', () => {
    const { heals } = read(partitioned());
    expect(heals).toEqual({ count: 1, agreed: 1, meanMs: 250, maxMs: 250, list: [{ t: 6_000, ms: 250 }] });
    const { heals: none } = read(
      cut(heal(cut(partitioned().at(10_000)).mine('A', 'x').mine('B', 'y')).at(11_000)),
    );
    expect(none).toMatchObject({ count: 2, agreed: 1 });
    expect(none.list[1]).toEqual({ t: 10_000 });
  });

  it('are not begun by what changes nothing', () => {
    const log = partitioned();
    log.at(20_000).tell('A', { kind: 'links', refuse: [], delayMs: 0 });
    log.tell('A', { kind: 'power', on: true, held: false, hashrate: 50_000 });
    log.tell('A', { kind: 'mining', on: true });
    expect(read(log).epochs).toHaveLength(3);
    log.tell('A', { kind: 'power', on: true, held: true, hashrate: 50_000 });
    expect(read(log).epochs.at(-1)).toMatchObject({ epoch: 4, because: 'A not mining' });
  });

  it('forget the oldest, and number on', () => {
    const figures = newFigures({ keptEpochs: 3 });
    const log = new LogWriter().start('AB');
    for (let i = 0; i < 6; i++) {
      log.at(10_000 * (i + 1)).tell('A', { kind: 'power', on: true, held: false, hashrate: 1_000 * (i + 1) });
      log.at(10_000 * (i + 1) + 1).mine('A', `a${i}`);
    }
    for (const event of log.events) figures.apply(event);
    const run = figures.read();
    expect(run.epochs.map((e) => e.epoch)).toEqual([4, 5, 6]);
    expect(run.whole.blocks).toBe(6);
  });
});

describe('nodes that come and go', () => {
  it('have no opinion while they are down, and keep their branch until somebody has more work', () => {
    const log = new LogWriter().start('AB').at(100).mine('A', 'a1').mine('B', 'b1', 'g');
    log.at(300).tell('', { kind: 'process', what: 'killed', of: 'B', code: null, signal: 'SIGKILL' });
    const { whole, nodes } = read(log, 1_000);
    expect(whole.conflictMs).toBe(200);
    expect(whole.comparedMs).toBe(300);
    expect(whole.stale).toBe(0); // b1 is on B's disk, and B would keep it
    expect(nodes).toEqual(['A']);
    log.at(1_000).mine('A', 'a2');
    expect(read(log).whole.stale).toBe(1); // B would leave it now
    log.tell('A', { kind: 'stop', why: 'SIGTERM' });
    expect(read(log, 5_000).whole).toMatchObject({ stale: 1, upMs: 1_000 });
    log.at(60_000).start('B', 'b1').at(60_100).start('A', 'a2');
    const back = read(log, 60_200).whole;
    expect(back).toMatchObject({ stale: 0, upMs: 1_200, comparedMs: 400, conflictMs: 300 });
  });

  it('change no count by stopping, in whatever order', () => {
    const log = new LogWriter().start('ABC').at(100);
    log.mine('A', 'a1').find('B', 'b1', 'g').take('B', 'a1').take('C', 'a1').at(200);
    // b1 was never a tip; a2 and b2 tie; C has the newest block alone.
    log.mine('A', 'a2').mine('B', 'b2').take('C', 'b2').mine('C', 'c3').at(300);
    const { blocks, stale, miners, heights, forkedHeights } = read(log).whole;
    expect([blocks, stale]).toEqual([5, 1]);
    for (const order of ['ABC', 'CBA', 'BCA']) {
      const closed = new LogWriter();
      closed.events.push(...log.events);
      for (const node of order) {
        closed.at(closed.t + 400).tell(node, { kind: 'stop', why: 'SIGTERM' });
        expect(read(closed).whole).toMatchObject({ blocks, stale, miners, heights, forkedHeights });
      }
    }
  });

  it('are forgotten when a launcher begins, even if nobody said goodbye', () => {
    const log = new LogWriter().yard('AB').start('AB').at(100).mine('A', 'a1').take('B', 'a1');
    log.at(90_000).yard('AB').at(90_010).start('AB', 'a1').at(90_110);
    const { whole } = read(log, 90_110);
    // What the nodes did after their last line nobody knows.
    expect(whole.comparedMs).toBe(200);
    expect(whole.agreeMs).toBe(200);
  });
});

describe('a log whose beginning is missing', () => {
  it('takes the depth from the reorg line where the tree does not reach', () => {
    const log = new LogWriter().at(5).start('AB');
    const full = new LogWriter().at(5);
    full
      .mine('A', 'a1', 'g')
      .mine('A', 'a2', 'a1')
      .mine('A', 'b1', 'g')
      .mine('A', 'b2', 'b1')
      .find('A', 'b3', 'b2');
    const torn = [log.events[0]!, ...full.events.slice(3, 6).filter((e) => e.kind === 'tip')];
    const figures = newFigures();
    for (const event of torn) figures.apply(event);
    full.tip('A', 'b3');
    const ref = (name: string) => ({ id: log.id(name), height: 1, miner: 'A' });
    full.tell('A', {
      kind: 'reorg',
      fork: ref('g'),
      depth: 2,
      length: 3,
      out: [ref('a2'), ref('a1')],
      in: [ref('b1'), ref('b2'), ref('b3')],
      because: 'work',
    });
    for (const event of full.events.slice(-2)) figures.apply(event);
    expect(figures.read().whole.reorgs).toEqual([{ depth: 2, count: 1 }]);
  });
});

describe('memory', () => {
  it('is bounded: heights, and values one by one', () => {
    const figures = newFigures({ keptHeights: 100 });
    const log = new LogWriter().start('AB');
    for (let i = 1; i <= 5_000; i++) {
      log
        .at(i * 10)
        .mine('A', `n${i}`)
        .at(i * 10 + 5)
        .take('B', `n${i}`);
      if (i % 50 === 0) log.find('B', `s${i}`, `n${i - 1}`);
    }
    for (const event of log.events) figures.apply(event);
    const { whole } = figures.read();
    expect(whole).toMatchObject({ blocks: 5_100, stale: 100, heights: 5_000, forkedHeights: 100 });
    expect(whole.body.n).toBe(5_000);
    // Folded into classes: at most 0.8 % off.
    expect(Math.abs(whole.body.p50 / 5 - 1)).toBeLessThan(0.008);
    expect(whole.body.mean).toBeCloseTo(5, 9);
    expect(whole.lagMs).toBeCloseTo(25_000, 6);
  });
});
