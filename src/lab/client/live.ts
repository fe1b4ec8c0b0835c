import type { LogEvent } from '../../events/events.ts';
import { type Forest, newForest } from '../../observe/state/forest.ts';
import { narrate } from '../../observe/state/narrate.ts';
import type { YardLog } from '../yard/log.ts';

/** Events as lines of plain words, one an event, with the time in front. */

/** `12:40:51`, local time. */
export function clock(t: number): string {
  return new Date(t).toTimeString().slice(0, 8);
}

/** Knows the blocks of all events before, so that each is called by its name. */
export class Narrator {
  readonly #forest: Forest;

  constructor(forest: Forest = newForest()) {
    this.#forest = forest;
  }

  /** Undefined for what only the log file needs. */
  line(event: LogEvent): string | undefined {
    this.#forest.apply(event);
    const text = narrate(event, this.#forest);
    return text === undefined ? undefined : ` ${clock(event.t)}  ${text}`;
  }
}

/** Tells what comes from now on; what the log still has from before only gives the blocks their names. */
export function followLog(log: YardLog, say: (line: string) => void): () => void {
  const narrator = new Narrator();
  for (const event of log.since(0)) narrator.line(event);
  return log.subscribe((event) => {
    const line = narrator.line(event);
    if (line !== undefined) say(line);
  });
}
