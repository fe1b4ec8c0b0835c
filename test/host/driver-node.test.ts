import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headerHash } from '../../src/bitcoin/header.ts';
import { compactToTarget, meets } from '../../src/bitcoin/target.ts';
import { wellKnownScript } from '../../src/consensus/params/genesis.ts';
import { OPENING_PREFIXES } from '../../src/consensus/store/records.ts';
import type { HostNews, News } from '../../src/events/events.ts';
import { NodeDriver } from '../../src/host/driver/driver.ts';
import type { Network } from '../../src/host/net/types.ts';
import { openStore } from '../../src/host/store/store.ts';
import { createVerify } from '../../src/host/verify/verify.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { type Limits, limits } from '../../src/node/limits.ts';
import type { Step } from '../../src/node/types.ts';
import { writeU32LE } from '../../src/util/bytes.ts';
import { LAB } from '../dsl/networks.ts';
import { coinOf, PoolRig, send } from '../node/mempool-rig.ts';

/** A whole node on disk under its real driver and clock, without network and miner. */
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-driver-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function open(
  o: { limits?: Partial<Limits>; stepped?: (step: Step, driver: NodeDriver) => void } = {},
) {
  const store = await openStore(join(dir, 'db'));
  const { verify, warm } = createVerify();
  const index = await store.opening(OPENING_PREFIXES);
  const node = new FullNode({
    ...{ params: LAB, store, index, verify, seed: 1, name: 'A' },
    limits: { ...limits, ...o.limits },
  });
  const news: (News | HostNews)[] = [];
  const fatal: Error[] = [];
  const driver: NodeDriver = new NodeDriver({
    node: {
      view: node.view,
      prefetch: () => node.prefetch(),
      signaturesAhead: () => node.signaturesAhead(),
      step: (now, input) => {
        const step = node.step(now, input);
        o.stepped?.(step, driver);
        return step;
      },
    },
    store,
    warm,
    log: { append: (one) => news.push(one) },
    onFatal: (error) => fatal.push(error),
  });
  driver.start();
  return { driver, news, fatal, store };
}

async function mine(driver: NodeDriver): Promise<string> {
  const made = await driver.command({ kind: 'template', payout: wellKnownScript('judy'), tag: 'A' });
  if (made.kind !== 'template') throw new Error(made.kind);
  const bytes = made.template.bytes.slice();
  const { target } = compactToTarget(LAB.genesis.header.bits);
  for (let nonce = 0; !meets(headerHash(bytes.subarray(0, 80)), target); nonce++)
    writeU32LE(bytes, 76, nonce);
  const done = await driver.command({ kind: 'submit-block', bytes });
  if (done.kind !== 'block') throw new Error(JSON.stringify(done));
  return done.id;
}

describe('a node on disk', () => {
  it('mines, pays, stops, and goes on where it was', async () => {
    const coins = new PoolRig();
    const first = send([coins.coin('alice')], 'bob', 1_000);
    const second = send([coinOf(first, 'bob')], 'carol', 1_000);
    const a = await open();
    const ids = [await mine(a.driver)];
    const sent = await a.driver.command({ kind: 'send-tx', bytes: first.bytes });
    expect(sent).toMatchObject({ kind: 'tx', txid: first.id, fee: 1_000 });
    ids.push(await mine(a.driver));
    await a.driver.command({ kind: 'send-tx', bytes: second.bytes });
    expect(a.driver.view.chain.tip.id).toBe(ids[1]);
    expect(a.news.filter((news) => news.kind === 'connected').map((news) => news.id)).toEqual(ids);
    expect(a.driver.stats().steps).toBeGreaterThan(4);
    await a.driver.close();

    const b = await open();
    // The first step gives the clock; the kept payment passes admission in the ones after it.
    while (b.driver.view.mempool.size === 0) await nextTurn();
    expect(b.driver.view.chain.tip.id).toBe(ids[1]);
    expect([...b.driver.view.mempool.entries()].map((entry) => entry.tx.id)).toEqual([second.id]);
    await mine(b.driver);
    expect(b.driver.view.mempool.size).toBe(0);
    expect(b.driver.view.chain.tip.height).toBe(3);
    const snapshot = await b.driver.betweenSteps(() => b.store.snapshot());
    expect(snapshot.get(Uint8Array.of(0x74))).toEqual(b.driver.view.chain.tip.hash);
    await snapshot.close();
    expect([...a.fatal, ...b.fatal]).toEqual([]);
    await b.driver.close();
  });

  it.each([
    // Stopped when its batch is handed over, and when its tip shows and the mempool is to follow.
    ['ahead', (step: Step) => step.ahead === true],
    ['settling', (_: Step, driver: NodeDriver) => driver.view.settling && driver.view.chain.tip.height === 1],
  ])('tells of a tip that is on disk when it stops, and passes its block on: %s', async (_name, due) => {
    const published: string[] = [];
    const ends: Promise<void>[] = [];
    const a = await open({
      limits: { batchAheadRows: 1, settleBytesAtOnce: 0 },
      stepped: (step, driver) => {
        if (ends.length === 0 && due(step, driver)) ends.push(driver.close());
      },
    });
    a.driver.attachNetwork({
      publish: (topic: string) => published.push(topic),
      close: async () => undefined,
    } as unknown as Network);
    const id = await mine(a.driver);
    expect(ends).toHaveLength(1);
    await ends[0];
    expect(a.news.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['connected', 'tip']));
    expect(published).toEqual(['block']);
    expect(a.fatal).toEqual([]);
    const b = await open();
    expect(b.driver.view.chain.tip.id).toBe(id);
    await b.driver.close();
  });

  it('refuses with a result, not with an error', async () => {
    const { driver, fatal } = await open();
    const garbage = Uint8Array.of(1, 2, 3);
    for (const kind of ['submit-block', 'send-tx'] as const) {
      const result = await driver.command({ kind, bytes: garbage });
      expect(result.kind).toBe('refused');
    }
    expect(fatal).toEqual([]);
    await driver.close();
  });
});
