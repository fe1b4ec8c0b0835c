import { readFileSync, rmSync } from 'node:fs';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { writeAtomically } from '../files.ts';

/**
 * The node's libp2p key, made on first use and kept as `<dir>/identity`: one line of base64 (the protobuf
 * form that libp2p uses everywhere), mode 0600. libp2p's own datastore would not keep it.
 * @throws Error with a sentence when the file is there but is no key.
 */
export async function loadIdentity(dir: string): Promise<PrivateKey> {
  const file = join(dir, 'identity');
  const text = await readFile(file, 'utf8').catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT') return undefined;
    throw e;
  });
  if (text === undefined) return createIdentity(file);
  // A copied directory may have lost the mode; the key is a secret all the same.
  await chmod(file, 0o600);
  try {
    return privateKeyFromProtobuf(Buffer.from(text.trim(), 'base64'));
  } catch (e) {
    throw new Error(
      `${file} does not hold a peer identity (${(e as Error).message}); remove it to get a new one`,
    );
  }
}

/** A key is on the disk as a whole or not at all: a node that ends at this moment starts again with another one. */
async function createIdentity(file: string): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519');
  writeAtomically(file, Buffer.from(privateKeyToProtobuf(key)).toString('base64') + '\n');
  return key;
}

/**
 * Removes `<dir>/identity` if it is empty, which a version that wrote it in place could leave behind at its first start.
 * Only for a node without a chain: no other node can know its peer id. Returns a sentence if it removed the file.
 */
export function removeEmptyIdentity(dir: string): string | undefined {
  const file = join(dir, 'identity');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (text.trim() !== '') return undefined;
  rmSync(file);
  return `${file} was empty and this node has no chain yet, so it gets a new peer identity`;
}
