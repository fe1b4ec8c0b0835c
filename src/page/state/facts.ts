import type { Topology } from '../../util/topology.ts';

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

export interface ActionRequest {
  readonly verb: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Only the sentence before. */
  readonly dry?: boolean;
}

export type Told =
  | { readonly plan: string }
  | { readonly step: string }
  | { readonly done: string; readonly no: boolean }
  | {
      readonly problem: string;
      readonly hint?: string;
      /** It is not the yard that said so: it was not heard. */
      readonly isUnheard?: boolean;
    };
