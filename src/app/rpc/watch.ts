import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WELL_KNOWN, wellKnownScript } from '../../consensus/genesis.ts';
import { RPC, RpcError } from '../../host/http-errors.ts';
import { keyOf, toHex } from '../../util/bytes.ts';
import type { NodeContext } from './context.ts';
import { scanTarget } from './descriptor.ts';
import { scriptAddress } from './script.ts';

/**
 * The locks whose payments `listsinceblock` and `gettransaction` tell: a node has no wallet, so it tells those of the ten
 * well-known keys, of its own payout, and what `importdescriptors` has added, kept in `watch.json`.
 */

/** Core's wallets hold as many as there are; ours is a file that is read whole. */
const MOST = 10_000;

export class WatchList {
  readonly #context: NodeContext;
  readonly #scripts = new Map<string, string>();
  /** As they were imported, with checksum. */
  readonly #imported = new Set<string>();

  constructor(context: NodeContext) {
    this.#context = context;
    for (const name of WELL_KNOWN) this.#put(wellKnownScript(name));
    for (const desc of readImported(this.#file)) this.#add(desc);
  }

  get #file(): string {
    return join(this.#context.datadir, 'watch.json');
  }

  get #hrp(): string {
    return this.#context.view.params.hrp;
  }

  #put(script: Uint8Array): void {
    this.#scripts.set(keyOf(script), scriptAddress(script, this.#hrp) ?? '');
  }

  #add(text: string): void {
    const { desc, script } = scanTarget(text, this.#hrp);
    if (!this.#imported.has(desc) && this.#imported.size >= MOST)
      throw new RpcError(RPC.OUT_OF_MEMORY, `${MOST} descriptors are the most`);
    this.#imported.add(desc);
    this.#put(script);
  }

  /** Throws an RpcError for one that is none. */
  import(text: string): void {
    this.#add(text);
    writeFileSync(this.#file, `${JSON.stringify([...this.#imported])}\n`, { mode: 0o600 });
  }

  /** The address behind a watched lock ('' for one without); undefined: nobody watches it. */
  addressOf(script: Uint8Array): string | undefined {
    const { payout } = this.#context.mining;
    if (payout !== undefined && toHex(payout) === toHex(script)) this.#put(script);
    return this.#scripts.get(keyOf(script));
  }
}

function readImported(file: string): string[] {
  if (!existsSync(file)) return [];
  const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return Array.isArray(json) ? json.filter((d) => typeof d === 'string') : [];
}
