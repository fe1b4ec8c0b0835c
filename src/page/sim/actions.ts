import { formatShape, linkName, shapesLeft, wishedShape } from '../../observe/words/conditions.ts';
import { linksIn, parseGroups } from '../../observe/words/parse.ts';
import {
  formatMs,
  formatOffset,
  formatRate,
  parseBandwidth,
  parseCount,
  parseDelay,
  parseLoss,
  parseOffset,
  parseRate,
} from '../../observe/words/units.ts';
import { list } from '../../observe/words/words.ts';
import { UNCAPPED_RATE } from '../../sim/yard.ts';
import { plural } from '../../util/plural.ts';
import { cutPairs } from '../../util/topology.ts';
import type { ActionRequest, Told } from '../state/facts.ts';
import { awake, type Fields, letter, must, Refused, type SimAction, text, up } from './fields.ts';
import { doubleSpend, send } from './pay.ts';
import type { SimRun } from './run.ts';

/** The page's actions on a simulated yard: the same verbs, fields and sentences as on a live one. */

/** Simulated time after which an action gives up. */
const PATIENCE_MS = 600_000;

const VERBS: Readonly<Record<string, (run: SimRun, f: Fields) => SimAction>> = {
  hold: (run) => hold(run, true),
  release: (run) => hold(run, false),
  mine,
  send,
  'double-spend': doubleSpend,
  partition: (run, f) => (/[<>]/.test(text(f, 'groups')) ? cutOneWay(run, f) : partition(run, f)),
  heal,
  link,
  'hold-links': (run) => wires(run, true),
  'release-links': (run) => wires(run, false),
  freeze: (run, f) => {
    const node = awake(run, f);
    return act(
      `Freeze ${node}: it stands still, its connections stay open`,
      () => run.yard.freeze(node),
      `${node} is frozen`,
    );
  },
  thaw: (run, f) => {
    const node = letter(run, f);
    if (!run.yard.node(node).frozen) throw new Refused(`node ${node} is not frozen`);
    return act(`Thaw ${node}: it goes on where it was`, () => run.yard.thaw(node), `${node} goes on`);
  },
  kill: (run, f) => {
    const node = up(run, f);
    return act(`End node ${node} at once (kill -9)`, () => run.yard.kill(node), `${node} is down`);
  },
  start: (run, f) => {
    const node = letter(run, f);
    if (run.yard.node(node).up) throw new Refused(`node ${node} is running already`);
    return act(`Start node ${node} on what is on its disk`, () => run.yard.start(node), `${node} is back`);
  },
  set,
};

/** Verbs that a simulated yard has. */
export const SIM_VERBS: ReadonlySet<string> = new Set(Object.keys(VERBS));

export async function actSimulated(
  run: SimRun,
  request: ActionRequest,
  onTold: (told: Told) => void,
): Promise<void> {
  try {
    const make = VERBS[request.verb];
    if (make === undefined) throw new Refused(`a simulated yard has no action '${request.verb}'`);
    const action = make(run, request.fields);
    onTold({ plan: action.plan });
    if (request.dry === true) return;
    run.wasTouched ||= run.check === undefined;
    onTold({ done: await action.run((step) => onTold({ step })), no: false });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    onTold({ problem: error.message });
  }
}

function act(plan: string, run: () => void, done: string): SimAction {
  return {
    plan,
    run() {
      run();
      return done;
    },
  };
}

function hold(run: SimRun, on: boolean): SimAction {
  const { letters } = run.yard;
  const who = letters.join(' ');
  return act(
    on ? `Hold the miners of ${who}: no new blocks until they are released` : `Release the miners of ${who}`,
    () =>
      run.yard.hold(
        on,
        letters.filter((l) => run.yard.node(l).up),
      ),
    `${on ? 'held' : 'released'}: ${letters.length} miners`,
  );
}

function mine(run: SimRun, fields: Fields): SimAction {
  const node = awake(run, fields);
  const blocks = must(parseCount(text(fields, 'blocks'), 'blocks', 1, 100));
  const many = plural(blocks, 'block');
  return {
    plan: `Mine ${many} on ${node}, as fast as it can`,
    async run() {
      const sim = run.yard.node(node);
      const { held } = sim.mining;
      const found: string[] = [];
      const away = run.yard.world.onEvent((event) => {
        if (event.kind === 'mined' && event.node === node) found.push(`${event.height}${event.miner}`);
      });
      sim.mine({ held: false, blocks, orderRate: UNCAPPED_RATE });
      const done = await run.until(() => found.length >= blocks || !sim.up, PATIENCE_MS);
      away();
      if (sim.up) sim.mine({ held });
      if (!done || found.length < blocks) throw new Refused(`${node} found ${found.length} of ${many}`);
      return `${node} mined ${many}: ${found.slice(0, 8).join(' ')}${found.length > 8 ? ' …' : ''}`;
    },
  };
}

function partition(run: SimRun, fields: Fields): SimAction {
  const groups = must(parseGroups(text(fields, 'groups'), run.yard.letters));
  const sides = groups.map((g) => g.join(' ')).join(' | ');
  const count = cutPairs(run.yard.letters, run.yard.topology, groups).length;
  return act(
    `Cut ${sides}: ${plural(count, 'link')}; no message crosses until it is healed`,
    () => run.yard.partition(groups),
    `${sides}: ${plural(count, 'link')} cut`,
  );
}

function cutOneWay(run: SimRun, fields: Fields): SimAction {
  const links = must(linksIn(text(fields, 'groups'), run.yard.letters, () => true));
  const words = links.map((d) => linkName(...d)).join(' ');
  return act(
    `Cut ${words} in one direction, until it is healed; the other way stays open`,
    () => run.yard.cutOneWay(`cut one way: ${words}`, links),
    `${words}: ${plural(links.length, 'direction')} cut; the other way is open`,
  );
}

function heal(run: SimRun): SimAction {
  return {
    plan: 'Heal: open all links, then wait until all agree',
    async run(step) {
      const from = run.nowMs;
      const reorgs = new Map<string, number>();
      const away = run.yard.world.onEvent((event) => {
        if (event.kind === 'reorg')
          reorgs.set(event.node, Math.max(event.depth, reorgs.get(event.node) ?? 0));
      });
      run.yard.heal();
      step('links are open');
      const done = await run.until(() => run.yard.world.agreed(run.yard.awake()), PATIENCE_MS);
      away();
      if (!done) throw new Refused(`after ${formatMs(PATIENCE_MS)} they still disagree`);
      const story = [...reorgs].map(([node, depth]) => `${node} ${depth} deep`);
      const told = story.length === 0 ? 'nobody had to reorganise' : `reorganised: ${list(story)}`;
      return `all agree after ${formatMs(run.nowMs - from)}; ${told}${shapesLeft(run.yard.conditions)}`;
    },
  };
}

function link(run: SimRun, fields: Fields): SimAction {
  const links = must(linksIn(text(fields, 'links'), run.yard.letters, () => true));
  const words = links.map((d) => linkName(...d)).join(' ');
  if (fields['clear'] === 'true') {
    return act(
      `Take back what was asked of ${words}`,
      () => {
        const kept = Object.entries(run.yard.conditions.shapes).filter(
          ([name]) => !links.some((d) => linkName(...d) === name),
        );
        run.yard.setShapes(`link: ${words} as before`, Object.fromEntries(kept));
      },
      `${words} as before`,
    );
  }
  const given = (name: string) => (fields[name]?.trim() === '' ? undefined : fields[name]);
  const [delay, jitter, loss, rate] = ['delay', 'jitter', 'loss', 'rate'].map(given);
  const wish = {
    ...(delay === undefined ? {} : { delayMs: must(parseDelay(delay)) }),
    ...(jitter === undefined ? {} : { jitterMs: must(parseDelay(jitter)) }),
    ...(loss === undefined ? {} : { loss: must(parseLoss(loss)) }),
    ...(rate === undefined ? {} : { bitsPerSecond: must(parseBandwidth(rate)) }),
  };
  const shapes = links.map((d) => {
    return [d, must(wishedShape(run.yard.shapeOf(...d), wish))] as const;
  });
  const all = [...new Set(shapes.map(([, shape]) => formatShape(shape)))].join(' or ');
  if (Object.keys(wish).length === 0)
    return act(
      `Nothing is asked of ${words}: give a delay, jitter, loss or rate`,
      () => {},
      `${words}: ${all}`,
    );
  return act(
    `Shape ${words}: ${all} one way, until it is taken back (As before)`,
    () => {
      const asked = Object.fromEntries(shapes.map(([d, shape]) => [linkName(...d), shape]));
      run.yard.setShapes(`link: ${words} ${all}`, { ...run.yard.conditions.shapes, ...asked });
    },
    `${words}: ${all}`,
  );
}

function wires(run: SimRun, held: boolean): SimAction {
  return act(
    held
      ? 'Hold every message on every link, in order; nothing is lost'
      : 'Release the wires: all messages arrive',
    () => run.yard.holdWires(held),
    held ? 'held: every link' : 'released: every link',
  );
}

function set(run: SimRun, fields: Fields): SimAction {
  const node = awake(run, fields);
  const [clock, rate] = [fields['clock']?.trim() ?? '', fields['hashrate']?.trim() ?? ''];
  if (clock === '' && rate === '') throw new Refused('nothing to set: give a clock offset or a hash rate');
  const clockMs = clock === '' ? undefined : must(parseOffset(clock));
  const hashrate = rate === '' ? undefined : must(parseRate(rate));
  const said = [
    ...(hashrate === undefined ? [] : [`hash rate ${formatRate(hashrate)}`]),
    ...(clockMs === undefined ? [] : [`clock ${clockMs === 0 ? 'right' : formatOffset(clockMs)}`]),
  ].join(', ');
  return act(
    `Set ${node}: ${said}, from now on`,
    () => {
      if (hashrate !== undefined)
        run.yard.node(node).mine({ hashrate: hashrate === 0 ? UNCAPPED_RATE : hashrate });
      if (clockMs !== undefined) run.yard.setClock(node, clockMs);
    },
    `${node}: ${said}`,
  );
}
