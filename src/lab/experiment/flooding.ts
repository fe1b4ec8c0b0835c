import { checkMean, meanOf, within } from '../../observe/figures/judge.ts';
import { meanHops, meanHopsBias } from '../../observe/theory/network.ts';
import { simLimits } from '../../sim/world/limits.ts';
import { misuse } from '../../yard/problem.ts';
import { countOf, listOf } from './common.ts';
import { number, numbers } from './parameters.ts';
import { ratio, row, WHOLE_PART, wholeMean } from './rows.ts';
import type { Experiment, ExperimentBench } from './types.ts';

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
/** Whole nodes stand beside the reduced model, not on it. */
const ASIDE = 11;

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
    const odd = asked.find((nodes) => (nodes * degree) % 2 === 1 || nodes < 4 * degree);
    if (odd !== undefined)
      throw misuse(
        `${odd} nodes with ${degree} links each: there must be at least four nodes a link, and nodes × links even`,
        'As in: --nodes 1000 --degree 8',
      );
    const forWhole = degree > MOST_LINKS ? [] : wholeSizes(asked);
    const sizes = [...new Set([...asked, ...forWhole])].sort((a, b) => a - b);
    const [runs, whole] = await Promise.all([
      Promise.all(
        sizes.map(async (nodes) => ({
          nodes,
          ...(await bench.do(
            'flooding',
            { nodes, degree, floods: FLOODS, seed: `${seed}/flooding/${nodes}` },
            nodes * degree,
          )),
        })),
      ),
      Promise.all(forWhole.map((nodes) => runWhole(bench, seed, nodes, degree))),
    ]);
    const judged = runs.map((r) => {
      const { mean, se } = meanOf(r.hops);
      const n = FLOODS * (r.nodes - 1);
      const predicted = meanHops(r.nodes, degree);
      const bias = meanHopsBias(r.nodes, degree);
      return {
        ...r,
        scatter: se * Math.sqrt(FLOODS),
        hops: checkMean(mean, se, n, predicted, { tolerance: within(predicted, 0, bias), df: FLOODS - 1 }),
      };
    });
    const last = judged.at(-1)!;
    const most = Math.max(...judged.map((j) => j.reached.findIndex((share) => share > 0.9999)));
    const of = whole.map(({ nodes, hops, reached }) => ({
      nodes,
      reached,
      measured: meanOf(hops).mean,
      se: judged.find((j) => j.nodes === nodes)!.scatter / Math.sqrt(WHOLE_FLOODS),
      n: WHOLE_FLOODS * (nodes - 1),
    }));
    const largest = of.at(-1);
    return {
      rows: judged.flatMap(({ nodes, hops }) => {
        const reduced = row({ quantity: 'mean hops', nodes, degree }, hops, {
          origin: 'derived here',
          formula: 'mean shells, near log_(d-1)N',
          note: NOTE,
        });
        const wholes = of.filter((w) => w.nodes === nodes);
        return [
          reduced,
          ...wholes.map(({ measured, se, n }) => wholeMean(reduced, { measured, se, n, df: FLOODS - 1 })),
        ];
      }),
      charts: [
        {
          title: 'Mean number of hops, by size of the network',
          xLabel: 'nodes (powers of ten)',
          yLabel: 'mean hops',
          logX: true,
          series: [
            {
              name: 'predicted',
              as: 'line',
              colour: 0,
              points: [20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5]
                .filter((n) => n <= Math.max(...sizes) && n >= Math.min(...sizes))
                .map((n) => ({ x: n, y: meanHops(n, degree) })),
            },
            {
              name: 'measured',
              as: 'points',
              colour: 0,
              points: judged.map(({ nodes, hops }) => ({ x: nodes, y: hops.measured, se: hops.se })),
            },
            ...(largest === undefined
              ? []
              : [
                  {
                    name: 'whole nodes',
                    as: 'points' as const,
                    solid: true,
                    aside: ASIDE,
                    colour: 0,
                    points: of.map(({ nodes, measured, se }) => ({ x: nodes, y: measured, se })),
                  },
                ]),
          ],
        },
        {
          title: 'Share of the network that a block has reached, hop by hop',
          xLabel: 'hops',
          yLabel: 'share of nodes',
          series: judged.flatMap(({ nodes, reached }, colour) => [
            {
              name: `measured, ${named(nodes)} nodes`,
              as: 'points' as const,
              colour,
              points: reached.slice(0, most + 1).map((y, x) => ({ x, y })),
            },
            ...of
              .filter((w) => w === largest && w.nodes === nodes)
              .map((w) => ({
                name: `${named(nodes)} whole nodes`,
                as: 'points' as const,
                solid: true,
                aside: ASIDE,
                colour,
                points: w.reached.slice(0, most + 1).map((y, x) => ({ x, y })),
              })),
          ]),
        },
      ],
      sentence: `Among ${named(last.nodes)} nodes with ${degree} links each a block was ${ratio(last.hops.measured)} hops away on average (predicted ${ratio(last.hops.predicted)}); ${sizes.length > 1 ? `from ${named(sizes[0]!)} nodes to ${named(last.nodes)} that grew by ${ratio(last.hops.measured - judged[0]!.hops.measured)} only` : 'ten times as many nodes would add one hop or so'}.`,
      remarks: [
        `${FLOODS} blocks, each on a network drawn anew. A node announces a block to all neighbours but the one that it has it from; who lacks it asks, and gets it: ${Math.round(last.messages / FLOODS).toLocaleString('en-US')} messages a block among ${named(last.nodes)} nodes.`,
        wholeRemark(asked, forWhole),
      ],
    };
  },
};

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
