import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rpcCall } from '../../host/http/client.ts';
import type { JsonInput, JsonObject } from '../../host/http/json.ts';
import type { NodeInfo, YardClient } from '../../lab/client/client.ts';
import { failed } from '../../yard/problem.ts';

/** One node of a yard, as a test sees it: where it answers, with which credentials, and what it says. */
export class YardNodeHandle {
  readonly letter: string;
  readonly #client: YardClient;

  constructor(client: YardClient, letter: string) {
    this.#client = client;
    this.letter = letter;
  }

  /** JSON-RPC, as Bitcoin Core speaks it. */
  get url(): string {
    return this.#client.url(this.#client.node(this.letter));
  }

  /** User and password of its cookie, for clients that want them; they change when it is started again. */
  get credentials(): { readonly user: string; readonly password: string } {
    const [user, password] = readFileSync(this.cookieFile, 'utf8').trim().split(':');
    return { user: user ?? '', password: password ?? '' };
  }

  get cookieFile(): string {
    return join(this.#client.dir, this.#client.node(this.letter).dir, '.cookie');
  }

  /** Its libp2p address. */
  get peerAddress(): string {
    return this.#client.node(this.letter).address;
  }

  /** One call. Its own refusals, and not being there, are thrown as RpcFailure with Core's code. */
  async rpc<T = JsonInput>(method: string, ...params: readonly JsonInput[]): Promise<T> {
    return (await rpcCall(this.url, { cookieFile: this.cookieFile }, method, params)) as T;
  }

  /** The same with named parameters. */
  async rpcNamed<T = JsonInput>(method: string, params: JsonObject): Promise<T> {
    return (await rpcCall(this.url, { cookieFile: this.cookieFile }, method, params)) as T;
  }

  async info(): Promise<NodeInfo> {
    const info = await this.#client.info(this.letter);
    if (info === undefined) throw failed(`node ${this.letter} is down`);
    return info;
  }
}
