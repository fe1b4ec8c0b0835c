import { describe, expect, it } from 'vitest';
import { linksPane } from '../../src/app/tui/panes.ts';
import { hop, takeInfos } from '../../src/app/tui/reduce.ts';
import { detailsOf } from '../../src/app/tui/select.ts';
import { YardClient } from '../../src/lab/client/client.ts';
import { cutStory, id, infoOf, Story, yardOf } from './tui-rig.ts';

/** Whole screens, written by hand: blanks at the ends of lines are not shown here. */
function trimmed(lines: readonly string[]): string[] {
  return ['', ...lines.map((line) => line.trimEnd()), ''];
}

const yard = () => yardOf('ABCD', { page: 'http://127.0.0.1:8440/#k=7f3a' });

describe('the screen', () => {
  it('shows a cut yard at 80×24: two branches, nodes, a payment spent twice, the log', () => {
    expect(trimmed(cutStory(yard()).screen(80, 24)).join('\n')).toBe(`
 forkyard  lab · 4 nodes · pace 2s · delay 400ms   CUT AB|CD 0:12    page :8440
 AGREE  NO: 2 answers, conflict depth 2     before the cut: 1 fork in 7 heights
────────────────────────────────────────────────────────────────────────────────
 height   4     5     6     7     8     9     10
 ┄3 more┄[4C]──[5A]┬─[6C]──[7B]┬─[8A]──[9B]──[10A]◄AB   work 4.0M  leads by 400k
                   └─(6D)      └─[8D]──[9C]◄CD          work 3.6M





═ nodes ════════════════════════════════════════════════════════════════════════
   NODE  TIP          WORK   HASH      PEERS  POOL  BLOCKS  STATE
 ▸ A     10A …00010a  4.0M   50 kH/s   1/3    0     5       mining
   B     10A …00010a  4.0M   50 kH/s   1/3    0     3       mining
   C     9C  …00009c  3.6M   50 kH/s   1/3    0     3       mining
   D     9C  …00009c  3.6M   50 kH/s   1/3    0     2       mining
─ payment …a91f3c  alice → dave 20 ─────────────────────────────────────────────
   A unknown, coin gone in 8A   B same   C 2 confirmations   D same
─ log ──────────────────────────────────────────────────────────────────────────
 12:40:25  A found 10A …00010a after 300 thousand tries
 12:40:25  B on 10A after 403 ms

 space hold · m mine · p pay · d double-spend · c cut · h heal · r reorg · ? · q
`);
  });

  it('shows the same at 140×40, with the panes that a low window has no room for', () => {
    const row = (left: string, right: string) => `${left.padEnd(92)}${right}`.trimEnd();
    const rule = (left: string, joint: string, right: string) =>
      `${left.padEnd(92, left[0])}${joint}${right === '' ? '' : right.padEnd(47, '─')}`;
    const story = cutStory(yard());
    const { state } = story;
    const later = [...state.infos].map(([letter, info]) => {
      const peers = info!.peers.map((p) => ({
        ...p,
        sent: letter === 'A' ? 900 : letter === 'B' ? 300 : 0,
        heard: letter === 'B' ? 2 : 0,
      }));
      return [letter, { ...info!, peers }] as const;
    });
    takeInfos(state, new Map(later), 1_000);
    expect(trimmed(story.screen(140, 40)).slice(1, -1).join('\n')).toBe(
      [
        ' forkyard  lab · 4 nodes · pace 2s · delay 400ms   CUT AB|CD 0:12                                        page http://127.0.0.1:8440/#k=7f3a',
        ' AGREE  NO: 2 answers, conflict depth 2                                                                 before the cut: 1 fork in 7 heights',
        rule('─ tree ', '┬', '─ do they agree? '),
        row(
          '   1     2     3     4     5     6     7     8     9     10',
          '│ answers differ    this cut     predicted uncut',
        ),
        row(
          ' ─[1B]──[2A]──[3D]──[4C]──[5A]┬─[6C]──[7B]┬─[8A]──[9B]──[10A]◄AB   work 4.0M  leads by 400k',
          '│ 0 deep (the tip)  8.4 of 12 s',
        ),
        row(
          '                              └─(6D)      └─[8D]──[9C]◄CD          work 3.6M',
          '│ 1 deep            4.4 of 12 s',
        ),
        row('', '│ 2 deep            0 of 12 s'),
        row('', '│ forked heights    2 of 3'),
        row('', '│ stale blocks      0 of 5'),
        row('', '│ while a cut is open no depth is safe'),
        row('', '│'),
        row('', '├─ payment …a91f3c  alice → dave 20 ────────────'),
        row('', '│ A ·              unknown, coin gone in 8A'),
        row('', '│ B ·              unknown, coin gone in 8A'),
        row('', '│ C 2              2 confirmations'),
        row('', '│ D 2              2 confirmations'),
        row('', '├─ blocks / stale by miner ─────────────────────'),
        row('', '│ A ██████████ 4 / 0'),
        row('', '│ B ████████ 3 / 0'),
        row('', '│ C ████████ 3 / 0'),
        row('', '│ D █████ 2 / 1'),
        rule('─ links (one-way delay, messages both ways) ', '┤', ' no reorg so far').replace(/─+$/, ''),
        row(' A──B 400 ms 2.0/s 1.2kB/s  C──D 400 ms 0.0/s 0B/s  A╳C  B╳C  A╳D  B╳D  cut 0:12', '│'),
        row('', '│'),
        rule('═ nodes ═', '┤', ''),
        row('   NODE  TIP          WORK   HASH      SHARE  PEERS  POOL  REORGS  DEEPEST  STATE', '│'),
        row(' ▸ A     10A …00010a  4.0M   50 kH/s   25 %   1/3    0     0       -        mining', '│'),
        row('   B     10A …00010a  4.0M   50 kH/s   25 %   1/3    0     0       -        mining', '│'),
        row('   C     9C  …00009c  3.6M   50 kH/s   25 %   1/3    0     0       -        mining', '│'),
        row('   D     9C  …00009c  3.6M   50 kH/s   25 %   1/3    0     0       -        mining', '│'),
        rule('─ log ', '┤', ''),
        row(' 12:40:18  C on 8D after 0 ms', '│'),
        row(' 12:40:22  B found 9B …00009b after 300 thousand tries', '│'),
        row(' 12:40:22  A on 9B after 0 ms', '│'),
        row(' 12:40:22  C found 9C …00009c after 300 thousand tries', '│'),
        row(' 12:40:22  D on 9C after 402 ms', '│'),
        row(' 12:40:25  A found 10A …00010a after 300 thousand tries', '│'),
        row(' 12:40:25  B on 10A after 403 ms', '│'),
        '',
        ' space hold · m mine · p pay · d double-spend · c cut · h heal · r reorg · k kill · s start · l link · / filter · [ ] step log · ? help · q',
      ].join('\n'),
    );
  });

  it('smooths what a link carries, and leaves bytes out where only messages have room', () => {
    const { state } = cutStory(yard());
    const heardBy = (heard: number) =>
      new Map(
        [...state.infos].map(([letter, info]) => {
          const peers = info!.peers.map((p) => ({
            ...p,
            sent: 100 * heard,
            heard: letter === 'B' ? heard : 0,
          }));
          return [letter, { ...info!, peers }] as const;
        }),
      );
    takeInfos(state, heardBy(8), 1_000);
    takeInfos(state, heardBy(8), 1_000);
    expect(state.traffic.get('A B')).toEqual({ messages: 7, bytes: 1400 });
    const words = (rows: number) => linksPane(state, 60, rows).map((l) => l.text);
    expect(words(3)[0]).toBe(' A──B 400 ms 7.0/s 1.4kB/s  C──D 400 ms 0.0/s 1.4kB/s  A╳C');
    expect(words(1)[0]).toMatch(/^ A──B 400 ms 7.0\/s {2}C──D 400 ms 0.0\/s {2}/);
  });

  it('tells a reorg in the free rows of the tree, with the fate of the payment, until a key', () => {
    const s = reorged();
    expect(trimmed(s.screen(80, 24)).slice(4, 13).join('\n')).toBe(
      `
   1     2     3     4     5     6     7     8     9     10
 ─[1B]──[2A]──[3D]──[4C]──[5A]┬─[6C]──[7B]┬─[8A]──[9B]──[10A]◄ABCD   work 4.0M
                              └─(6D)      └─(8D)──(9C)               stale

 ╭─ REORG on C D · 2 out (9C 8D) · 3 in (8A 9B 10A) · 800 ms after heal ──────╮
 │ Fork point 7B. UNDONE: alice → dave 20 (…a91f3c), its coin is spent in 8A  │
 │ by alice → carol 20 (…0ca401)                                              │
 ╰─ Enter compare branches · t follow payment · Esc ──────────────────────────╯
═ nodes ════════════════════════════════════════════════════════════════════════`.slice(1),
    );
    expect(s.screen(80, 24)[18]?.trimEnd()).toBe(
      '   A unknown, coin gone in 8A   B same   C UNDONE, coin gone in 8A   D same',
    );
  });

  it('moves flags cell by cell: down to the fork point, then up the new branch', () => {
    const s = reorged(false);
    const seen = [rows(s)];
    while (hop(s.state)) seen.push(rows(s));
    seen.push(rows(s));
    expect(seen.map(([top, low]) => [top?.slice(42), low?.slice(42)].join(' / '))).toEqual([
      // Both still stand on 9C, then on 8D, on 7B, and climb.
      '┬─[8A]──[9B]──[10A]◄AB   work 4.0M  leads by 400k / └─[8D]──[9C]◄CD          work 3.6M',
      '┬─[8A]──[9B]──[10A]◄AB   work 4.0M / └─[8D]─◄(9C)             stale  CD at 8D',
      '┬◄[8A]──[9B]──[10A]◄AB   work 4.0M  CD at 7B / └─(8D)──(9C)             stale',
      '┬─[8A]─◄[9B]──[10A]◄AB   work 4.0M  CD at 8A / └─(8D)──(9C)             stale',
      '┬─[8A]──[9B]─◄[10A]◄AB   work 4.0M  CD at 9B / └─(8D)──(9C)             stale',
      '┬─[8A]──[9B]──[10A]◄ABCD   work 4.0M / └─(8D)──(9C)               stale',
    ]);
  });

  it('asks on the line above the keys, and says there what went wrong', () => {
    const s = cutStory(yard());
    s.state.prompt = { ask: 'mine', label: 'blocks on A', fallback: '1', text: '3' };
    expect(
      s
        .screen(80, 24)
        .slice(-2)
        .map((l) => l.trimEnd()),
    ).toEqual([' blocks on A: [1] 3▏', ' Enter takes it · Esc does not']);
    s.state.prompt = undefined;
    s.state.notice = "no node 'X' in this yard · There is A, B, C, D.";
    expect(s.screen(80, 24).at(-2)?.trimEnd()).toBe(" no node 'X' in this yard · There is A, B, C, D.");
  });

  it('is only ASCII where that is wanted, cell for cell', () => {
    const s = reorged();
    const [plain, box] = [s.screen(80, 24, true), s.screen(80, 24)];
    expect(plain.join('')).toMatch(/^[ -~]+$/);
    expect(plain.map((l) => l.length)).toEqual(box.map((l) => l.length));
    expect(plain[4]?.trimEnd()).toBe(
      ' -[1B]--[2A]--[3D]--[4C]--[5A]+-[6C]--[7B]+-[8A]--[9B]--[10A]<ABCD   work 4.0M',
    );
  });

  it('fills every size exactly, and says so where nothing can be shown', () => {
    const s = reorged();
    for (const focus of ['tree', 'nodes', 'payment', 'log'] as const) {
      s.state.focus = focus;
      for (const [columns, rows] of [
        [40, 10],
        [60, 15],
        [80, 24],
        [100, 30],
        [119, 60],
        [140, 32],
        [200, 70],
        [20, 5],
      ] as const) {
        for (const details of [
          undefined,
          { title: 'block', lines: ['a sentence '.repeat(40)], foot: 'Esc' },
        ]) {
          s.state.details = details;
          const screen = s.screen(columns, rows);
          expect([screen.length, ...new Set(screen.map((l) => l.length))]).toEqual([rows, columns]);
          if (rows >= 10) expect(screen.join('\n')).toContain('10A');
          else expect(screen.join('\n')).toContain('make it 80×24'.slice(0, 10));
        }
      }
    }
  });

  it('keeps what peers say from steering the terminal', () => {
    const s = cutStory(yard());
    const fault = { peer: 'ff', rule: 'bad-encoding', detail: '\u001b[2J\u0007漢 e\u0301', banned: false };
    s.tell('A', { kind: 'fault', ...fault });
    const text = s.screen(120, 24).join('\n');
    expect(text).toContain('bad-encoding (?[2J?? e?)');
  });

  it('says that nodes are down, held, behind, and that the launcher is silent', () => {
    const s = cutStory(yardOf('ABCD'));
    s.tell('', { kind: 'heal' });
    s.tell('', { kind: 'process', what: 'killed', of: 'C', code: null, signal: 'SIGKILL' });
    s.tell('', { kind: 'process', what: 'killed', of: 'D', code: null, signal: 'SIGKILL' });
    s.block('11B', '10A', 'B');
    s.wait(2_000);
    const info = infoOf(s.state, 'A', 'B', 5);
    const held = { ...info, mining: { ...info.mining, held: true, rate: 0 } };
    s.state.infos = new Map([['A', held]]);
    s.state.connected = false;
    const [head, agree] = s.screen(110, 24);
    expect(head?.trimEnd()).toBe(
      ' forkyard  lab · 4 nodes · pace 2s · delay 400ms   DOWN C D   HELD   no word from the launcher',
    );
    expect(agree).toContain('AGREE  NO: 2 answers, only lag (A behind)');
    expect(s.screen(80, 24)).toContainEqual(expect.stringMatching(/^ {3}C +- .* down *$/));
  });

  it('folds to fewer branches where rows are few, and keeps the best and the selected in sight', () => {
    const s = new Story(yardOf('ABCDEFGH'));
    s.block('1A', 'g', 'ABCDEFGH');
    for (const miner of 'ABCDEFGH') s.block(`2${miner}`, '1A', miner);
    s.block('3G', '2G', 'ABCDEFGH');
    s.wait(0);
    const low = s.screen(80, 16).slice(3, 8);
    expect(low.map((l) => l.trimEnd()).join('\n')).toBe(
      `
   1     2     3
 ─[1A]┬─(2A)                  stale
      ├─(2B)                  stale
      └─[2G]──[3G]◄ABCDEFGH   work 1.2M
 +5 stale`.slice(1),
    );
  });

  it('tells a block in plain words, over the panes that it does not speak of', () => {
    const s = cutStory(yard());
    const client = new YardClient('/nowhere', s.state.yard);
    s.state.focus = 'tree';
    s.state.block = id('8D');
    s.state.details = detailsOf(s.state, client);
    expect(
      s
        .screen(80, 24)
        .slice(3, 16)
        .map((l) => l.trimEnd())
        .join('\n'),
    ).toBe(
      `
 height   4     5     6     7     8     9     10
 ┄3 more┄[4C]──[5A]┬─[6C]──[7B]┬─[8A]──[9B]──[10A]◄AB   work 4.0M  leads by 400k
                   └─(6D)      └▸[8D]──[9C]◄CD          work 3.6M



 ╭─ 8D …00008d ───────────────────────────────────────────────────────────────╮
 │ Height 8, found by D at 12:40:18 after 300 thousand tries (900 ms).        │
 │ 1 payment: alice → dave 20 (…a91f3c).                                      │
 │ C had it 0 ms later, A B have not heard of it.                             │
 │ On the branch of C D (2 confirmations); not of A B.                        │
 │ Work 3.2M up to here. Parent 7B; built on it: 9C.                          │
 ╰─ arrows another block · Esc closes ────────────────────────────────────────╯`.slice(1),
    );
  });
});

/** After the cut: healed, and C and D reorganised. */
function reorged(arrived = true): Story {
  const s = cutStory(yard());
  s.wait(1_000);
  s.tell('', { kind: 'heal' });
  s.wait(800);
  const lost = { txid: id('a91f3c'), by: id('ca401'), block: id('8A') };
  for (const node of 'CD') s.reorg(node, '7B', ['9C', '8D'], ['8A', '9B', '10A']);
  for (const node of 'CD') s.tell(node, { kind: 'tx-lost', ...lost });
  if (arrived) s.wait(0);
  return s;
}

function rows(s: Story): (string | undefined)[] {
  return s
    .screen(110, 30)
    .slice(4, 6)
    .map((l) => l.trimEnd());
}
