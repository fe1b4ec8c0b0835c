import { parseRate } from '../../observe/words/units.ts';
import { defaultRegion, PROFILES } from '../../util/profiles.ts';
import { TOPOLOGIES } from '../../util/topology.ts';
import { didYouMean, letterOf, MAX_NODES } from '../../yard/names.ts';
import { parseRegion } from '../../yard/profiles.ts';
import type { NetworkName } from '../launcher/create.ts';
import { WEATHER, WEATHERS } from '../yard/weather.ts';
import { parseFigureName } from './assertions.ts';
import { linksOf, readShape } from './links.ts';
import type {
  Ask,
  Assertion,
  Scenario,
  ScenarioFault,
  ScenarioLink,
  ScenarioNode,
  Step,
} from './scenario.ts';
import { conditionOf, durationOf, type Names, readStep } from './steps.ts';
import { Faults, type Field, readYaml } from './yaml.ts';

/** Reads a scenario file. Every fault is told with its line and field, all at once; a file with one does not run. */

export const FIELDS = [
  'title',
  'lesson',
  'network',
  'pace',
  'delay',
  'topology',
  'profile',
  'weather',
  'links',
  'mining',
  'nodes',
  'timeout',
  'steps',
  'assert',
  'ask',
];
const NETWORKS: readonly NetworkName[] = ['yard', 'lab', 'regtest'];
const MAX_STEPS = 1_000;
const MAX_ASSERTIONS = 200;
const MAX_ASKS = 50;
const DEFAULT_RATE = 50_000;
const DEFAULT_TIMEOUT_MS = 60_000;

export function parseScenario(
  text: string,
): { readonly scenario: Scenario } | { readonly faults: readonly ScenarioFault[] } {
  const { root, faults: broken } = readYaml(text);
  if (root === undefined) return { faults: broken };
  const faults = new Faults();
  const scenario = faults.try(() => readAll(root, faults));
  return scenario !== undefined && faults.all.length === 0
    ? { scenario }
    : { faults: [...faults.all].sort((a, b) => a.line - b.line || a.column - b.column) };
}

function readAll(root: Field, faults: Faults): Scenario {
  const fields = root.map();
  root.checkKeys(FIELDS, faults);
  const opt = <T>(name: string, read: (field: Field) => T): T | undefined => {
    const field = fields.get(name);
    return field === undefined ? undefined : faults.try(() => read(field));
  };
  const network = opt('network', (f) => choose(f, NETWORKS)) ?? 'lab';
  const nodes = opt('nodes', (f) => readNodes(f, network)) ?? defaultNodes(4, network);
  const topology = opt('topology', (f) => choose(f, TOPOLOGIES)) ?? 'full';
  const names: Names = { nodes: nodes.map((n) => n.letter), topology, payments: [], marks: [] };
  const weather = opt('weather', (f) => WEATHER[choose(f, WEATHERS)]);
  const links = opt('links', (f) =>
    [...f.map()].flatMap(([on, field]): ScenarioLink[] => {
      const shape = faults.try(() => ({ on: linksOf(field, on, names), shape: readShape(field) }));
      return shape === undefined ? [] : [shape];
    }),
  );
  const steps = opt('steps', (f) =>
    f.list(MAX_STEPS).flatMap((entry): Step[] => {
      const step = faults.try(() => readStep(entry, names));
      return step === undefined ? [] : [step];
    }),
  );
  const assertions = opt('assert', (f) =>
    f.list(MAX_ASSERTIONS).flatMap((entry): Assertion[] => {
      const condition = faults.try(() => conditionOf(entry, names));
      return condition === undefined ? [] : [{ line: entry.line, condition }];
    }),
  );
  const asks = opt('ask', (f) => readAsks(f, names, faults));
  const paceField = fields.get('pace');
  const paceMs = opt('pace', durationOf) ?? weather?.paceMs;
  if (paceMs !== undefined && paceMs < 100)
    faults.try(() => paceField!.refuse(`'${paceField!.text()}' is faster than 100ms`));
  if (paceMs !== undefined && network === 'regtest')
    faults.try(() =>
      (paceField ?? fields.get('weather')!).refuse("regtest has no pace: its target is Bitcoin Core's"),
    );
  const lacking = ['title', 'steps'].filter((name) => !fields.has(name));
  if (lacking.length > 0)
    faults.try(() => root.refuse(`lacks ${lacking.map((n) => `'${n}'`).join(' and ')}`));
  return {
    title: opt('title', (f) => f.text()) ?? '',
    lesson: opt('lesson', (f) => f.text().trim()) ?? '',
    network,
    paceMs,
    delayMs: opt('delay', readDelay) ?? weather?.delayMs ?? 0,
    topology,
    profile: opt('profile', (f) => choose(f, PROFILES)),
    links: links ?? [],
    mining: opt('mining', (f) => f.flag()) ?? network !== 'regtest',
    nodes,
    timeoutMs: opt('timeout', durationOf) ?? DEFAULT_TIMEOUT_MS,
    steps: steps ?? [],
    assertions: assertions ?? [],
    asks: asks ?? [],
  };
}

function choose<T extends string>(field: Field, known: readonly T[]): T {
  const text = field.text();
  return known.find((k) => k === text) ?? field.refuse(`'${text}' is unknown. ${didYouMean(text, known)}`);
}

function readDelay(field: Field): number {
  const ms = durationOf(field);
  return ms <= 60_000 ? ms : field.refuse(`'${field.text()}' is longer than 60s`);
}

function defaultNodes(count: number, network: NetworkName): ScenarioNode[] {
  return Array.from({ length: count }, (_, i) => defaultNode(i, network));
}

function defaultNode(index: number, network: NetworkName): ScenarioNode {
  return {
    letter: letterOf(index),
    hashrate: DEFAULT_RATE,
    mines: network !== 'regtest',
    region: defaultRegion(index),
  };
}

/** A number, or letters with what each has. Letters are A, B, C… without a gap, as everywhere. */
function readNodes(field: Field, network: NetworkName): ScenarioNode[] {
  if (!field.isMap) return defaultNodes(field.whole(1, MAX_NODES), network);
  const entries = [...field.map()];
  if (entries.length === 0 || entries.length > MAX_NODES)
    field.refuse(`from 1 to ${MAX_NODES} nodes, not ${entries.length}`);
  return entries.map(([letter, entry], i) => {
    if (letter !== letterOf(i))
      entry.refuse(`node ${i + 1} is called ${letterOf(i)}, not ${letter}: letters go up without a gap`);
    if (entry.isEmpty) return defaultNode(i, network);
    const fields = entry.map(['hashrate', 'mines', 'region']);
    const region = fields.get('region');
    const rate = fields.get('hashrate');
    return {
      letter,
      hashrate: rate === undefined ? DEFAULT_RATE : rate.must(parseRate(rate.text())),
      mines: fields.get('mines')?.flag() ?? network !== 'regtest',
      region: region === undefined ? defaultRegion(i) : region.must(parseRegion(region.text())),
    };
  });
}

/** `figure` names a figure, such as `deepest reorg of C`; the run knows its value, and the answer is compared with it. */
function readAsks(field: Field, names: Names, faults: Faults): Ask[] {
  const ids = new Set<string>();
  return field.list(MAX_ASKS).flatMap((entry): Ask[] => {
    const ask = faults.try(() => {
      const fields = entry.map(['id', 'question', 'figure', 'answer']);
      const id = fields.get('id')?.text() ?? entry.refuse("lacks 'id'");
      if (ids.has(id)) entry.refuse(`there is a question '${id}' already`);
      ids.add(id);
      const figure = fields.get('figure');
      const answer = fields.get('answer');
      return {
        line: entry.line,
        id,
        question: fields.get('question')?.text().trim() ?? entry.refuse("lacks 'question'"),
        figure: figure === undefined ? undefined : figure.must(parseFigureName(figure.text(), names)),
        answer: answer === undefined || answer.isEmpty ? undefined : answer.text().trim(),
      };
    });
    return ask === undefined ? [] : [ask];
  });
}
