import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import type { Arguments, Call, RpcArgument, RpcMethod } from '../../host/http/methods.ts';
import type { NodeContext } from './context.ts';
import { entryArgument, hashArgument, MAX_INT } from './context.ts';

const category = 'Blockchain';
const timeout: RpcArgument = {
  name: 'timeout',
  type: 'number',
  default: '0',
  says: 'Milliseconds to wait at most; 0 waits for ever. The answer is the tip then, whatever it is.',
};

/** Waiting for the tip, and a person's hand on the choice of branch. */
export function waitMethods(context: NodeContext): RpcMethod[] {
  return [
    waitfornewblock(context),
    waitforblock(context),
    waitforblockheight(context),
    invalidateblock(context),
    reconsiderblock(context),
    preciousblock(context),
  ];
}

function waitfornewblock(context: NodeContext): RpcMethod {
  return {
    name: 'waitfornewblock',
    category,
    summary: 'Waits until the tip changes; answers the new tip.',
    args: [
      timeout,
      {
        name: 'current_tip',
        type: 'string',
        default: "the tip at the call's start",
        says: 'Wait for another tip than this.',
      },
    ],
    example: '1000',
    run: (args, call) => {
      const from = args.has('current_tip') ? idArgument(args, 'current_tip') : context.view.chain.tip.id;
      return waitForTip(context, args, call, (tip) => tip.id !== from);
    },
  };
}

function waitforblock(context: NodeContext): RpcMethod {
  return {
    name: 'waitforblock',
    category,
    summary: 'Waits until a given block is the tip; answers the tip.',
    args: [{ name: 'blockhash', type: 'string', says: 'The block id.' }, timeout],
    example: '"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862" 1000',
    run: (args, call) => {
      const wanted = idArgument(args, 'blockhash');
      return waitForTip(context, args, call, (tip) => tip.id === wanted);
    },
  };
}

function waitforblockheight(context: NodeContext): RpcMethod {
  return {
    name: 'waitforblockheight',
    category,
    summary: 'Waits until the tip has at least a height; answers the tip.',
    args: [{ name: 'height', type: 'number', says: 'The height.' }, timeout],
    example: '100 1000',
    run: (args, call) => {
      const height = args.integer('height', { min: 0, max: MAX_INT });
      return waitForTip(context, args, call, (tip) => tip.height >= height);
    },
  };
}

function invalidateblock(context: NodeContext): RpcMethod {
  return {
    name: 'invalidateblock',
    category,
    summary: 'Treats a block and all that build on it as invalid, and follows the best branch without it.',
    args: [{ name: 'blockhash', type: 'string', says: 'The block id.' }],
    example: '"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862"',
    run: (args) => {
      const entry = entryArgument(context, args, 'blockhash');
      if (entry.parent === undefined)
        throw new RpcError(RPC.INVALID_PARAMETER, 'the genesis block cannot be invalidated');
      return choose(context, { kind: 'invalidate', hash: entry.hash });
    },
  };
}

function reconsiderblock(context: NodeContext): RpcMethod {
  return {
    name: 'reconsiderblock',
    category,
    summary:
      'Undoes invalidateblock for a block, those it builds on and those that build on it; all are judged again.',
    args: [{ name: 'blockhash', type: 'string', says: 'The block id.' }],
    example: '"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862"',
    run: (args) =>
      choose(context, { kind: 'reconsider', hash: entryArgument(context, args, 'blockhash').hash }),
  };
}

function preciousblock(context: NodeContext): RpcMethod {
  return {
    name: 'preciousblock',
    category,
    summary: 'Prefers a block to others of the same work, as if it had come first.',
    args: [{ name: 'blockhash', type: 'string', says: 'The block id.' }],
    example: '"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862"',
    run: (args) =>
      choose(context, { kind: 'precious', hash: entryArgument(context, args, 'blockhash').hash }),
  };
}

async function choose(
  context: NodeContext,
  command: { kind: 'invalidate' | 'reconsider' | 'precious'; hash: Uint8Array },
): Promise<Json> {
  const result = await context.command(command);
  if (result.kind === 'unknown-block') throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Block not found');
  if (result.kind === 'refused')
    throw new RpcError(RPC.DATABASE_ERROR, `${result.refusal.rule}, ${result.refusal.detail}`);
  return null;
}

function idArgument(args: Arguments, name: string): string {
  hashArgument(args, name);
  return args.string(name).toLowerCase();
}

/** Longer than any setTimeout can wait (2^31 ms would fire at once). */
const MAX_TIMEOUT_MS = 2_147_483_647;

function waitForTip(
  context: NodeContext,
  args: Arguments,
  call: Call,
  done: (tip: BlockEntry) => boolean,
): Promise<Json> {
  const limit = args.integer('timeout', { min: 0, max: MAX_TIMEOUT_MS, fallback: 0 });
  return new Promise((resolve) => {
    const finish = () => {
      stop();
      clearTimeout(timer);
      call.signal.removeEventListener('abort', finish);
      // The time may be over in the middle of a commit: what is the tip then, a crash could take back.
      const answer = () => {
        const { tip } = context.view.chain;
        return { hash: tip.id, height: tip.height };
      };
      resolve(context.between('view', answer));
    };
    const stop = context.onNews((news) => {
      if (news.kind === 'tip' && done(context.view.chain.tip)) finish();
    });
    const timer = limit === 0 ? undefined : setTimeout(finish, limit);
    if (call.signal.aborted || done(context.view.chain.tip)) finish();
    else call.signal.addEventListener('abort', finish, { once: true });
  });
}
