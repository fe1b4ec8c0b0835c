import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json, JsonInput, JsonObject } from '../../host/http/json.ts';
import type { Arguments, RpcMethod } from '../../host/http/methods.ts';
import { shapeProblem } from '../../host/net/rules.ts';
import type { HeldMessage, LinkRules } from '../../host/net/types.ts';
import { defined } from '../../util/defined.ts';
import { type LinkShape, SHAPE_FIELDS, UNSHAPED } from '../../util/link-shape.ts';
import type { NodeContext } from './context.ts';

const category = 'Faults';
/** Peers in one list and in one table. */
const LINK_LIMIT = 1_000;
/** A minute one way: more than any network that is worth imitating. */
const DELAY_LIMIT_MS = 60_000;
/** Held messages in one answer, the oldest; `total` counts them all. */
const HELD_LIMIT = 1_000;
const PROBES = 11;
/** A hundred days to either side: more than any rule of time looks at. */
const CLOCK_LIMIT_MS = 100 * 86_400_000;

/** Faults of one node, which need no rights on the machine: its wire and its clock. All of these are ours. */
export function linkMethods(context: NodeContext): RpcMethod[] {
  return [
    setlinks(context),
    getlinks(context),
    getheld(context),
    deliverheld(context),
    probelinks(context),
    setclock(context),
  ];
}

function setlinks(context: NodeContext): RpcMethod {
  return {
    name: 'setlinks',
    category,
    summary:
      'Faults of this node: peers that it refuses (a cut) or does not hear (a one-way cut), what its wires do to what it sends, and holding all that comes in. What is not given stays.',
    args: [
      { name: 'refuse', type: 'array', default: 'unchanged', says: 'Peer ids; [] heals.' },
      {
        name: 'delayMs',
        type: 'object',
        default: 'unchanged',
        says: '{"default": ms for every link, "<peer id>": ms for one}.',
      },
      {
        name: 'deaf',
        type: 'array',
        default: 'unchanged',
        says: 'Peer ids whose messages are held until they are off this list; [] heals.',
      },
      {
        name: 'mute',
        type: 'array',
        default: 'unchanged',
        says: 'Peer ids that do not hear this node or stand still: their silence is not blamed.',
      },
      { name: 'hold', type: 'bool', default: 'unchanged', says: 'Hold every message that comes in.' },
      {
        name: 'shape',
        type: 'object',
        default: 'unchanged',
        says: '{"<peer id>": {"delayMs", "jitterMs", "loss" (0 to 0.5), "bitsPerSecond" (0 = no bound), "drop" (0 to 0.9)}}; {} heals.',
      },
    ],
    oneObject: true,
    example: '\'{"refuse":[],"delayMs":{"default":400}}\'',
    run: (args) => {
      const rules = linkRules(context.network.links, args);
      context.network.setLinks(rules);
      const { refuse, delayMs, delayTo, deaf = [], hold = false, shapeTo = {} } = rules;
      context.tell({ kind: 'links', refuse, delayMs, delayTo, deaf, hold, shapes: shapeTo });
      return linksJson(context);
    },
  };
}

function getlinks(context: NodeContext): RpcMethod {
  return {
    name: 'getlinks',
    category,
    summary: 'Refused and unheard peers, delays and shapes, what is held, and who is connected now.',
    args: [],
    example: '',
    run: () => linksJson(context),
  };
}

function getheld(context: NodeContext): RpcMethod {
  return {
    name: 'getheld',
    category,
    summary: 'Messages that have come and are held (setlinks hold), oldest first.',
    args: [],
    example: '',
    run: () => {
      const held = context.network.held();
      return { total: held.length, messages: held.slice(0, HELD_LIMIT).map(heldJson) };
    },
  };
}

function deliverheld(context: NodeContext): RpcMethod {
  return {
    name: 'deliverheld',
    category,
    summary: 'Lets the oldest held message in; answers what it was, or null when nothing is held.',
    args: [{ name: 'peer', type: 'string', default: 'any', says: 'Only one from this peer id.' }],
    example: '',
    run: (args) => {
      const message = context.network.deliver(args.has('peer') ? args.string('peer') : undefined);
      return message === undefined ? null : heldJson(message);
    },
  };
}

function probelinks(context: NodeContext): RpcMethod {
  return {
    name: 'probelinks',
    category,
    summary:
      'Measures the links to connected peers on this machine, both ways: the middle one of some probes, in milliseconds. null = no answer in time.',
    args: [
      { name: 'peers', type: 'array', default: 'all that are connected', says: 'Peer ids.' },
      {
        name: 'count',
        type: 'number',
        default: String(PROBES),
        says: 'Probes for each.',
      },
    ],
    example: '',
    run: async (args) => {
      const count = args.integer('count', { min: 1, max: 50, fallback: PROBES });
      const peers = args.has('peers') ? peerList(args, 'peers') : context.network.peers().map((p) => p.peer);
      const results = await Promise.all(peers.map((peer) => context.network.probe(peer, count)));
      return Object.fromEntries(
        peers.map((peer, i) => {
          const r = results[i];
          return [peer, r === undefined ? null : { thereMs: r.thereMs, backMs: r.backMs }];
        }),
      );
    },
  };
}

function setclock(context: NodeContext): RpcMethod {
  return {
    name: 'setclock',
    category,
    summary:
      "Sets this node's wall clock off by so many milliseconds (0: right again). It judges and stamps blocks by it within a second.",
    args: [{ name: 'offsetMs', type: 'number', says: 'Ahead of the machine, or behind it when negative.' }],
    example: '90000',
    run: (args) => {
      context.clock.offsetMs = args.integer('offsetMs', { min: -CLOCK_LIMIT_MS, max: CLOCK_LIMIT_MS });
      return { offsetMs: context.clock.offsetMs };
    },
  };
}

function linkRules(old: LinkRules, args: Arguments): LinkRules {
  let { refuse, delayMs, delayTo, deaf, mute, hold, shapeTo } = old;
  if (args.has('refuse')) refuse = peerList(args, 'refuse');
  if (args.has('deaf')) deaf = peerList(args, 'deaf');
  if (args.has('mute')) mute = peerList(args, 'mute');
  if (args.has('hold')) hold = args.bool('hold', false);
  if (args.has('delayMs')) {
    const { default: base, ...perPeer } = args.object('delayMs');
    delayMs = base === undefined ? 0 : delayOf(base, 'default');
    delayTo = Object.fromEntries(Object.entries(perPeer).map(([peer, ms]) => [peer, delayOf(ms, peer)]));
    checkSize(Object.keys(delayTo).length, 'delayMs');
  }
  if (args.has('shape')) {
    const shapes = Object.entries(args.object('shape'));
    checkSize(shapes.length, 'shape');
    shapeTo = Object.fromEntries(shapes.map(([peer, shape]) => [peer, shapeOf(shape, peer)]));
  }
  return {
    refuse,
    delayMs,
    delayTo,
    ...defined({ deaf, mute, hold, shapeTo }),
  };
}

function peerList(args: Arguments, name: string): string[] {
  const list = args.array(name);
  if (list.length > LINK_LIMIT || !list.every((peer) => typeof peer === 'string'))
    throw new RpcError(RPC.TYPE_ERROR, `${name} must be an array of at most ${LINK_LIMIT} peer ids`);
  return list as string[];
}

function checkSize(count: number, name: string): void {
  if (count > LINK_LIMIT)
    throw new RpcError(RPC.INVALID_PARAMETER, `${name} names more than ${LINK_LIMIT} peers`);
}

function delayOf(value: JsonInput, name: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= DELAY_LIMIT_MS))
    throw new RpcError(
      RPC.INVALID_PARAMETER,
      `delayMs.${name} must be milliseconds from 0 to ${DELAY_LIMIT_MS} (not ${JSON.stringify(value)})`,
    );
  return value;
}

function shapeOf(value: JsonInput, peer: string): LinkShape {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RpcError(RPC.TYPE_ERROR, `shape.${peer} must be an object`);
  const shape: Record<string, number> = { ...UNSHAPED };
  for (const [field, given] of Object.entries(value as JsonObject)) {
    if (!(SHAPE_FIELDS as readonly string[]).includes(field))
      throw new RpcError(
        RPC.INVALID_PARAMETER,
        `shape.${peer}.${field} is not one of ${SHAPE_FIELDS.join(', ')}`,
      );
    if (typeof given !== 'number')
      throw new RpcError(RPC.TYPE_ERROR, `shape.${peer}.${field} must be a number`);
    shape[field] = given;
  }
  const whole = shape as unknown as LinkShape;
  const problem = shapeProblem(whole);
  if (problem !== undefined) throw new RpcError(RPC.INVALID_PARAMETER, `shape.${peer}: ${problem}`);
  return whole;
}

function heldJson(m: HeldMessage): JsonObject {
  return { peer: m.peer, kind: m.kind, about: m.about, bytes: m.bytes, heldMs: Math.round(m.heldMs) };
}

function linksJson({ network }: NodeContext): Json {
  const { refuse, delayMs, delayTo, deaf = [], mute = [], hold = false, shapeTo = {} } = network.links;
  return {
    refuse,
    delayMs: { default: delayMs, ...delayTo },
    deaf,
    mute,
    hold,
    shape: shapeTo as unknown as JsonObject,
    held: network.held().length,
    heldByCut: Object.fromEntries(network.heldByCut()),
    connected: network.peers().map((peer) => peer.peer),
  };
}
