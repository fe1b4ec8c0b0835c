import { join } from 'node:path';
import { launch } from '../../src/lab/launcher/launch.ts';
import { BenchNode, inTempDir, PROGRAM, residentMb, sleep, until } from './processes.ts';
import { type BenchTable, rowOf } from './table.ts';

const NODES = 5;
const ROUNDS = 7;
/** Nodes in one process: what the many take more than the few, divided by their difference, is what a further one takes. */
const [FEW, MANY] = [2, 12];
const SHARED_ROUNDS = 3;
/** Until the first blocks are through and the engine has optimised what they need. */
const MINING_MS = 8_000;

/** What a person waits for after `forkyard up`, and what the nodes take. */
export async function startupSuite(): Promise<BenchTable> {
  const alone: number[] = [];
  const together: number[] = [];
  const resident: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const one = await inTempDir(oneNode);
    const yard = await inTempDir((dir) => wholeYard(join(dir, 'yard')));
    if (round === 0) continue; // the disk's cache fills
    alone.push(one);
    together.push(yard.ms);
    resident.push(...yard.resident);
  }
  const further = { idle: [] as number[], mining: [] as number[] };
  for (let round = 0; round < SHARED_ROUNDS; round++) {
    const [few, many] = [
      await inTempDir((dir) => oneProcess(join(dir, 'few'), FEW)),
      await inTempDir((dir) => oneProcess(join(dir, 'many'), MANY)),
    ];
    further.idle.push((many.idle - few.idle) / (MANY - FEW));
    further.mining.push((many.mining - few.mining) / (MANY - FEW));
  }
  return {
    suite: 'startup',
    says: `${ROUNDS} rounds, every one in a new directory, nobody mines. A yard is up when all its nodes are processes of their own that have exchanged hellos with all others. Further nodes: ${MANY} in one process beside ${FEW}, ${SHARED_ROUNDS} rounds, at the usual hash rate of a yard for ${MINING_MS / 1000} s.`,
    rows: [
      rowOf('one node: from spawn to its ready line', alone, 'ms'),
      rowOf(`a yard of ${NODES} made, started and all ${(NODES * (NODES - 1)) / 2} links up`, together, 'ms'),
      rowOf('resident memory of each node, then', resident, 'MB'),
      rowOf('a further node in one process, nobody mines', further.idle, 'MB'),
      rowOf('a further node in one process, all mine', further.mining, 'MB'),
    ],
  };
}

async function oneNode(dir: string): Promise<number> {
  const before = performance.now();
  const node = await BenchNode.start(join(dir, 'A'), 'A', ['--network', 'regtest']);
  const took = performance.now() - before;
  await node.stop();
  return took;
}

async function wholeYard(dir: string): Promise<{ ms: number; resident: number[] }> {
  const yard = await launch({
    dir,
    programPath: PROGRAM,
    wishes: { nodes: NODES, network: 'lab' },
    say: (line) => process.stderr.write(`${line}\n`),
    hold: true,
  });
  const resident = yard.client.yard.nodes.map(({ pid }) => residentMb(pid!));
  const { startMs } = yard;
  await yard.close();
  return { ms: startMs, resident };
}

/** Resident memory of a process with so many nodes, before they mine and while they do. */
async function oneProcess(dir: string, nodes: number): Promise<{ idle: number; mining: number }> {
  const yard = await launch({
    dir,
    programPath: PROGRAM,
    wishes: { nodes, perProcess: nodes, network: 'lab' },
    say: (line) => process.stderr.write(`${line}\n`),
    hold: true,
  });
  const { client } = yard;
  const pid = client.yard.nodes[0]!.pid!;
  const idle = residentMb(pid);
  await yard.launcher.startMining();
  const all = client.yard.nodes.map(({ letter }) => letter);
  const hashes = async (letter: string): Promise<number> =>
    (await client.call<{ hashes: number }>(letter, 'getminerinfo')).hashes;
  await until('all mine', async () => (await Promise.all(all.map(hashes))).every((count) => count > 0));
  await sleep(MINING_MS);
  const mining = residentMb(pid);
  await yard.close();
  return { idle, mining };
}
