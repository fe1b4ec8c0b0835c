import { expect } from 'vitest';

/** To the digits that a table prints: half a unit of the last one. */
export function printed(value: number, text: string): void {
  const decimals = text.split('.')[1]?.length ?? 0;
  expect(Math.abs(value - Number(text)), `${value} is not ${text}`).toBeLessThanOrEqual(
    0.5001 / 10 ** decimals,
  );
}
