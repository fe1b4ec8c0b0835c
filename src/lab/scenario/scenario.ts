import type { Profile, Region } from '../../util/profiles.ts';
import type { Topology } from '../../util/topology.ts';
import type { Given } from '../../yard/verb.ts';
import type { VerbName } from '../../yard/verbs.ts';
import type { NetworkName } from '../launcher/create.ts';
import type { Condition } from './assertions.ts';

/** What one scenario file says, read and checked: a lecture, a homework and a CI check at once. */

export interface Scenario {
  readonly title: string;
  /** A paragraph of what to look for. */
  readonly lesson: string;
  readonly network: NetworkName;
  readonly paceMs: number | undefined;
  readonly delayMs: number;
  readonly topology: Topology;
  /** Delays of every link by where its ends stand; `--speed` does not change them. */
  readonly profile: Profile | undefined;
  /** Links that differ from all others, in this order. */
  readonly links: readonly ScenarioLink[];
  /** Do the miners run from the start? */
  readonly mining: boolean;
  readonly nodes: readonly ScenarioNode[];
  /** Patience of each wait, unless its step says otherwise. */
  readonly timeoutMs: number;
  readonly steps: readonly Step[];
  readonly assertions: readonly Assertion[];
  readonly asks: readonly Ask[];
}

export interface ScenarioLink {
  /** `A-C`, `A>C`, `AB-CD`. */
  readonly on: string;
  /** As the verb `link` takes it. */
  readonly shape: Given;
}

export interface ScenarioNode {
  readonly letter: string;
  /** H/s, 0 = uncapped. */
  readonly hashrate: number;
  readonly mines: boolean;
  readonly region: Region;
}

export interface Step {
  readonly line: number;
  /** Wait for this first. */
  readonly when: Condition | undefined;
  /** Not before so long after the beginning. */
  readonly atMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly action: StepAction | undefined;
}

export type StepAction =
  | {
      readonly kind: 'verb';
      /** As the file calls it. */
      readonly step: string;
      readonly verb: VerbName;
      readonly fields: Given;
      /** Names for its payments. */
      readonly as: readonly string[];
    }
  | { readonly kind: 'wait'; readonly ms: number }
  /** From now on the node mines by a strategy that ships, or, with `stop`, honestly again. */
  | {
      readonly kind: 'strategy';
      readonly node: string;
      readonly play: string;
      /** Of a strategy that cheats: what the merchant waits for. */
      readonly confirmations: number | undefined;
      /** ... how many blocks behind it gives up, */
      readonly patience: number | undefined;
      /** ... and how its first payment and the one that takes its coin are called. */
      readonly as: readonly string[];
    }
  | { readonly kind: 'mark'; readonly name: string }
  | { readonly kind: 'check'; readonly condition: Condition }
  | { readonly kind: 'say'; readonly text: string };

export type StrategyStep = Extract<StepAction, { kind: 'strategy' }>;

export interface Assertion {
  readonly line: number;
  readonly condition: Condition;
}

/** A question of a homework. With `figure` the answer is a number that the run itself knows. */
export interface Ask {
  readonly line: number;
  readonly id: string;
  readonly question: string;
  readonly figure: Condition | undefined;
  /** The student's, written into the file. */
  readonly answer: string | undefined;
}

/** One thing that is wrong with a file. */
export interface ScenarioFault {
  readonly line: number;
  readonly column: number;
  /** `steps[2].partition`. */
  readonly field: string;
  readonly message: string;
}

export function describeFault(file: string, fault: ScenarioFault): string {
  const field = fault.field === '' ? '' : ` ${fault.field}:`;
  return `${file}:${fault.line}:${fault.column}${field} ${fault.message}`;
}
