import type { ReadStream, WriteStream } from 'node:tty';
import type { LogEvent } from '../../events/events.ts';
import type { YardClient } from '../../lab/client/client.ts';
import type { Forest } from '../../observe/state/forest.ts';
import { Interrupted } from '../../yard/action.ts';
import { Problem } from '../../yard/problem.ts';
import type { Command } from './commands.ts';
import { type Controls, complain, press } from './controls.ts';
import { frame } from './frame.ts';
import { NameReader } from './names.ts';
import { applyEvent, endHops, hop, newState, sampleLanes, say, second, takeInfos } from './reduce.ts';
import type { TuiState } from './state.ts';
import { paletteFor, Terminal } from './terminal.ts';

export interface TuiOptions {
  readonly client: YardClient;
  readonly owner: boolean;
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  /** Writes to the same terminal before it returns. */
  readonly writeNow: (bytes: string) => void;
  readonly ascii: boolean;
  /** The tree as the nodes have it, and what the log still has from before. */
  readonly forest: Forest;
  readonly past: readonly LogEvent[];
  /** What comes after `past`, without gap; returns how to stop. */
  readonly follow: (onEvent: (event: LogEvent) => void, onState: (up: boolean) => void) => () => void;
  /** Ends the view from outside. */
  readonly signal: AbortSignal;
  /** Lines for a person from elsewhere in this process, which must not reach the screen by themselves. */
  readonly onNotes?: (listener: (line: string) => void) => void;
}

/** Ten frames a second at most; a flag on its way makes a step a frame. */
const FRAME_MS = 100;
/** Figures that only nodes know (hash rate, peers, pool). */
const POLL_MS = 1_000;
/** With many nodes each is asked less often: at most this many answers a second. */
const POLLED_A_SECOND = 10;

/** Runs the view until `q`, Ctrl-C or `signal`; the terminal is then as it was. */
export async function runTui(o: TuiOptions): Promise<'quit' | 'interrupt' | 'ended'> {
  const state = newState({ yard: o.client.refresh(), owner: o.owner, forest: o.forest, now: Date.now() });
  for (const event of o.past) applyEvent(state, event, true);
  endHops(state);
  const view = new View(o, state);
  return view.run();
}

class View {
  readonly #o: TuiOptions;
  readonly #state: TuiState;
  readonly #names: NameReader;
  readonly #terminal: Terminal;
  readonly #controls: Controls;
  readonly #actions = new Set<AbortController>();
  #isDirty = true;
  #second = 0;
  #polledAt = 0;
  #isPolling = false;
  #finish: (how: 'quit' | 'interrupt' | 'ended') => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: TuiOptions, state: TuiState) {
    this.#o = options;
    this.#state = state;
    this.#names = new NameReader(options.client);
    this.#controls = {
      client: options.client,
      memory: new Map(),
      perform: (command) => this.#begin(command),
      stopRunning: () => this.#stopRunning(),
      end: (how) => this.#finish(how),
      suspend: () => this.#terminal.suspend(),
      redraw: () => this.#terminal.clear(),
    };
    this.#terminal = new Terminal({
      stdin: options.stdin,
      stdout: options.stdout,
      writeNow: options.writeNow,
      palette: paletteFor(process.env),
      onKey: (key) => {
        state.now = Date.now();
        press(state, key, this.#controls);
        this.#isDirty = true;
      },
      onRedraw: () => {
        endHops(state);
        this.#isDirty = true;
      },
    });
  }

  async run(): Promise<'quit' | 'interrupt' | 'ended'> {
    const { signal, follow, onNotes } = this.#o;
    const ended = new Promise<'quit' | 'interrupt' | 'ended'>((done, fail) => {
      this.#finish = done;
      this.#fail = fail;
    });
    const onAbort = () => this.#finish('ended');
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    onNotes?.((text) => {
      say(this.#state, text, 'error');
      this.#isDirty = true;
    });
    const unfollow = follow(
      (event) => this.#onEvent(event),
      (up) => {
        this.#state.connected = up;
        this.#isDirty = true;
      },
    );
    this.#terminal.open();
    const timer = setInterval(() => this.#tick(), FRAME_MS);
    try {
      this.#tick();
      return await ended;
    } finally {
      clearInterval(timer);
      unfollow();
      signal.removeEventListener('abort', onAbort);
      this.#stopRunning();
      this.#terminal.close();
    }
  }

  #onEvent(event: LogEvent): void {
    applyEvent(this.#state, event);
    this.#isDirty = true;
    if (event.kind !== 'tx-seen' || this.#state.names.has(event.txid)) return;
    this.#names.read(event.txid, event.node).then((name) => {
      if (name === undefined) return;
      this.#state.names.set(event.txid, name);
      // As many as can be chosen, and a few more that only a rival is known by.
      if (this.#state.names.size > 1_000) this.#state.names.delete(this.#state.names.keys().next().value!);
      this.#isDirty = true;
    }, this.#fail);
  }

  #tick(): void {
    const state = this.#state;
    state.now = Date.now();
    const isNewSecond = Math.floor(state.now / 1000) !== this.#second;
    if (isNewSecond) {
      this.#second = Math.floor(state.now / 1000);
      second(state);
      this.#isDirty = true;
    }
    this.#poll();
    if (state.hops.size > 0) {
      hop(state);
      this.#isDirty = true;
    }
    if (!this.#isDirty || !this.#terminal.isReady) return;
    this.#isDirty = false;
    sampleLanes(state);
    this.#terminal.draw(frame(state, { ...this.#terminal.size, ascii: this.#o.ascii }));
  }

  #poll(): void {
    const state = this.#state;
    const every = Math.max(POLL_MS, (1_000 * state.yard.nodes.length) / POLLED_A_SECOND);
    if (this.#isPolling || state.now - this.#polledAt < every) return;
    this.#isPolling = true;
    const since = state.now - this.#polledAt;
    this.#polledAt = state.now;
    const { client } = this.#o;
    state.yard = client.refresh();
    client.infos().then((infos) => {
      takeInfos(state, infos, since);
      this.#isPolling = false;
      this.#isDirty = true;
    }, this.#fail);
  }

  /** The sentence before, a line a step, the line of figures after; what goes wrong is one line. */
  #begin({ action, timeoutMs }: Command): void {
    const state = this.#state;
    const stop = new AbortController();
    const tell = (text: string, from: 'action' | 'error' = 'action') => {
      state.now = Date.now();
      say(state, text, from);
      this.#isDirty = true;
    };
    this.#actions.add(stop);
    state.running.push(action.plan);
    tell(action.plan);
    const over = () => {
      this.#actions.delete(stop);
      state.running.splice(state.running.indexOf(action.plan), 1);
      this.#isDirty = true;
    };
    action
      .run({ step: (text) => tell(`  ${text}`), timeoutMs, signal: stop.signal })
      .then(
        (done) => tell(done.line, done.no === true ? 'error' : 'action'),
        (error: unknown) => {
          if (error instanceof Interrupted) tell(`stopped: ${action.plan}`, 'error');
          else if (error instanceof Problem) complain(state, error);
          else throw error;
        },
      )
      .then(over)
      .catch(this.#fail);
  }

  #stopRunning(): boolean {
    const any = this.#actions.size > 0;
    for (const stop of this.#actions) stop.abort();
    return any;
  }
}
