import { err, type Result } from '../../util/result.ts';

/**
 * Every way to say no, in one table. A name is Bitcoin Core's reject string where Core has one.
 *
 * - `rung`: where on the ladder the rule is judged. `header`: header, ancestors and clock. `check`: the bytes alone.
 *   `context`: ancestors. `connect`: the coins. `mempool`: one loose transaction, policy included.
 * - `fault`: whose doing it is. `sender`: the one who handed over these bytes, and nobody else, because a header does
 *   not commit to its body's encoding. `block`: whoever mined it. `tx`: whoever signed it. `nobody`: time will tell.
 * - `condemns`: the block id is bad for ever. Only facts fixed by a header and by a body already proven to be the
 *   committed one may condemn; otherwise anybody could bury an honest block by mutating its body.
 * - `gossip`: `reject` (the forwarder loses score) only for what every honest node finds from the bytes and the
 *   ancestor headers alone. All else is `ignore`: another honest node may not know it yet.
 */
export interface Rule {
  readonly rung: 'header' | 'check' | 'context' | 'connect' | 'mempool';
  readonly fault: 'sender' | 'block' | 'tx' | 'nobody';
  readonly condemns: boolean;
  readonly gossip: 'accept' | 'ignore' | 'reject';
  /** The rule in one sentence, for people. */
  readonly says: string;
}

function row(
  rung: Rule['rung'],
  fault: Rule['fault'],
  gossip: Rule['gossip'],
  condemns: 'condemns' | 'spares',
  says: string,
): Rule {
  return { rung, fault, condemns: condemns === 'condemns', gossip, says };
}

export const RULES = {
  // Header, ancestors and clock. A bad header never enters the tree, so `condemns` here only says: do not ask again.
  'bad-version': row(
    'header',
    'block',
    'reject',
    'condemns',
    "the version, a signed number, must be 4 or more (on Bitcoin's own chain 2, 3 and 4 from their heights on)",
  ),
  'bad-diffbits': row('header', 'block', 'reject', 'condemns', 'bits must be exactly the expected target'),
  'high-hash': row(
    'header',
    'block',
    'reject',
    'condemns',
    'the target must be one of this network, and the hash must not exceed it: no proof of work',
  ),
  'time-too-old': row(
    'header',
    'block',
    'reject',
    'condemns',
    'the time must be past the median of the last 11',
  ),
  'time-timewarp-attack': row(
    'header',
    'block',
    'reject',
    'condemns',
    "where the target follows every block, the time must not be before the parent's",
  ),
  'time-too-new': row('header', 'nobody', 'ignore', 'spares', 'the time is too far ahead of the clock'),
  'prev-blk-not-found': row('header', 'nobody', 'ignore', 'spares', 'the parent is unknown'),
  'bad-prevblk': row('header', 'block', 'ignore', 'spares', 'an ancestor is condemned'),
  'duplicate-invalid': row(
    'header',
    'block',
    'ignore',
    'spares',
    'this block is already known to be invalid',
  ),
  /** BIP23's word, with the reason that Core adds. */
  'inconclusive-not-best-prevblk': row(
    'header',
    'nobody',
    'ignore',
    'spares',
    'a proposed block must build on the tip',
  ),
  'headers-only': row(
    'header',
    'nobody',
    'ignore',
    'spares',
    'this network is for header chains: no bodies, so nothing is mined, sent or connected',
  ),
  /** Core marks such a block BLOCK_FAILED_VALID; the name is ours, it never crosses a wire. */
  invalidated: row('header', 'nobody', 'ignore', 'spares', 'the user said invalidateblock'),

  // The bytes alone. First those which prove that this body is the committed one: they condemn nothing.
  'bad-encoding': row(
    'check',
    'sender',
    'reject',
    'spares',
    'the bytes are not one whole block or transaction',
  ),
  'bad-blk-length': row(
    'check',
    'sender',
    'reject',
    'spares',
    'a block has transactions and at most 4,000,000 bytes',
  ),
  'bad-txnmrklroot': row(
    'check',
    'sender',
    'reject',
    'spares',
    'the merkle root must be that of the transactions',
  ),
  'bad-txns-duplicate': row(
    'check',
    'sender',
    'reject',
    'spares',
    'no duplicated pair of hashes (CVE-2012-2459)',
  ),
  /** BIP54 (consensus cleanup). As a block rule the name is ours; a loose transaction is refused as `tx-size-small`. */
  'bad-txns-64-bytes': row(
    'check',
    'sender',
    'reject',
    'spares',
    'a transaction of 64 bytes may be an inner merkle node',
  ),
  'bad-cb-missing': row('check', 'sender', 'reject', 'spares', 'the first transaction must be the coinbase'),
  'bad-witness-nonce-size': row(
    'check',
    'sender',
    'reject',
    'spares',
    'the coinbase witness must be one 32-byte item',
  ),
  'bad-witness-merkle-match': row('check', 'sender', 'reject', 'spares', 'the witness commitment must match'),
  'unexpected-witness': row(
    'check',
    'sender',
    'reject',
    'spares',
    'without a commitment there may be no witness',
  ),

  // The body is proven. From here on a failure is the block's own.
  'bad-blk-weight': row('check', 'block', 'reject', 'condemns', 'the weight must not exceed 4,000,000'),
  'bad-cb-multiple': row(
    'check',
    'block',
    'reject',
    'condemns',
    'only the first transaction may be a coinbase',
  ),
  'bad-cb-length': row(
    'check',
    'block',
    'reject',
    'condemns',
    'the coinbase scriptSig must have 2 to 100 bytes',
  ),
  'bad-txns-vin-empty': row('check', 'tx', 'reject', 'condemns', 'a transaction needs an input'),
  'bad-txns-vout-empty': row('check', 'tx', 'reject', 'condemns', 'a transaction needs an output'),
  'bad-txns-txouttotal-toolarge': row(
    'check',
    'tx',
    'reject',
    'condemns',
    'outputs must not exceed 21,000,000 in sum',
  ),
  'bad-txns-inputs-duplicate': row('check', 'tx', 'reject', 'condemns', 'no coin twice in one transaction'),
  'bad-txns-prevout-null': row('check', 'tx', 'reject', 'condemns', 'only a coinbase has a null input'),
  /** Core: the standardness refusal of the same name; here a rule of consensus. */
  scriptpubkey: row(
    'check',
    'tx',
    'reject',
    'condemns',
    'an output is locked by P2WPKH, P2TR or a data OP_RETURN',
  ),

  // Ancestors.
  'bad-cb-height': row(
    'context',
    'block',
    'reject',
    'condemns',
    'the coinbase must start with its height (BIP34)',
  ),
  /** Also judged on the coins (BIP68), where other nodes may not have looked yet: hence `ignore`. */
  'bad-txns-nonfinal': row(
    'context',
    'block',
    'ignore',
    'condemns',
    'lock times must be past (BIP65, BIP113, BIP68)',
  ),

  // The coins.
  'bad-txns-inputs-missingorspent': row(
    'connect',
    'block',
    'ignore',
    'condemns',
    'inputs must be unspent coins',
  ),
  'bad-txns-premature-spend-of-coinbase': row(
    'connect',
    'block',
    'ignore',
    'condemns',
    'a coinbase coin must be mature before it is spent',
  ),
  'bad-txns-inputvalues-outofrange': row(
    'connect',
    'block',
    'ignore',
    'condemns',
    'inputs must not exceed 21,000,000',
  ),
  'bad-txns-in-belowout': row('connect', 'block', 'ignore', 'condemns', 'outputs must not exceed the inputs'),
  'block-script-verify-flag-failed': row(
    'connect',
    'block',
    'ignore',
    'condemns',
    'every input needs a valid witness',
  ),
  'bad-cb-amount': row(
    'connect',
    'block',
    'ignore',
    'condemns',
    'the coinbase may claim subsidy plus fees, no more',
  ),

  // One loose transaction. Nothing here speaks about a block.
  coinbase: row('mempool', 'tx', 'reject', 'spares', 'a coinbase belongs in a block'),
  /** Policy of Core's that older versions of this program do not have: nobody is blamed for it. */
  version: row('mempool', 'tx', 'ignore', 'spares', 'the version must be 1, 2 or 3'),
  'tx-size-small': row('mempool', 'tx', 'ignore', 'spares', 'without witness it has fewer than 65 bytes'),
  'TRUC-violation': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'a version 3 transaction is small and has at most one unconfirmed parent or child, of version 3 too (BIP431)',
  ),
  'tx-size': row('mempool', 'tx', 'reject', 'spares', 'the transaction is heavier than policy allows'),
  'missing-inputs': row('mempool', 'nobody', 'ignore', 'spares', 'a coin that it spends is unknown here'),
  'txn-already-in-mempool': row('mempool', 'nobody', 'ignore', 'spares', 'it is already in the mempool'),
  'txn-same-nonwitness-data-in-mempool': row(
    'mempool',
    'nobody',
    'ignore',
    'spares',
    'the same transaction with another witness is in the mempool',
  ),
  'txn-already-known': row('mempool', 'nobody', 'ignore', 'spares', 'it is already in the chain'),
  'bad-txns-spends-conflicting-tx': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'it spends what it would replace',
  ),
  'too many potential replacements': row('mempool', 'tx', 'ignore', 'spares', 'it would replace too many'),
  'insufficient fee': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'a replacement must pay a higher rate and fee',
  ),
  'min relay fee not met': row('mempool', 'tx', 'ignore', 'spares', 'the fee is below the relay minimum'),
  'mempool min fee not met': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'the fee is below what a full mempool asks',
  ),
  'mempool full': row(
    'mempool',
    'nobody',
    'ignore',
    'spares',
    'the mempool is full of better-paying transactions',
  ),
  'too-long-mempool-chain': row('mempool', 'tx', 'ignore', 'spares', 'too many unconfirmed relatives'),
  dust: row('mempool', 'tx', 'ignore', 'spares', 'an output is worth less than spending it costs'),
  'max-fee-exceeded': row('mempool', 'nobody', 'ignore', 'spares', "the fee is above the caller's limit"),
  'non-final': row('mempool', 'tx', 'ignore', 'spares', 'its lock time is not past'),
  'non-BIP68-final': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'a relative lock of an input is not past (BIP68)',
  ),
  'mempool-script-verify-flag-failed': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'every input needs a valid witness',
  ),

  // Several transactions tested together (testmempoolaccept); no peer sends such.
  'package-too-large': row('mempool', 'tx', 'ignore', 'spares', 'a package weighs more than 404,000'),
  'package-contains-duplicates': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'a package has a transaction twice',
  ),
  'package-not-sorted': row('mempool', 'tx', 'ignore', 'spares', 'in a package parents come before children'),
  'conflict-in-package': row('mempool', 'tx', 'ignore', 'spares', 'two of a package spend the same coin'),
  'package-mempool-limits': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'a package and its unconfirmed relatives are too many',
  ),
  'bip125-replacement-disallowed': row(
    'mempool',
    'tx',
    'ignore',
    'spares',
    'a package replaces nothing in the mempool',
  ),
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;

export function isRuleName(text: string): text is RuleName {
  return Object.hasOwn(RULES, text);
}

/** The row of a name, with its type widened from the table's literal one. */
export function ruleOf(name: RuleName): Rule {
  return RULES[name];
}

/** One "no": which rule, and in `detail` which value (Core's debug message where there is one). */
export interface Refusal {
  readonly rule: RuleName;
  readonly detail: string;
}

export type Checked<T> = Result<T, Refusal>;

export function refuse(rule: RuleName, detail: string): Result<never, Refusal> {
  return err({ rule, detail });
}
