import { afterAll, describe, it } from 'vitest';
import { Besieged } from '../live/besieged.ts';

const besieged = new Besieged();
afterAll(() => besieged.close());

/** Enough for a quantile that is printed. */
const BLOCKS = 20;

describe('a node under attack, with about ten times the peers', () => {
  it('by large gossip', () =>
    besieged.withstands({ mode: 'gossip', peers: 20 }, { opened: 20, bytes: 100e6, blocks: BLOCKS }));

  it('by many small messages', () =>
    besieged.withstands({ mode: 'ids', peers: 20 }, { opened: 20, bytes: 20e6, blocks: BLOCKS }));

  it('by yamux pings whose answers are never read', () =>
    besieged.withstands({ mode: 'pings', peers: 20 }, { opened: 60, blocks: BLOCKS }));

  it('by frames of a single byte', () =>
    besieged.withstands({ mode: 'pieces', peers: 20 }, { opened: 60, blocks: BLOCKS }));

  it('by halves of large frames, kept alive by single bytes', () =>
    besieged.withstands(
      { mode: 'half', peers: 120, trickle: true },
      { opened: 240, bytes: 60e6, blocks: BLOCKS },
    ));

  it('by silent sockets', () =>
    besieged.withstands({ mode: 'silent', peers: 2_560, everyMs: 5 }, { opened: 6_000, blocks: BLOCKS }));

  it('by more strangers than there are places, who come again', () =>
    besieged.withstands({ mode: 'places', peers: 300, everyMs: 20 }, { opened: 150, blocks: BLOCKS }));

  it('by one identity after another', () =>
    besieged.withstands({ mode: 'identities', peers: 20, pauseMs: 1 }, { opened: 100, blocks: BLOCKS }));
});
