import type { Header } from '../../src/bitcoin/header.ts';
import type { RuleName } from '../../src/consensus/params/rules.ts';
import type { World } from './world.ts';

/**
 * Whatever can be shown blocks and asked for its tip: a `Chain`, a node's step function, a process behind TCP. Answers
 * may come later, so everything is awaited.
 */
export interface Driver {
  /** Shows a header alone. The rule that refuses it, or undefined. */
  header(header: Header): Answer;
  /** Shows a block, and lets everything that follows from it happen. The rule that refuses *this* block, or undefined. */
  block(bytes: Uint8Array): Answer;
  /** Display id of the active tip. */
  tip(): string | Promise<string>;
}

type Answer = RuleName | undefined | Promise<RuleName | undefined>;

/** Plays a drawing on a driver, and speaks in the drawing's names. */
export class Play {
  readonly world: World;
  readonly driver: Driver;

  constructor(world: World, driver: Driver) {
    this.world = world;
    this.driver = driver;
  }

  /** Shows blocks in this order; each must be taken. Throws with the name and the rule if one is refused. */
  async deliver(names: string): Promise<void> {
    for (const name of names.trim().split(/\s+/)) {
      const rule = await this.driver.block(this.world.bytes(name));
      if (rule !== undefined) throw new Error(`block ${name} was refused: ${rule}`);
    }
  }

  /** Shows a block that must be refused. The rule's name, 'accepted' if it was not. */
  async refusal(block: string | Uint8Array): Promise<RuleName | 'accepted'> {
    const bytes = typeof block === 'string' ? this.world.bytes(block) : block;
    return (await this.driver.block(bytes)) ?? 'accepted';
  }

  /** The tip's name in the drawing. */
  async tip(): Promise<string> {
    return this.world.nameOf(await this.driver.tip());
  }
}
