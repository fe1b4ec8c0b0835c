import type { Forest } from '../../observe/state/forest.ts';
import type { LogItem } from './state.ts';

/** `node:C kind:reorg tx:a91f words`: every term must hold, small letters will do. */
export interface Term {
  readonly field: 'node' | 'kind' | 'tx' | 'text';
  readonly value: string;
}

export function parseFilter(text: string): Term[] {
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const match = /^(node|kind|tx):(.+)$/i.exec(word);
      if (match === null) return { field: 'text', value: word.toLowerCase() } as const;
      const value = match[2]!.toLowerCase().replace(/^…/, '');
      return { field: match[1]!.toLowerCase() as Term['field'], value };
    });
}

export function matches(item: LogItem, terms: readonly Term[], forest: Forest): boolean {
  return terms.every(({ field, value }) => {
    switch (field) {
      case 'node':
        return item.node.toLowerCase() === value;
      case 'kind':
        return item.kind === value || item.kind.startsWith(`${value}-`);
      case 'tx': {
        const inBlock = item.block === undefined ? [] : (forest.blocks.get(item.block)?.txids ?? []);
        return [...item.txids, ...inBlock].some((id) => id.endsWith(value) || id.startsWith(value));
      }
      default:
        return item.text.toLowerCase().includes(value);
    }
  });
}
