import { RawTx } from '@scure/btc-signer';
import { Transaction } from 'bitcoinjs-lib';
import { newSighashCache, sighashAllV0 } from '../../src/bitcoin/sighash.ts';
import { decodeTx } from '../../src/bitcoin/tx.ts';
import { KEY_HASH, spend } from './spends.ts';
import { type BenchTable, byTurns, median, perSecond, rowOf } from './table.ts';

const SPAN_MS = 500;
const ROUNDS = 7;
const VALUE = 20e8;

/** What a node does with every transaction that it hears of, before it looks at a coin. */
export function parseSuite(): BenchTable {
  const txs = Array.from({ length: 256 }, (_, i) =>
    spend({ txid: new Uint8Array(32).fill(i), index: i }, VALUE),
  );
  const wires = txs.map((tx) => Buffer.from(tx.bytes));
  const oldScript = Buffer.concat([Buffer.from('76a914', 'hex'), KEY_HASH, Buffer.from('88ac', 'hex')]);

  const ours = (bytes: Uint8Array): Uint8Array => {
    const decoded = decodeTx(bytes);
    if (!decoded.ok) throw new Error(decoded.error.what);
    const tx = decoded.value;
    if (tx.txid.length + tx.wtxid.length !== 64) throw new Error('no ids');
    return sighashAllV0(tx, 0, KEY_HASH, VALUE, newSighashCache());
  };
  const bitcoinjs = (bytes: Uint8Array): Uint8Array => {
    const tx = Transaction.fromBuffer(bytes);
    if (tx.getHash(false).length + tx.getHash(true).length !== 64) throw new Error('no ids');
    return tx.hashForWitnessV0(0, oldScript, BigInt(VALUE), Transaction.SIGHASH_ALL);
  };
  for (const bytes of wires) {
    if (Buffer.compare(ours(bytes), bitcoinjs(bytes)) !== 0) throw new Error('signature hashes differ');
  }

  const each = (work: (bytes: Uint8Array) => unknown) => () => {
    let i = 0;
    return perSecond(() => work(wires[i++ & 255]!), SPAN_MS, 64);
  };
  const contenders = {
    ours: each(ours),
    oursParse: each((bytes) => decodeTx(bytes)),
    bitcoinjs: each(bitcoinjs),
    scureParse: each((bytes) => RawTx.decode(bytes)),
  };
  byTurns(1, contenders); // the engine optimises
  const rates = byTurns(ROUNDS, contenders);
  const micros = (all: readonly number[]): number[] => all.map((rate) => 1e6 / rate);
  return {
    suite: 'parse',
    says: `One P2WPKH transaction with one input and two outputs, ${ROUNDS} × ${SPAN_MS / 1000} s by turns; less is better, so beside a library a figure below 1 is good.`,
    rows: [
      rowOf('parse, both ids, signature hash', micros(rates.ours), 'µs', {
        name: 'bitcoinjs-lib',
        value: median(micros(rates.bitcoinjs)),
      }),
      rowOf('parse alone; ids are made when asked for', micros(rates.oursParse), 'µs', {
        name: '@scure/btc-signer',
        value: median(micros(rates.scureParse)),
      }),
    ],
  };
}
