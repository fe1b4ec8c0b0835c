import { formatDuration, formatMs } from '../../observe/words/units.ts';
import { blockName, tailOf } from '../../yard/names.ts';
import { failed } from '../../yard/problem.ts';
import { agreedTip } from '../../yard/states.ts';
import type { NodeInfo, YardClient } from './client.ts';
import { faultLine } from './conditions.ts';
import { readForest } from './find.ts';

export interface Status {
  /** All nodes that are up have one tip. */
  readonly agree: boolean;
  /** Tips, that of most nodes first, and who is on each. */
  readonly answers: readonly {
    readonly id: string;
    readonly name: string;
    readonly nodes: readonly string[];
  }[];
  /** How many blocks the branch with less work would have to undo; 0 when all agree. */
  readonly conflictDepth: number;
  readonly sentence: string;
  /** Pace, delay; '' if there is nothing to say. */
  readonly facts: string;
  /** `FAULTS: …`; '' if there is none. */
  readonly faults: string;
  readonly infos: ReadonlyMap<string, NodeInfo | undefined>;
}

/** Heights that are searched for the point where the answers part. */
const SEARCHED = 1_000;

export async function readStatus(client: YardClient): Promise<Status> {
  const infos = await client.infos();
  const up = new Map([...infos].filter((entry): entry is [string, NodeInfo] => entry[1] !== undefined));
  if (up.size === 0) throw failed('no node of this yard answers', 'Start one: forkyard start A');
  const answers = answersOf(up);
  const tip = agreedTip(up);
  const facts = factsOf(client);
  const held = [...up.values()].reduce((sum, i) => sum + i.held, 0);
  const faults = faultLine(client.yard, held);
  if (tip !== undefined) {
    const since = formatMs(Date.now() - Math.max(...[...up.values()].map((i) => i.tip.since)));
    const sentence = `AGREE yes: ${blockName(tip)} ${tailOf(tip.id)} on ${[...up.keys()].join(' ')} · ${since} since`;
    return { agree: true, answers, conflictDepth: 0, sentence, facts, faults, infos };
  }
  const conflictDepth = await depthOf(client, [...up.values()]);
  const sides = answers.map((a) => `${a.name} on ${a.nodes.join(' ')}`).join(', ');
  const sentence = `AGREE NO: ${answers.length} answers, conflict depth ${conflictDepth}: ${sides}`;
  return { agree: false, answers, conflictDepth, sentence, facts, faults, infos };
}

function answersOf(up: ReadonlyMap<string, NodeInfo>) {
  const by = new Map<string, { id: string; name: string; nodes: string[] }>();
  for (const [letter, { tip }] of up) {
    const known = by.get(tip.id);
    if (known !== undefined) known.nodes.push(letter);
    else by.set(tip.id, { id: tip.id, name: `${blockName(tip)} ${tailOf(tip.id)}`, nodes: [letter] });
  }
  return [...by.values()].sort((a, b) => b.nodes.length - a.nodes.length);
}

/** Against the tip with most work: what the others would have to undo, the deepest of them. */
async function depthOf(client: YardClient, infos: readonly NodeInfo[]): Promise<number> {
  const forest = await readForest(client, SEARCHED);
  const tips = infos
    .map((i) => i.tip)
    .sort((a, b) => (BigInt(`0x${a.work}`) > BigInt(`0x${b.work}`) ? -1 : 1));
  const depths = tips.slice(1).map((tip) => {
    const fork = forest.forkPoint(tips[0]!.id, tip.id);
    return fork === undefined ? 0 : tip.height - fork.height;
  });
  return Math.max(0, ...depths);
}

function factsOf(client: YardClient): string {
  const { spacingMs, delayMs, label } = client.refresh();
  const parts = [label];
  if (spacingMs > 0) parts.push(`pace ${formatDuration(spacingMs)}`);
  if (delayMs > 0) parts.push(`delay ${formatDuration(delayMs)}`);
  return parts.join(' · ');
}
