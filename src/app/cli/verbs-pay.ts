import { join } from 'node:path';
import { Command } from 'commander';
import { formatAmount } from '../../bitcoin/amount.ts';
import { pathFrom } from '../../lab/yard/file.ts';
import type { NamedKey } from '../../lab/yard/keyring.ts';
import { tail } from '../../observe/words/words.ts';
import { Problem } from '../../yard/problem.ts';
import { addDryRun, addShared, example, performVerb, shared } from './common.ts';
import type { Out } from './out.ts';

/** `keys`, `balance`, `send`, `double-spend`: whose coins, and moving them. */

export function payVerbs(): Command[] {
  return [keysVerb(), balanceVerb(), sendVerb(), faucetVerb(), doubleSpendVerb()];
}

function keysVerb(): Command {
  const keys = addShared(new Command('keys'))
    .description('the keys of this yard with their secrets; `keys new NAME` makes one')
    .argument('[new]', 'the word new')
    .argument('[name]', 'of the new key')
    .action(async (word: string | undefined, name: string | undefined, _o: object, command: Command) => {
      if (word !== undefined && word !== 'new')
        throw new Problem(
          2,
          `'${word}' is not understood: the only word after keys is new`,
          'forkyard keys new zoe',
        );
      const s = shared(command);
      const [{ locateYard }, { readParams }, ring] = await Promise.all([
        import('../../lab/yard/file.ts'),
        import('../../lab/launcher/create.ts'),
        import('../../lab/yard/keyring.ts'),
      ]);
      const { dir } = locateYard(s.yard, process.cwd());
      const params = readParams(dir);
      if (word === 'new') {
        if (name === undefined) throw new Problem(2, 'the new key needs a name', 'forkyard keys new zoe');
        const key = ring.newKey(dir, name, params);
        const kept = pathFrom(process.cwd(), join(dir, 'keys', `${key.name}.json`));
        s.out.line(`${key.name}  ${key.address}\n${' '.repeat(key.name.length)}  secret kept in ${kept}`);
        s.out.object({ name: key.name, address: key.address });
        return;
      }
      const all = ring.allKeys(dir, params);
      s.out.step(
        'Worthless test keys: the first ten are the same on every yard, and everybody knows their secrets.',
      );
      tellKeys(s.out, all);
      s.out.object(all.map((k) => ({ name: k.name, address: k.address, wif: k.wif, kind: k.kind })));
    });
  return example(keys, 'keys', 'keys new zoe');
}

/** A secret stands below its address where it has no room beside it. */
function tellKeys(out: Out, keys: readonly NamedKey[]): void {
  const wide = out.rows([
    ['NAME', 'ADDRESS', 'SECRET (WIF)', 'KIND'],
    ...keys.map((k) => [k.name, k.address, k.wif, k.kind]),
  ]);
  if (wide.every((line) => line.length <= out.columns)) {
    for (const line of wide) out.line(line);
    return;
  }
  out.table([
    ['NAME', 'ADDRESS, AND BELOW IT THE SECRET (WIF)', 'KIND'],
    ...keys.flatMap((k) => [
      [k.name, k.address, k.kind],
      ['', k.wif],
    ]),
  ]);
}

function balanceVerb(): Command {
  const balance = addShared(new Command('balance'))
    .description('what each key has; per node where the nodes differ')
    .argument('[names...]', 'keys (default: all that have something)')
    .option('--on <node>', 'as this node sees it')
    .action(async (names: string[], options: { on?: string }, command: Command) => {
      const s = shared(command);
      const [{ YardClient }, { balances }] = await Promise.all([
        import('../../lab/client/client.ts'),
        import('../../lab/live/coins.ts'),
      ]);
      const client = YardClient.open(s.yard, process.cwd());
      const found = await balances(client, names, options.on);
      const rows: string[][] = [];
      for (const { name, address, byNode } of found) {
        const groups = new Map<string, string[]>();
        for (const [letter, b] of byNode) {
          const young = b.immature === 0 ? '' : formatAmount(b.immature);
          const text = [
            formatAmount(b.spendable),
            b.waiting === 0 ? '' : formatAmount(b.waiting),
            young,
          ].join('\t');
          groups.set(text, [...(groups.get(text) ?? []), letter]);
        }
        for (const [text, letters] of groups) {
          const cells = text.split('\t');
          if (names.length === 0 && groups.size === 1 && text === '0\t\t') continue;
          rows.push([name, address, ...cells, groups.size === 1 ? 'all' : letters.join(' ')]);
        }
      }
      const heading = ['NAME', 'ADDRESS', 'SPENDABLE', 'WAITING', 'TOO YOUNG', 'ON'];
      const wide = s.out.rows([heading, ...rows]);
      const isWide = wide.some((line) => line.length > s.out.columns);
      // Of an address its end tells keys apart; `keys` has all of it.
      s.out.table([
        heading,
        ...(isWide ? rows.map(([who, at, ...rest]) => [who!, tail(at!), ...rest]) : rows),
      ]);
      s.out.object(found.map((f) => ({ ...f, byNode: Object.fromEntries(f.byNode) })));
    });
  return example(balance, 'balance', 'balance dave --on D');
}

function sendVerb(): Command {
  const send = addDryRun(addShared(new Command('send')))
    .description('a signed payment')
    .argument('<from>', 'whose coins')
    .argument('<to>', 'a name or an address')
    .argument('<amount>', 'coins, such as 1.5')
    .option('-N, --node <node>', 'the node that gets it first')
    .option('--fee-rate <rate>', 'satoshis per vbyte (default 2)')
    .action(
      async (
        from: string,
        to: string,
        amount: string,
        options: { node?: string; feeRate?: string },
        command: Command,
      ) => {
        const { node, feeRate } = options;
        const fields = { from, to, amount, node, 'fee-rate': feeRate };
        await performVerb(shared(command), 'send', fields, { places: ['from', 'to', 'amount'] });
      },
    );
  return example(send, 'send alice bob 1.5', 'send alice bob 1.5 -N C --fee-rate 5');
}

function faucetVerb(): Command {
  const faucet = addDryRun(addShared(new Command('faucet')))
    .description('coins for an address, from whoever in this yard has them')
    .argument('<to>', "an address, or a key's name")
    .option('--amount <coins>', 'how many', '10')
    .option('-N, --node <node>', 'which node gets the payment first (default: the first that is up)')
    .action(async (to: string, options: { amount: string; node?: string }, command: Command) => {
      const { amount, node } = options;
      await performVerb(shared(command), 'faucet', { to, amount, node }, { places: ['to'] });
    });
  return example(faucet, 'faucet bob --amount 10');
}

function doubleSpendVerb(): Command {
  const double = addDryRun(addShared(new Command('double-spend')))
    .description('one coin to two people at two nodes: at most one of the payments can stay')
    .argument('<from>', 'whose coins')
    .argument('<first>', 'who and where: carol@A')
    .argument('<second>', 'who and where: dave@D')
    .option(
      '--amount <coins>',
      'to each; may take several coins, the same for both (default: one whole coin)',
    )
    .option('--fee-rate <rate>', 'satoshis per vbyte (default 2)')
    .action(
      async (
        from: string,
        first: string,
        second: string,
        options: { amount?: string; feeRate?: string },
        command: Command,
      ) => {
        const { amount, feeRate } = options;
        const fields = { from, first, second, amount, 'fee-rate': feeRate };
        await performVerb(shared(command), 'double-spend', fields, { places: ['from', 'first', 'second'] });
      },
    );
  return example(
    double,
    'double-spend alice carol@A dave@D',
    'double-spend alice carol@A dave@D --amount 15',
  );
}
