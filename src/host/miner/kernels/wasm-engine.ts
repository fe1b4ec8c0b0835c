/** The part of the engine's WebAssembly that is used: Node's types leave it to the browser's library. */
declare const WebAssembly: {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/**
 * What a generated module exports.
 * @throws Error where the engine cannot run it: all of them use SIMD.
 */
export function instantiate(bytes: Uint8Array<ArrayBuffer>): unknown {
  if (!WebAssembly.validate(bytes)) throw new Error('this JavaScript engine has no WebAssembly SIMD');
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
}
