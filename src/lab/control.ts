import { RPC, RpcError } from '../host/http-errors.ts';
import type { Json, JsonInput } from '../host/http-json.ts';
import { type Arguments, type RpcArgument, type RpcMethod, RpcRegistry } from '../host/http-methods.ts';
import type { Launcher } from './launcher.ts';
import { Problem } from './problem.ts';

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
  function method(
    name: string,
    summary: string,
    args: readonly RpcArgument[],
    run: (launcher: Launcher, args: Arguments) => Promise<Json> | Json,
  ): RpcMethod {
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
  return new RpcRegistry([
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
      'partition',
      'Cuts every link between groups.',
      [{ name: 'groups', type: 'array', says: 'lists of letters' }],
      async (l, args) => ({ cut: await l.partition(groupsOf(args.array('groups'))) }),
    ),
    method('heal', 'Opens all links again.', [], async (l) => ({ healed: await l.heal() })),
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
    method('down', 'Stops all nodes and the launcher.', [], () => {
      options.down();
      return null;
    }),
  ]);
}

function groupsOf(value: readonly JsonInput[]): string[][] {
  if (!value.every((g): g is string[] => Array.isArray(g) && g.every((l) => typeof l === 'string'))) {
    throw new RpcError(RPC.TYPE_ERROR, 'groups must be lists of letters');
  }
  return [...value];
}
