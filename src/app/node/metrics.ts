import type { LogEvent } from '../../events/events.ts';
import type { TextPage } from '../../host/http/server.ts';
import type { NodeView } from '../../node/view.ts';
import { newFigures } from '../../observe/figures/figures.ts';
import type { NodeContext } from '../rpc/context.ts';

/** Prometheus text exposition format 0.0.4, as its scraper asks for. */
const TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Upper edges of the reorg histogram: most are 1 deep, and 6 is what people wait for. */
const DEPTH_EDGES = [1, 2, 3, 6, 10, 100];

export interface MetricsPage extends TextPage {
  /** The node's own log, event by event. */
  apply(event: LogEvent): void;
}

/**
 * GET /metrics: state of this node now, and what it counted since its start. Counters begin at 0 with the process, which
 * scrapers expect.
 */
export function metricsPage(context: NodeContext): MetricsPage {
  const figures = newFigures();
  const counts = new Map<string, number>();
  return {
    type: TYPE,
    apply(event) {
      figures.apply(event);
      counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1);
    },
    async body() {
      return context.between('view', () => render(samplesOf(context, figures.read().whole, counts)));
    },
  };
}

export interface Sample {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  /** Suffix (of histograms), labels, value. */
  readonly values: readonly (readonly [string, Readonly<Record<string, string>>, number])[];
}

type Whole = ReturnType<ReturnType<typeof newFigures>['read']>['whole'];

function samplesOf(context: NodeContext, figures: Whole, counts: ReadonlyMap<string, number>): Sample[] {
  return [
    ...stateOf(context),
    ...minersOf(context, figures),
    ...blocksOf(figures, counts),
    ...transactionsOf(counts),
    one('counter', 'peer_faults_total', 'Wrongs of peers.', counts.get('fault') ?? 0),
    one('counter', 'steps_total', 'Steps of the state machine.', context.stepFigures().steps),
    one('gauge', 'longest_step_seconds', 'Longest of them.', context.stepFigures().longestStepMs / 1000),
    ...cachesOf(context.view),
    one('counter', 'events_total', 'Lines of the event log, all runs.', context.log.lastSeq),
  ];
}

/** A sample of one value. */
function one(
  type: 'gauge' | 'counter',
  name: string,
  help: string,
  value: number,
  labels: Record<string, string> = {},
): Sample {
  return { name: `forkyard_${name}`, type, help, values: [['', labels, value]] };
}

function stateOf(context: NodeContext): Sample[] {
  const { view, network } = context;
  const { chain, mempool } = view;
  const links = network.peers();
  return [
    one('gauge', 'info', 'Constant 1; who this is.', 1, {
      node: view.name,
      network: view.params.name,
      version: context.version,
    }),
    one('gauge', 'start_time_seconds', 'Start of the process, seconds since 1970.', context.startedAt / 1000),
    one('gauge', 'height', 'Height of the tip.', chain.tip.height),
    one('gauge', 'header_height', 'Height of the best header.', chain.bestHeader.height),
    one('gauge', 'work', 'Total work of the tip, expected hashes.', Number(chain.tip.work)),
    one('gauge', 'tip_age_seconds', 'Time since the tip changed.', (Date.now() - context.tipSince()) / 1000),
    one(
      'gauge',
      'difficulty',
      'Expected hashes of the block being mined; 0 if none.',
      view.mining.job?.difficulty ?? 0,
    ),
    one('gauge', 'peers', 'Connected peers.', links.filter((p) => p.inbound).length, { direction: 'in' }),
    one('gauge', 'peers', 'Connected peers.', links.filter((p) => !p.inbound).length, { direction: 'out' }),
    one('gauge', 'mempool_transactions', 'Waiting payments.', mempool.size),
    one('gauge', 'mempool_vbytes', 'Their virtual size.', mempool.bytes),
  ];
}

function minersOf({ mining }: NodeContext, figures: Whole): Sample[] {
  const stats = mining.stats();
  return [
    one('gauge', 'hash_rate', 'Hashes a second, measured.', stats?.rate ?? 0),
    one('counter', 'hashes_total', 'Hashes tried.', stats?.hashes ?? 0),
    one('counter', 'blocks_mined_total', 'Own blocks.', figures.blocks),
    one('gauge', 'blocks_stale', 'Own blocks that are on no branch of this node now.', figures.stale),
  ];
}

function blocksOf(figures: Whole, counts: ReadonlyMap<string, number>): Sample[] {
  const told = (kind: string) => counts.get(kind) ?? 0;
  return [
    one('counter', 'blocks_received_total', 'Bodies of others and own.', told('block')),
    one('counter', 'blocks_connected_total', 'Blocks put on the branch.', told('connected')),
    one('counter', 'blocks_disconnected_total', 'Blocks taken off the branch.', told('disconnected')),
    one('counter', 'blocks_refused_total', 'Blocks that broke a rule.', told('refused')),
    one('counter', 'tip_changes_total', 'Changes of the tip.', told('tip')),
    reorgDepths(figures),
    one(
      'counter',
      'reorgs_forced_total',
      'Reorgs by invalidateblock or preciousblock.',
      figures.forcedReorgs,
    ),
    one(
      'counter',
      'work_decreases_total',
      'Unforced changes to less work; must stay 0.',
      figures.workDecreases,
    ),
  ];
}

function reorgDepths(figures: Whole): Sample {
  let reorgs = 0;
  let depths = 0;
  for (const { depth, count } of figures.reorgs) {
    reorgs += count;
    depths += depth * count;
  }
  return {
    name: 'forkyard_reorg_depth',
    type: 'histogram',
    help: 'Blocks disconnected by a branch with more work, per reorg.',
    values: [
      ...DEPTH_EDGES.map((edge) => {
        let below = 0;
        for (const { depth, count } of figures.reorgs) if (depth <= edge) below += count;
        return ['_bucket', { le: String(edge) }, below] as const;
      }),
      ['_bucket', { le: '+Inf' }, reorgs],
      ['_sum', {}, depths],
      ['_count', {}, reorgs],
    ],
  };
}

function transactionsOf(counts: ReadonlyMap<string, number>): Sample[] {
  const told = (kind: string) => counts.get(kind) ?? 0;
  return [
    one('counter', 'transactions_seen_total', 'Payments accepted.', told('tx-seen')),
    one(
      'counter',
      'transactions_returned_total',
      'Payments that a reorg sent back to wait.',
      told('tx-returned'),
    ),
    one('counter', 'transactions_lost_total', 'Payments that a reorg undid for good.', told('tx-lost')),
  ];
}

/** What was at hand already, and what was not: coins that connecting read, blocks announced by short ids. */
function cachesOf(view: NodeView): Sample[] {
  const { hits, misses } = view.chain.coinCache;
  const { atOnce, fetched, whole } = view.compact;
  return [
    {
      name: 'forkyard_coin_cache_reads_total',
      type: 'counter',
      help: 'Coins that connecting read.',
      values: [
        ['', { from: 'memory' }, hits],
        ['', { from: 'disk' }, misses],
      ],
    },
    {
      name: 'forkyard_compact_blocks_total',
      type: 'counter',
      help: 'Blocks announced by short ids, and where their transactions came from.',
      values: [
        ['', { from: 'mempool' }, atOnce],
        ['', { from: 'announcer' }, fetched],
        ['', { from: 'whole' }, whole],
      ],
    },
  ];
}

/** The text: a HELP and a TYPE line before the first sample of each name. */
export function render(samples: readonly Sample[]): string {
  const lines: string[] = [];
  const said = new Set<string>();
  for (const { name, type, help, values } of samples) {
    if (!said.has(name)) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    said.add(name);
    for (const [suffix, labels, value] of values) {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
      lines.push(`${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
