import { emitKeypressEvents, type Interface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../src/app/tui/commands.ts';
import { type Controls, press } from '../../src/app/tui/controls.ts';
import { type Key, keypressListener } from '../../src/app/tui/keys.ts';
import { Painter } from '../../src/app/tui/paint.ts';
import { sampleLanes } from '../../src/app/tui/reduce.ts';
import { line } from '../../src/app/tui/screen.ts';
import { YardClient } from '../../src/lab/client/client.ts';
import { cutStory, id, type Story } from './tui-rig.ts';

describe('keys', () => {
  let stdin: PassThrough;
  let found: string[];

  /** As `Terminal` does it, with a second instead of 50 ms: a busy machine is slower than a line. */
  beforeEach(() => {
    stdin = new PassThrough();
    found = [];
    emitKeypressEvents(stdin, { escapeCodeTimeout: 1_000 } as unknown as Interface);
    stdin.on(
      'keypress',
      keypressListener((k) => found.push(k.kind === 'char' ? k.char : k.kind)),
    );
  });

  /** The keys of these pieces, which come one after the other. */
  async function keys(...pieces: (string | Buffer)[]): Promise<string[]> {
    found = [];
    for (const piece of pieces) {
      stdin.write(piece);
      await setTimeout(1);
    }
    return found;
  }

  it('are arrows in both dialects, control keys and letters', async () => {
    expect(
      await keys('\u001b[A\u001bOB\u001b[C\u001b[Dm\r\n\t\u001b[Z\u007f\b\u0003\u0004\u001a\u000c/ Ä🙂'),
    ).toEqual([
      ...['up', 'down', 'right', 'left', 'm', 'enter', 'enter', 'tab', 'back-tab', 'backspace', 'backspace'],
      ...['interrupt', 'interrupt', 'suspend', 'redraw', '/', ' ', 'Ä', '🙂'],
    ]);
    expect(
      await keys('\u001b[H\u001b[F\u001bOH\u001bOF\u001b[1~\u001b[4~\u001b[7~\u001b[8~\u001b[5~\u001b[6~'),
    ).toEqual([...['home', 'end', 'home', 'end', 'home', 'end', 'home', 'end', 'page-up', 'page-down']]);
  });

  it('come over a slow line in pieces, cut anywhere', async () => {
    expect(await keys('x\u001b', '[5~q')).toEqual(['x', 'page-up', 'q']);
    expect(await keys('\u001b[', '5', '~', '\u001bO', 'A', 'm')).toEqual(['page-up', 'up', 'm']);
    const bytes = Buffer.from('é🙂');
    expect(await keys(...Array.from(bytes, (b) => Buffer.of(b)))).toEqual(['é', '🙂']);
  });

  it('are a pasted text letter by letter', async () => {
    expect((await keys('\u001b[200~A-C 200ms\u001b[201~\r')).join(' ')).toBe('A - C   2 0 0 m s enter');
  });

  it('Escape alone is one when nothing follows for a moment, and before a letter it is one of two', async () => {
    expect(await keys('\u001b')).toEqual([]);
    await expect.poll(() => found).toEqual(['escape']);
    expect(await keys('\u001bz\u001bQ\u001b.\u001b\r\u001b\u0003')).toEqual([
      ...['escape', 'z', 'escape', 'Q', 'escape', '.', 'escape', 'enter', 'escape', 'interrupt'],
    ]);
    expect(await keys('\u001b\u001b[A')).toEqual(['escape', 'up']);
    await keys('\u001b\u001b');
    await expect.poll(() => found).toEqual(['escape', 'escape']);
  });

  it('that are not known are dropped whole', async () => {
    expect(await keys('\u001b[1;5Ca')).toEqual(['a']);
    // F5, shift and F5, a mouse, a report of the cursor and of the terminal, modifyOtherKeys, the console's F1.
    const unknown = [
      '[15~',
      '[15;2~',
      '[<0;35;10M',
      '[<0;35;10m',
      '[12;40R',
      '[?1;2c',
      '[27;5;109~',
      '[[A',
      'OP',
    ];
    for (const sequence of unknown) expect(await keys(`\u001b${sequence}a`)).toEqual(['a']);
    expect(await keys('\u001b[<0;3', '5;10M', 'a')).toEqual(['a']);
    expect(await keys('\u001b[?\u001b[A\u0000\u001fa')).toEqual(['up', 'a']);
  });
});

describe('painting', () => {
  const painter = () => new Painter({ colours: '256' });

  it('writes only cells that changed, and nothing when none did', () => {
    const p = painter();
    const screen = (a: string, b: string) => [line(a), line(b)];
    p.paint(screen('height 10 of many, many heights', 'second line'));
    expect(p.paint(screen('height 10 of many, many heights', 'second line'))).toBe('');
    expect(p.paint(screen('height 11 of many, many heights', 'second line'))).toBe(
      '\u001b[1;9H\u001b[0m1\u001b[0m',
    );
    // Two changes far apart are two jumps; the cells between them are left alone.
    expect(p.paint(screen('Height 11 of many, many heightS', 'second line'))).toBe(
      '\u001b[1;1H\u001b[0mH\u001b[1;31HS\u001b[0m',
    );
    p.forget();
    expect(p.paint(screen('a', 'b'))).toContain('\u001b[2;1Hb');
  });

  it('colours only what is said anyway, and not at all with NO_COLOR', () => {
    const flag = line('[8A]', { at: 1, length: 2, style: 'node:A' });
    expect(painter().paint([flag])).toBe('\u001b[1;1H\u001b[0m[\u001b[0;38;5;32m8A\u001b[0m]\u001b[0m');
    expect(new Painter({ colours: 'none' }).paint([flag])).toBe('\u001b[1;1H\u001b[0m[8A]\u001b[0m');
  });
});

interface Hand {
  readonly s: Story;
  readonly commands: Command[];
  readonly ends: string[];
  press(...keys: string[]): void;
}

/** Presses keys on the story's state: a name (`enter`, `up`) or single letters. */
function hand(owner = true): Hand {
  const s = cutStory();
  const state = owner ? s.state : { ...s.state, owner };
  const commands: Command[] = [];
  const ends: string[] = [];
  const controls: Controls = {
    client: new YardClient('/nowhere', s.state.yard),
    memory: new Map(),
    perform: (command) => commands.push(command),
    stopRunning: () => false,
    end: (how) => ends.push(how),
    suspend: () => ends.push('suspend'),
    redraw: () => ends.push('redraw'),
  };
  const named =
    /^(up|down|left|right|home|end|page-up|page-down|enter|tab|back-tab|backspace|escape|interrupt|suspend)$/;
  return {
    s,
    commands,
    ends,
    press(...keys) {
      for (const key of keys) {
        if (named.test(key)) press(state, { kind: key } as Key, controls);
        else for (const char of key) press(state, { kind: 'char', char }, controls);
      }
    },
  };
}

describe('what keys do', () => {
  it('runs the same actions as the command line, with the sentence that it prints', () => {
    const h = hand();
    h.press(
      ' ',
      'h',
      'm',
      'enter',
      'down',
      'm',
      '12',
      'enter',
      'c',
      'A/BCD',
      'enter',
      'r',
      '3 2',
      'enter',
      'k',
      'enter',
      'c',
      'A>B',
      'enter',
      'l',
      'A-C 200ms 20ms',
      'enter',
    );
    expect(h.commands.map((d) => d.action.plan)).toEqual([
      'Hold the miners of A B C D: no new blocks until `release`',
      expect.stringMatching(/open all links, wait until all agree$/),
      'Mine 1 block on A at 50 kH/s',
      'Mine 12 blocks on B at 50 kH/s',
      'Cut A | B C D: 3 links; no message crosses until `heal`',
      expect.stringContaining(
        'Undo the newest 3 blocks on every node: a branch of 5 beside them, with real work',
      ),
      expect.stringContaining('End node B with -9'),
      'Cut A>B in one direction: nothing that A sends there arrives until `heal`',
      'Shape A-C, what is sent from now on: 200 ms ± 20 ms one way, until `link --clear` (heal leaves it)',
    ]);
  });

  it('refuses in one line, in the log and above the keys, until the next key', () => {
    const h = hand();
    h.press('c', 'AB/C', 'enter');
    expect(h.commands).toEqual([]);
    expect(h.s.state.notice).toContain('node D is in no group');
    expect(h.s.state.log.at(-1)).toMatchObject({ from: 'error', text: h.s.state.notice });
    h.press('m', '0', 'enter');
    expect(h.s.state.notice).toContain("blocks must be a whole number from 1 to 100000, not '0'");
    h.press('p', 'alice bob', 'enter');
    expect(h.s.state.notice).toContain("'alice bob' is not understood; write alice bob 1.5");
    h.press('tab');
    expect(h.s.state.notice).toBe('');
  });

  it('shows its keys and the whole address of the page, until any key', () => {
    const h = hand();
    h.s.state.yard = { ...h.s.state.yard, page: 'http://127.0.0.1:8440/#k=7f3a' };
    h.press('?');
    const help = h.s.screen(80, 24).join('\n');
    expect(help).toContain(' Page: http://127.0.0.1:8440/#k=7f3a');
    for (const key of ['space', 'm ', 'p ', 'd ', 'c ', 'h ', 'r ', 'k ', 's ', 'l '])
      expect(help).toContain(` ${key} `);
    h.press('m');
    expect([h.s.state.help, h.s.state.prompt]).toEqual([false, undefined]);
  });

  it('takes back an answer with backspace and a question with Esc', () => {
    const h = hand();
    h.press('m', '55', 'backspace', 'enter', 'm', '9', 'escape', 'q', 'n');
    expect(h.commands.map((d) => d.action.plan)).toEqual(['Mine 5 blocks on A at 50 kH/s']);
    expect([h.s.state.prompt, h.ends]).toEqual([undefined, []]);
  });

  it('asks before it ends a yard, leaves one that it only watches, and obeys Ctrl-C and Ctrl-Z at once', () => {
    const own = hand();
    own.press('q');
    expect(own.s.state.prompt?.label).toBe('stop the yard? y or n');
    own.press('y', 'm', 'interrupt', 'suspend');
    expect(own.ends).toEqual(['quit', 'interrupt', 'suspend']);
    const other = hand(false);
    other.press('q');
    expect(other.ends).toEqual(['quit']);
  });

  it('walks the tree: along a branch, across to the other one, and back to the newest', () => {
    const h = hand();
    const at = () => h.s.state.forest.nameOf(h.s.state.block ?? '');
    h.press('back-tab', 'left');
    const seen = [at()];
    for (const key of ['left', 'left', 'down', 'right', 'up', 'left', 'left', 'left', 'right']) {
      h.press(key);
      seen.push(at());
    }
    expect(seen).toEqual(['10A', '9B', '8A', '8D', '9C', '9B', '8A', '7B', '6C', '7B']);
    h.press('enter');
    expect(h.s.state.details?.lines.join(' ')).toContain('built on it: 8A 8D');
    h.press('right');
    expect(h.s.state.details?.title).toContain('8A');
    h.press('escape', 'end');
    expect([h.s.state.details, h.s.state.block]).toEqual([undefined, undefined]);
  });

  it('keeps the reorg in sight until a key, compares its branches, follows its payment', () => {
    const h = hand();
    h.s.tell('', { kind: 'heal' });
    h.s.reorg('C', '7B', ['9C', '8D'], ['8A', '9B', '10A']);
    h.s.tell('C', { kind: 'tx-lost', txid: id('a91f3c'), by: id('ca401'), block: id('8A') });
    h.s.wait(60_000);
    expect(h.s.state.moment?.lost).toHaveLength(1);
    h.press('t');
    expect([h.s.state.payment, h.s.state.pinned, h.s.state.focus]).toEqual([id('a91f3c'), true, 'payment']);
    h.press('enter');
    expect(h.s.state.details?.lines).toContain('OUT 9C 8D: 1 payment, work 3.6M.');
    h.press('escape');
    h.s.reorg('D', '7B', ['9C', '8D'], ['8A', '9B', '10A']);
    expect(h.s.state.moment).toBeDefined();
    h.press('down');
    expect(h.s.state.moment).toBeUndefined();
  });

  it('filters the log by node, kind, payment and words, and scrolls it', () => {
    const h = hand();
    h.s.tell('C', { kind: 'tx-seen', txid: id('beef01'), fee: 1, vsize: 1, from: 'self' });
    const shown = () =>
      h.s
        .screen(119, 60)
        .filter((l) => /^[ ▸]12:40/.test(l))
        .map((l) => l.slice(11).trimEnd());
    h.press('/', 'node:C kind:mined', 'enter');
    expect(shown()).toEqual(['C found 9C …00009c after 300 thousand tries']);
    h.press('/', 'tx:ca401', 'enter');
    expect(shown()).toContain('A found 8A …00008a after 300 thousand tries');
    expect(shown()).toContain('A took payment …0ca401, fee 282 sat, and passes it on');
    h.press('/', 'kind:tx BEEF01', 'enter');
    expect(shown()).toEqual(['C took payment …beef01, fee 1 sat, and passes it on']);
    h.press('escape');
    const all = shown();
    h.press('tab', 'tab', 'up', 'up');
    expect(h.s.state.focus).toBe('log');
    expect(shown().at(-1)).toBe(all.at(-3));
    h.press('end');
    expect(shown()).toEqual(all);
  });

  it('chooses another payment and follows the newest again', () => {
    const h = hand();
    h.press('tab', 'up');
    expect([h.s.state.payment, h.s.state.pinned]).toEqual([id('ca401'), true]);
    h.s.tell('A', { kind: 'tx-seen', txid: id('beef01'), fee: 1, vsize: 1, from: 'self' });
    expect(h.s.state.payment).toBe(id('ca401'));
    h.press('end');
    h.s.tell('A', { kind: 'tx-seen', txid: id('beef02'), fee: 1, vsize: 1, from: 'self' });
    expect([h.s.state.payment, h.s.state.pinned]).toEqual([id('beef02'), false]);
  });

  it("draws a payment's lane: unknown, waiting, confirmations, undone", () => {
    const h = hand();
    const { s } = h;
    s.tell('C', { kind: 'tx-seen', txid: id('beef'), fee: 1, vsize: 1, from: 'self' });
    const step = (act: () => void) => {
      act();
      sampleLanes(s.state);
    };
    step(() => undefined);
    step(() => s.block('10C', '9C', 'CD', ['beef']));
    step(() => s.block('11D', '10C', 'CD'));
    s.reorg('C', '7B', ['11D', '10C', '9C', '8D'], ['8A', '9B', '10A']);
    step(() => s.tell('C', { kind: 'tx-lost', txid: id('beef') }));
    expect([s.state.lanes.get('A'), s.state.lanes.get('C')]).toEqual(['····', '░12✕']);
  });
});
