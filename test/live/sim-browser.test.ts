import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOLDEN, goldenProgram } from '../sim/golden-bundle.ts';
import { BROWSER, openBrowser } from './browser.ts';

/** The simulator in a real browser: every step as in Node. */
describe.runIf(BROWSER !== undefined)('the simulator in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  it('gives the same trace hash as Node', async () => {
    const page = await browser.newPage();
    await page.addScriptTag({ content: goldenProgram('(hash) => { document.title = hash; }') });
    expect(await page.title()).toBe(GOLDEN);
  });
});
