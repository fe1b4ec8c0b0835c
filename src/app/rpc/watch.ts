import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WELL_KNOWN, wellKnownScript } from '../../consensus/params/genesis.ts';
import { writeAtomically } from '../../host/files.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
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
    for (const { desc, script } of readImported(this.#file, this.#hrp)) {
      this.#imported.add(desc);
      this.#put(script);
    }
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

  /** Of several, each by itself: an RpcError says what is wrong with one. Those that are right are kept in one write. */
  import(texts: readonly string[]): (RpcError | undefined)[] {
    const fresh = new Map<string, Uint8Array>();
    const refused = texts.map((text) => {
      try {
        const { desc, script } = scanTarget(text, this.#hrp);
        if (this.#imported.has(desc)) return undefined;
        if (this.#imported.size + fresh.size >= MOST && !fresh.has(desc))
          throw new RpcError(RPC.OUT_OF_MEMORY, `${MOST} descriptors are the most`);
        fresh.set(desc, script);
        return undefined;
      } catch (error) {
        if (error instanceof RpcError) return error;
        throw error;
      }
    });
    if (fresh.size > 0) this.#keep(fresh);
    return refused;
  }

  #keep(fresh: ReadonlyMap<string, Uint8Array>): void {
    const text = `${JSON.stringify([...this.#imported, ...fresh.keys()])}\n`;
    try {
      writeAtomically(this.#file, text);
    } catch (error) {
      throw new RpcError(
        RPC.WALLET_ERROR,
        `cannot write ${this.#file} (${(error as Error).message}): nothing was imported`,
      );
    }
    for (const [desc, script] of fresh) {
      this.#imported.add(desc);
      this.#put(script);
    }
  }

  /** The address behind a watched lock ('' for one without); undefined: nobody watches it. */
  addressOf(script: Uint8Array): string | undefined {
    const { payout } = this.#context.mining;
    if (payout !== undefined && toHex(payout) === toHex(script)) this.#put(script);
    return this.#scripts.get(keyOf(script));
  }
}

/** What was imported in earlier lives of the node. Nothing is left out of a damaged file: who asks would not notice. */
function readImported(file: string, hrp: string): { desc: string; script: Uint8Array }[] {
  let why: string;
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(json) && json.every((desc) => typeof desc === 'string'))
      return json.map((desc) => scanTarget(desc, hrp));
    why = 'it is not a list of texts';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    why = (error as Error).message;
  }
  throw new RpcError(
    RPC.WALLET_ERROR,
    `cannot read ${file}, which holds the imported descriptors (${why}); put a copy of it back, or move it away and import them again`,
  );
}
