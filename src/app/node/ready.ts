import type { NodeProcessOptions } from './options.ts';
import type { RunningNode } from './running.ts';

/** What a launcher reads when a node is ready. */
export function readyLine(options: NodeProcessOptions, node: RunningNode): string {
  const { tip } = node.view.chain;
  return JSON.stringify({
    ready: true,
    name: options.name,
    peerId: node.network.peerId,
    addresses: node.network.addresses,
    rpcPort: node.rpc.port,
    pid: process.pid,
    tip: tip.id,
    height: tip.height,
  });
}
