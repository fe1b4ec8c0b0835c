import type { Out } from './out.ts';

/** On stderr, so that what is piped elsewhere stays clean; only where somebody looks. */
export class ProgressBar {
  readonly #out: Out;
  readonly #name: string;
  readonly #began = performance.now();
  readonly #shown: boolean;
  #last = 0;

  constructor(out: Out, name: string) {
    this.#out = out;
    this.#name = name;
    this.#shown = process.stderr.isTTY === true && process.env['TERM'] !== 'dumb' && !out.quiet;
  }

  show(part: number): void {
    const now = performance.now();
    if (!this.#shown || now - this.#last < 100) return;
    this.#last = now;
    const width = 30;
    const full = Math.round(part * width);
    const [on, off] = this.#out.ascii ? ['#', '.'] : ['█', '░'];
    const spent = now - this.#began;
    const left = part < 0.02 ? '' : `  ${Math.ceil((spent / part - spent) / 1000)} s left`;
    process.stderr.write(
      `\r\u001b[K${this.#name} ${on.repeat(full)}${off.repeat(width - full)} ${Math.floor(part * 100)} %${left}`,
    );
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
  }
}
