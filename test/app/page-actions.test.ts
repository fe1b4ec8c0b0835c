import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldsFault } from '../../src/app/page/fields.ts';
import { runAction } from '../../src/app/page/run-action.ts';
import { YardClient } from '../../src/lab/client/client.ts';
import { createYard } from '../../src/lab/launcher/create.ts';
import type { Launcher } from '../../src/lab/launcher/launcher.ts';
import { liveYard } from '../../src/lab/live/yard.ts';
import { Problem } from '../../src/yard/problem.ts';
import { actionOf } from '../../src/yard/verb.ts';
import { VERBS, verbNamed } from '../../src/yard/verbs.ts';

/** Rubbish in the page's actions: each is refused in a sentence, and none is a bug or changes anything. */

const program = join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
const RUNS = { seed: 20_261_201, numRuns: 4_000 };

let dir: string;
let client: YardClient;
let server: Server;
let url: string;
const bugs: string[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-actions-'));
  const { yard } = createYard(dir, program, { network: 'lab', nodes: 4 });
  client = new YardClient(dir, yard);
  const launcher = { client } as unknown as Launcher;
  const bug = (what: string, error: unknown) => bugs.push(`${what}: ${String(error)}`);
  server = createServer((request, response) => {
    void runAction(request, response, { launcher, aborts: new Set(), bug });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(async () => {
  await new Promise((done) => server.close(done));
  rmSync(dir, { recursive: true, force: true });
});

/** What almost is right gets further than noise. */
const words = fc.constantFrom(
  ...['A', 'D', 'AB/CD', 'A>C', 'A<>C', 'A-C,B-D', 'alice', 'carol@A', '@', 'a@b@c', '__proto__', 'toString'],
  ...['1', '0', '-1', '1e3', '0x10', '1.5', '99999999999999999999', 'NaN', 'Infinity', '200ms', '1%', '+90s'],
  ...['-2m', '1Mbit/s', 'uncapped', 'none', 'N1', 'N99999999999', '/', '<>', ' ', '', '\u001b[2J', '<img>'],
);
const value = fc.oneof(
  { weight: 6, arbitrary: words },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 260 }) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom({ toString: 1, valueOf: 1 }, ['5'], true, 'true', null) },
);
const verb = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...Object.keys(VERBS)) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'x'.repeat(5_000), '\n') },
);
const names = [...new Set(Object.values(VERBS).flatMap(({ fields }) => Object.keys(fields)))];
const name = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...names) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'timeoutMs', 'constructor', '\u001b') },
);
/** Fields of the verb, some of them rubbish, now and then one of another verb. */
const asked = verb.chain((chosen) => {
  const own = Object.keys(verbNamed(chosen)?.fields ?? {});
  const usual = fc.record(Object.fromEntries(own.map((one) => [one, value])), { requiredKeys: [] });
  return fc.record({
    verb: fc.constant(chosen),
    fields: fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: fc.dictionary(name, value) }),
  });
});

const isSentence = (text: string) => text.length > 5 && text.length < 700 && !/[^\P{Cc}\n]/u.test(text);

describe('an action of the page', () => {
  it('is made, or refused in a sentence, whatever its fields are', () => {
    let made = 0;
    let foreign = 0;
    fc.assert(
      fc.property(asked, ({ verb: chosen, fields }) => {
        const fault = fieldsFault(chosen, fields);
        if (fault !== undefined) {
          foreign++;
          return isSentence(fault);
        }
        try {
          made++;
          return isSentence(actionOf(verbNamed(chosen)!, liveYard(client), fields).plan);
        } catch (error) {
          made--;
          if (!(error instanceof Problem)) throw error;
          // Wrong words, or nothing of that name.
          return isSentence(error.message) && (error.exit === 2 || error.exit === 3);
        }
      }),
      RUNS,
    );
    // Both halves of the fuzzing reach something.
    expect(Math.min(made, foreign)).toBeGreaterThan(RUNS.numRuns / 20);
  });

  it('is refused with 400 where no form sends it, and with a problem where a person typed it', async () => {
    const post = async (body: string) => {
      const response = await fetch(url, { method: 'POST', body });
      return { status: response.status, text: await response.text() };
    };
    await fc.assert(
      fc.asyncProperty(asked, async ({ verb: chosen, fields }) => {
        const { status, text } = await post(JSON.stringify({ verb: chosen, fields, dry: true }));
        if (fieldsFault(chosen, JSON.parse(JSON.stringify(fields))) !== undefined) {
          return status === 400 && isSentence(text.trim());
        }
        const told = JSON.parse(text) as { plan?: string; problem?: string };
        return status === 200 && isSentence(told.plan ?? told.problem ?? '');
      }),
      { ...RUNS, numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), async (body) => {
        return (await post(body)).status === 400;
      }),
      { ...RUNS, numRuns: 200 },
    );
    for (const body of ['{"verb":"hold","dry":"yes"}', '{"verb":["hold"]}', '{"verb":"hold","fields":7}']) {
      expect((await post(body)).status).toBe(400);
    }
    expect(bugs).toEqual([]);
  });
});
