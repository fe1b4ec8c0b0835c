import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { headerHash } from '../../src/bitcoin/header.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import type { Write } from '../../src/consensus/store/store.ts';
import { limits } from '../../src/node/limits.ts';
import type { Effect, Input, Step } from '../../src/node/types.ts';
import { decodeMessage } from '../../src/node/wire/messages.ts';
import { idOf, toHex } from '../../src/util/bytes.ts';

/**
 * What a node was given and what it did, one line each, for people to read in a review. Ids are their last six digits;
 * numbers that only the clock decides are left in, since time is virtual.
 */
export class Transcript {
  readonly #lines: string[] = [];

  /** A remark between two inputs. */
  say(text: string): void {
    this.#lines.push('', '# ' + text);
  }

  record(now: number, input: Input, step: Step): void {
    this.#lines.push((now / 1_000_000).toFixed(6) + ' ' + inputLine(input));
    for (const line of writeLines(step.writes))
      this.#lines.push('    write ' + line + (step.durable ? ' sync' : ''));
    for (const effect of step.effects) this.#lines.push('    ' + effectLine(effect));
  }

  get text(): string {
    return this.#lines.join('\n').trimStart() + '\n';
  }

  /** The expected text, which is this one when `UPDATE_TRANSCRIPTS=1` (or when there is none yet: then it is new). */
  expected(name: string): string {
    const folder = new URL('../transcripts/', import.meta.url);
    const file = new URL(name + '.txt', folder);
    if (process.env['UPDATE_TRANSCRIPTS'] === '1') {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, this.text);
    }
    if (!existsSync(file)) throw new Error('no transcript ' + name + ': make it with UPDATE_TRANSCRIPTS=1');
    return readFileSync(file, 'utf8');
  }
}

function tail(hash: Uint8Array): string {
  return '…' + idOf(hash).slice(-6);
}

function inputLine(input: Input): string {
  switch (input.kind) {
    case 'message':
      return input.peer + ' says ' + frameLine(input.bytes);
    case 'gossip':
      return (
        input.peer +
        ' gossips a ' +
        input.topic +
        ' of ' +
        input.bytes.length +
        ' bytes, ticket ' +
        input.ticket
      );
    case 'command': {
      const { command } = input;
      const about = 'hash' in command ? ' ' + tail(command.hash) : '';
      return 'command ' + command.kind + about + ', ticket ' + input.ticket;
    }
    case 'joined':
      return input.peer + ' joined' + (input.inbound ? ', inbound' : '');
    case 'left':
      return input.peer + ' left';
    case 'flow':
      return input.peer + (input.open ? ' reads again' : ' does not read');
    case 'solved':
      return 'solved job ' + input.job + ' with nonce ' + input.nonce;
    case 'exhausted':
      return 'exhausted job ' + input.job;
    case 'clock':
      return 'clock, offset ' + input.offset / 1_000_000 + ' s';
    case 'timer':
      return 'timer';
  }
}

const TABLES = new Map<number, string>([
  [PREFIX.meta, 'meta'],
  [PREFIX.tip, 'tip'],
  [PREFIX.entry, 'entry'],
  [PREFIX.body, 'body'],
  [PREFIX.undo, 'undo'],
  [PREFIX.coin, 'coin'],
  [PREFIX.sum, 'sum'],
  [PREFIX.height, 'height'],
  [PREFIX.tx, 'tx'],
  [PREFIX.mempool, 'mempool'],
]);

/** Tables in the order of their first write; many coins or the like are counted. */
function writeLines(writes: readonly Write[]): string[] {
  const groups = new Map<string, Write[]>();
  for (const write of writes) {
    const table = TABLES.get(write.key[0] ?? 0) ?? 'unknown';
    const group = (write.value === undefined ? 'delete ' : '') + table;
    groups.set(group, [...(groups.get(group) ?? []), write]);
  }
  return [...groups].map(([group, list]) => {
    const [one] = list;
    if (list.length > 1) return group + ' × ' + list.length;
    const size = one!.value === undefined ? '' : ' = ' + one!.value.length + ' bytes';
    const key =
      one!.key.length === 33 ? tail(one!.key.subarray(1)) : toHex(one!.key.subarray(1)).slice(0, 12);
    return group + (key === '' ? '' : ' ' + key) + size;
  });
}

function effectLine(effect: Effect): string {
  switch (effect.kind) {
    case 'send':
      return 'send ' + effect.peer + ': ' + frameLine(effect.bytes) + (effect.early === true ? ' early' : '');
    case 'publish':
      return 'publish a ' + effect.topic + ' of ' + effect.bytes.length + ' bytes';
    case 'judge':
      return 'judge ticket ' + effect.ticket + ': ' + effect.verdict;
    case 'answer':
      return 'answer ticket ' + effect.ticket + ': ' + plain(effect.result);
    case 'drop':
      return (
        'drop ' +
        effect.peer +
        (effect.banMs === undefined ? '' : ' for ' + effect.banMs + ' ms') +
        ': ' +
        effect.why
      );
    case 'work':
      return effect.job === undefined
        ? 'work: none'
        : 'work: job ' +
            effect.job.id +
            ' for height ' +
            effect.job.height +
            ' on …' +
            effect.job.prev.slice(-6);
    case 'wake':
      return 'wake at ' + (effect.at / 1_000_000).toFixed(6);
    case 'tell': {
      const { kind, ...rest } = effect.news;
      return 'tell ' + kind + ' ' + plain(rest);
    }
  }
}

/** JSON for people: ids shortened, bytes by their length. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (item instanceof Uint8Array) return item.length + ' bytes';
    if (typeof item === 'string' && /^[0-9a-f]{64}$/.test(item)) return '…' + item.slice(-6);
    return item;
  });
}

function frameLine(frame: Uint8Array): string {
  const decoded = decodeMessage(frame, limits);
  if (!decoded.ok) return 'a bad frame of ' + frame.length + ' bytes';
  const message = decoded.value;
  switch (message.kind) {
    case 'hello':
      return (
        'hello, ' +
        message.name +
        ' at ' +
        message.height +
        ' ' +
        tail(message.tip) +
        ', work ' +
        message.work
      );
    case 'getheaders':
      return 'getheaders #' + message.id + ' from ' + message.locator.map(tail).join(' ');
    case 'headers':
      return (
        'headers #' + message.id + ': ' + message.headers.map((header) => tail(headerHash(header))).join(' ')
      );
    case 'getblocktxs':
      return 'getblocktxs ' + tail(message.hash) + ': ' + message.indexes.join(' ');
    case 'blocktxs':
      return 'blocktxs ' + tail(message.hash) + ': ' + message.count;
    case 'getblocks':
    case 'notfound':
    case 'gettxs':
    case 'inv':
      return message.kind + ' ' + message.ids.map(tail).join(' ');
    case 'block':
      return (
        'block ' + tail(headerHash(message.bytes.subarray(0, 80))) + ' of ' + message.bytes.length + ' bytes'
      );
    case 'tx':
      return 'tx of ' + message.bytes.length + ' bytes';
    case 'tip':
      return (
        'tip ' +
        message.height +
        ' ' +
        tail(headerHash(message.header)) +
        ', work ' +
        message.work +
        (message.gossiped ? ', gossiped' : '')
      );
    case 'ping':
    case 'pong':
      return message.kind;
  }
}
