/**
 * `Promise.withResolvers` for Node 20 (Node 22 has it). libp2p 3 calls it without asking, so this module must be
 * imported before the first libp2p module, in every thread that loads one.
 */
interface Resolvers<T> {
  promise: Promise<T>;
  resolve: (value: T | PromiseLike<T>) => void;
  reject: (reason?: unknown) => void;
}

const holder = Promise as unknown as { withResolvers?: <T>() => Resolvers<T> };

holder.withResolvers ??= <T>(): Resolvers<T> => {
  let resolve!: Resolvers<T>['resolve'];
  let reject!: Resolvers<T>['reject'];
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};
