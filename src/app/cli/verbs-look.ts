import { Command } from 'commander';
import { parseCount } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import { Problem } from '../../yard/problem.ts';
import { addShared, ending, example, type Shared, shared } from './common.ts';

/** `status`, `tree`, `watch`, `tx`, `block`: looking, never touching. */

type Client = Awaited<ReturnType<typeof open>>;

async function open(yard: string | undefined) {
  const { YardClient } = await import('../../lab/client/client.ts');
  return YardClient.open(yard, process.cwd());
}

export function lookVerbs(): Command[] {
  return [statusVerb(), treeVerb(), watchVerb(), txVerb(), blockVerb()];
}

function statusVerb(): Command {
  const status = addShared(new Command('status'))
    .description('do the nodes agree? exit 1 if they do not')
    .action(async (_options: object, command: Command) => {
      const s = shared(command);
      const client = await open(s.yard);
      const [{ readStatus }, { CALM }, { nodeRows }] = await Promise.all([
        import('../../lab/client/status.ts'),
        import('../../observe/words/conditions.ts'),
        import('./print.ts'),
      ]);
      const found = await readStatus(client);
      s.out.line(s.out.style(found.agree ? 'green' : 'red', found.sentence));
      if (found.facts !== '') s.out.step(found.facts);
      if (found.faults !== '') s.out.line(s.out.style('yellow', found.faults));
      if (!s.out.quiet) s.out.table(nodeRows(found.infos, client.yard));
      s.out.object({
        agree: found.agree,
        answers: found.answers,
        conflictDepth: found.conflictDepth,
        groups: client.yard.groups ?? null,
        faults: { ...CALM, ...client.yard.conditions },
        nodes: [...found.infos].map(([letter, info]) => ({ letter, ...(info ?? { down: true }) })),
      });
      if (!found.agree) ending.code = 1;
    });
  return example(status, 'status', 'status --json');
}

interface TreeOptions {
  readonly last?: string;
  readonly svg?: string | true;
  readonly payment?: string;
  readonly log?: string;
  readonly force?: boolean;
}

function treeVerb(): Command {
  const tree = addShared(new Command('tree'))
    .alias('tips')
    .description("the fork tree with every node's tip and its work")
    .option('--last <heights>', 'how many heights (default: 12, or what fits)')
    .option(
      '--svg [file]',
      'the picture with its caption, and the lanes of one payment; to standard output without a file',
    )
    .option('--payment <id>', 'with --svg: whose lanes (default: the newest with a story)')
    .option('--log <file>', "with --svg: a saved log instead of this yard's")
    .option('--force', 'with --svg: replace the file if it is there')
    .action(async (options: TreeOptions, command: Command) => {
      const s = shared(command);
      const { svg } = options;
      if (svg !== undefined) {
        const { savePicture } = await import('./picture.ts');
        return savePicture(s, { ...options, svg });
      }
      const alone = (['payment', 'log', 'force'] as const).find((name) => options[name] !== undefined);
      if (alone !== undefined)
        throw new Problem(2, `--${alone} goes with --svg`, 'forkyard tree --svg tree.svg');
      const last = parseCount(options.last ?? '12', '--last', 1, 1_000);
      if (!last.ok) throw new Problem(2, last.error);
      const client = await open(s.yard);
      if (s.out.json) {
        const up = await client.up();
        const tips = await Promise.all(up.map((l) => client.call(l, 'getchaintips')));
        s.out.object(Object.fromEntries(up.map((l, i) => [l, tips[i]])));
        return;
      }
      const [{ readForest }, { treeLines }] = await Promise.all([
        import('../../lab/client/find.ts'),
        import('./print.ts'),
      ]);
      const forest = await readForest(client, last.value);
      // A tree that breaks at the edge of the terminal cannot be read; who asks for so many heights gets them.
      let heights = last.value;
      let lines = treeLines(forest, client.letters, heights, s.out.ascii);
      while (options.last === undefined && heights > 4 && lines.some((l) => l.length > s.out.columns)) {
        lines = treeLines(forest, client.letters, --heights, s.out.ascii);
      }
      for (const line of lines) s.out.line(line);
      if (!s.out.quiet)
        s.out.line(
          s.out.style('dim', "[ ] on a node's branch · ( ) stale · " + (s.out.ascii ? '<' : '◄') + ' tips'),
        );
    });
  return example(tree, 'tree', 'tree --last 12', 'tree --svg reorg.svg', 'tips --json');
}

function watchVerb(): Command {
  const watch = addShared(new Command('watch'))
    .description('the live view, from any terminal: tree, nodes, payment, log; elsewhere a line an event')
    .option('--log', 'one line an event instead of the full-screen view')
    .option('--from-start', 'as lines, with what the launcher still has from before')
    .action(async (options: { log?: boolean; fromStart?: boolean }, command: Command) => {
      const s = shared(command);
      const client = await open(s.yard);
      const { hasScreen, showOther } = await import('../tui/open.ts');
      if (options.log !== true && options.fromStart !== true && hasScreen(s.out)) {
        ending.code = await showYard(s, client, showOther);
        return;
      }
      ending.code = await watchYard(s, client, options.fromStart === true);
    });
  return example(watch, 'watch', 'watch --json | jq .kind');
}

type ShowOther = typeof import('../tui/open.ts')['showOther'];

/** The full-screen view until `q` (0), Ctrl-C (130), or the yard's end (0). */
async function showYard(s: Shared, client: Client, showOther: ShowOther): Promise<number> {
  const late = s.timeoutMs === undefined ? [] : [AbortSignal.timeout(s.timeoutMs)];
  const ended = new AbortController();
  const onSignal = () => ended.abort();
  for (const name of ['SIGTERM', 'SIGHUP'] as const) process.once(name, onSignal);
  const signal = AbortSignal.any([s.signal, ended.signal, ...late]);
  const how = await showOther(client, { ascii: s.out.ascii, signal });
  for (const name of ['SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal);
  if (how === 'interrupt' || s.signal.aborted) return 130;
  if (ended.signal.aborted) return 143;
  if (how === 'ended' && late[0]?.aborted !== true) s.out.step('the yard has ended');
  return 0;
}

/** Names recent blocks by the tree as it is, then follows until Ctrl-C (130) or until the yard ends (0). */
async function watchYard(s: Shared, client: Client, fromStart: boolean): Promise<number> {
  const [{ Narrator }, { readForest }, { ownerOf }] = await Promise.all([
    import('../../lab/client/live.ts'),
    import('../../lab/client/find.ts'),
    import('../../lab/yard/claim.ts'),
  ]);
  const mark = fromStart ? 0 : await client.mark();
  const narrator = new Narrator(s.out.json || fromStart ? undefined : await readForest(client, 50));
  s.out.step(s.out.style('dim', `Watching ${client.letters.join(' ')} · Ctrl-C ends`));
  return new Promise<number>((done) => {
    const deadline = s.timeoutMs === undefined ? undefined : setTimeout(() => end(0), s.timeoutMs);
    const follower = client.follow(
      (event) => {
        if (s.out.json) return s.out.object(event);
        const line = narrator.line(event);
        if (line !== undefined) s.out.line(line);
      },
      mark,
      (up) => {
        // The stream breaks when the launcher ends; whether it did, the lock says.
        if (!up && ownerOf(client.dir) === undefined) end(0, 'the yard has ended');
      },
    );
    // A yard that ends politely closes the stream before it lets go of its lock.
    const gone = setInterval(() => {
      if (ownerOf(client.dir) === undefined) end(0, 'the yard has ended');
    }, 500);
    const end = (code: number, words?: string) => {
      follower.close();
      clearInterval(gone);
      clearTimeout(deadline);
      if (words !== undefined) s.out.step(words);
      done(code);
    };
    s.signal.addEventListener('abort', () => end(130), { once: true });
    if (s.signal.aborted) end(130);
  });
}

function txVerb(): Command {
  const tx = addShared(new Command('tx'))
    .description('where a payment is, on every node')
    .argument('<tail>', 'the last digits of its id')
    .action(async (tail: string, _options: object, command: Command) => {
      const s = shared(command);
      const client = await open(s.yard);
      const find = await import('../../lab/client/find.ts');
      const found = await find.findTx(client, tail);
      s.out.line(find.describeTx(found));
      for (const letter of client.letters) {
        const line = found.places.has(letter) ? find.describePlace(found.places.get(letter)) : 'down';
        s.out.line(`  ${letter}  ${line}`);
      }
      s.out.object({
        txid: found.txid,
        nodes: Object.fromEntries([...found.places].map(([l, p]) => [l, p ?? null])),
      });
    });
  return example(tx, 'tx a91f3c');
}

/** The block as that node has it; undefined where it has only the header. */
async function bodyOf(
  client: Client,
  letter: string,
  id: string,
): Promise<Record<string, unknown> | undefined> {
  try {
    return await client.call<Record<string, unknown>>(letter, 'getblock', [id, 1]);
  } catch (error) {
    if (error instanceof Problem && error.exit === 1) return undefined;
    throw error;
  }
}

function blockVerb(): Command {
  const block = addShared(new Command('block'))
    .description('one block, and who has it')
    .argument('<tail>', 'the last digits of its id, or its name: 8A')
    .action(async (tail: string, _options: object, command: Command) => {
      const s = shared(command);
      const client = await open(s.yard);
      const [find, { blockName, tailOf }] = await Promise.all([
        import('../../lab/client/find.ts'),
        import('../../yard/names.ts'),
      ]);
      const found = await find.findBlock(client, tail);
      const holder = [...found.places].find(([, p]) => p !== undefined)![0];
      const body = await bodyOf(client, holder, found.id);
      const count = Array.isArray(body?.['tx']) ? body['tx'].length - 1 : undefined;
      const carries = count === undefined ? '' : `, ${plural(count, 'payment')}`;
      const by = found.miner === '' ? '' : ` by ${found.miner}`;
      s.out.line(
        `Block ${blockName(found)} ${tailOf(found.id)}: height ${found.height}, found${by}${carries}.`,
      );
      for (const letter of client.letters) {
        const place = found.places.get(letter);
        const line = !found.places.has(letter)
          ? 'down'
          : place === undefined
            ? 'unknown'
            : place.active
              ? `on its branch, ${place.confirmations} deep`
              : 'known, not on its branch';
        s.out.line(`  ${letter}  ${line}`);
      }
      s.out.object({
        ...found,
        places: Object.fromEntries([...found.places].map(([l, p]) => [l, p ?? null])),
        block: body ?? null,
      });
    });
  return example(block, 'block 8A', 'block 4f1c2e');
}
