import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { WELL_KNOWN, wellKnownSecret } from '../../src/consensus/params/genesis.ts';
import { toHex } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';
import { BOB, outputOf, payTo, spend } from '../dsl/keys.ts';
import { REGTEST } from '../dsl/networks.ts';
import { agreed, aliceOn, coinsOf, connections, freshLab, genesisFile, tipOf } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';

const rig = new LiveRig();
afterAll(() => rig.close());

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Ids of blocks that a node says it mined, from its own log; a crash may have torn the last line. */
function minedBy(node: LiveNode): string[] {
  return readFileSync(join(node.datadir, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}') && line.includes('"kind":"mined"'))
    .map((line) => (JSON.parse(line) as { id: string }).id);
}

describe('a mining node killed with -9, many times', () => {
  it('opens each time with all that it had mined, built on, or confirmed to a caller, and agrees', async () => {
    const params = freshLab('live-crash', 3_000);
    const options = ['--genesis', genesisFile(rig, params), '--payout', aliceOn(params), '--mine'];
    // The other one mines too, so that the crashes fall into reorganisations as well.
    const other = await rig.start('other', ...options, '--hashrate', '12kH/s');
    const random = seeded('instants of death');
    const coins = WELL_KNOWN.flatMap((name, i) =>
      [0, 1, 2, 3, 4].map((n) => outputOf(params.genesis.txs[0]!, i * 5 + n, wellKnownSecret(name))),
    );
    const confirmed: string[] = [];
    const mined = new Set<string>();
    let toldTip = params.genesisId;

    for (let round = 0; round < 15; round++) {
      // Some die while they open.
      if (random.below(4) === 0) {
        const early = rig.launch('killed', ...options, '--hashrate', '30kH/s');
        await sleep(random.below(500));
        await early.stop('SIGKILL');
      }
      // Alone: nobody can give back what it lost.
      const node = await rig.start('killed', ...options, '--hashrate', '30kH/s');
      const known = await blocksOf(node);
      const missing = [...mined, toldTip, ...(await spreadBy('killed', other))].filter(
        (id) => !known.has(id),
      );
      expect(missing, `round ${round}`).toEqual([]);
      for (const txid of confirmed) {
        const [found] = await node.call<{ state: string }[]>('findtx', txid);
        expect(found?.state, `payment ${txid} in round ${round}`).toMatch(/^(pool|block)$/);
      }
      const { bestblock } = (await coinsOf(node)) as { bestblock: string };
      expect(await node.call('findblock', bestblock)).toMatchObject([{ active: true, status: 'active' }]);

      await node.call('addnode', other.address, 'add');
      await connections(node, 1);
      const coin = coins[round]!;
      const tx = spend([coin], [{ value: coin.value - 1_000, script: payTo(BOB) }]);
      confirmed.push(await node.call<string>('sendrawtransaction', toHex(tx.bytes)));
      await until('it has mined something', async () => {
        return (await node.call<{ mined: number }>('getnodeinfo')).mined > 0;
      });
      await sleep(random.below(400));
      toldTip = await tipOf(node);
      expect(await node.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      for (const id of minedBy(node)) mined.add(id);
    }
    expect(mined.size).toBeGreaterThan(10);

    await other.call('setmining', { on: false });
    const node = await rig.start('killed', ...options.slice(0, -1), '--connect', other.address);
    await connections(node, 1);
    await until('neither is ahead', async () => {
      const [mine, theirs] = await Promise.all([node, other].map((one) => one.call('getblockcount')));
      return mine === theirs;
    });
    // They may rest on two branches of equal work: the next block decides.
    const [decisive] = await other.call<string[]>('generatetoaddress', 1, aliceOn(params));
    await agreed([node, other], decisive);
    expect(await coinsOf(node)).toEqual(await coinsOf(other));
    await until('every confirmed payment is in a block', async () => {
      await node.call('generatetoaddress', 1, aliceOn(params));
      const found = await Promise.all(
        confirmed.map((txid) => node.call<{ state: string }[]>('findtx', txid)),
      );
      return found.every(([one]) => one?.state === 'block');
    });
    await agreed([node, other]);
    await Promise.all([node.stop(), other.stop()]);
  });
});

interface TreeBlock {
  readonly id: string;
  readonly miner: string;
  readonly status: string;
}

async function tree(node: LiveNode): Promise<TreeBlock[]> {
  return (await node.call<{ blocks: TreeBlock[] }>('getblocktree', 10_000)).blocks;
}

/** Blocks whose body is on the node's disk. */
async function blocksOf(node: LiveNode): Promise<ReadonlySet<string>> {
  const blocks = (await tree(node)).filter(({ status }) => status === 'active' || status === 'valid');
  return new Set(blocks.map(({ id }) => id));
}

/** Blocks of this miner that `other` has heard of: they were told, so they must have been on the miner's disk. */
async function spreadBy(miner: string, other: LiveNode): Promise<string[]> {
  return (await tree(other)).filter((block) => block.miner === miner).map(({ id }) => id);
}

describe('a full disk', () => {
  it('ends the node with a sentence, and it opens again on all that it told', async () => {
    // No file may grow beyond 300 KiB; Node ignores SIGXFSZ, so writes fail as they do on a full disk.
    const shell = ['bash', '-c', 'ulimit -f 300; exec "$0" "$@"'];
    const node = await rig.launchThrough(shell, 'full').ready();
    const address = aliceOn(REGTEST);
    const told: string[] = [];
    let failed: unknown;
    while (failed === undefined) {
      try {
        told.push(...(await node.call<string[]>('generatetoaddress', 20, address)));
      } catch (error) {
        failed = error;
      }
    }
    expect(await node.exited).toEqual({ code: 1, signal: null });
    expect(node.stderr).toMatch(
      /^forkyard node: cannot write to .*\/full\/db: the disk .*opens again where it was$/m,
    );
    expect(node.stderr).not.toMatch(/^\s+at /m);
    expect(node.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);

    const again = await rig.start('full');
    expect(again.said['height']).toBeGreaterThanOrEqual(told.length);
    expect(await again.call('getblockhash', told.length)).toBe(told.at(-1));
    expect(await coinsOf(again)).toMatchObject({ bestblock: await tipOf(again) });
    await again.call('generatetoaddress', 5, address);
    await again.stop();
  });
});
