import { afterAll, describe, it } from 'vitest';
import { Besieged } from './besieged.ts';

const besieged = new Besieged();
afterAll(() => besieged.close());

describe('a node under attack', () => {
  it('by large gossip, faster than it can look at it', () =>
    besieged.withstands({ mode: 'gossip', peers: 2 }, { bytes: 5e6 }));

  it('by gossip of as many messages as bytes can hold', () =>
    besieged.withstands({ mode: 'ids', peers: 2 }, { bytes: 1e6 }));

  it('by a frame below all protocols that never ends', () =>
    besieged.withstands({ mode: 'frame', peers: 2 }, { opened: 4, bytes: 20e6 }));

  it('by frames of a single byte', () => besieged.withstands({ mode: 'pieces', peers: 2 }, { opened: 4 }));

  it('by peers that break all framing', () =>
    besieged.withstands({ mode: 'garble', peers: 4 }, { opened: 12 }));

  it('by halves of large frames', () =>
    besieged.withstands(
      { mode: 'half', peers: 100, everyMs: 5, pauseMs: 2_000 },
      { opened: 100, bytes: 25e6 },
    ));

  it('by sockets that say nothing', () =>
    besieged.withstands({ mode: 'silent', peers: 640, everyMs: 20 }, { opened: 700 }));
});
