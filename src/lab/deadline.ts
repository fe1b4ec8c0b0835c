import { Problem } from '../yard/problem.ts';

/** The work's own end, or a Problem with these words if it takes longer. The work itself goes on. */
export async function withDeadline<T>(work: Promise<T>, ms: number, words: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Problem(1, words)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
