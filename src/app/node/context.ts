import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OffsetClock } from '../../host/driver/clock.ts';
import type { NodeDriver } from '../../host/driver/driver.ts';
import { NodeStopped } from '../../host/driver/readers.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { EventLog } from '../../host/log/event-log.ts';
import type { Network } from '../../host/net/types.ts';
import type { DiskStore } from '../../host/store/store.ts';
import type { Grind, NodeContext } from '../rpc/context.ts';
import type { MiningControl } from '../rpc/mining-control.ts';

export interface ContextParts {
  readonly driver: NodeDriver;
  readonly store: DiskStore;
  readonly network: Network;
  readonly mining: MiningControl;
  readonly log: EventLog;
  readonly clock: OffsetClock;
  readonly grind: Grind;
  readonly signatures: () => { readonly ecdsa: string; readonly schnorr: string };
  readonly datadir: string;
  readonly version: string;
  readonly requestStop: (why: string) => void;
}

/** The running parts as the RPC methods see them. */
export function nodeContext(parts: ContextParts): NodeContext {
  const { driver, store, log } = parts;
  const startedAt = Date.now();
  let tipSince = startedAt;
  driver.onNews((news) => {
    if (news.kind === 'tip') tipSince = Date.now();
  });
  return {
    view: driver.view,
    network: parts.network,
    mining: parts.mining,
    get signatures() {
      return parts.signatures();
    },
    datadir: parts.datadir,
    version: parts.version,
    startedAt,
    log,
    clock: parts.clock,
    grind: parts.grind,
    command: async (command) => {
      try {
        return await driver.command(command);
      } catch (error) {
        // It rejects only when the node is stopping or flooded: a circumstance, not a bug.
        throw new RpcError(RPC.MISC_ERROR, error instanceof Error ? error.message : String(error));
      }
    },
    between: async (looks, read) => {
      try {
        return await driver.betweenSteps(read, looks);
      } catch (error) {
        throw error instanceof NodeStopped ? new RpcError(RPC.MISC_ERROR, error.message) : error;
      }
    },
    snapshot: () => store.snapshot(),
    stored: (key) => store.get(key),
    tipSince: () => tipSince,
    onNews: (listener) => driver.onNews(listener),
    tell: (news) => {
      log.append(news);
    },
    requestStop: parts.requestStop,
    stepFigures: () => {
      const { steps, longestStepMs, meanStepMs } = driver.stats();
      return { steps, longestStepMs, meanStepMs };
    },
    diskUsage: () => directorySize(join(parts.datadir, 'db')),
  };
}

/** Sum of the files of one directory; LevelDB has no directories inside, and its files may go while we look. */
async function directorySize(dir: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(dir)) {
    try {
      sum += (await stat(join(dir, name))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return sum;
}
