import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { SimRun, USUAL_SETTINGS } from '../../src/page/sim/run.ts';
import { cutPairs } from '../../src/util/topology.ts';
import { templates } from '../dsl/networks.ts';
import { start } from '../page/events.ts';
import { BROWSER, openBrowser } from './browser.ts';
import { HostilePageServer, type Mood, ROUTES } from './hostile-page-server.ts';
import { eventually } from './yard-helpers.ts';

/** The page in Chromium against a server that dies, freezes, refuses, answers rubbish, and comes back. */

const SIZES = [
  [1440, 900],
  [1280, 590],
  [390, 844],
] as const;
const BAD: readonly Mood[] = ['rubbish', 'html', 'refuse', 'drop', 'hang'];

const log: LogEvent[] = [];
const run = new SimRun(templates().get('lab')!, { ...USUAL_SETTINGS, seed: 'hostile' }, (e) => log.push(e));
run.run(60_000);
const { letters } = run.yard;

if (BROWSER === undefined) {
  process.stderr.write(
    'SKIPPED: the page against bad servers: no Chromium here. Get it: apt-get install chromium, or set FORKYARD_BROWSER=/path/to/chrome\n',
  );
}

describe.skipIf(BROWSER === undefined)('the page against a bad server', () => {
  let browser: Browser;
  let page: Page;
  let server: HostilePageServer;
  let port: number;
  let faults: string[];

  beforeAll(async () => {
    // A name that is not loopback, as over plain http from another machine.
    browser = await openBrowser('--host-resolver-rules=MAP yard.test 127.0.0.1');
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    server = new HostilePageServer(log, letters);
    port = await server.start();
    faults = [];
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(300_000);
    page.on('pageerror', (error) => faults.push(String(error.stack)));
  });

  afterEach(async () => {
    await page.close();
    await server.close();
    expect(faults).toEqual([]);
  });

  const open = async (host = '127.0.0.1') => {
    await page.goto(`http://${host}:${port}/#k=token`);
    await page.locator('.moment').waitFor();
  };
  const live = () => page.getByText('LIVE ●').waitFor();
  const silent = () => page.getByText(/SILENT ○ since \d\d:\d\d:\d\d/).waitFor();
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const progress = (text: string | RegExp) => page.locator('.progress', { hasText: text }).waitFor();

  it.each(SIZES)('has nothing to scroll by accident at %i × %i, live or silent', async (width, height) => {
    await page.setViewportSize({ width, height });
    await open();
    await live();
    expect(await page.locator('body').innerText()).not.toContain('Loading');
    const box = 'document.documentElement';
    const overflow = () =>
      page.evaluate(`[${box}.scrollWidth - innerWidth, ${box}.scrollHeight - innerHeight]`);
    expect(await overflow()).toEqual([0, 0]);
    server.isAlive = false;
    await silent();
    await page.getByText(/silent since .*, trying again/).waitFor();
    expect(await overflow()).toEqual([0, 0]);
  });

  it('says since when a yard is silent that takes connections and says nothing, and is live again by itself', async () => {
    await open();
    await live();
    await page.locator('.badge.yes, .badge.no').waitFor();
    server.isAlive = false;
    await silent();
    expect(await page.locator('.badge.yes').count()).toBe(0);
    expect(await button('Mine').isDisabled()).toBe(true);
    server.isAlive = true;
    await live();
    await eventually(
      () => button('Mine').isEnabled(),
      () => 'the buttons act again',
    );
  });

  it('goes on without a gap when the server is killed and comes back', async () => {
    await open();
    await live();
    const lines = () => page.locator('.strip').getAttribute('aria-label');
    const before = await lines();
    await server.die();
    await silent();
    const next = { v: 1, seq: log.at(-1)!.seq + 1, t: log.at(-1)!.t + 10, node: '', kind: 'heal' } as const;
    server.tell(next);
    await server.start(port);
    await live();
    await eventually(
      async () => (await lines()) !== before,
      () => 'what was told meanwhile is there',
    );
  });

  it('begins anew where another yard answers', async () => {
    await open();
    await page.getByText('lab-first').waitFor();
    await server.die();
    await silent();
    server.label = 'lab-second';
    await server.start(port);
    await page.getByText('lab-second').waitFor();
  });

  it('reads a stream again from where it turned to rubbish', async () => {
    await open();
    await live();
    for (const text of ['data: }{\n\n', 'data: {"seq":"1"}\n\n', 'event: alive\ndata: now\n\n']) {
      const asked = server.asked['/events']!;
      server.tellRaw(text);
      await eventually(
        () => server.asked['/events']! > asked,
        () => `the stream is opened again after ${text}`,
      );
      await live();
    }
  });

  it.each(BAD)('asks for the nodes again after an answer of the kind %s', async (mood) => {
    await open();
    await page.locator('[data-node="A"]').first().waitFor();
    server.moods['/nodes'] = mood;
    const asked = server.asked['/nodes'] ?? 0;
    await eventually(
      () => server.asked['/nodes']! > asked + 1,
      () => 'it asks twice',
    );
    server.moods['/nodes'] = 'fine';
    const then = server.asked['/nodes']!;
    await eventually(
      () => server.asked['/nodes']! > then + 1,
      () => 'it goes on',
    );
    await live();
  });

  it.each(ROUTES.slice(0, 3))('starts by itself once %s is answered as by a yard', async (route) => {
    for (const mood of ['refuse', 'rubbish', 'drop'] as const) {
      server.moods[route] = mood;
      await page.goto('about:blank');
      await page.goto(`http://127.0.0.1:${port}/#k=token`);
      if (route !== '/nodes')
        await page.getByText(/The page cannot start yet: .*\. It tries again\./).waitFor();
      server.moods[route] = 'fine';
      await live();
    }
  });

  it('says so when the launcher dies during an action', async () => {
    server.action = { lines: [{ plan: 'Hold all miners' }], ends: false };
    await open();
    await live();
    await button('Hold').click();
    await progress('at work');
    await server.die();
    await progress('the yard fell silent before the action ended');
    expect(await page.locator('.progress').textContent()).not.toContain('at work');
  });

  it('ends an action whose answer is no action’s', async () => {
    await open();
    await live();
    const half = { lines: [{ plan: 'Hold all miners' }], ends: true };
    server.action = half;
    await button('Hold').click();
    await progress('the yard fell silent before the action ended');
    server.action = { lines: [{ plan: 'Hold all miners' }, { done: 7 }], ends: true };
    await button('Hold').click();
    await page.locator('.progress.problem').waitFor();
    for (const mood of ['rubbish', 'html', 'refuse', 'drop'] as const) {
      await page.locator('.progress .close').click();
      server.moods['/action'] = mood;
      await button('Hold').click();
      await page.locator('.progress.problem').waitFor();
      const said = (await page.locator('.progress').textContent())!;
      expect(said).not.toMatch(/at work|JSON|undefined|<h1>|Error/);
    }
  });

  it('has a dialog that takes its error back once the yard answers', async () => {
    server.action = { lines: [{ plan: 'Mine 1 block on A' }], ends: true };
    await open();
    await live();
    for (const mood of ['drop', 'html', 'rubbish'] as const) {
      server.moods['/action'] = mood;
      await button('Mine').click();
      await page.locator('.dialog .plan.wrong', { hasText: /the yard|yard’s/ }).waitFor();
      expect(await page.locator('.dialog button[type=submit]').isDisabled()).toBe(true);
      server.moods['/action'] = 'fine';
      await page.locator('.dialog .plan:not(.wrong)', { hasText: 'Mine 1 block on A' }).waitFor();
      expect(await page.locator('.dialog button[type=submit]').isEnabled()).toBe(true);
      await page.keyboard.press('Escape');
    }
  });

  it('counts the links of a cut by who is linked with whom', async () => {
    const nodes = [...'ABCDEFGHIJKLMNOPQRST'];
    const groups = [nodes.slice(0, 10), nodes.slice(10)];
    const cut = { v: 1, seq: 99, t: 99, node: '', kind: 'partition', groups } as const;
    await server.close();
    server = new HostilePageServer([...nodes.map((node) => start(1, node)), cut], nodes, 'random');
    port = await server.start();
    await open();
    const { length } = cutPairs(nodes, 'random', groups);
    expect(length).toBeLessThan(100);
    await page.getByText(`${length} links cut: no messages cross`).waitFor();
  });

  it('copies a command where the browser gives it no clipboard', async () => {
    await open('yard.test');
    expect(await page.evaluate('isSecureContext')).toBe(false);
    await page.locator('[data-block]').nth(2).click();
    const command = (await page.locator('.cli code').first().textContent())!;
    await page.getByRole('button', { name: 'copy as CLI' }).first().click();
    await page.getByRole('button', { name: 'copied', exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('c');
    await page.getByLabel('groups').fill('');
    await page.keyboard.press('ControlOrMeta+V');
    expect(await page.getByLabel('groups').inputValue()).toBe(command);
  });
});
