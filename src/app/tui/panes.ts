import type { NodeInfo } from '../../lab/client/client.ts';
import { linksFacts } from '../../lab/client/conditions.ts';
import { clock } from '../../lab/client/live.ts';
import type { YardFile } from '../../lab/yard/check.ts';
import type { Forest } from '../../observe/state/forest.ts';
import { laneSign, standingWords } from '../../observe/state/payment-words.ts';
import { askedShape } from '../../observe/state/yard-links.ts';
import { formatShape } from '../../observe/words/conditions.ts';
import { formatSpeed } from '../../observe/words/units.ts';
import { short } from '../../observe/words/words.ts';
import type { LinkShape } from '../../util/link-shape.ts';
import { linkCount, sameGroup, wantedPairs } from '../../util/topology.ts';
import { blockName, tailOf } from '../../yard/names.ts';
import { join, type Line, line, type Run, sized, styled } from './screen.ts';
import { LANE, type LogItem, letters, minutes, rivalOf, type TuiState } from './state.ts';

/** The panes below the tree: nodes, one payment, links, log. */

interface Column {
  readonly head: string;
  readonly width: number;
  cell(letter: string, info: NodeInfo | undefined): string;
}

function columns(state: TuiState, isWide: boolean): Column[] {
  const { forest, yard } = state;
  const tip = (letter: string) => forest.blocks.get(forest.tips.get(letter) ?? '');
  const mining = (i: NodeInfo | undefined) => i?.mining.on === true && !i.mining.held;
  const total = [...state.infos.values()].reduce(
    (sum, i) => sum + (mining(i) ? (i?.mining.rate ?? 0) : 0),
    0,
  );
  const own = (letter: string) => forest.reorgs.filter((r) => r.node === letter);
  const column = (head: string, width: number, cell: Column['cell']): Column => ({ head, width, cell });
  const named = Math.max(3, ...letters(state).map((l) => tip(l)?.label.length ?? 0));
  const links = wantedPairs(letters(state), yard.topology ?? 'full');
  return [
    column('NODE', 4, (letter) => letter),
    column('TIP', named + 8, (letter, info) => {
      const block = tip(letter);
      if (block !== undefined) return `${block.label.padEnd(named)} ${tailOf(block.id)}`;
      return info === undefined ? '-' : `${blockName(info.tip).padEnd(named)} ${tailOf(info.tip.id)}`;
    }),
    column('WORK', 5, (letter) => {
      const block = tip(letter);
      return block === undefined ? '-' : short(block.work);
    }),
    column('HASH', 8, (_, info) => (mining(info) ? formatSpeed(info!.mining.rate) : '-')),
    ...(isWide
      ? [
          column('SHARE', 5, (_, info) =>
            mining(info) && total > 0 ? `${Math.round((100 * info!.mining.rate) / total)} %` : '-',
          ),
        ]
      : []),
    column('PEERS', 5, (letter, info) =>
      info === undefined ? '-' : `${info.peers.length}/${linkCount(links, letter)}`,
    ),
    column('POOL', 4, (_, info) => (info === undefined ? '-' : String(info.pool.size))),
    ...(isWide
      ? [
          column('REORGS', 6, (letter) => String(own(letter).length)),
          column('DEEPEST', 7, (letter) => {
            const deepest = Math.max(0, ...own(letter).map((r) => r.depth));
            return deepest === 0 ? '-' : String(deepest);
          }),
        ]
      : [column('BLOCKS', 6, (_, info) => (info === undefined ? '-' : String(info.mined)))]),
    column('STATE', 6, (letter, info) => {
      if (!forest.tips.has(letter)) return 'down';
      if (info === undefined) return '…';
      return info.mining.held && info.mining.on ? 'held' : info.mining.on ? 'mining' : 'idle';
    }),
  ];
}

/** A line a node; when they do not all sized, the selected one stays in sight. */
export function nodesPane(state: TuiState, width: number, rows: number, isWide: boolean): Line[] {
  const cells = columns(state, isWide);
  const tell = (values: readonly string[]) => values.map((v, i) => v.padEnd(cells[i]!.width)).join('  ');
  const head = styled(`   ${tell(cells.map((c) => c.head))}`.trimEnd(), 'dim');
  const names = letters(state);
  const room = Math.max(1, rows - 1);
  const selected = Math.max(0, names.indexOf(state.node));
  const from = Math.min(Math.max(0, names.length - room), Math.max(0, selected - room + 1));
  const shown = names.slice(from, from + room).map((letter) => {
    const info = state.infos.get(letter);
    const text = tell(cells.map((c) => c.cell(letter, info))).trimEnd();
    const mark = letter === state.node ? ' ▸ ' : '   ';
    const isDown = !state.forest.tips.has(letter);
    const runs: Run[] = [{ at: 3, length: letter.length, style: isDown ? 'dim' : `node:${letter}` }];
    if (letter === state.node && state.focus === 'nodes') runs.push({ at: 1, length: 1, style: 'bold' });
    return line(mark + text, ...runs);
  });
  const more = names.length - shown.length;
  const hint = more > 0 ? line(`  ${more} more: ↑ ↓`) : line('');
  return [join(head, hint), ...shown].map((l) => sized(l, width));
}

/** `payment …a91f3c  alice → dave 20.0`. */
export function paymentTitle(state: TuiState): string {
  const { payment } = state;
  if (payment === undefined) return 'payment';
  const name = state.names.get(payment);
  const words = name === undefined ? '' : `  ${name.from} → ${name.to} ${name.amount}`;
  return `payment ${tailOf(payment)}${words}`;
}

function standings(state: TuiState, txid: string): readonly (readonly [string, string])[] {
  const rival = (id: string) => rivalOf(state, id);
  return letters(state).map((node) => [node, standingWords(txid, node, state.payments, state.forest, rival)]);
}

/** One line for all nodes; `same` where a node says what the one before it said. */
export function paymentLine(state: TuiState, width: number): Line {
  const { payment } = state;
  if (payment === undefined) return styled('   none yet · p pays', 'dim');
  let before = '';
  const runs: Run[] = [];
  let text = '  ';
  for (const [node, words] of standings(state, payment)) {
    runs.push({ at: text.length + 1, length: node.length, style: `node:${node}` });
    text += ` ${node} ${words === before ? 'same' : words}  `;
    before = words;
  }
  return sized(line(text.trimEnd(), ...runs), width);
}

/** A lane a node: what it said of the payment, change by change, and what it says now. */
export function paymentLanes(state: TuiState, width: number, rows: number): Line[] {
  const { payment } = state;
  if (payment === undefined) return [styled(' none yet · p pays', 'dim')];
  const lane = Math.min(LANE, Math.max(6, width - 34));
  return standings(state, payment)
    .slice(0, rows)
    .map(([node, words]) => {
      const signs = state.lanes.get(node) ?? laneSign(payment, node, state.payments, state.forest);
      return line(` ${node} ${signs.slice(-lane).padEnd(lane)}  ${words}`, {
        at: 1,
        length: node.length,
        style: `node:${node}`,
      });
    });
}

/** `A──B 2ms 0.5/s 1.2kB/s`, `A╳C`, and what is not linked though it should be. Bytes only where there is room. */
export function linksPane(state: TuiState, width: number, rows: number): Line[] {
  const full = linkLines(state, width, true);
  const lines = full.length <= rows ? full : linkLines(state, width, false);
  if (lines.length > rows) lines[rows - 1] = `${lines[rows - 1]!.slice(0, width - 3)} …`;
  return lines.slice(0, rows).map((text) => line(text));
}

function linkLines(state: TuiState, width: number, bytes: boolean): string[] {
  const { yard, infos } = state;
  const groups = state.forest.cut;
  const open: string[] = [];
  const cut: string[] = [];
  for (const [a, b] of wantedPairs(letters(state), yard.topology ?? 'full')) {
    if (groups !== undefined && !sameGroup(groups, a, b)) cut.push(`${a}╳${b}`);
    else if (infos.get(a)?.peers.some((p) => p.name === b) === true)
      open.push(`${a}──${b}${delayOf(yard, a, b)}${trafficOf(state, a, b, bytes)}`);
    else open.push(`${a}··${b}`);
  }
  const parts = [...open, ...cut];
  if (cut.length > 0) parts.push(`cut ${minutes(state.now - (state.cutSince ?? state.now))}`);
  const lines: string[] = [''];
  for (const part of parts) {
    const at = lines.length - 1;
    if (lines[at]!.length + part.length + 3 > width && lines[at] !== '') lines.push(` ${part}`);
    else lines[at] += `${lines[at] === '' ? ' ' : '  '}${part}`;
  }
  return lines;
}

function trafficOf({ traffic }: TuiState, a: string, b: string, bytes: boolean): string {
  const rate = traffic.get(a < b ? `${a} ${b}` : `${b} ${a}`);
  if (rate === undefined) return '';
  const messages = rate.messages < 9.95 ? rate.messages.toFixed(1) : short(rate.messages);
  return ` ${messages}/s${bytes ? ` ${short(rate.bytes)}B/s` : ''}`;
}

/** What was asked of it; both directions where they differ. */
function delayOf(yard: YardFile, a: string, b: string): string {
  const facts = linksFacts(yard);
  const [there, back] = [askedShape(facts, a, b), askedShape(facts, b, a)].map((shape) =>
    isUnshaped(shape) ? '' : formatShape(shape),
  );
  if (there === back) return there === '' ? '' : ` ${there}`;
  return ` ${there || 'open'}/${back || 'open'}`;
}

function isUnshaped(shape: LinkShape): boolean {
  return shape.delayMs === 0 && shape.jitterMs === 0 && shape.loss === 0 && shape.bitsPerSecond === 0;
}

export function logTitle(state: TuiState): string {
  const filter = state.filter === '' ? '' : ` · only ${state.filter} (/ changes, Enter on nothing shows all)`;
  const back = state.logBack === 0 ? '' : ` · ${state.logBack} newer below`;
  return `log${filter}${back}`;
}

export function visibleLog(state: TuiState): readonly LogItem[] {
  const filter = parseFilter(state.filter);
  if (filter.length === 0) return state.log;
  return state.log.filter((item) => matches(item, filter, state.forest));
}

export function logPane(state: TuiState, width: number, rows: number): Line[] {
  const items = visibleLog(state);
  const end = Math.max(0, items.length - state.logBack);
  const shown = items.slice(Math.max(0, end - rows), end);
  return shown.map((item, i) => {
    const mark = item.from === 'event' ? '' : item.from === 'error' ? '✕ ' : '› ';
    const isAt = state.focus === 'log' && i === shown.length - 1;
    const text = `${isAt ? '▸' : ' '}${clock(item.t)}  ${mark}${item.text}`;
    const runs: Run[] = [{ at: 1, length: 8, style: 'dim' }];
    if (item.from === 'error') runs.push({ at: 11, length: text.length, style: 'bad' });
    else if (item.kind === 'reorg' || item.kind === 'tx-lost')
      runs.push({ at: 11, length: text.length, style: 'bold' });
    return sized(line(text, ...runs), width);
  });
}

/** `node:C kind:reorg tx:a91f words`: every term must hold, small letters will do. */
interface Term {
  readonly field: 'node' | 'kind' | 'tx' | 'text';
  readonly value: string;
}

function parseFilter(text: string): Term[] {
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const match = /^(node|kind|tx):(.+)$/i.exec(word);
      if (match === null) return { field: 'text', value: word.toLowerCase() } as const;
      const value = match[2]!.toLowerCase().replace(/^…/, '');
      return { field: match[1]!.toLowerCase() as Term['field'], value };
    });
}

function matches(item: LogItem, terms: readonly Term[], forest: Forest): boolean {
  return terms.every(({ field, value }) => {
    switch (field) {
      case 'node':
        return item.node.toLowerCase() === value;
      case 'kind':
        return item.kind === value || item.kind.startsWith(`${value}-`);
      case 'tx': {
        const inBlock = item.block === undefined ? [] : (forest.blocks.get(item.block)?.txids ?? []);
        return [...item.txids, ...inBlock].some((id) => id.endsWith(value) || id.startsWith(value));
      }
      default:
        return item.text.toLowerCase().includes(value);
    }
  });
}
