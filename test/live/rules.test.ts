import { afterAll, describe, expect, it } from 'vitest';
import { encodeHeader, headerHash } from '../../src/bitcoin/header.ts';
import { isRuleName, type RuleName, ruleOf } from '../../src/consensus/params/rules.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { equal, idOf, toHex } from '../../src/util/bytes.ts';
import { type Driver, Play } from '../dsl/driver.ts';
import { headerOf, RULE_CASES, type RuleCase } from '../dsl/rule-cases.ts';
import { eventsOf, genesisFile, tipOf } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';
import { Stranger } from './stranger.ts';

const rig = new LiveRig();
afterAll(() => rig.close());

const made = RULE_CASES.map((make) => make());

/** How a block comes to the node: as the answer to what it asked a peer, by gossip, or by RPC. */
type Way = 'sync' | 'gossip' | 'submitblock';

/** A selection of test/dsl/rule-cases.ts, which step and chain are shown whole. */
const SELECTION: readonly (readonly [Way, RuleName])[] = [
  ['sync', 'high-hash'],
  ['submitblock', 'bad-diffbits'],
  ['sync', 'bad-txnmrklroot'],
  ['gossip', 'bad-txns-duplicate'],
  ['sync', 'bad-witness-merkle-match'],
  ['gossip', 'bad-cb-height'],
  ['sync', 'bad-cb-amount'],
  ['gossip', 'bad-txns-inputs-missingorspent'],
  ['sync', 'block-script-verify-flag-failed'],
  ['submitblock', 'bad-txns-premature-spend-of-coinbase'],
];

/** A real process, shown each block by a peer of its own over TCP, or by RPC. */
class ProcessDriver implements Driver {
  way: Way = 'submitblock';
  readonly #node: LiveNode;
  readonly #one: RuleCase;

  constructor(node: LiveNode, one: RuleCase) {
    this.#node = node;
    this.#one = one;
  }

  header(): never {
    throw new Error('a process is shown whole blocks');
  }

  async block(bytes: Uint8Array): Promise<RuleName | undefined> {
    if (this.way === 'submitblock') return this.#submit(bytes);
    const events = await eventsOf(this.#node);
    const peer = await Stranger.meet(rig, this.#node, this.#one.world.params);
    const hash = headerHash(bytes.slice(0, 80));
    if (this.way === 'gossip') {
      peer.hello();
      peer.publish('block', bytes);
    } else {
      peer.onMessage = (message) => {
        if (message.kind === 'getheaders')
          peer.say({ kind: 'headers', id: message.id, headers: [encodeHeader(headerOf(bytes))] });
        else if (message.kind === 'getblocks' && message.ids.some((id) => equal(id, hash)))
          peer.say({ kind: 'block', bytes });
      };
      peer.hello({ tip: hash, height: 1_000, work: 2n ** 100n });
    }
    const verdict = await until('the node has judged the block', async () => {
      const news = (await eventsOf(this.#node)).slice(events.length);
      return verdictIn(news, idOf(hash), peer.peerId);
    });
    await peer.close();
    return verdict === 'connected' ? undefined : verdict;
  }

  async #submit(bytes: Uint8Array): Promise<RuleName | undefined> {
    const answer = await this.#node.call<string | null>('submitblock', toHex(bytes));
    if (answer === null) return undefined;
    if (!isRuleName(answer)) throw new Error(`submitblock answered ${answer}`);
    return answer;
  }

  tip(): Promise<string> {
    return tipOf(this.#node);
  }
}

/** What the node's log says about a block, or about the peer that brought it. */
function verdictIn(news: readonly LogEvent[], id: string, peer: string): RuleName | 'connected' | undefined {
  for (const event of news) {
    if (event.kind === 'connected' && event.id === id) return 'connected';
    const rule =
      event.kind === 'refused' && event.id === id
        ? event.rule
        : event.kind === 'fault' && event.peer === peer
          ? event.detail.split(':')[0]!
          : '';
    if (isRuleName(rule)) return rule;
  }
  return undefined;
}

describe('a wrong block over TCP', () => {
  it('is of every rung, and comes in every way', () => {
    expect(new Set(SELECTION.map(([, rule]) => ruleOf(rule).rung))).toEqual(
      new Set(['header', 'check', 'context', 'connect']),
    );
    expect(new Set(SELECTION.map(([way]) => way))).toEqual(new Set(['sync', 'gossip', 'submitblock']));
  });

  it.each(SELECTION)('by %s: %s', async (way, rule) => {
    const one = made.find((each) => each.rule === rule)!;
    const options = ['--genesis', genesisFile(rig, one.world.params)];
    const node = await rig.start(`case-${SELECTION.findIndex(([, name]) => name === rule)}`, ...options);
    const driver = new ProcessDriver(node, one);
    const play = new Play(one.world, driver);
    await play.deliver(one.before);
    const before = await play.tip();
    driver.way = way;
    expect(await play.refusal(one.bad)).toBe(rule);
    expect(await play.tip()).toBe(before);
    const id = idOf(headerHash(one.bad.slice(0, 80)));
    const known = await node.call<{ status: string }[]>('findblock', id);
    if (ruleOf(rule).rung === 'header') expect(known).toEqual([]);
    else if (ruleOf(rule).condemns) expect(known).toMatchObject([{ status: 'invalid' }]);
    // What the honest say counts: over the same way, after the lie.
    await play.deliver(one.honest);
    expect(await play.tip()).toBe(one.honest);
    expect(await node.stop()).toEqual({ code: 0, signal: null });
    expect(node.stderr).toBe('');
  });
});
