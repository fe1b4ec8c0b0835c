import { type RuleName, ruleOf } from '../../consensus/params/rules.ts';

/**
 * What a peer's mistakes cost, in points of `limits.scoreFull` (100), in one table. A full price (100) is for what no
 * working node of this network ever does; the others leave room for bad luck and old versions.
 */
export const MISBEHAVIOUR = {
  'malformed-frame': 34,
  'no-hello': 100,
  'second-hello': 34,
  flood: 10,
  /** A block, headers or transaction that nobody asked for. */
  unrequested: 5,
  /** Headers that neither follow each other nor anything that we know, as the answer to our locator. */
  'unconnected-headers': 34,
  /** More requests at once than it may have waiting. */
  'too-many-requests': 20,
  /** No answer to getheaders in time. */
  'no-headers': 20,
  /** Bodies asked for, and none came in time. */
  stalled: 20,
  /** It told us of a block and has no body for it. */
  'no-body': 5,
  /** The bytes break a rule that everybody can check: the header's own proof of work is bought, so this is no accident. */
  'bad-block': 50,
  /** It answered our request with a block that failed in connect. */
  'bad-connect': 50,
  'bad-header': 100,
  'bad-tx': 20,
} as const;

export type Fault = keyof typeof MISBEHAVIOUR;

/** Which row of the table a refused rule is, if it is the peer's doing at all. */
export function faultOfRule(rule: RuleName): Fault | undefined {
  const { rung, fault } = ruleOf(rule);
  if (fault === 'nobody') return undefined;
  if (rung === 'header') return 'bad-header';
  if (rung === 'connect') return 'bad-connect';
  if (rung === 'mempool') return 'bad-tx';
  return 'bad-block';
}
