import { join } from 'node:path';
import { launch } from '../../src/lab/launch.ts';
import { BenchNode, inTempDir, PROGRAM, residentMb } from './processes.ts';
import { type BenchTable, rowOf } from './table.ts';

const NODES = 5;
const ROUNDS = 7;

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
  return {
    suite: 'startup',
    says: `${ROUNDS} rounds, every one in a new directory, nobody mines. A yard is up when all its nodes are processes of their own that have exchanged hellos with all others.`,
    rows: [
      rowOf('one node: from spawn to its ready line', alone, 'ms'),
      rowOf(`a yard of ${NODES} made, started and all ${(NODES * (NODES - 1)) / 2} links up`, together, 'ms'),
      rowOf('resident memory of each node, then', resident, 'MB'),
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
