import { span } from '../../observe/words/words.ts';
import type { Plan, PlannedEvent } from './plan.ts';

/** A plan as a person reads it: one line for the network, one for each event. */
export function planWords(plan: Plan): string[] {
  const { nodes, links, delayMs, jitterMs, loss } = plan;
  const power = nodes.map(({ name, power: p }) => (p === 0 ? `${name} (does not mine)` : `${name} ${p}`));
  const wire = [`${delayMs} ms one way`];
  if (jitterMs > 0) wire.push(`± ${jitterMs} ms`);
  if (loss > 0) wire.push(`${Math.round(loss * 100)} % lost`);
  if (!plan.gossip) wire.push('without gossip');
  if (plan.tight) wire.push('small bounds');
  if (plan.compact) wire.push('small blocks go by short ids');
  return [
    `${nodes.length} nodes on ${plan.network}, a block every ${span(plan.intervalMs)}; power ${power.join(', ')}`,
    `links ${links.map(([a, b]) => a + b).join(' ')}; ${wire.join(', ')}`,
    ...plan.events.map((event) => `${stamp(event.atMs)}  ${eventWords(event)}`),
  ];
}

/** Seconds with tenths, in a column of its own. */
function stamp(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(6)} s`;
}

function eventWords(event: PlannedEvent): string {
  const until = 'forMs' in event ? ` for ${span(event.forMs)}` : '';
  switch (event.kind) {
    case 'partition':
      return `cut ${event.groups.map((group) => group.join('')).join('|')}${until}`;
    case 'one-way':
      return `what ${event.from} sends does not reach ${event.to}${until}`;
    case 'unlink':
      return `${event.a} and ${event.b} lose their link${until}`;
    case 'slow':
      return `${event.a} and ${event.b} are ${event.delayMs} ms apart${until}`;
    case 'kill':
      return `${event.node} is killed (${event.how}), down${until}`;
    case 'crash':
      return `${event.node} stops (${event.how}) ${event.when} of its batch ${event.batch} from now, down${until}`;
    case 'freeze':
      return `${event.node} stands still${until}`;
    case 'clock':
      return `the clock of ${event.node} is off by ${Math.round(event.offsetMs / 1_000)} s${until}`;
    case 'deaf-gossip':
      return `no gossip${until}`;
    case 'burst':
      return `${event.node} finds ${event.blocks} at once`;
    case 'pay':
      return `person ${event.from} pays person ${event.to} at ${event.node}`;
    case 'double-spend':
      return `person ${event.from} spends one coin at ${event.nodes[0]} and at ${event.nodes[1]}`;
    case 'lie':
      return `a stranger to ${event.victims.join(' ')}: ${event.lie} (variant ${event.variant})${until}`;
  }
}
