import { describe, expect, it } from 'vitest';
import {
  cosine,
  exponentialOf,
  oneMinusExpOfMinus,
  sine,
  squareRoot,
  tangent,
} from '../../src/util/elementary.ts';
import { seeded } from '../../src/util/random.ts';

function worst(of: (x: number) => number, truth: (x: number) => number, from: number, to: number): number {
  let most = 0;
  const random = seeded('elementary');
  for (let i = 0; i < 20_000; i++) {
    const x = from + random.unit() * (to - from);
    const right = truth(x);
    most = Math.max(most, Math.abs(of(x) - right) / Math.max(Math.abs(right), 1e-300));
  }
  return most;
}

describe('functions from + − × ÷', () => {
  it('square root', () => {
    expect(worst(squareRoot, Math.sqrt, 0, 10)).toBeLessThan(5e-16);
    expect(worst(squareRoot, Math.sqrt, 1e-12, 1e-9)).toBeLessThan(5e-16);
    expect(worst(squareRoot, Math.sqrt, 1e15, 1e18)).toBeLessThan(5e-16);
    expect([squareRoot(0), squareRoot(1), squareRoot(4), squareRoot(1e-300)]).toEqual([0, 1, 2, 1e-150]);
    expect(squareRoot(-1)).toBeNaN();
    expect(squareRoot(Number.POSITIVE_INFINITY)).toBeNaN();
  });

  it('e to the x', () => {
    expect(worst(exponentialOf, Math.exp, -50, 50)).toBeLessThan(2e-15);
    expect(worst(exponentialOf, Math.exp, -700, 700)).toBeLessThan(2e-15);
    expect(exponentialOf(0)).toBe(1);
    expect(exponentialOf(-800)).toBe(0);
    expect(exponentialOf(800)).toBe(Number.POSITIVE_INFINITY);
  });

  it('one minus e to the minus x, for small x too', () => {
    expect(worst(oneMinusExpOfMinus, (x) => -Math.expm1(-x), 0, 5)).toBeLessThan(1e-15);
    expect(worst(oneMinusExpOfMinus, (x) => -Math.expm1(-x), 0, 1e-9)).toBeLessThan(1e-15);
  });

  it('sine, cosine, tangent up to a right angle', () => {
    expect(worst(sine, Math.sin, -1.57, 1.57)).toBeLessThan(1e-15);
    expect(worst(cosine, Math.cos, -1.5, 1.5)).toBeLessThan(1e-14);
    expect(worst(tangent, Math.tan, -1.5, 1.5)).toBeLessThan(1e-14);
  });
});
