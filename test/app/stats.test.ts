import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { render } from '../../src/app/node/metrics.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { createYard } from '../../src/lab/launcher/create.ts';
import { LogWriter } from '../observe/log-writer.ts';
import { CommandLine } from './command-line.ts';

const cli = new CommandLine();

interface Printed {
  readonly whole: object;
  readonly log: object;
  readonly epochs: readonly { readonly basis: { readonly kind: string }; readonly rows: readonly object[] }[];
}

function json(): Printed {
  return JSON.parse(cli.stdout) as Printed;
}

const text = (events: readonly LogEvent[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');

/** 40 blocks by A and B in turn, 100 ms apart; every tenth height has two. Then a cut with one block. */
function log(): LogWriter {
  const writer = new LogWriter().at(1_000).yard('AB').start('AB', 'g', 100);
  for (let i = 1; i <= 40; i++) {
    const [miner, other] = i % 2 === 0 ? ['A', 'B'] : ['B', 'A'];
    writer.at(i * 1_000 + 1_000);
    if (i % 10 === 0) writer.find(other!, `s${i}`);
    writer
      .mine(miner!, `m${i}`)
      .at(i * 1_000 + 1_100)
      .take(other!, `m${i}`);
  }
  writer.at(50_000);
  for (const [node, peer] of ['AB', 'BA'])
    writer.tell(node!, { kind: 'links', refuse: [`peer-${peer}`], delayMs: 100 });
  writer.tell('', { kind: 'partition', groups: [['A'], ['B']] });
  return writer.at(51_000).mine('A', 'c1').at(52_000).tell('', { kind: 'action', text: 'end' });
}

describe('stats --log', () => {
  it('prints the latest epoch, the whole run, and one sentence', async () => {
    writeFileSync(join(cli.dir, 'run.jsonl'), text(log().events));
    expect(await cli.run('stats --log run.jsonl')).toBe(0);
    expect(cli.stdout).toContain('Epoch 2, going on: cut A|B · 2.0 s · 1 block, one every 2.0 s');
    expect(cli.stdout).toContain('no closed form here (a cut is open); only a simulation can predict this');
    expect(cli.stdout).toMatch(/^Whole run, 2 epochs/m);
    expect(cli.stdout).toMatch(/^ {2}stale blocks +8\.9 % \(4 of 45\) +45 blocks +3\.5–21 %$/m);
    expect(cli.stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^0 of 1 blocks ended on nobody's branch; .* 0 of 2\.0 s/,
    );
  });

  it('shows measured beside predicted, with N, SE and the formula, where one holds', async () => {
    writeFileSync(join(cli.dir, 'run.jsonl'), text(log().events));
    expect(await cli.run('stats --log run.jsonl --epoch 1')).toBe(0);
    expect(cli.stdout).toMatch(/MEASURED +PREDICTED +N +95 % +FORMULA$/m);
    expect(cli.stdout).toMatch(
      /^ {2}stale blocks +9\.1 % \(4 of 44\) +4\.1 % +44 blocks +3\.6–21 % +x\/\(2\(1\+x\)\)$/m,
    );
    expect(cli.stdout).toMatch(
      /^ {2}D0 {2}two nodes differ at the tip +0 % \(0 of 49 s\) +\S+ % +44 blocks/m,
    );
    expect(cli.stdout).toContain('mined → body  100 ms · 90 % 100 ms · 99 % 100 ms · longest 100 ms (40)');
    expect(cli.stdout).toContain('predicted for two clusters: x = λd = 0.09');
    expect(cli.stdout).toContain('blocks / stale  A 20 / 0 · B 24 / 4');
    expect(await cli.run('stats --log run.jsonl --epoch all')).toBe(0);
    expect(cli.stdout.match(/^Epoch \d/gm)).toEqual(['Epoch 1', 'Epoch 2']);
  });

  it('gives one object with --json', async () => {
    writeFileSync(join(cli.dir, 'run.jsonl'), text(log().events));
    expect(await cli.run('stats --log run.jsonl --epoch all --json')).toBe(0);
    const { whole, epochs, log: reading } = json();
    expect(whole).toMatchObject({ blocks: 45, stale: 4, forkedHeights: 4 });
    expect(epochs.map((e) => e.basis.kind)).toEqual(['two-clusters', 'none']);
    expect(epochs[0]!.rows[0]).toMatchObject({ name: 'stale blocks', n: 44, formula: 'x/(2(1+x))' });
    expect(reading).toMatchObject({ torn: false, skipped: 0, events: log().events.length });
  });

  it('leaves out a torn last line and what is no event, and says so', async () => {
    const whole = text(log().events);
    writeFileSync(
      join(cli.dir, 'run.jsonl'),
      `not json\n{"v":1,"t":"noon","node":"A","kind":"tip"}\n${whole.slice(0, -30)}`,
    );
    expect(await cli.run('stats --log run.jsonl')).toBe(0);
    expect(cli.stdout).toMatch(/^The last line of the log is torn/);
    expect(cli.stdout).toContain('2 lines of the log are not events and are left out:');
    expect(cli.stdout).toContain('  run.jsonl line 1: not JSON (bad-json)');
    expect(cli.stdout).toMatch(
      /^ {2}run\.jsonl line 2: seq of tip must be a whole number from 0 to \d+, not nothing \(bad-field\)$/m,
    );
    expect(cli.stdout).toContain('1 block, one every');
    // A last line that only lacks its newline is whole.
    writeFileSync(join(cli.dir, 'run.jsonl'), whole.trimEnd());
    expect(await cli.run('stats --log run.jsonl')).toBe(0);
    expect(cli.stdout).not.toContain('torn');
  });

  it('refuses what it cannot read, with a sentence', async () => {
    expect(await cli.run('stats --log nowhere.jsonl')).toBe(3);
    expect(cli.stderr).toMatch(/^forkyard: no log at .*nowhere\.jsonl/);
    writeFileSync(join(cli.dir, 'empty.jsonl'), '');
    expect(await cli.run('stats --log empty.jsonl')).toBe(1);
    expect(cli.stderr).toContain('holds no event');
    mkdirSync(join(cli.dir, 'folder'));
    expect(await cli.run('stats --log folder')).toBe(3);
    expect(cli.stderr).toContain('cannot read');
    writeFileSync(join(cli.dir, 'run.jsonl'), text(log().events));
    expect(await cli.run('stats --log run.jsonl --epoch 9')).toBe(2);
    expect(cli.stderr).toContain("'9' is not all or the number of an epoch");
    expect(cli.stderr).toContain('There is 1, 2.');
  });
});

describe('stats of a yard', () => {
  it('reads its merged log, rotated part first, also when it is stopped', async () => {
    expect(await cli.run('stats')).toBe(3);
    expect(cli.stderr).toContain('no yard here');
    mkdirSync(join(cli.dir, '.forkyard'));
    createYard(join(cli.dir, '.forkyard'), cli.options.programPath, { network: 'lab', label: 'mine' });
    expect(await cli.run('stats')).toBe(3);
    expect(cli.stderr).toContain('has no log yet');
    const { events } = log();
    writeFileSync(join(cli.dir, '.forkyard', 'yard.1.jsonl'), text(events.slice(0, 100)));
    writeFileSync(join(cli.dir, '.forkyard', 'yard.jsonl'), text(events.slice(100)));
    expect(await cli.run('stats --json')).toBe(0);
    expect(json().whole).toMatchObject({ blocks: 45, stale: 4, to: 52_000 });
    // A line that another process is just writing.
    appendFileSync(join(cli.dir, '.forkyard', 'yard.jsonl'), '{"v":1,"seq":');
    expect(await cli.run('stats')).toBe(0);
    expect(cli.stdout).toContain('is torn');
  });
});

describe('the text for Prometheus', () => {
  it('has HELP and TYPE once a name, and escapes labels', () => {
    const sample = (value: number, labels: Record<string, string>) => ({
      name: 'forkyard_peers',
      type: 'gauge' as const,
      help: 'Peers.',
      values: [['', labels, value] as const],
    });
    expect(render([sample(1, { a: 'x"y\\z\n' }), sample(2.5, {})])).toBe(
      '# HELP forkyard_peers Peers.\n# TYPE forkyard_peers gauge\n' +
        'forkyard_peers{a="x\\"y\\\\z\\n"} 1\nforkyard_peers 2.5\n',
    );
  });
});
