import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseNetworks } from '../../src/consensus/params/params.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { CHECK_MS, formatSettings, SimRun } from '../../src/page/sim/run.ts';
import { BROWSER, openBrowser } from './browser.ts';
import { eventually, forkyard, type Staying, stay } from './yard-helpers.ts';

/** The page of one yard of four real nodes: what the server refuses, and what a person sees who clicks. */

let dir: string;
let up: Staying;
let link: string;
let base: string;
let token: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-page-'));
  up = stay(dir, 'up -n 4 --network lab --pace 800ms');
  link = await eventually(
    () => /http:\/\/127\.0\.0\.1:\d+\/#k=[\w-]+/.exec(up.output())?.[0],
    () => up.output(),
  );
  [base, token] = link.split('/#k=') as [string, string];
});

afterAll(async () => {
  if (up.child.exitCode === null && up.child.signalCode === null) {
    up.child.kill('SIGTERM');
    await up.ended;
  }
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function raise(): never {
  throw new Error('genesis.json cannot be read');
}

/** A request with any Host header, which fetch would not send. */
function ask(path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = request(
      `${base}${path}`,
      { method: body === undefined ? 'GET' : 'POST', headers },
      (got) => {
        const chunks: Buffer[] = [];
        got.on('data', (chunk: Buffer) => chunks.push(chunk));
        got.on('end', () =>
          done({ status: got.statusCode ?? 0, headers: got.headers, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

describe('the server of the page', () => {
  const mine = JSON.stringify({ verb: 'partition', fields: { groups: 'AB/CD' }, dry: true });

  it('guards every action with the token of this run', async () => {
    const without = await ask('/action', {}, mine);
    expect([without.status, without.body]).toEqual([403, expect.stringContaining('open the link')]);
    const wrong = { 'x-forkyard-token': token.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')) };
    expect((await ask('/action', wrong, mine)).status).toBe(403);
    const right = { 'x-forkyard-token': token };
    expect((await ask('/action', { ...right, origin: 'http://example.org' }, mine)).status).toBe(403);
    const planned = await ask('/action', right, mine);
    expect(planned.status).toBe(200);
    expect(JSON.parse(planned.body)).toEqual({ plan: expect.stringContaining('Cut A B | C D: 4 links') });
  });

  it('answers only to a loopback name, and lets nothing foreign run', async () => {
    expect((await ask('/', { host: 'evil.example' })).status).toBe(403);
    expect((await ask('/../../etc/passwd')).status).toBe(404);
    const page = await ask('/');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(page.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('says in one sentence what is wrong with an action', async () => {
    const right = { 'x-forkyard-token': token };
    const cases: readonly (readonly [object, string])[] = [
      [{ verb: 'partition', fields: { groups: 'AB/C' } }, 'node D is in no group'],
      [{ verb: 'partition', fields: {} }, 'groups is missing'],
      [{ verb: 'mine', fields: { node: 'A', blocks: '-3' } }, 'blocks must be a whole number from 1 to 1000'],
      [{ verb: 'send', fields: { from: 'alice', to: 'bob', amount: 'much' } }, 'much'],
    ];
    for (const [body, sentence] of cases) {
      const { problem } = JSON.parse((await ask('/action', right, JSON.stringify(body))).body);
      expect(problem).toContain(sentence);
    }
    const rubbish = [
      '{"verb":"explode"}',
      '{"verb":"mine","fields":{"node":"A","blocks":{"toString":1,"valueOf":1}}}',
      '{"verb":"hold","fields":{"node":"A"}}',
    ];
    for (const body of [
      '',
      'null',
      '{"verb":7}',
      '{"verb":"mine","fields":[]}',
      'x'.repeat(20_000),
      ...rubbish,
    ]) {
      const refused = await ask('/action', right, body);
      expect([refused.status, refused.body]).toEqual([400, expect.stringMatching(/^[\x20-\x7e…]+\n$/)]);
    }
  });

  it('streams the log without a gap from any number on', async () => {
    const log = await eventually(
      async () => {
        const lines = (await ask('/log')).body.split('\n').filter((l) => l.endsWith('}'));
        return lines.length > 40 && lines.map((l) => JSON.parse(l) as LogEvent);
      },
      () => up.output(),
    );
    const after = log[9]!.seq;
    // A browser that lost its connection says so in a header, which counts more than the address.
    const again = { 'last-event-id': String(after) };
    const response = await fetch(`${base}/events?after=1`, { headers: again });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while ((text.match(/^id: /gm) ?? []).length < log.length) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
    }
    await reader.cancel();
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((m) => Number(m[1]));
    expect(ids.length).toBeGreaterThanOrEqual(log.length - 10);
    expect(ids).toEqual(ids.map((_, i) => after + 1 + i));
  });
});

if (BROWSER === undefined) {
  process.stderr.write(
    'SKIPPED: the page in a real browser: no Chromium here. Get it: apt-get install chromium, or set FORKYARD_BROWSER=/path/to/chrome\n',
  );
}

describe.skipIf(BROWSER === undefined)('the page in Chromium', () => {
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(300_000);
    page.on('pageerror', (error) => faults.push(String(error.stack)));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
  });

  afterAll(async () => {
    await browser?.close();
  });

  const flagAt = (node: string) => page.locator(`[data-flag="${node}"]`).getAttribute('data-at');

  it('only looks on without the token', async () => {
    await page.goto(base);
    await page.getByText('view only: to act, open the link').waitFor();
    expect(await page.getByRole('button', { name: 'Cut' }).isDisabled()).toBe(true);
  });

  it('shows the tree, takes the token out of the address, and keeps it over a reload', async () => {
    await page.goto('about:blank');
    await page.goto(link);
    await page.locator('[data-block]').nth(3).waitFor();
    expect(page.url()).toBe(`${base}/`);
    await page.reload();
    await page.getByText('AGREE').waitFor();
    expect(await page.getByRole('button', { name: 'Mine' }).isEnabled()).toBe(true);
  });

  it('asks in a dialog that keeps the focus until it closes, and gives it back', async () => {
    const dialogs = page.getByRole('dialog');
    const mine = page.getByRole('button', { name: 'Mine' });
    await mine.click();
    await page.getByRole('dialog', { name: 'Mine' }).waitFor();
    const places = new Set<string>();
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');
      places.add(await page.evaluate<string>("document.activeElement.closest('dialog, body').tagName"));
      // A letter opens no other dialog while this one asks.
      await page.keyboard.press('c');
    }
    // Between its last field and its first, Tab passes the browser's own controls.
    expect([...places].toSorted()).toEqual(['BODY', 'DIALOG']);
    expect(await dialogs.count()).toBe(1);
    await page.keyboard.press('Escape');
    await dialogs.waitFor({ state: 'detached' });
    await page.locator('button:focus', { hasText: 'Mine' }).waitFor();

    await page.keyboard.press('p');
    const pay = page.getByRole('dialog', { name: 'Pay' });
    await pay.getByLabel('coins').click();
    const block = (await page.locator('[data-block]').first().boundingBox())!;
    await page.mouse.click(block.x + 5, block.y + 5);
    await dialogs.waitFor({ state: 'detached' });
    expect(await page.locator('.drawer').count()).toBe(0);
  });

  it('cuts by typing: two branches on two grounds', async () => {
    await page.keyboard.press('c');
    const groups = page.getByLabel('groups');
    await groups.fill('ABC');
    await page.getByText('node D is in no group').waitFor();
    expect(await page.locator('.dialog button[type=submit]').isDisabled()).toBe(true);
    await groups.fill('AB/CD');
    await page.getByText('Cut A B | C D: 4 links').waitFor();
    await page.locator('.dialog button[type=submit]').click();
    await page.locator('[data-cut="AB|CD"]').waitFor({ state: 'attached' });
    await page.locator('.badge.cut', { hasText: 'CUT AB|CD' }).waitFor();
    await page.getByText('no messages cross', { exact: true }).waitFor();

    await page.keyboard.press('d');
    await page.getByText('alice spends one coin twice').waitFor();
    await page.locator('.dialog button[type=submit]').click();
    await page.getByText('accepted by C D').first().waitFor();

    // Two branches: both sides have found blocks of their own, and each side's flags stand together.
    await eventually(
      async () => (await page.locator('.ground').count()) === 2,
      () => 'two grounds',
    );
    await page.getByText('AGREE: NO, 2 answers, conflict').waitFor();
    await eventually(
      async () => (await flagAt('A')) === (await flagAt('B')) && (await flagAt('A')) !== (await flagAt('D')),
      () => 'flags of A and B together, D elsewhere',
    );
  });

  it('heals by a click: the losing branch turns stale, and the reorg is told', async () => {
    // A payment must be deep enough on both sides to be undone on one.
    await page
      .locator('[data-lane="A"][data-state="confirmed"], [data-lane="C"][data-state="confirmed"]')
      .first()
      .waitFor();
    // Both nodes of the losing side leave one tip only if nobody finds a block meanwhile. A tie is mined on.
    const miners = page.getByTitle('Hold or release all miners (space)');
    await eventually(
      async () => {
        await miners.click();
        await page.getByRole('button', { name: 'Release', exact: true }).waitFor();
        await eventually(
          async () =>
            (await flagAt('A')) === (await flagAt('B')) && (await flagAt('C')) === (await flagAt('D')),
          () => 'each side on one tip',
        );
        if ((await page.getByText(/leads by/).count()) > 0) return true;
        await miners.click();
        await page.getByRole('button', { name: 'Hold', exact: true }).waitFor();
        return false;
      },
      () => 'one side leads',
    );
    await page.getByRole('button', { name: 'Heal' }).click();
    await page.getByText(/REORG on (?:A and B|C and D)/).waitFor();
    await miners.click();
    expect(await page.locator('.scene').textContent()).toMatch(/REORG on .*\d+ out · \d+ in.*fork point/);
    await page.locator('[data-state=stale]').first().waitFor();
    await page.locator('[data-chip=reorg]').waitFor();
    await page.getByText('AGREE yes').waitFor();
    await page.locator('[data-cut]').waitFor({ state: 'detached' });
  });

  it('tells a block in plain words', async () => {
    await page.locator('[data-state=stale]').first().click();
    const drawer = page.locator('.drawer');
    expect(await drawer.textContent()).toMatch(/Stale: honest work.*forkyard block [0-9a-f]{6}/);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
  });

  it('lays the tree out by time: the address says so, and each block stands at its moment', async () => {
    await page.keyboard.press('v');
    await page.locator('.time-lines').waitFor({ state: 'attached' });
    expect(page.url()).toBe(`${base}/#view=time`);
    await page.reload();
    await page.locator('.time-lines').waitFor({ state: 'attached' });
    expect(await page.getByRole('button', { name: 'by time' }).getAttribute('aria-pressed')).toBe('true');
    // Who found a block had it first, the others have it a little behind.
    await page.locator('.spread circle').first().waitFor({ state: 'attached' });
    // Of one branch only: what two sides of a cut found has no common order.
    const places = await page.locator('[data-block][data-state=kept]').evaluateAll((blocks) =>
      blocks.map((block) => ({
        height: Number.parseInt(block.getAttribute('data-block') ?? '', 10),
        x: Number(/translate\(([\d.]+)/.exec(block.getAttribute('transform') ?? '')?.[1]),
      })),
    );
    const [low, ...rest] = [...places].sort((a, b) => a.height - b.height);
    expect(rest.length).toBeGreaterThan(2);
    for (const { height, x } of rest) if (height > low!.height) expect(x).toBeGreaterThan(low!.x);
    await page.getByRole('button', { name: 'by height' }).click();
    await page.locator('.time-lines').waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${base}/`);
  });

  it('goes back in time: the address names the event, actions are off', async () => {
    await page.keyboard.press('Shift+ArrowLeft');
    await page.getByRole('button', { name: 'go live' }).waitFor();
    const there = page.url();
    expect(there).toMatch(/#e=\d+$/);
    expect(await page.getByRole('button', { name: 'Mine' }).isDisabled()).toBe(true);
    const scene = await page.locator('.scene .title').textContent();
    await page.reload();
    await page.locator('.scene').waitFor();
    expect([page.url(), await page.locator('.scene .title').textContent()]).toEqual([there, scene]);
    await page.getByRole('button', { name: 'go live' }).click();
    await page.getByText('LIVE').waitFor();
  });

  it('cuts off a node that is dragged over the seam, and takes it back', async () => {
    const network = page.locator('.network');
    const drag = async (node: string, toSide: number) => {
      const circle = page.locator(`[data-node="${node}"] circle`);
      // Waits until it stands still: a cut gives every node another place.
      await circle.hover();
      const from = (await circle.boundingBox())!;
      const area = (await network.boundingBox())!;
      await page.mouse.down();
      await page.mouse.move(from.x, area.y + area.height * toSide, { steps: 5 });
      await page.mouse.up();
    };
    await drag('D', 0.75);
    await page.locator('.badge.cut', { hasText: 'CUT ABC|D' }).waitFor();
    await page.getByText('3 links cut: no messages cross').waitFor();
    await drag('D', 0.25);
    await page.locator('.badge.cut').waitFor({ state: 'detached' });
    await page.getByText('AGREE yes').waitFor();
  });

  it('lives on in one file that opens from disk', async () => {
    const ran = await forkyard(dir, 'export run.html --json');
    expect(ran.code).toBe(0);
    const { lastReorg, gzipped } = JSON.parse(ran.stdout) as { lastReorg: number; gzipped: number };
    expect(gzipped).toBeLessThan(1_000_000);
    const file = await browser.newPage({ viewport: { width: 390, height: 844 } });
    const outside: string[] = [];
    file.on('request', (sent) => {
      if (!sent.url().startsWith('file:')) outside.push(sent.url());
    });
    file.on('pageerror', (error) => faults.push(String(error.stack)));
    await file.goto(`${pathToFileURL(join(dir, 'run.html')).href}#e=${lastReorg}`);
    await file.locator('.scene').waitFor();
    await file.locator('[data-state=stale]').first().waitFor();
    await file.getByText('a recorded run').waitFor();
    // On a phone too, and at the same event.
    await file.getByRole('button', { name: 'by time' }).click();
    await file.locator('.time-lines').waitFor({ state: 'attached' });
    expect(file.url()).toMatch(new RegExp(`#view=time&e=${lastReorg}$`));
    expect(outside.filter((url) => !url.startsWith('data:'))).toEqual([]);
    await file.close();
  });

  it('is a simulator without a server: the same trace as here, and a cut that ends in a reorg', async () => {
    const saved = await forkyard(dir, 'simulator simulator.html --json');
    expect(saved.code).toBe(0);
    const networks = parseNetworks(
      JSON.parse(readFileSync(join(import.meta.dirname, '../../genesis.json'), 'utf8')),
    );
    const settings = { seed: 'test', nodes: 4, delayMs: 400, paceMs: 2_000 };
    const here = new SimRun(networks.ok ? networks.value.get('lab')! : raise(), settings, () => undefined);
    here.run(CHECK_MS + 1);
    const tab = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    tab.setDefaultTimeout(300_000);
    tab.on('pageerror', (error) => faults.push(String(error.stack)));
    await tab.goto(`${pathToFileURL(join(dir, 'simulator.html')).href}#${formatSettings(settings)}`);
    await tab.getByRole('button', { name: '100×' }).click();
    await tab.locator('[data-check]').waitFor();
    expect(await tab.locator('[data-check]').getAttribute('data-check')).toBe(here.check);
    await tab.keyboard.press('v');
    expect(tab.url()).toMatch(/#seed=test&.*&view=time$/);
    await tab.locator('.time-lines').waitFor({ state: 'attached' });
    await tab.keyboard.press('v');

    await tab.getByRole('button', { name: 'Cut' }).click();
    await tab.locator('.dialog button[type=submit]').click();
    await tab.getByText('AGREE: NO, 2 answers, conflict').waitFor();
    await tab.getByRole('button', { name: 'Heal' }).click();
    // The action's own line: at a hundred times the scene is soon another reorg's.
    await tab.locator('.progress', { hasText: /all agree on .* after .*; [A-D ]+ reorg depth \d/ }).waitFor();
    await tab.locator('.scene').waitFor();
    await tab.close();
  });

  it('has met no error in the browser', () => {
    expect(faults).toEqual([]);
  });
});
