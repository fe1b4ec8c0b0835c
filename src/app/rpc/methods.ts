import type { RpcMethod } from '../../host/http/methods.ts';
import { RpcRegistry } from '../../host/http/methods.ts';
import { chainMethods } from './chain.ts';
import type { NodeContext } from './context.ts';
import { controlMethods } from './control.ts';
import { findMethods } from './find.ts';
import { linkMethods } from './links.ts';
import { mempoolMethods } from './mempool.ts';
import { miningMethods } from './mining.ts';
import { netMethods } from './net.ts';
import { txMethods } from './tx.ts';
import { utxoMethods } from './utxo.ts';
import { waitMethods } from './wait.ts';
import { walletMethods } from './wallet.ts';

/**
 * Every method that a node answers. Each begins between two steps: a block in memory whose commit is still under way
 * must not be told, because a crash could take it back. Those that look at the view alone need not wait for the disk
 * where the view stands still meanwhile.
 */
export function nodeMethods(context: NodeContext): RpcRegistry {
  const registry: RpcRegistry = new RpcRegistry(
    allMethods(context, () => registry).map((method) => ({
      ...method,
      run: (args, call) => context.between(method.looks ?? 'all', () => method.run(args, call)),
    })),
  );
  return registry;
}

function allMethods(context: NodeContext, registry: () => RpcRegistry): RpcMethod[] {
  return [
    ...chainMethods(context),
    ...waitMethods(context),
    ...utxoMethods(context),
    ...txMethods(context),
    ...mempoolMethods(context),
    ...walletMethods(context),
    ...miningMethods(context),
    ...netMethods(context),
    ...linkMethods(context),
    ...findMethods(context),
    ...controlMethods(context, registry),
  ];
}
