import type { Topology } from '../../util/topology.ts';
import type { Told } from '../../yard/perform.ts';

/** What the page is told besides the log, by a server or by the simulator in its own tab. */

export interface YardFacts {
  readonly label: string;
  readonly network: string;
  readonly nodes: readonly string[];
  readonly people: readonly string[];
  readonly spacingMs: number;
  readonly delayMs: number;
  /** Who should be linked with whom. */
  readonly topology: Topology;
}

export interface NodeFacts {
  readonly letter: string;
  readonly up: boolean;
  readonly peers?: readonly string[];
  readonly pool?: number;
  readonly mining?: { readonly on: boolean; readonly held: boolean; readonly rate: number };
  readonly mined?: number;
}

export type PageTold =
  | Exclude<Told, { readonly problem: string }>
  | {
      readonly problem: string;
      readonly hint?: string;
      /** It is not the yard that said so: it was not heard. */
      readonly isUnheard?: boolean;
    };
