import { describe, expect, it } from 'vitest';
import type { NodeChild } from '../../src/lab/launcher/node-child.ts';
import { mustBeAlone } from '../../src/lab/launcher/node-host.ts';

const running = (pids: Readonly<Record<string, number>>) =>
  new Map(Object.entries(pids).map(([letter, pid]) => [letter, { pid } as NodeChild]));

describe('nodes that share a process', () => {
  it('are named in the order of their letters, however they came up', () => {
    const nodes = running({ N27: 7, E: 7, C: 7, B: 8, F: 7, A: 7 });
    expect(() => mustBeAlone(nodes, 'C', 'killing')).toThrow(
      /^C shares its process with A E F N27: killing it would strike them too\./,
    );
    expect(() => mustBeAlone(nodes, 'B', 'killing')).not.toThrow();
  });
});
