import { askedShape, isCut } from '../../observe/state/yard-links.ts';
import { type Direction, formatLinks, formatShape, linkName } from '../../observe/words/conditions.ts';
import { formatMs } from '../../observe/words/units.ts';
import type { LinkShape } from '../../util/link-shape.ts';
import type { Action } from '../../yard/action.ts';
import { actionOf, type Given, readFields } from '../../yard/verb.ts';
import { link, linksOf } from '../../yard/verbs/wires.ts';
import type { YardClient } from '../client/client.ts';
import { linksFacts } from '../client/conditions.ts';
import { liveYard } from './yard.ts';

/** What the links of a live yard are like, measured, beside what was asked of them. */

/** Measuring goes over every link, and a busy machine takes its time. */
const PROBE_MS = 120_000;

export interface LinkFigure {
  readonly from: string;
  readonly to: string;
  readonly asked: LinkShape;
  /** One way; null when nothing can be measured: see `state`. */
  readonly measuredMs: number | null;
  readonly state: 'open' | 'cut' | 'held' | 'down';
}

/** Measures these directions, all links of one node in one call. */
async function measure(client: YardClient, links: readonly Direction[]): Promise<LinkFigure[]> {
  const yard = linksFacts(client.refresh());
  const { frozen, wireHeld } = yard.conditions;
  const infos = await client.infos();
  const dead = (l: string) => frozen.includes(l) || infos.get(l) === undefined;
  const open = (d: Direction) =>
    !d.some(dead) && !isCut({ ...yard, conditions: { ...yard.conditions, oneWay: [] } }, d);
  // One probe gives both directions, so each pair is measured from its first node.
  const pairs = new Map(
    links.filter(open).map(([a, b]) => (a < b ? [`${a} ${b}`, [a, b]] : [`${b} ${a}`, [b, a]])),
  );
  const probed = new Map<string, number>();
  await Promise.all(
    [...new Set([...pairs.values()].map(([a]) => a!))].map(async (a) => {
      const mates = [...pairs.values()].filter(([x]) => x === a).map(([, b]) => client.node(b!));
      type Answer = Record<string, { thereMs: number; backMs: number } | null>;
      const params = { peers: mates.map((n) => n.peerId) };
      const answer = await client.call<Answer>(a, 'probelinks', params, { timeoutMs: PROBE_MS });
      for (const { letter, peerId } of mates) {
        const figure = answer[peerId];
        if (figure === null || figure === undefined) continue;
        probed.set(linkName(a, letter), figure.thereMs);
        probed.set(linkName(letter, a), figure.backMs);
      }
    }),
  );
  return links.map((d) => {
    const [from, to] = d;
    const state = d.some(dead) ? 'down' : isCut(yard, d) ? 'cut' : wireHeld ? 'held' : 'open';
    const measuredMs = isCut(yard, d) ? null : (probed.get(linkName(from, to)) ?? null);
    return { from, to, asked: askedShape(yard, from, to), measuredMs, state };
  });
}

/** One row a link; two where its directions differ. */
export function figureRows(figures: readonly LinkFigure[]): string[][] {
  const rows: string[][] = [['LINK', 'ASKED', 'MEASURED (one way)']];
  const left = new Map(figures.map((f) => [linkName(f.from, f.to), f]));
  for (const f of figures) {
    if (!left.delete(linkName(f.from, f.to))) continue;
    const back = left.get(linkName(f.to, f.from));
    const same =
      back !== undefined && back.state === f.state && formatShape(back.asked) === formatShape(f.asked);
    if (same) left.delete(linkName(f.to, f.from));
    const name = same ? `${f.from}-${f.to}` : linkName(f.from, f.to);
    const measured = same && f.measuredMs !== null ? `${said(f)} there, ${said(back)} back` : said(f);
    rows.push([name, formatShape(f.asked), measured]);
  }
  return rows;
}

function said(f: LinkFigure): string {
  if (f.state === 'cut') return 'cut';
  if (f.state === 'down') return 'a node is down or frozen';
  const figure = f.measuredMs === null ? 'no answer' : precise(f.measuredMs);
  return f.state === 'held' ? `${figure} (messages held)` : figure;
}

/** Small delays are told apart by tenths. */
function precise(ms: number): string {
  return ms < 10
    ? `${Math.max(0, ms).toFixed(1)} ms`
    : formatMs(ms).endsWith('ms')
      ? formatMs(ms)
      : `${Math.round(ms)} ms`;
}

interface LinkTable {
  readonly links: readonly LinkFigure[];
}

/** Without a wish it only measures; with one it asks for it, and measures then. */
export function linkAndMeasure(
  client: YardClient,
  given: Given,
  spell: (field: string) => string,
): Action<LinkTable> {
  const yard = liveYard(client);
  const { links, ...wish } = readFields(link, yard, given, spell);
  const chosen = linksOf(yard, links);
  const asks = Object.values(wish).some((value) => value !== undefined && value !== false);
  if (!asks) {
    const where = links === undefined ? 'every link' : formatLinks(chosen);
    return { plan: `Measure ${where}, both ways`, run: () => table(client, chosen) };
  }
  const asking = actionOf(link, yard, given, spell);
  return {
    plan: asking.plan,
    async run(context) {
      const { line } = await asking.run(context);
      context.step(`${line}; measuring`);
      return table(client, chosen);
    },
  };
}

async function table(client: YardClient, links: readonly Direction[]) {
  const figures = await measure(client, links);
  const rows = figureRows(figures);
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return { line: lines.join('\n'), data: { links: figures } };
}
