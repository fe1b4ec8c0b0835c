import { type Change, describeChanges, type Shape } from './conditions.ts';
import type { Figures, Tally } from './tally.ts';
import { minersOf, type TreeBlock } from './tree.ts';

/** Stretches of a run under unchanged conditions, and the cut that may span several of them. */

export interface EpochFigures extends Figures {
  /** From 1, in order of time; numbers of epochs that were forgotten are not used again. */
  readonly epoch: number;
  /** What began it. */
  readonly because: string;
  readonly shape: Shape;
  /** Is a partition open in it? */
  readonly cut: boolean;
  readonly open: boolean;
}

export interface Epoch {
  readonly no: number;
  readonly changes: Change[];
  /** When the last of them came. */
  changedAt: number;
  readonly tally: Tally;
  shape: Shape;
  cut: boolean;
  /** Of the cut that it belongs to. */
  cutTally: Tally | undefined;
}

export type Block = TreeBlock<Epoch>;

/** A cut that is open, counted from its beginning. */
export interface Cut {
  readonly tally: Tally;
  /** What began it. */
  readonly because: string;
}

/** `beaten`: blocks that have lost their race, though no tip ever moved because of them. */
export function readEpoch(epoch: Epoch, beaten: readonly Block[], open: boolean): EpochFigures {
  return {
    ...epoch.tally.read(minersOf(beaten.filter((block) => block.mined?.owner === epoch))),
    epoch: epoch.no,
    because: describeChanges(epoch.changes),
    shape: epoch.shape,
    cut: epoch.cut,
    open,
  };
}

/** `epoch`: the present one. */
export function readCut({ tally, because }: Cut, epoch: Epoch, beaten: readonly Block[]): EpochFigures {
  const inCut = beaten.filter((block) => block.mined?.owner.cutTally === tally);
  return {
    ...tally.read(minersOf(inCut)),
    ...{ epoch: epoch.no, because, shape: epoch.shape, cut: true, open: true },
  };
}
