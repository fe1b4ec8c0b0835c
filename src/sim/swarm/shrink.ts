import type { Plan, PlannedEvent } from './plan.ts';

/** Does this plan still fail in the same way? Each call lives a whole life. */
export type Fails = (plan: Plan) => boolean;

export interface Shrunk {
  readonly plan: Plan;
  /** Lives that were lived for it. */
  readonly tries: number;
}

/** Lives are short, but a person waits. */
const MOST_TRIES = 250;

/**
 * The smallest plan found that fails in the same way: events are left out, half of them at first, then fewer at a time
 * (Zeller's ddmin); then nodes; then whatever makes the network less plain. Repeated until nothing more can go.
 */
export function shrink(failing: Plan, fails: Fails, mostTries = MOST_TRIES): Shrunk {
  let plan = failing;
  let tries = 0;
  const attempt = (smaller: Plan): boolean => {
    if (tries >= mostTries) return false;
    tries++;
    if (!fails(smaller)) return false;
    plan = smaller;
    return true;
  };
  for (let before: Plan | undefined; before !== plan && tries < mostTries; ) {
    before = plan;
    fewerEvents(() => plan, attempt);
    for (const { name } of plan.nodes) {
      const less = withoutNode(plan, name);
      if (less !== undefined) attempt(less);
    }
    for (const plainer of plainerThan(plan)) attempt(plainer);
  }
  return { plan, tries };
}

function fewerEvents(plan: () => Plan, attempt: (smaller: Plan) => boolean): void {
  for (
    let size = Math.ceil(plan().events.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < plan().events.length; ) {
      const { events } = plan();
      const less = [...events.slice(0, from), ...events.slice(from + size)];
      if (!attempt({ ...plan(), events: less })) from += size;
    }
  }
}

/** What is about that node goes with it, and its neighbours are linked instead of it; undefined for the last two. */
function withoutNode(plan: Plan, gone: string): Plan | undefined {
  const nodes = plan.nodes.filter(({ name }) => name !== gone);
  // Somebody must find blocks.
  if (nodes.length < 2 || nodes.every(({ power }) => power === 0)) return undefined;
  const neighbours = plan.links.flatMap(([a, b]) => (a === gone ? [b] : b === gone ? [a] : []));
  const links = plan.links.filter(([a, b]) => a !== gone && b !== gone);
  const [first, ...others] = neighbours;
  for (const other of others) {
    const isLinked = links.some(([a, b]) => (a === first && b === other) || (a === other && b === first));
    if (!isLinked) links.push([first!, other]);
  }
  return { ...plan, nodes, links, events: plan.events.flatMap((event) => withoutIn(event, gone)) };
}

/** The event without that node; none where the node is what it is about. */
function withoutIn(event: PlannedEvent, gone: string): PlannedEvent[] {
  switch (event.kind) {
    case 'partition': {
      const groups = event.groups.map((group) => group.filter((name) => name !== gone));
      return groups.some((group) => group.length === 0) ? [] : [{ ...event, groups }];
    }
    case 'lie': {
      const victims = event.victims.filter((name) => name !== gone);
      return victims.length === 0 ? [] : [{ ...event, victims }];
    }
    case 'one-way':
      return event.from === gone || event.to === gone ? [] : [event];
    case 'unlink':
    case 'slow':
      return event.a === gone || event.b === gone ? [] : [event];
    case 'double-spend':
      return event.nodes.includes(gone) ? [] : [event];
    case 'deaf-gossip':
      return [event];
    default:
      return event.node === gone ? [] : [event];
  }
}

function plainerThan(plan: Plan): Plan[] {
  const plainer: Plan[] = [];
  if (plan.jitterMs > 0) plainer.push({ ...plan, jitterMs: 0 });
  if (plan.loss > 0) plainer.push({ ...plan, loss: 0 });
  if (plan.tight) plainer.push({ ...plan, tight: false });
  if (plan.compact) plainer.push({ ...plan, compact: false });
  if (!plan.gossip) plainer.push({ ...plan, gossip: true });
  if (plan.network !== 'lab') plainer.push({ ...plan, network: 'lab' });
  if (plan.delayMs > 10) plainer.push({ ...plan, delayMs: 10, jitterMs: 0 });
  const end = Math.max(1_000, ...plan.events.map(({ atMs }) => atMs));
  if (end < plan.lifeMs) plainer.push({ ...plan, lifeMs: end });
  return plainer;
}
