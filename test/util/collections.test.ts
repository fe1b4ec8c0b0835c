import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assert, InvariantError, unreachable } from '../../src/util/assert.ts';
import { BoundedMap } from '../../src/util/bounded-map.ts';
import { Heap } from '../../src/util/heap.ts';
import { seeded } from '../../src/util/random.ts';

describe('Heap', () => {
  it('gives back what went in, in order, with pushes and pops mixed', () => {
    const steps = fc.array(fc.option(fc.nat(50), { nil: undefined }), { maxLength: 80 });
    fc.assert(
      fc.property(steps, (list) => {
        const heap = new Heap<number>((a, b) => a - b);
        const model: number[] = [];
        for (const step of list) {
          if (step === undefined) {
            model.sort((a, b) => a - b);
            expect(heap.peek()).toBe(model[0]);
            expect(heap.pop()).toBe(model.shift());
          } else {
            heap.push(step);
            model.push(step);
          }
          expect(heap.size).toBe(model.length);
        }
        expect([...heap].sort((a, b) => a - b)).toEqual(model.sort((a, b) => a - b));
      }),
      { seed: 21, numRuns: 300 },
    );
  });

  it('takes initial items and empties', () => {
    const heap = new Heap<string>((a, b) => (a < b ? -1 : a > b ? 1 : 0), ['c', 'a', 'b']);
    expect([heap.pop(), heap.pop()]).toEqual(['a', 'b']);
    heap.clear();
    expect(heap.pop()).toBeUndefined();
    expect(heap.size).toBe(0);
  });
});

describe('BoundedMap', () => {
  it('forgets the oldest, and says which', () => {
    const map = new BoundedMap<string, number>(2);
    expect(map.set('a', 1)).toBeUndefined();
    expect(map.set('b', 2)).toBeUndefined();
    expect(map.get('a')).toBe(1); // no renewal without lru
    expect(map.set('c', 3)).toEqual(['a', 1]);
    expect([...map.keys()]).toEqual(['b', 'c']);
    expect(map.has('a')).toBe(false);
  });

  it('renews a key that is set again', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    expect(map.set('a', 3)).toBeUndefined();
    expect(map.set('c', 4)).toEqual(['b', 2]);
    expect([...map]).toEqual([
      ['a', 3],
      ['c', 4],
    ]);
  });

  it('renews on get with lru, values of undefined included', () => {
    const map = new BoundedMap<string, number | undefined>(2, { lru: true });
    map.set('a', undefined);
    map.set('b', 2);
    expect(map.get('a')).toBeUndefined();
    expect(map.set('c', 3)).toEqual(['b', 2]);
    expect(map.has('a')).toBe(true);
    expect(map.get('nobody')).toBeUndefined();
    expect(map.size).toBe(2);
  });

  it.each([false, true])('forgets as a list would, whatever is done in whatever order (lru: %s)', (lru) => {
    const random = seeded(11);
    const map = new BoundedMap<number, number>(5, { lru });
    let list: [number, number][] = [];
    const without = (key: number) => list.filter(([other]) => other !== key);
    for (let turn = 0; turn < 20_000; turn++) {
      const key = random.below(12);
      const what = random.below(100);
      if (what === 0) {
        map.clear();
        list = [];
      } else if (what < 15) {
        expect(map.delete(key)).toBe(without(key).length < list.length);
        list = without(key);
      } else if (what < 40) {
        const known = list.find(([other]) => other === key);
        expect(map.get(key)).toBe(known?.[1]);
        if (lru && known !== undefined) list = [...without(key), known];
      } else {
        list = [...without(key), [key, turn]];
        const gone = list.length > 5 ? list.shift() : undefined;
        expect(map.set(key, turn)).toEqual(gone);
      }
      expect([...map]).toEqual(list);
    }
  });

  it('deletes, clears, and wants a limit', () => {
    const map = new BoundedMap<string, number>(3);
    map.set('a', 1);
    expect([map.delete('a'), map.delete('a')]).toEqual([true, false]);
    map.set('b', 1);
    map.clear();
    expect([...map.values()]).toEqual([]);
    expect(() => new BoundedMap(0)).toThrow(RangeError);
    expect(() => new BoundedMap(1.5)).toThrow(RangeError);
  });
});

describe('assert', () => {
  it('throws InvariantError, and only when the condition fails', () => {
    expect(() => assert(true, 'never')).not.toThrow();
    expect(() => assert(false, 'told you')).toThrow(new InvariantError('told you'));
    expect(() => unreachable('x' as never)).toThrow(InvariantError);
  });
});
