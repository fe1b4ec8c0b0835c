import type { Conditions } from '../../events/events.ts';
import { eventTime } from '../../host/driver/clock.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json, JsonInput, JsonObject } from '../../host/http/json.ts';
import { type Arguments, type RpcArgument, type RpcMethod, RpcRegistry } from '../../host/http/methods.ts';
import { MAX_CLOCK_MS } from '../../yard/limits.ts';
import { Problem } from '../../yard/problem.ts';
import { parseRegion } from '../../yard/profiles.ts';
import { isCondition } from '../yard/check.ts';
import type { Launcher } from './launcher.ts';

/** What a second terminal may ask of the launcher, on loopback with `control.cookie`. */

/** Events in one answer at most; the caller asks again from the last. */
const MAX_EVENTS = 5_000;

export interface ControlOptions {
  readonly launcher: () => Launcher | undefined;
  /** End the yard; answered before it happens. */
  readonly down: () => void;
}

const NODE: RpcArgument = { name: 'node', type: 'string', says: "the node's letter" };

export function controlRegistry(options: ControlOptions): RpcRegistry {
  const own = [...LOG_METHODS, ...FAULT_METHODS, ...PROCESS_METHODS, downMethod(options)];
  return new RpcRegistry(own.map((method) => rpcMethod(options, method)));
}

/** A method of the launcher, as it is while the yard runs. */
interface ControlMethod {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly RpcArgument[];
  readonly run: (launcher: Launcher, args: Arguments) => Promise<Json> | Json;
}

function method(
  name: string,
  summary: string,
  args: ControlMethod['args'],
  run: ControlMethod['run'],
): ControlMethod {
  return { name, summary, args, run };
}

function rpcMethod(options: ControlOptions, { name, summary, args, run }: ControlMethod): RpcMethod {
  return {
    name,
    category: 'Launcher',
    summary,
    args,
    example: '',
    async run(given) {
      const launcher = options.launcher();
      if (launcher === undefined)
        throw new RpcError(RPC.IN_WARMUP, 'the yard is starting; try again in a second');
      if (launcher.isClosing) throw new RpcError(RPC.MISC_ERROR, 'the yard is stopping');
      try {
        return await run(launcher, given);
      } catch (error) {
        if (error instanceof Problem) throw new RpcError(RPC.MISC_ERROR, error.message);
        throw error;
      }
    },
  };
}

/** What the merged log has, and lines of its own. */
const LOG_METHODS: readonly ControlMethod[] = [
  method('status', 'Is the yard ready?', [], () => ({ pid: process.pid, ready: true })),
  method('mark', 'Number of the newest event of the merged log.', [], (l) => ({ last: l.log.last })),
  method(
    'events',
    'Events of the merged log after a number.',
    [{ name: 'after', type: 'number', says: 'a sequence number' }],
    (l, args) => {
      const after = args.integer('after', { min: 0, max: Number.MAX_SAFE_INTEGER });
      return { events: l.log.since(after, MAX_EVENTS) as unknown as Json[] };
    },
  ),
  method(
    'note',
    'Writes a line into the merged log.',
    [{ name: 'text', type: 'string', says: 'the line' }],
    (l, args) => {
      l.log.tell({ kind: 'action', text: args.string('text').slice(0, 500) });
      return null;
    },
  ),
  method(
    'strategy',
    'Writes into the merged log that the power of a node plays a strategy, or is honest again.',
    [
      NODE,
      { name: 'name', type: 'string', says: 'of the strategy' },
      { name: 'on', type: 'bool', says: 'does it begin?' },
    ],
    (l, args) => {
      const of = l.client.node(args.string('node')).letter;
      l.log.tell({
        kind: 'strategy',
        of,
        name: args.string('name').slice(0, 100),
        on: args.bool('on', true),
      });
      return null;
    },
  ),
  method(
    'found',
    'Writes into the merged log that the hidden node of a strategy found a block.',
    [
      NODE,
      { name: 'id', type: 'string', says: 'of the block' },
      { name: 'height', type: 'number', says: 'of the block' },
      { name: 'miner', type: 'string', says: 'its tag in the coinbase' },
      { name: 'tries', type: 'number', says: 'hashes since the job began' },
      { name: 'ms', type: 'number', says: 'the same as time' },
    ],
    (l, args) => {
      l.log.merge({
        ...{ v: 1, seq: 0, t: eventTime(), node: l.client.node(args.string('node')).letter, kind: 'mined' },
        id: args.string('id').slice(0, 64),
        height: args.integer('height', { min: 0, max: 0xffff_ffff }),
        miner: args.string('miner').slice(0, 100),
        tries: args.integer('tries', { min: 0, max: Number.MAX_SAFE_INTEGER }),
        ms: args.integer('ms', { min: 0, max: Number.MAX_SAFE_INTEGER }),
        hidden: true,
      });
      return null;
    },
  ),
];

/** Faults of links and nodes. */
const FAULT_METHODS: readonly ControlMethod[] = [
  method(
    'partition',
    'Cuts every link between groups.',
    [{ name: 'groups', type: 'array', says: 'lists of letters' }],
    async (l, args) => ({ cut: await l.partition(groupsOf(args.array('groups'))) }),
  ),
  method(
    'conditions',
    'Sets faults of links: what is given; the rest stays.',
    [
      { name: 'text', type: 'string', says: 'what was done, for the log' },
      { name: 'change', type: 'object', says: 'oneWay, wireHeld, shapes, profile, regions' },
    ],
    async (l, args) => {
      await l.conditions(args.string('text').slice(0, 500), conditionsIn(args.object('change')));
      return null;
    },
  ),
  method('freeze', 'Stops the process of a node (SIGSTOP).', [NODE], async (l, args) => {
    await l.freeze(args.string('node'));
    return null;
  }),
  method('thaw', 'Lets a frozen process go on.', [NODE], async (l, args) => {
    await l.thaw(args.string('node'));
    return null;
  }),
  method(
    'set',
    'What holds for one node from now on.',
    [
      NODE,
      { name: 'text', type: 'string', says: 'what was done, for the log' },
      { name: 'hashrate', type: 'number', default: 'unchanged', says: 'cap in H/s, 0 = none' },
      { name: 'clockMs', type: 'number', default: 'unchanged', says: 'its wall clock is off by so much' },
      { name: 'region', type: 'string', default: 'unchanged', says: 'where it stands under a profile' },
    ],
    async (l, args) => {
      const clock = { min: -MAX_CLOCK_MS, max: MAX_CLOCK_MS };
      await l.set(args.string('node'), args.string('text').slice(0, 500), {
        ...(args.has('hashrate') ? { hashrate: args.integer('hashrate', { min: 0, max: 1e12 }) } : {}),
        ...(args.has('clockMs') ? { clockMs: args.integer('clockMs', clock) } : {}),
        ...(args.has('region') ? { region: regionIn(args.string('region')) } : {}),
      });
      return null;
    },
  ),
  method('heal', 'Opens all links again.', [], async (l) => ({ healed: await l.heal() })),
];

/** Miners, processes and the whole yard. */
const PROCESS_METHODS: readonly ControlMethod[] = [
  method(
    'hold',
    'Holds or releases miners.',
    [
      { name: 'on', type: 'bool', says: 'hold, or release' },
      { name: 'nodes', type: 'array', says: 'letters' },
    ],
    async (l, args) => {
      await l.hold(args.bool('on', true), args.array('nodes').map(String));
      return null;
    },
  ),
  method(
    'save',
    'Saves the whole yard as one file, while its processes stand still for a moment.',
    [{ name: 'file', type: 'string', says: 'where, from the root' }],
    async (l, args) => ({ ...(await l.save(args.string('file'))) }),
  ),
  method('start', 'Starts a node that is down.', [NODE], async (l, args) => {
    await l.start(args.string('node'));
    return null;
  }),
  method(
    'kill',
    'Ends a node: SIGKILL, or politely.',
    [NODE, { name: 'clean', type: 'bool', default: 'false', says: 'politely' }],
    async (l, args) => {
      const exit = await l.kill(args.string('node'), args.bool('clean', false));
      return { code: exit.code, signal: exit.signal };
    },
  ),
];

function downMethod(options: ControlOptions): ControlMethod {
  return method('down', 'Stops all nodes and the launcher.', [], () => {
    options.down();
    return null;
  });
}

/** Frozen nodes and clocks have methods of their own. */
const SETTABLE = ['oneWay', 'wireHeld', 'shapes', 'profile', 'regions'];

/** What may be set as it stands; the caller has parsed a person's words, but anybody with the cookie may call. */
function conditionsIn(given: JsonObject): Partial<Conditions> {
  for (const [field, value] of Object.entries(given)) {
    if (!SETTABLE.includes(field) || !isCondition(field, value))
      throw new RpcError(RPC.TYPE_ERROR, `${field} cannot be ${JSON.stringify(value).slice(0, 100)}`);
  }
  return given as Partial<Conditions>;
}

function regionIn(text: string): string {
  const region = parseRegion(text);
  if (!region.ok) throw new RpcError(RPC.INVALID_PARAMETER, region.error);
  return region.value;
}

function groupsOf(value: readonly JsonInput[]): string[][] {
  if (!value.every((g): g is string[] => Array.isArray(g) && g.every((l) => typeof l === 'string'))) {
    throw new RpcError(RPC.TYPE_ERROR, 'groups must be lists of letters');
  }
  return [...value];
}
