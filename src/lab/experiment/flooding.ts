import type { Chart } from '../../observe/chart/chart.ts';
import { type Check, checkMean, meanOf, within } from '../../observe/figures/judge.ts';
import { meanHops, meanHopsBias } from '../../observe/theory/network.ts';
import type { FloodingFigures } from '../../sim/models/reduced/flooding.ts';
import { simLimits } from '../../sim/world/limits.ts';
import { misuse } from '../../yard/problem.ts';
import { countOf, listOf, measuredSeries, wholeSeries } from './common.ts';
import { number, numbers } from './parameters.ts';
import { ratio, row, WHOLE_PART, wholeMean } from './rows.ts';
import type { Experiment, ExperimentBench, Row } from './types.ts';

const FLOODS = 20;
/** Each on a network of its own, which most of the time goes into. */
const WHOLE_FLOODS = 8;
/** Ten thousand whole nodes would be ten thousand chain databases, 2.3 GB, and half a minute a flood. */
const MOST_WHOLE = 1_000;
const LEAST_WHOLE = 100;
/** Of forty sizes whole nodes would take minutes. */
const MOST_SIZES = 3;
/** Gossip passes on what others found over so many links at most, so a node with more of them is no longer the one of the question. */
const MOST_LINKS = simLimits.meshHigh;

const NOTE =
  'mean hops: early shells scatter, so the mean may be up to 2/(N(d-2)) of itself above the prediction';

interface WholeFloods {
  readonly nodes: number;
  readonly hops: readonly number[];
  readonly reached: readonly number[];
}

export const flooding: Experiment = {
  name: 'flooding',
  says: 'how many hops does a block take to reach everybody?',
  question:
    'Every node has the same number of random links, and passes a block on to all neighbours that lack it. How many hops away is a node on average, and how fast does that grow with the network?',
  parameters: [
    listOf('nodes', 'nodes of the network', [100, 1_000, 10_000], 20, 100_000, true),
    countOf('degree', 'links of each node', 8, 3, 50),
  ],
  async run(values, seed, bench) {
    const degree = number(values, 'degree');
    const asked = numbers(values, 'nodes');
    checkSizes(asked, degree);
    const forWhole = degree > MOST_LINKS ? [] : wholeSizes(asked);
    const sizes = [...new Set([...asked, ...forWhole])].sort((a, b) => a - b);
    const [runs, whole] = await Promise.all([
      Promise.all(sizes.map((nodes) => runReduced(bench, seed, nodes, degree))),
      Promise.all(forWhole.map((nodes) => runWhole(bench, seed, nodes, degree))),
    ]);
    const judged = runs.map((run) => judge(run, degree));
    const wholes = whole.map((floods) => besides(floods, judged));
    const last = judged.at(-1)!;
    return {
      rows: judged.flatMap((run) => rowsOf(run, degree, wholes)),
      charts: [hopsChart(judged, wholes, degree), reachChart(judged, wholes.at(-1))],
      sentence: `Among ${named(last.nodes)} nodes with ${degree} links each a block was ${ratio(last.hops.measured)} hops away on average (predicted ${ratio(last.hops.predicted)}); ${sizes.length > 1 ? `from ${named(sizes[0]!)} nodes to ${named(last.nodes)} that grew by ${ratio(last.hops.measured - judged[0]!.hops.measured)} only` : 'ten times as many nodes would add one hop or so'}.`,
      remarks: [
        `${FLOODS} blocks, each on a network drawn anew. A node announces a block to all neighbours but the one that it has it from; who lacks it asks, and gets it: ${Math.round(last.messages / FLOODS).toLocaleString('en-US')} messages a block among ${named(last.nodes)} nodes.`,
        wholeRemark(asked, forWhole),
      ],
    };
  },
};

function checkSizes(asked: readonly number[], degree: number): void {
  const odd = asked.find((nodes) => (nodes * degree) % 2 === 1 || nodes < 4 * degree);
  if (odd !== undefined)
    throw misuse(
      `${odd} nodes with ${degree} links each: there must be at least four nodes a link, and nodes × links even`,
      'As in: --nodes 1000 --degree 8',
    );
}

interface Run extends FloodingFigures {
  readonly nodes: number;
}

async function runReduced(bench: ExperimentBench, seed: number, nodes: number, degree: number): Promise<Run> {
  const input = { nodes, degree, floods: FLOODS, seed: `${seed}/flooding/${nodes}` };
  return { nodes, ...(await bench.do('flooding', input, nodes * degree)) };
}

interface Judged {
  readonly nodes: number;
  readonly reached: readonly number[];
  readonly messages: number;
  /** Standard deviation of a flood's mean. */
  readonly scatter: number;
  readonly hops: Check;
}

function judge({ nodes, reached, messages, hops }: Run, degree: number): Judged {
  const { mean, se } = meanOf(hops);
  const predicted = meanHops(nodes, degree);
  const tolerance = within(predicted, 0, meanHopsBias(nodes, degree));
  const check = checkMean(mean, se, FLOODS * (nodes - 1), predicted, { tolerance, df: FLOODS - 1 });
  return { nodes, reached, messages, scatter: se * Math.sqrt(FLOODS), hops: check };
}

interface Whole {
  readonly nodes: number;
  readonly reached: readonly number[];
  readonly measured: number;
  readonly se: number;
  readonly n: number;
}

/** Whole nodes of one size, with the scatter of the reduced model's floods there. */
function besides({ nodes, hops, reached }: WholeFloods, judged: readonly Judged[]): Whole {
  return {
    nodes,
    reached,
    measured: meanOf(hops).mean,
    se: judged.find((j) => j.nodes === nodes)!.scatter / Math.sqrt(WHOLE_FLOODS),
    n: WHOLE_FLOODS * (nodes - 1),
  };
}

function rowsOf({ nodes, hops }: Judged, degree: number, wholes: readonly Whole[]): Row[] {
  const reduced = row({ quantity: 'mean hops', nodes, degree }, hops, {
    origin: 'derived here',
    formula: 'mean shells, near log_(d-1)N',
    note: NOTE,
  });
  return [
    reduced,
    ...wholes
      .filter((w) => w.nodes === nodes)
      .map(({ measured, se, n }) => wholeMean(reduced, { measured, se, n, df: FLOODS - 1 })),
  ];
}

function hopsChart(judged: readonly Judged[], wholes: readonly Whole[], degree: number): Chart {
  const curve = [20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5]
    .filter((n) => n <= judged.at(-1)!.nodes && n >= judged[0]!.nodes)
    .map((n) => ({ x: n, y: meanHops(n, degree) }));
  const measured = judged.map(({ nodes, hops }) => ({ x: nodes, y: hops.measured, se: hops.se }));
  const whole = wholes.map(({ nodes, measured: y, se }) => ({ x: nodes, y, se }));
  return {
    title: 'Mean number of hops, by size of the network',
    xLabel: 'nodes (powers of ten)',
    yLabel: 'mean hops',
    logX: true,
    series: [
      { name: 'predicted', as: 'line', colour: 0, points: curve },
      { name: 'measured', as: 'points', colour: 0, points: measured },
      ...(wholes.length === 0 ? [] : [wholeSeries('whole nodes', 0, whole)]),
    ],
  };
}

function reachChart(judged: readonly Judged[], largest: Whole | undefined): Chart {
  const most = Math.max(...judged.map((j) => j.reached.findIndex((share) => share > 0.9999)));
  const points = (reached: readonly number[]) => reached.slice(0, most + 1).map((y, x) => ({ x, y }));
  return {
    title: 'Share of the network that a block has reached, hop by hop',
    xLabel: 'hops',
    yLabel: 'share of nodes',
    series: judged.flatMap(({ nodes, reached }, colour) => [
      measuredSeries(`${named(nodes)} nodes`, colour, points(reached)),
      ...(largest?.nodes === nodes
        ? [wholeSeries(`${named(nodes)} whole nodes`, colour, points(largest.reached))]
        : []),
    ]),
  };
}

/** The largest sizes that they can have; where the largest asked for dwarfs those, a fortieth of it as well. */
function wholeSizes(asked: readonly number[]): number[] {
  const fit = asked
    .filter((nodes) => nodes <= MOST_WHOLE)
    .sort((a, b) => a - b)
    .slice(-MOST_SIZES);
  const fortieth = 2 * Math.ceil(Math.max(...asked) / WHOLE_PART / 2);
  if (fit.some((nodes) => nodes >= Math.min(fortieth, MOST_WHOLE))) return fit;
  return [...fit, Math.min(MOST_WHOLE, Math.max(LEAST_WHOLE, fortieth))];
}

/** One network a piece: the standard errors are those of the reduced model, whose floods scatter alike. */
async function runWhole(
  { do: work, networks }: ExperimentBench,
  seed: number,
  nodes: number,
  degree: number,
): Promise<WholeFloods> {
  const floods = await Promise.all(
    Array.from({ length: WHOLE_FLOODS }, (_, i) =>
      work(
        'wholeFlooding',
        { nodes, degree, floods: 1, seed: `${seed}/whole/flooding/${nodes}/${i}`, networks },
        nodes * degree * 100,
      ),
    ),
  );
  return {
    nodes,
    hops: floods.flatMap(({ hops }) => hops),
    reached: floods[0]!.reached.map(
      (_, hop) => floods.reduce((sum, { reached }) => sum + reached[hop]!, 0) / WHOLE_FLOODS,
    ),
  };
}

function wholeRemark(asked: readonly number[], sizes: readonly number[]): string {
  if (sizes.length === 0)
    return `There are no whole nodes here: their gossip passes on what others found over ${MOST_LINKS} links at most, so with more of them a block does not take all that there are.`;
  const added = sizes.filter((nodes) => !asked.includes(nodes)).map(named);
  const extra = added.length === 0 ? '' : `; those of ${added.join()} are there for them`;
  return `Whole nodes flood networks of up to ${named(MOST_WHOLE)} nodes, the largest ${MOST_SIZES} sizes if there are more${extra}: ${WHOLE_FLOODS} blocks for each size, each on a network drawn anew, too. They push a block this small at once instead of announcing it, so a hop takes one message there, and three in the reduced model. Larger networks are for the reduced model alone: each whole node has a chain, a disk and peers of its own. Standard errors of whole nodes are those that the reduced model’s floods scatter by.`;
}

function named(nodes: number): string {
  return nodes.toLocaleString('en-US');
}
