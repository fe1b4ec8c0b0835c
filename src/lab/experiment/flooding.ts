import { judgeApproximate, meanOf } from '../../observe/judge.ts';
import { meanHops } from '../../observe/predict-network.ts';
import { misuse } from '../problem.ts';
import { countOf, listOf } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, ratio, row, wholeRow } from './rows.ts';
import type { Experiment } from './types.ts';

const FLOODS = 20;
const TOLERANCE = 0.02;
const WHOLE_FLOODS = 10;
/** Ten thousand whole nodes would be ten thousand chain databases: a network of this size at most. */
const MOST_WHOLE = 150;

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
    const sizes = numbers(values, 'nodes');
    const odd = sizes.find((nodes) => (nodes * degree) % 2 === 1 || nodes < 4 * degree);
    if (odd !== undefined)
      throw misuse(
        `${odd} nodes with ${degree} links each: there must be at least four nodes a link, and nodes × links even`,
        'As in: --nodes 1000 --degree 8',
      );
    const small = sizes.find((nodes) => nodes <= MOST_WHOLE);
    const whole =
      small === undefined
        ? undefined
        : bench.do(
            'wholeFlooding',
            {
              nodes: small,
              degree,
              floods: WHOLE_FLOODS,
              seed: `${seed}/whole/flooding/${small}`,
              networks: bench.networks,
            },
            1_000 * degree,
          );
    const runs = await Promise.all(
      sizes.map(async (nodes) => ({
        nodes,
        ...(await bench.do(
          'flooding',
          { nodes, degree, floods: FLOODS, seed: `${seed}/flooding/${nodes}` },
          nodes * degree,
        )),
      })),
    );
    const wholeHops = await whole;
    return (sigmas) => {
      const judged = runs.map((r) => {
        const { mean, se } = meanOf(r.hops);
        const n = FLOODS * (r.nodes - 1);
        return { ...r, hops: judgeApproximate(mean, se, n, meanHops(r.nodes, degree), TOLERANCE, sigmas) };
      });
      const last = judged.at(-1)!;
      const most = Math.max(...judged.map((j) => j.reached.findIndex((share) => share > 0.9999)));
      return {
        rows: judged.flatMap(({ nodes, hops }) => {
          const reduced = row({ quantity: 'mean hops', nodes, degree }, hops, {
            origin: 'derived here',
            formula: 'log_(d-1)(N(d-2)/d) + 1/2 - γ/ln(d-1)',
            note: `approximate: the larger of the standard errors and ${percentOf(TOLERANCE)} decides`,
          });
          if (nodes !== small || wholeHops === undefined) return [reduced];
          const { mean, se } = meanOf(wholeHops);
          return [reduced, wholeRow(reduced, { measured: mean, se, n: WHOLE_FLOODS * (nodes - 1) }, sigmas)];
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
            ],
          },
          {
            title: 'Share of the network that a block has reached, hop by hop',
            xLabel: 'hops',
            yLabel: 'share of nodes',
            series: judged.map(({ nodes, reached }, colour) => ({
              name: `measured, ${nodes.toLocaleString('en-US')} nodes`,
              as: 'points' as const,
              colour,
              points: reached.slice(0, most + 1).map((y, x) => ({ x, y })),
            })),
          },
        ],
        sentence: `Among ${last.nodes.toLocaleString('en-US')} nodes with ${degree} links each a block was ${ratio(last.hops.measured)} hops away on average (predicted ${ratio(last.hops.predicted)}); ${sizes.length > 1 ? `from ${sizes[0]!.toLocaleString('en-US')} nodes to ${last.nodes.toLocaleString('en-US')} that grew by ${ratio(last.hops.measured - judged[0]!.hops.measured)} only` : 'ten times as many nodes would add one hop or so'}.`,
        remarks: [
          `${FLOODS} blocks, each on a network drawn anew. A node announces a block to all neighbours but the one that it has it from; who lacks it asks, and gets it: ${Math.round(last.messages / FLOODS).toLocaleString('en-US')} messages a block among ${last.nodes.toLocaleString('en-US')} nodes.`,
          `Whole nodes flood networks of up to ${MOST_WHOLE} nodes; larger ones are for the reduced model alone.`,
        ],
      };
    };
  },
};
